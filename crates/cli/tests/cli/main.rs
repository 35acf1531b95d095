//! Drives the real `semdedup` on small files that the tests write themselves.
#![allow(clippy::unwrap_used)]

mod alone;
mod bad_input;
mod bad_output;
mod compared;
mod given;
mod help;
mod images;
#[cfg(unix)]
mod interruption;
mod look;
// It looks into /proc.
#[cfg(target_os = "linux")]
mod memory;
mod models;
mod numbers;
mod outputs;
mod probes;
mod results;
mod reuse;
mod safety;
mod server;
#[cfg(unix)]
mod serving;
mod shares;
mod stages;
mod support;
// Where the trusted certificates come from is the system's, elsewhere.
#[cfg(target_os = "linux")]
mod tls;
mod usage;
