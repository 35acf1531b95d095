//! Embeds the rows of the input, as a command of its own.

use std::path::PathBuf;

use serde::Serialize;

use crate::commands::places::undirected;
use crate::comparison::Comparison;
use crate::embed::dataset::{skipped_rows, unknown_words, zero_rows};
use crate::embed::embedder::Embedder;
use crate::embed::not_utf8::not_utf8;
use crate::embed::stage::embed_stage;
use crate::error::Result;
use crate::input::find::Input;
use crate::options::{InputOptions, OutputOptions};
use crate::progress::Progress;
use crate::workdir::uncompared::Uncompared;
use crate::workdir::work_dir::WorkDir;
use crate::write::skipped::write_skipped;

/// The report of [`embed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmbedReport {
    /// Rows read, bad ones included; the embeddings have as many rows.
    pub rows: u64,
    /// Rows that could not be read; their embeddings are NaN.
    pub rows_skipped: u64,
    /// Rows whose text is empty; their embeddings are zeros.
    pub empty_rows: u64,
    /// Rows whose embedding is zeros although their text is not empty.
    pub zero_rows: u64,
    /// Texts of which only the first tokens were used.
    pub truncated_texts: u64,
    /// Rows whose embeddings an earlier run with other rows had made.
    pub reused_embeddings: u64,
    /// Rows that the model embedded, each of another text or image if embedding costs much; none if
    /// a part of an earlier version does not say.
    pub embedded_rows: Option<u64>,
    /// Rows that have the embedding of an equal row before them, because embedding costs much.
    pub repeated_rows: u64,
    /// Texts of which most words are not in the model's vocabulary.
    pub unknown_texts: u64,
    /// The dimension.
    pub dim: usize,
    /// What the embeddings compare: the columns, how they were found, and the model.
    pub compared: Comparison,
    /// The files of the embeddings, in order.
    pub files: Vec<PathBuf>,
}

/// Embeds the rows of the input into `output.out`, which becomes a work directory (`output.work` is
/// not used). `skipped.parquet` in it lists the rows that could not be read. A killed run continues
/// where it stopped. Other embeddings that are there already are
/// replaced only with `output.overwrite`.
///
/// # Errors
/// Input that cannot be read, or a folder that holds other things.
pub fn embed(
    options: &InputOptions,
    embedder: Embedder,
    output: &OutputOptions,
    progress: &dyn Progress,
) -> Result<EmbedReport> {
    let out = output.out.as_path();
    let input = Input::find(options, &[out.to_path_buf()])?;
    embedder.check(&input)?;
    input.warnings().for_each(|warning| progress.warn(&warning));
    let mut work = WorkDir::open(out)?;
    let dataset = embed_stage(&mut work, &input, embedder, output.overwrite, progress)?;
    let store = dataset.open_embeddings()?;
    dataset.check_roles(&input)?;
    let zero = match &dataset.zero {
        Some(zero) => zero.clone(),
        None => zero_rows(&dataset, undirected(&store)?.zero),
    };
    write_skipped(&out.join("skipped.parquet"), &dataset)?;
    let uncompared = Uncompared { zero, ..Uncompared::default() };
    let skipped = skipped_rows(&dataset).into_iter().chain(not_utf8(&dataset, &input));
    let warnings = skipped.chain(uncompared.warnings(&dataset.row_index));
    warnings.chain(unknown_words(&dataset)).for_each(|warning| progress.warn(&warning));
    Ok(EmbedReport {
        rows: dataset.row_index.rows(),
        rows_skipped: dataset.skipped.len() as u64,
        empty_rows: dataset.empty,
        zero_rows: uncompared.zero.rows,
        truncated_texts: dataset.truncated,
        reused_embeddings: dataset.reused,
        embedded_rows: dataset.embedded,
        repeated_rows: dataset.repeated,
        unknown_texts: dataset.unknown.iter().sum(),
        dim: embedder.dim(&input),
        compared: Comparison::of(&input, embedder),
        files: dataset.embeddings,
    })
}
