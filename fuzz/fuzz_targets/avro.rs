//! Reads Avro files, which cannot be written back.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| semdedup_fuzz::file("a.avro", bytes));
