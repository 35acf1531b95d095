//! Opens files of embeddings and of whole numbers, and checks that the file holds all rows that its
//! header promises.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((format, bytes)) = bytes.split_first() else { return };
    let names = ["a.npy", "a.npz", "a.safetensors"];
    let path = semdedup_fuzz::write(names[usize::from(*format) % names.len()], bytes);
    semdedup::fuzz::matrix(&path);
});
