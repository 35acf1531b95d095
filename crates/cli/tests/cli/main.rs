//! Drives the real `semdedup` on small files that the tests write themselves.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod bad_output;
mod given;
mod help;
#[cfg(unix)]
mod interruption;
mod look;
// It looks into /proc.
#[cfg(target_os = "linux")]
mod memory;
mod models;
mod probes;
mod results;
mod reuse;
mod safety;
mod server;
mod stages;
mod support;
mod usage;
