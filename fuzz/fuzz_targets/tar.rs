//! Reads WebDataset shards, and writes them back without some samples.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| semdedup_fuzz::file("a.tar", bytes));
