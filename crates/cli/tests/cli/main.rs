//! Drives the real `semdedup` on small files that the tests write themselves.
#![allow(clippy::unwrap_used)]

mod alone;
mod bad_input;
mod bad_output;
mod bare;
mod calibrate;
mod compare;
mod compared;
mod csv;
mod damaged;
mod distill;
mod dry_run;
mod embedding_forms;
mod embedding_server;
mod encodings;
mod help;
mod ids;
mod images;
mod indistinct;
mod inspect;
#[cfg(unix)]
mod interruption;
mod keep;
mod keep_refused;
mod label;
mod linked_images;
mod listed_images;
// These tests read /proc.
#[cfg(target_os = "linux")]
mod long_texts;
mod memory;
mod models;
mod numbers;
mod odd_images;
mod outputs;
mod own_work;
mod paid_for;
mod paired;
mod parquet_types;
mod probes;
mod provided;
mod refused;
mod repaired;
mod results;
mod reuse;
mod rules;
mod safety;
mod server;
#[cfg(unix)]
mod serving;
mod shares;
mod stages;
mod stats;
mod support;
// On other systems the trusted certificates do not come from the environment.
#[cfg(target_os = "linux")]
mod tls;
mod usage;
mod within;
