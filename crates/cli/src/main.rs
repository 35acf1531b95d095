//! The `semdedup` command.

fn main() {}
