//! The reading of texts against the original's tokenizer and embeddings.
#![allow(clippy::unwrap_used)]
use std::sync::LazyLock;

use half::f16;
use proptest::prelude::*;
use tokenizers::Tokenizer as Original;

use super::tests::{OURS, VECTORS, awkward_text, cosine, normal, reading};
use super::words::Workspace;

static ORIGINAL: LazyLock<Original> = LazyLock::new(|| {
    let spec = include_bytes!("../../tests/data/tokenizer.json.zst");
    String::from_utf8(zstd::decode_all(spec.as_slice()).unwrap()).unwrap().parse().unwrap()
});

/// Returns the original's tokens of the normal form of a text.
fn original_tokens(normal: &str) -> Vec<u16> {
    let encoding = ORIGINAL.encode_fast(normal, false).unwrap();
    encoding.get_ids().iter().map(|&id| u16::try_from(id).unwrap()).collect()
}

/// Whether a text spells a special token, which is plain text for this model.
fn has_special(text: &str) -> bool {
    ["<s>", "</s>", "<unk>"].iter().any(|special| text.contains(special))
}

#[derive(serde::Deserialize)]
struct Reference {
    text: String,
    tokens: Vec<u16>,
}

#[test]
fn every_reference_text_of_known_words_has_the_tokens_and_the_embedding_of_the_original() {
    let lines = zstd::decode_all(include_bytes!("../../tests/data/reference.jsonl.zst").as_slice()).unwrap();
    let (embeddings, _) = include_bytes!("../../tests/data/reference.f16").as_chunks::<512>();
    let mut workspace = Workspace::default();
    let mut count = 0;
    for (line, original) in std::str::from_utf8(&lines).unwrap().lines().zip(embeddings) {
        let reference: Reference = serde_json::from_str(line).unwrap();
        let found = OURS.read(&reference.text, 512, &mut workspace);
        if !found.features.is_empty() || has_special(&normal(&reference.text)) || found.tokens.is_empty() {
            continue;
        }
        assert_eq!(found.tokens, reference.tokens, "{:?}", reference.text);
        let original: Vec<f32> =
            original.as_chunks::<2>().0.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect();
        let mut ours = vec![0.0; 256];
        VECTORS.mean(found, &mut ours);
        let (found, length) = (cosine(&ours, &original), |row: &[f32]| {
            cosine(row, row) * row.iter().map(|v| v * v).sum::<f32>().sqrt() as f64
        });
        assert!(found >= 0.9999, "{:?}: {found}", reference.text);
        assert!((length(&ours) / length(&original) - 1.0).abs() < 0.005, "{:?}", reference.text);
        count += 1;
    }
    assert!(count >= 600, "{count} texts");
}

/// Generates texts of words that the vocabulary knows, with characters that may be between and
/// around them.
fn familiar_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ \n\t\u{2581}\u{a0}\u{3000}]{1,4}",
        "(the|The|WINDOW|function|Cœur|Привет|naïve|house|don't|2,000|x86|3.14|e\u{301}t\u{e9})",
        "[.,;:!?(){}<>/=_+-]{1,3}",
        "[0-9]{1,6}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn known_words_have_the_tokens_of_the_original(text in prop_oneof![familiar_text(), awkward_text(), any::<String>()]) {
        let (tokens, features, _) = reading(&text, &mut Workspace::default());
        let normal = normal(&text);
        if features == 0 && !has_special(&normal) {
            prop_assert_eq!(tokens, original_tokens(&normal));
        }
    }
}

#[test]
fn long_words_have_the_tokens_of_the_original() {
    for unit in ["/", "=", "ab/", "QUJDREVGR0hJ", "é", "internationalization"] {
        let text = unit.repeat(20_000 / unit.len());
        let (tokens, features, units) = reading(&text, &mut Workspace::default());
        match features {
            0 => assert_eq!(tokens, original_tokens(&normal(&text)), "{unit}"),
            _ => assert!(units >= text.chars().count() / 64, "{unit}: {units}"),
        }
    }
}
