//! Tokens against the original's tokenizer, the slow twin.
#![allow(clippy::unwrap_used)]
use std::sync::LazyLock;

use proptest::prelude::*;
use tokenizers::Tokenizer as Original;

use super::words::{Tokenizer, Workspace};
use super::{TABLE, TOKENIZER, Table};

static ORIGINAL: LazyLock<Original> = LazyLock::new(|| {
    let spec = include_bytes!("../../tests/data/tokenizer.json.zst");
    Original::from_bytes(zstd::decode_all(spec.as_slice()).unwrap()).unwrap()
});
static OURS: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::parse(TOKENIZER, 32_000).unwrap());

fn original_tokens(text: &str) -> Vec<u16> {
    let encoding = ORIGINAL.encode_fast(text, false).unwrap();
    encoding.get_ids().iter().map(|&id| u16::try_from(id).unwrap()).collect()
}

fn tokens(text: &str, workspace: &mut Workspace) -> Vec<u16> {
    OURS.encode(text, usize::MAX, workspace).to_vec()
}

#[derive(serde::Deserialize)]
struct Reference {
    text: String,
    tokens: Vec<u16>,
}

#[test]
fn the_tokens_of_every_reference_text_are_those_of_the_original() {
    let lines = zstd::decode_all(include_bytes!("../../tests/data/reference.jsonl.zst").as_slice()).unwrap();
    let mut workspace = Workspace::default();
    let mut count = 0;
    for line in std::str::from_utf8(&lines).unwrap().lines() {
        let reference: Reference = serde_json::from_str(line).unwrap();
        let found = OURS.encode(&reference.text, 512, &mut workspace);
        assert_eq!(found[..found.len().min(512)], reference.tokens, "{:?}", reference.text);
        count += 1;
    }
    assert!(count >= 1_000, "{count} texts");
}

/// Texts of the pieces where tokenizers go wrong: spaces of all kinds, special tokens whole and in parts, code, base64,
/// characters in and outside the vocabulary.
fn awkward_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ ]{1,20}",
        "[\u{2581} \n\t]{1,4}",
        "(<s>|</s>|<unk>|<|s>|/s>|<0x41>)",
        "[a-z]{1,12}",
        "[A-Za-z0-9+/=_.-]{1,90}",
        "(the |The|ing| of|ation|==|--|aaaaaaaa)",
        "[\u{4e00}-\u{4fff}\u{3040}-\u{30ff}\u{0400}-\u{04ff}\u{00c0}-\u{00ff}]{1,8}",
        "[\u{1f600}-\u{1f64f}\u{200d}\u{fe0f}\u{2580}-\u{2582}\u{0}\u{7f}]{1,4}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_awkward_text_has_the_tokens_of_the_original(text in awkward_text()) {
        prop_assert_eq!(tokens(&text, &mut Workspace::default()), original_tokens(&text));
    }

    #[test]
    fn any_text_has_the_tokens_of_the_original(text in any::<String>()) {
        prop_assert_eq!(tokens(&text, &mut Workspace::default()), original_tokens(&text));
    }

    #[test]
    fn the_mean_has_the_same_bits_with_any_instructions(tokens in prop::collection::vec(0u16..32_000, 0..100)) {
        let table = Table::parse(TABLE).unwrap();
        let (mut wide, mut portable) = (vec![f32::NAN; 256], vec![f32::NAN; 256]);
        table.mean(&tokens, &mut wide);
        table.portable_mean(&tokens, &mut portable);
        let bits = |row: &[f32]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&wide), bits(&portable));
    }

    #[test]
    fn a_limit_gives_the_first_tokens_and_tells_whether_there_are_more(text in awkward_text(), limit in 1usize..40) {
        let all = original_tokens(&text);
        let mut workspace = Workspace::default();
        let found = OURS.encode(&text, limit, &mut workspace);
        prop_assert_eq!(found.len() > limit, all.len() > limit);
        let first = limit.min(all.len());
        prop_assert_eq!(&found[..first], &all[..first]);
    }

    #[test]
    fn a_used_workspace_gives_the_same_tokens(texts in prop::collection::vec(awkward_text(), 1..6)) {
        let mut used = Workspace::default();
        for text in texts.iter().chain(&texts) {
            prop_assert_eq!(tokens(text, &mut used), original_tokens(text));
        }
    }
}

#[test]
fn a_full_cache_starts_anew_and_the_tokens_stay_the_same() {
    let mut workspace = Workspace::default();
    let text = "some words that stay";
    let before = tokens(text, &mut workspace);
    for chunk in (0..120_000).collect::<Vec<_>>().chunks(1_000) {
        let numbers: Vec<String> = chunk.iter().map(u32::to_string).collect();
        tokens(&numbers.join(" "), &mut workspace);
        assert_eq!(tokens(text, &mut workspace), before);
    }
}

#[test]
fn long_words_have_the_tokens_of_the_original() {
    for unit in
        ["a", "=", "ab", "中文没有空格", "QUJDREVGR0hJ", "é", "😀", "\u{2581}", "internationalization"]
    {
        let text = unit.repeat(20_000 / unit.len());
        assert_eq!(tokens(&text, &mut Workspace::default()), original_tokens(&text), "{unit}");
    }
}

#[test]
fn a_text_of_megabytes_without_spaces_is_tokenised_only_to_the_limit() {
    let mut workspace = Workspace::default();
    for unit in ["没有空格的长文本", "😀", "QUJDREVGR0hJSktM", "<s>", "\u{2581}x"] {
        let found = OURS.encode(&unit.repeat(100_000), 512, &mut workspace).to_vec();
        assert!((513..600).contains(&found.len()), "{unit}: {} tokens", found.len());
        assert_eq!(found[..512], original_tokens(&unit.repeat(600))[..512], "{unit}");
    }
}

#[test]
fn a_damaged_model_file_is_an_error_that_names_it() {
    let short: &'static [u8] = &TABLE[..1_000];
    assert_eq!(Table::parse(short).err().unwrap(), "table.bin: 128000 bytes expected, 984 left");
    let error = Tokenizer::parse(&TOKENIZER[..TOKENIZER.len() - 1], 32_000).err().unwrap();
    assert!(error.starts_with("tokenizer.bin: 13116 bytes expected, 13115 left"), "{error}");
    let error = Tokenizer::parse(TABLE, 32_000).err().unwrap();
    assert_eq!(error, "tokenizer.bin: does not start with SDBPE001");
    let error = Tokenizer::parse(TOKENIZER, 300).err().unwrap();
    assert!(error.ends_with("there are 300"), "{error}");
    let error = Tokenizer::parse(&[TOKENIZER, b"x"].concat(), 32_000).err().unwrap();
    assert_eq!(error, "tokenizer.bin: 1 bytes after the end");
}
