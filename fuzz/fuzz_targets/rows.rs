//! Reads rows of every text format, and writes them back without some of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((format, bytes)) = bytes.split_first() else { return };
    let names = ["a.jsonl", "a.json", "a.csv", "a.tsv", "a.txt", "a.jsonl.gz", "a.csv.zst"];
    semdedup_fuzz::file(names[usize::from(*format) % names.len()], bytes);
});
