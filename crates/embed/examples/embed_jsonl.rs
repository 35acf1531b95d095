//! Embeds the `text` of each line of a JSONL file and writes the rows as little-endian f32:
//! `embed_jsonl TEXTS.jsonl OUT.f32 [THREADS] [LIMIT] [MODEL]`, with the built-in model or a
//! pretrained one. `bench/minilm.py` compares the rows with the originals.
use std::fs;
use std::io::{self, Write};
use std::time::Instant;

use rayon::prelude::*;
use semdedup_embed::{LoadOptions, ModelError, StaticModel, TextModel, load};

/// The number of texts of a call.
const CHUNK: usize = 2_000;

#[derive(serde::Deserialize)]
struct Line {
    text: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(input), Some(output)) = (args.next(), args.next()) else {
        return Err("usage: embed_jsonl TEXTS.jsonl OUT.f32 [THREADS] [LIMIT] [MODEL]".into());
    };
    let threads = args.next().map_or(Ok(2), |n| n.parse())?;
    let limit = args.next().map_or(Ok(usize::MAX), |n| n.parse())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;

    let data = fs::read_to_string(input)?;
    let lines = data.lines().take(limit).map(serde_json::from_str).collect::<Result<Vec<Line>, _>>()?;
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();

    let start = Instant::now();
    let model: Box<dyn TextModel> = match args.next() {
        Some(source) => load(&source, &LoadOptions::default())?.text.ok_or("a model of texts is needed")?,
        None => Box::new(StaticModel::built_in(None)?),
    };
    let loaded = start.elapsed();
    let mut rows = vec![0.0f32; texts.len() * model.dim()];

    let start = Instant::now();
    let row_chunks = rows.par_chunks_mut(CHUNK * model.dim());
    let (tokens, truncated) = pool.install(|| -> Result<(u64, usize), ModelError> {
        let stats = texts.par_chunks(CHUNK).zip(row_chunks).map(|(texts, rows)| model.embed(texts, rows));
        let stats = stats.map(|stats| stats.map(|s| (s.tokens, s.truncated)));
        stats.try_reduce(|| (0, 0), |a, b| Ok((a.0 + b.0, a.1 + b.1)))
    })?;
    let seconds = start.elapsed().as_secs_f64();

    fs::write(output, rows.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
    let summary = serde_json::json!({
        "rows": texts.len(),
        "tokens": tokens,
        "truncated": truncated,
        "load_ms": loaded.as_secs_f64() * 1e3,
        "seconds": seconds,
        "texts_per_s": texts.len() as f64 / seconds,
        "threads": threads,
        "fingerprint": model.fingerprint(),
    });
    writeln!(io::stdout(), "{summary}")?;
    Ok(())
}
