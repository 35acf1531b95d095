//! Drives the real `semdedup` against a server that speaks the S3 protocol, started by the tests on this machine, and cuts
//! its connections.
#![allow(clippy::unwrap_used)]

mod faults;
mod reading;
mod runs;
mod server;
#[allow(dead_code, reason = "shared with the other tests of the command")]
#[path = "../cli/support.rs"]
mod support;
mod writing;
