//! Checks that bytes are cut into the same rows, whatever the buffers and limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semdedup::formats::{Dialect, Escape, Format, Quote};

fuzz_target!(|input: (u8, u8, u8, &[u8])| {
    let (format, limit, buffer, bytes) = input;
    let format = match format % 8 {
        0 => Format::Jsonl,
        1 => Format::JsonArray,
        2 => Format::Csv(Dialect::new(b',')),
        3 => Format::Csv(Dialect::new(b'\t')),
        4 => {
            let mut dialect = Dialect::new(b';');
            (dialect.quirks.quote, dialect.quirks.escape) = (Quote(Some('\'')), Escape(Some('\\')));
            (dialect.quirks.no_header, dialect.quirks.lines_above_header) = (buffer % 2 == 0, 1);
            Format::Csv(dialect)
        }
        5 => {
            let mut dialect = Dialect::new(b'\t');
            (dialect.quirks.quote, dialect.quirks.escape) = (Quote(None), Escape(Some('\\')));
            Format::Csv(dialect)
        }
        6 => {
            let mut dialect = Dialect::new(b',');
            dialect.quirks.skip_spaces = true;
            Format::Csv(dialect)
        }
        _ => Format::Text,
    };
    semdedup::fuzz::split(format, bytes, 1 + usize::from(limit), 3 + usize::from(buffer % 64));
});
