//! Looks for encrypted columns in the footer of a Parquet file, also where the file is damaged.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    semdedup::fuzz::footer(bytes);
    // A seed is a whole file: its footer lies before the length of it.
    if let Some((file, tail)) = bytes.split_last_chunk::<8>() {
        let length = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
        semdedup::fuzz::footer(&file[file.len().saturating_sub(length)..]);
    }
});
