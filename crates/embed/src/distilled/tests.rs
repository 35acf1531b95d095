//! The reading of texts: normal form, limits, caches, and words that the vocabulary lacks.
#![allow(clippy::unwrap_used)]
use std::sync::LazyLock;

use proptest::prelude::*;

use super::built_in::{TABLE, VOCABULARY};
use super::letters::{Feature, Step};
use super::normal::Normalizer;
use super::reading::{Counts, Reading};
use super::split::words;
use super::table::Table;
use super::vocabulary::Vocabulary;
use super::words::{Reader, Workspace};

static OURS: LazyLock<Reader> =
    LazyLock::new(|| Reader::new(Vocabulary::new(VOCABULARY.lines()), VECTORS.unit()));
static VECTORS: LazyLock<Table> = LazyLock::new(|| Table::parse(TABLE.into()).unwrap());

fn normal(text: &str) -> String {
    let (normalizer, mut word) = (Normalizer::new(), String::new());
    let normal = words(text).map(|raw| {
        normalizer.word(raw, &mut word);
        word.clone()
    });
    normal.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Everything that was read of a text.
type Whole = (Vec<u32>, Vec<Feature>, Vec<u64>, Vec<Feature>, Option<[Step; 2]>, Counts);

fn whole(found: &Reading) -> Whole {
    let Reading { tokens, features, exact, beside, ends, counts, .. } = found;
    (tokens.clone(), features.clone(), exact.clone(), beside.clone(), *ends, *counts)
}

fn reading(text: &str, workspace: &mut Workspace) -> Whole {
    whole(read(text, usize::MAX, workspace))
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; 256];
    let mut workspace = Workspace::default();
    let found = OURS.read(text, usize::MAX, &mut workspace, |part| VECTORS.add_words(part, &mut vector));
    VECTORS.finish(found, &mut vector);
    vector
}

/// Reads a text of so few words that all are in the reading.
fn read<'w>(text: &str, limit: usize, workspace: &'w mut Workspace) -> &'w Reading {
    OURS.read(text, limit, workspace, |_| {})
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn alike(a: &str, b: &str) -> f64 {
    cosine(&vector(a), &vector(b))
}

/// Generates texts where tokenizers go wrong: spaces of all kinds, special tokens whole and in
/// parts, code, base64, characters in and outside the vocabulary.
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
    fn the_normal_form_of_a_normal_form_is_itself(text in prop_oneof![awkward_text(), any::<String>()]) {
        let once = normal(&text);
        prop_assert_eq!(normal(&once), once);
    }

    #[test]
    fn the_mean_has_the_same_bits_with_any_instructions(text in awkward_text()) {
        let mut workspace = Workspace::default();
        let found = read(&text, 512, &mut workspace);
        let (mut wide, mut portable) = (vec![0.0; 256], vec![0.0; 256]);
        VECTORS.add_words(found, &mut wide);
        VECTORS.portable_add_words(found, &mut portable);
        let bits = |row: &[f32]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&wide), bits(&portable));
    }

    #[test]
    fn a_limit_gives_the_beginning_and_tells_whether_there_is_more(text in awkward_text(), limit in 1usize..40) {
        let mut workspace = Workspace::default();
        let mut unlimited = Workspace::default();
        let whole = read(&text, usize::MAX, &mut unlimited);
        let found = read(&text, limit, &mut workspace);
        prop_assert_eq!(found.counts.units, limit.min(whole.counts.units));
        prop_assert_eq!(found.truncated, whole.counts.units > limit);
        prop_assert_eq!(&found.tokens[..], &whole.tokens[..found.tokens.len()]);
        prop_assert_eq!(&found.features[..], &whole.features[..found.features.len()]);
    }

    #[test]
    fn what_is_behind_the_limit_does_not_count(text in awkward_text(), more in awkward_text(), limit in 1usize..12) {
        let (mut one, mut other) = (Workspace::default(), Workspace::default());
        if read(&text, usize::MAX, &mut one).counts.units >= limit {
            let found = whole(read(&text, limit, &mut one));
            prop_assert_eq!(found, whole(read(&format!("{text} {more}"), limit, &mut other)));
        }
    }

    #[test]
    fn a_used_workspace_reads_the_same(texts in prop::collection::vec(awkward_text(), 1..6)) {
        let mut used = Workspace::default();
        for text in texts.iter().chain(&texts) {
            prop_assert_eq!(reading(text, &mut used), reading(text, &mut Workspace::default()));
        }
    }

    #[test]
    fn white_space_case_and_normal_forms_do_not_count(words in prop::collection::vec("[a-zA-Z]{1,9}|[äöüéèñ]{1,5}|ελληνικά|हिन्दी|한국어", 1..9)) {
        let plain = vector(&words.join(" "));
        for other in [words.join("\u{a0}\n\t "), words.join(" ").to_uppercase().to_lowercase(), words.join("\u{ad} ")] {
            prop_assert_eq!(&plain, &vector(&other), "{:?}", other);
        }
        let decomposed = icu_normalizer::DecomposingNormalizer::new_nfd().normalize(&words.join(" ")).into_owned();
        prop_assert_eq!(&plain, &vector(&decomposed));
    }
}

#[test]
fn a_full_cache_starts_anew_and_what_is_read_stays_the_same() {
    let mut workspace = Workspace::default();
    let text = "some words that stay, и на других языках हिन्दी";
    let before = reading(text, &mut workspace);
    for chunk in (0..120_000).collect::<Vec<_>>().chunks(1_000) {
        let numbers: Vec<String> = chunk.iter().map(|n| format!("{n} ट{n}")).collect();
        reading(&numbers.join(" "), &mut workspace);
        assert_eq!(reading(text, &mut workspace), before);
    }
}

#[test]
fn a_long_text_has_the_sum_of_its_parts() {
    let mut workspace = Workspace::default();
    let known: Vec<&str> =
        VOCABULARY.lines().filter(|piece| piece.len() > 4 && !piece.starts_with('#')).collect();
    let words: Vec<String> = (0..200_000)
        .map(|n| match n % 3 {
            0 => known[n * 7 % known.len()].to_owned(),
            1 => format!("xq{}zv", char::from(b'a' + (n % 26) as u8).to_string().repeat(n % 9)),
            _ => format!("東{}", char::from_u32(0x4e00 + (n % 5_000) as u32).unwrap()),
        })
        .collect();
    let (mut expected, mut units) = (vec![0.0f64; 256], 0);
    for words in words.chunks(1_000) {
        let text = words.join(" ");
        let count = read(&text, usize::MAX, &mut workspace).counts.units;
        let part = vector(&text);
        expected.iter_mut().zip(part).for_each(|(sum, value)| *sum += f64::from(value) * count as f64);
        units += count;
    }
    let (mut found, mut parts) = (vec![0.0; 256], 0);
    let reading = OURS.read(&words.join(" "), usize::MAX, &mut workspace, |part| {
        assert!(part.tokens.len() + part.features.len() < 1 << 18);
        VECTORS.add_words(part, &mut found);
        parts += 1;
    });
    VECTORS.finish(reading, &mut found);
    assert!(parts > 5 && reading.counts.units == units, "{parts} {units}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((f64::from(*found) - expected / units as f64).abs() < 1e-5, "{found}");
    }
}

#[test]
fn a_text_of_megabytes_without_spaces_is_read_only_to_the_limit() {
    let mut workspace = Workspace::default();
    for unit in ["没有空格的长文本", "😀", "QUJDREVGR0hJSktM", "<s>", "\u{2581}x", "हिन्दी", "\u{200b}"]
    {
        let found = read(&unit.repeat(100_000), 512, &mut workspace);
        let is_seen = unit != "\u{200b}";
        let expected = if is_seen { (512, true) } else { (0, false) };
        assert_eq!((found.counts.units, found.truncated), expected, "{unit}");
    }
}

#[test]
fn words_that_the_vocabulary_lacks_are_told_apart_by_their_letters() {
    for (a, b) in [
        ("ᎠᏂᏴᏫ ᎤᏂᎾᏝᎢ", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ"),
        ("ગુજરાતી ભાષા", "સુંદર બગીચો"),
        ("ձմեռային երեկո", "գարնանային առավոտ"),
        ("天气很好", "我饿极了"),
        ("สวัสดีชาวโลก", "วันนี้ฝนตกหนัก"),
        ("😀", "🚀"),
        ("𝕏𓀀", "𓁐𓂀"),
        ("hwnd", "xmlrpc"),
    ] {
        let found = alike(a, b);
        assert!(found < 0.5, "{a} and {b}: {found}");
    }
}

#[test]
fn words_that_the_vocabulary_lacks_are_alike_as_far_as_their_letters_are() {
    for (a, b, least) in [
        ("ગુજરાતી", "ગુજરાતીઓ", 0.15),
        ("ᎠᏂᏴᏫ ᎤᏂᎾᏝᎢ ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎤᎵᎮᎵᏍᏗ ᎠᏓᏅᏙ", "ᎠᏂᏴᏫ ᎤᏂᎾᏝᎢ ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎤᎵᎮᎵᏍᏗ", 0.9),
        ("今天天气很好我们一起去公园散步吧", "今天天气很好我们一起去公园散步", 0.9),
        ("नमस्ते, दुनिया।", "नमस्ते दुनिया", 0.97),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς", 0.999_999),
        ("می\u{200c}خواهم بروم", "میخواهم بروم", 0.999_999),
        ("ﬁne straße", "FINE STRASSE", 0.999_999),
    ] {
        let found = alike(a, b);
        assert!(found >= least, "{a} and {b}: {found}");
    }
}

#[test]
fn the_order_of_letters_counts_in_words_that_the_vocabulary_lacks() {
    assert!(alike("ձմեռ", "ռմեձ") < 0.3);
    assert!(alike("上海自来水", "水来自海上") < 0.7);
    assert!(alike("🇸🇪", "🇪🇸") < 0.8);
    assert!(alike("他有3个苹果和5个梨", "他有5个苹果和3个梨") < 0.97);
    let flag = |letters: &str| -> String {
        let tags = letters.chars().map(|letter| char::from_u32(0xe0000 + u32::from(letter)).unwrap());
        ['🏴'].into_iter().chain(tags).chain(['\u{e007f}']).collect()
    };
    assert!(alike(&flag("gbeng"), &flag("gbsct")) < 0.9);
}

#[test]
fn raised_and_lowered_numbers_and_fractions_are_not_plain_ones() {
    for (a, b) in [("2⁵", "25"), ("10²", "102"), ("x₁₂", "x12"), ("1½", "11/2")] {
        let found = alike(&format!("what is {a}"), &format!("what is {b}"));
        assert!(found < 0.999, "{a} and {b}: {found}");
    }
}

#[test]
fn words_of_english_have_tokens_and_no_features() {
    let mut workspace = Workspace::default();
    let text = "The quick brown fox doesn't jump over 12 lazy dogs (in 3.5 seconds); isn't it? $5 — “fine”…";
    let found = read(text, 512, &mut workspace);
    assert_eq!(found.features.len(), 0, "{found:?}");
    assert!(!found.is_mostly_unknown());
}

#[test]
fn texts_of_mostly_unknown_words_are_told() {
    for (text, unknown) in [
        ("plain words here", false),
        ("ગુજરાતી ભાષા", true),
        ("ગુજરાતી is a language of India", false),
        ("天气很好", true),
        ("", false),
        ("😀", false),
    ] {
        let mut workspace = Workspace::default();
        assert_eq!(read(text, 512, &mut workspace).is_mostly_unknown(), unknown, "{text}");
    }
}

#[test]
fn a_damaged_table_is_an_error_that_names_it() {
    let short: &'static [u8] = &TABLE[..1_000];
    let error = Table::parse(short.into()).err().unwrap();
    assert!(error.starts_with("table.bin: ") && error.ends_with("bytes expected, 980 left"), "{error}");
}

#[test]
fn a_reading_takes_a_word_whole_or_not_at_all() {
    let mut whole = Workspace::default();
    let word = read("internationalizationing", usize::MAX, &mut whole);
    let mut reading = Reading::default();
    reading.begin(word.counts.units - 1);
    assert!(!reading.append(word));
    assert!(reading.tokens.is_empty());
    reading.begin(word.counts.units);
    assert!(reading.append(word));
    assert_eq!((reading.room(), reading.truncated), (0, false));
}
