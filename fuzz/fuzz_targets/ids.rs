//! Checks that ids in JSON get the same type, whatever the division into parts.
#![no_main]

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use libfuzzer_sys::fuzz_target;
use semdedup::formats::{IdPart, IdSource, unify_ids};

fuzz_target!(|input: (u8, &str)| {
    let (cut, text) = input;
    let tokens: Vec<Option<&str>> =
        text.split('\n').map(|token| Some(token).filter(|token| !token.is_empty())).collect();
    let part = |tokens: &[Option<&str>]| IdPart {
        source: IdSource::Json,
        values: Arc::new(StringArray::from(tokens.to_vec())) as ArrayRef,
    };
    let (first, rest) = tokens.split_at(usize::from(cut) % (tokens.len() + 1));
    let whole = unify_ids(vec![part(&tokens)]);
    let parts = unify_ids(vec![part(first), part(rest)]);
    match (whole, parts) {
        (Ok(whole), Ok(parts)) => {
            assert_eq!(whole.len(), tokens.len());
            assert_eq!(whole.as_ref(), parts.as_ref());
        }
        (whole, parts) => assert_eq!(whole.is_ok(), parts.is_ok()),
    }
});
