//! Drives the real `semdedup` against an S3 server that the tests start on this machine, and cuts
//! its connections.
#![allow(clippy::unwrap_used)]

mod faults;
mod left_out;
mod reading;
mod runs;
mod server;
#[allow(dead_code, unused_imports, reason = "shared with the other tests of the command")]
#[path = "../cli/support/mod.rs"]
mod support;
mod writing;
