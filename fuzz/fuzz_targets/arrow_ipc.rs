//! Reads Arrow files and streams, and writes them back without some rows.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| semdedup_fuzz::file("a.arrow", bytes));
