//! Texts.

use rayon::prelude::*;
use semdedup_embed::{EmbedStats, LoadOptions, Precision};

use crate::support::{as_strs, bits, cosine, data, embed, read_npy, text_model, texts};

/// The folders of models with references, and their files of references.
const MODELS: [(&str, &str); 3] =
    [("bert-tiny", "embeddings.npy"), ("opt-tiny", "embeddings.npy"), ("clip-tiny", "text_embeddings.npy")];

#[test]
fn every_reference_text_is_embedded_as_transformers_does() {
    let texts = texts();
    for (name, references) in MODELS {
        let model = text_model(name, &LoadOptions::default());
        let rows = embed(&*model, &as_strs(&texts));
        let (references, dim) = read_npy(&data().join(name).join(references));
        assert_eq!((model.dim(), rows.len()), (dim, references.len()), "{name}");
        for ((text, ours), reference) in texts.iter().zip(rows.chunks(dim)).zip(references.chunks(dim)) {
            if text.is_empty() {
                assert!(ours.iter().all(|&value| value == 0.0), "{name}: {text:?}");
                continue;
            }
            let found = cosine(ours, reference);
            assert!(found >= 0.99999, "{name}: {text:?}: {found}");
        }
    }
}

#[test]
fn a_text_alone_has_the_bytes_that_it_has_in_a_batch_and_on_any_thread() {
    let texts = texts();
    let texts = as_strs(&texts);
    for (name, _) in MODELS {
        let model = text_model(name, &LoadOptions::default());
        let batch = bits(&embed(&*model, &texts));
        let singles: Vec<u32> = texts.iter().flat_map(|text| bits(&embed(&*model, &[text]))).collect();
        assert_eq!(singles, batch, "{name}: one by one");

        let backwards: Vec<&str> = texts.iter().rev().copied().collect();
        let backwards = embed(&*model, &backwards);
        let backwards = backwards.chunks(model.dim()).rev().collect::<Vec<_>>().concat();
        assert_eq!(bits(&backwards), batch, "{name}: in reverse order");

        let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
        let threads: Vec<f32> =
            pool.install(|| texts.par_chunks(7).flat_map_iter(|texts| embed(&*model, texts)).collect());
        assert_eq!(bits(&threads), batch, "{name}: on eight threads that share a model");
    }
}

#[test]
fn half_precision_changes_embeddings_by_its_rounding_alone() {
    let texts = texts();
    for (name, _) in MODELS {
        let full = text_model(name, &LoadOptions::default());
        let full_rows = embed(&*full, &as_strs(&texts));
        for (precision, least) in [(Precision::F16, 0.999_99), (Precision::Bf16, 0.999)] {
            let half = text_model(name, &LoadOptions { precision, ..LoadOptions::default() });
            assert_ne!(half.fingerprint(), full.fingerprint());
            let rows = embed(&*half, &as_strs(&texts));
            assert_ne!(bits(&rows), bits(&full_rows), "{name}: {precision:?}");
            for (a, b) in rows.chunks(half.dim()).zip(full_rows.chunks(half.dim())) {
                let found = cosine(a, b);
                assert!(found.is_nan() || found >= least, "{name}: {precision:?}: {found}");
            }
        }
    }
}

#[test]
fn texts_over_the_limit_are_counted_and_their_ends_do_not_matter() {
    let model = text_model("bert-tiny", &LoadOptions { max_tokens: Some(6), ..LoadOptions::default() });
    let texts = ["a a a a", "a a a a a", "a a a a z z z z", "a"];
    let mut rows = vec![0.0; 4 * model.dim()];
    let stats = model.embed(&texts, &mut rows).unwrap();
    assert_eq!(stats, EmbedStats { truncated: 2, tokens: 6 + 6 + 6 + 3 });
    let rows: Vec<&[f32]> = rows.chunks(model.dim()).collect();
    assert_eq!((rows[0], rows[0]), (rows[1], rows[2]));
}

#[test]
fn a_huge_text_is_what_its_beginning_is() {
    let text = texts()[..20].join(" ").repeat(2_000);
    for (name, _) in MODELS {
        let model = text_model(name, &LoadOptions::default());
        let begin = text[..4_000].rsplit_once(' ').unwrap().0;
        assert_eq!(embed(&*model, &[&text]), embed(&*model, &[begin]), "{name}");
    }
}

#[test]
fn a_prefix_stands_before_every_text_but_the_empty_one() {
    let with =
        text_model("bert-tiny", &LoadOptions { prefix: Some("query: ".into()), ..LoadOptions::default() });
    let without = text_model("bert-tiny", &LoadOptions::default());
    assert_eq!(embed(&*with, &["library", ""]), embed(&*without, &["query: library", ""]));
    assert_ne!(with.fingerprint(), without.fingerprint());
}
