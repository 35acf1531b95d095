//! The built-in text model agrees with people on STS-B, tells languages apart, and gives the same
//! bytes in every batch and on every thread.
#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use proptest::prelude::*;
use rayon::prelude::*;
use semdedup_embed::{EmbedStats, StaticModel, TextModel};

/// The Spearman correlation of this model on these 1,500 pairs, as `bench/text_model/evaluate.py`
/// prints it.
const STSB_SPEARMAN: f64 = 0.8441;

fn model() -> StaticModel {
    StaticModel::built_in(None).unwrap()
}

fn embed(model: &StaticModel, texts: &[&str]) -> Vec<f32> {
    let mut rows = vec![f32::NAN; texts.len() * model.dim()];
    model.embed(texts, &mut rows).unwrap();
    rows
}

fn bits(rows: &[f32]) -> Vec<u32> {
    rows.iter().map(|value| value.to_bits()).collect()
}

fn language_texts() -> Vec<(String, String)> {
    let lines = zstd::decode_all(include_bytes!("data/languages.jsonl.zst").as_slice()).unwrap();
    let row = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| row[name].as_str().unwrap().to_owned();
        (field("lang"), field("text"))
    };
    std::str::from_utf8(&lines).unwrap().lines().map(row).collect()
}

fn as_strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Returns the cosine similarity, or NaN if either row is zero.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Returns the ranks from 1. Equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .map(|value| {
            let below = values.iter().filter(|other| *other < value).count();
            let equal = values.iter().filter(|other| *other == value).count();
            below as f64 + (equal as f64 + 1.0) / 2.0
        })
        .collect()
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let centred = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| value - mean).collect::<Vec<_>>()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (a, b) = (centred(a), centred(b));
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

/// Reads the three fields of each record of a CSV file without a header.
fn read_pairs(data: &[u8]) -> Vec<[String; 3]> {
    let (mut reader, mut rest) = (csv_core::Reader::new(), data);
    let (mut field, mut ends) = (vec![0; 10_000], [0; 4]);
    let mut pairs = Vec::new();
    loop {
        let (result, read, _, ended) = reader.read_record(rest, &mut field, &mut ends);
        rest = &rest[read..];
        match result {
            csv_core::ReadRecordResult::Record => {
                assert_eq!(ended, 3);
                let text = |start, end| std::str::from_utf8(&field[start..end]).unwrap().to_owned();
                pairs.push([text(0, ends[0]), text(ends[0], ends[1]), text(ends[1], ends[2])]);
            }
            csv_core::ReadRecordResult::End => return pairs,
            csv_core::ReadRecordResult::InputEmpty => {}
            full => panic!("{full:?}"),
        }
    }
}

#[test]
fn the_spearman_correlation_on_stsb_is_that_of_the_measurements() {
    let pairs = read_pairs(include_bytes!("data/stsb-dev.csv"));
    assert_eq!(pairs.len(), 1_500);
    let model = model();
    let side = |i: usize| embed(&model, &pairs.iter().map(|pair| pair[i].as_str()).collect::<Vec<_>>());
    let (a, b) = (side(0), side(1));
    let found: Vec<f64> = a.chunks(256).zip(b.chunks(256)).map(|(a, b)| cosine(a, b)).collect();
    let wanted: Vec<f64> = pairs.iter().map(|pair| pair[2].parse().unwrap()).collect();
    let spearman = pearson(&ranks(&found), &ranks(&wanted));
    assert!((spearman - STSB_SPEARMAN).abs() < 0.0005, "{spearman}");
}

/// Returns for each language: its name, its rows, and how many rows are nearly equal to an earlier
/// one.
fn near_equal_by_language() -> Vec<(String, usize, usize)> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (lang, text) in language_texts() {
        texts.entry(lang).or_default().push(text);
    }
    let model = model();
    let near = |(lang, texts): (String, Vec<String>)| {
        let rows = embed(&model, &as_strs(&texts));
        let rows: Vec<&[f32]> = rows.chunks(256).collect();
        let near =
            (1..rows.len()).filter(|&j| rows[..j].iter().any(|row| cosine(row, rows[j]) > 0.9)).count();
        (lang, rows.len(), near)
    };
    texts.into_iter().map(near).collect()
}

#[test]
fn distinct_sentences_of_many_languages_and_scripts_have_distinct_embeddings() {
    let languages = near_equal_by_language();
    assert_eq!(languages.len(), 95);
    let rows: usize = languages.iter().map(|(_, rows, _)| rows).sum();
    let near: usize = languages.iter().map(|(.., near)| near).sum();
    assert!(near * 400 <= rows, "{near} of {rows}: {languages:?}");
    // A few rows really are nearly equal, for example verses of a genealogy: at most two of a
    // language.
    for (lang, rows, near) in &languages {
        assert!(*near <= 2, "{lang}: {near} of {rows}");
    }
}

#[test]
fn most_words_of_scripts_that_the_vocabulary_lacks_are_unknown_and_those_of_english_are_not() {
    let mut rows = vec![0.0; 3 * 256];
    let texts = ["આ ઈસુ ખ્રિસ્તનો કૌટુંબિક ઈતિહાસ છે", "The cat sat on the mat.", "東京は日本の首都です"];
    assert_eq!(model().embed(&texts, &mut rows).unwrap().unknown, 2);
}

#[test]
fn a_text_alone_has_the_bytes_that_it_has_in_a_batch_on_any_thread_and_with_any_cache() {
    let (texts, pairs) = (language_texts(), read_pairs(include_bytes!("data/stsb-dev.csv")));
    let mut texts: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).step_by(3).collect();
    texts.extend(pairs.iter().map(|pair| pair[0].as_str()));
    let shared = model();
    let batch = bits(&embed(&shared, &texts));
    assert_eq!(bits(&embed(&shared, &texts)), batch, "with a warm cache");

    let singles: Vec<u32> = texts.iter().flat_map(|text| bits(&embed(&shared, &[text]))).collect();
    assert_eq!(singles, batch, "one by one");

    let backwards: Vec<&str> = texts.iter().rev().copied().collect();
    let backwards = embed(&model(), &backwards);
    assert_eq!(bits(&backwards.chunks(256).rev().collect::<Vec<_>>().concat()), batch, "in reverse order");

    let cold = model();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
    let threads =
        pool.install(|| texts.par_chunks(7).flat_map_iter(|texts| embed(&cold, texts)).collect::<Vec<_>>());
    assert_eq!(bits(&threads), batch, "on eight threads that share a model");
}

#[test]
fn a_text_without_tokens_gets_the_zero_vector() {
    let mut row = [f32::NAN; 256];
    for text in ["", " \n\t", "\u{a0}\u{200b}"] {
        let stats = model().embed(&[text], &mut row).unwrap();
        assert_eq!((stats, row), (EmbedStats::default(), [0.0; 256]), "{text:?}");
    }
}

#[test]
fn no_texts_are_no_rows() {
    assert_eq!(model().embed(&[], &mut []).unwrap(), EmbedStats::default());
}

#[test]
fn texts_over_the_limit_are_counted_and_their_ends_do_not_matter() {
    let model = StaticModel::built_in(Some(4)).unwrap();
    let texts = ["word word word word", "word word word word word", "word word word word 😀", "word"];
    let mut rows = vec![0.0; 4 * 256];
    let stats = model.embed(&texts, &mut rows).unwrap();
    assert_eq!(stats, EmbedStats { truncated: 2, unknown: 0, tokens: 13 });
    assert_eq!(rows[..256], rows[256..512]);
    assert_eq!(rows[..256], rows[512..768]);
    for beginning in ["1 2 3 4", "cat 1 + 2", "東京 東京"] {
        for end in ["foo", "xkcdqz", "東京", "5", "😀 -"] {
            let rows = embed(&model, &[beginning, &format!("{beginning} {end}")]);
            assert!(rows[0] != 0.0 && rows[..256] == rows[256..], "{beginning} {end}");
        }
    }
}

#[test]
fn copies_of_a_text_have_its_embedding_and_are_counted_like_it() {
    let model = StaticModel::built_in(Some(4)).unwrap();
    let texts = ["word", "આ ઈસુ", "one two three four five", "word", "આ ઈસુ", "one two three four five"];
    let mut rows = vec![f32::NAN; 6 * 256];
    let found = model.embed_each(&texts, &mut rows).unwrap();
    assert_eq!(found.stats, EmbedStats { truncated: 2, unknown: 2, tokens: 14 });
    assert_eq!(found.truncated, [2, 5]);
    assert_eq!(rows[..768], rows[768..]);
    assert_eq!(rows[..768], embed(&model, &texts[..3])[..]);
}

#[test]
fn the_fingerprint_changes_with_the_limit() {
    let (short, long) = (StaticModel::built_in(Some(128)).unwrap(), model());
    assert_ne!(short.fingerprint(), long.fingerprint());
    assert_eq!(long.fingerprint(), model().fingerprint());
    assert_eq!(long.name(), "semdedup-text-v1");
}

#[test]
fn a_limit_of_no_tokens_is_an_error_with_a_hint() {
    let error = StaticModel::built_in(Some(0)).err().unwrap();
    assert_eq!(error.to_string(), "the limit on tokens is 0, at least 1 is needed");
    assert!(error.hint().contains("whole"));
}

#[test]
#[should_panic(expected = "`out` needs 256 values per text")]
fn an_output_of_the_wrong_length_is_refused() {
    let _ = model().embed(&["a", "b"], &mut [0.0; 256]);
}

proptest! {
    #[test]
    fn any_text_has_a_finite_embedding(text in any::<String>()) {
        let model = StaticModel::built_in(Some(16)).unwrap();
        prop_assert!(embed(&model, &[&text]).iter().all(|value| value.is_finite()));
    }
}
