//! Text models.

use rayon::prelude::*;
use semdedup_embed::{EmbedStats, LoadOptions, Precision};

use crate::support::{as_strs, bits, cosine, data, embed, read_npy, text_model, texts};

/// The folders of models with references, and the files of the references.
const MODELS: [(&str, &str); 17] = [
    ("bert-tiny", "embeddings.npy"),
    ("clip-tiny", "text_embeddings.npy"),
    ("distilbert-tiny", "embeddings.npy"),
    ("embeddinggemma-tiny", "embeddings.npy"),
    ("gemma-tiny", "embeddings.npy"),
    ("gemma2-tiny", "embeddings.npy"),
    ("gemma3-tiny", "embeddings.npy"),
    ("llama-tiny", "embeddings.npy"),
    ("mistral-tiny", "embeddings.npy"),
    ("modernbert-tiny", "embeddings.npy"),
    ("mpnet-tiny", "embeddings.npy"),
    ("opt-350m-tiny", "embeddings.npy"),
    ("opt-tiny", "embeddings.npy"),
    ("qwen2-tiny", "embeddings.npy"),
    ("qwen3-tiny", "embeddings.npy"),
    ("siglip-tiny", "text_embeddings.npy"),
    ("xlm-roberta-tiny", "embeddings.npy"),
];

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
        assert!(singles == batch, "{name}: one by one");

        let backwards: Vec<&str> = texts.iter().rev().copied().collect();
        let backwards = embed(&*model, &backwards);
        let backwards = backwards.chunks(model.dim()).rev().collect::<Vec<_>>().concat();
        assert!(bits(&backwards) == batch, "{name}: in reverse order");

        let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
        let threads: Vec<f32> =
            pool.install(|| texts.par_chunks(7).flat_map_iter(|texts| embed(&*model, texts)).collect());
        assert!(bits(&threads) == batch, "{name}: on eight threads that share a model");
    }
}

#[test]
fn half_precision_changes_embeddings_by_its_rounding_alone() {
    let texts = texts();
    let rows = |name: &str, precision| {
        let model = text_model(name, &LoadOptions { precision, ..LoadOptions::default() });
        (embed(&*model, &as_strs(&texts)), model.fingerprint(), model.dim())
    };
    for name in ["bert-tiny", "opt-tiny", "clip-tiny"] {
        let (full, full_print, dim) = rows(name, Precision::F32);
        for (precision, least) in [(Precision::F16, 0.999_99), (Precision::Bf16, 0.999)] {
            let (half, print, _) = rows(name, precision);
            assert_ne!(print, full_print);
            assert!(bits(&half) != bits(&full), "{name}: {precision:?}");
            for (a, b) in half.chunks(dim).zip(full.chunks(dim)) {
                let found = cosine(a, b);
                assert!(found.is_nan() || found >= least, "{name}: {precision:?}: {found}");
            }
        }
    }
    // The file has f16, which f32 represents exactly.
    assert!(bits(&rows("llama-tiny", Precision::F16).0) == bits(&rows("llama-tiny", Precision::F32).0));
}

#[test]
fn texts_over_the_limit_are_counted_and_their_ends_do_not_matter() {
    let model = text_model("bert-tiny", &LoadOptions { max_tokens: Some(6), ..LoadOptions::default() });
    let texts = ["a a a a", "a a a a a", "a a a a z z z z", "a"];
    let mut rows = vec![0.0; 4 * model.dim()];
    let stats = model.embed(&texts, &mut rows).unwrap();
    assert_eq!(stats, EmbedStats { truncated: 2, unknown: 0, tokens: 6 + 6 + 6 + 3 });
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
