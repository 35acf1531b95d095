//! Checks that bytes are cut into the same rows, whatever the buffers and limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semdedup::formats::Format;

fuzz_target!(|input: (u8, u8, u8, &[u8])| {
    let (format, limit, buffer, bytes) = input;
    let format = match format % 5 {
        0 => Format::Jsonl,
        1 => Format::JsonArray,
        2 => Format::Csv { delimiter: b',' },
        3 => Format::Csv { delimiter: b'\t' },
        _ => Format::Text,
    };
    semdedup::fuzz::split(format, bytes, 1 + usize::from(limit), 3 + usize::from(buffer % 64));
});
