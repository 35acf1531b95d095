//! Parses answers of an embedding server.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (texts, dim, body) = input;
    semdedup_embed::fuzz::answer(body, usize::from(texts), Some(usize::from(dim)).filter(|dim| *dim > 0));
});
