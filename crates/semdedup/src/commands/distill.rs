//! Makes a static model of a corpus and a teacher, as a command of its own.

use std::path::{Path, PathBuf};

use semdedup_core::{Assigner, NO_CLUSTER, Probes, Training, UnitEmbeddings, train_until};
use semdedup_embed::distill::{Corpus, Settings, Step, WordReader, train, vocabulary};
use semdedup_embed::{StaticModel, TextModel, WordVectors};
use serde::Serialize;
use serde_json::json;

use crate::commands::file_set::FileSet;
use crate::commands::guards::check_folder;
use crate::comparison::Comparison;
use crate::embed::dataset::Dataset;
use crate::embed::embedder::Embedder;
use crate::embed::stage::embed_stage;
use crate::error::{Error, Result};
use crate::formats::read_texts;
use crate::input::find::Input;
use crate::options::{InputOptions, OutputOptions};
use crate::progress::{Progress, Stage, StopSignal, stopped};
use crate::storage::atomic::write_atomically;
use crate::storage::exists;
use crate::workdir::work_dir::WorkDir;

/// The length of the vector of a rare word, in the units of the teacher's embeddings.
const UNIT: f32 = 0.9;
/// The texts of a cluster, whose texts are learned from together.
const CLUSTER_ROWS: usize = 192;
/// The rounds of k-means.
const ITERATIONS: usize = 6;
/// The fewest texts that a table can be learned from.
const FEWEST_TEXTS: usize = 2048;
/// The words that the teacher embeds in one call.
const WORDS_PER_CALL: usize = 256;

/// The files of a model. The settings come last: if they are there, everything is.
const FILES: [&str; 3] = ["vocab.txt", "table.bin", LAST];
const LAST: &str = "config.json";

/// The options of [`distill`].
#[derive(Debug, Clone)]
pub struct DistillOptions {
    /// The texts to learn from.
    pub corpus: InputOptions,
    /// The pieces of words that get a vector, besides the frequent words of the corpus; one that goes
    /// on with a word begins with `##`. Those that are never read are left out.
    pub pieces: Option<Vec<String>>,
    /// The number of values of a vector, a multiple of 32.
    pub dim: usize,
    /// The number of steps, each of about a thousand texts.
    pub steps: usize,
    /// The seed of everything that is drawn.
    pub seed: u64,
}

/// The report of [`distill`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DistillReport {
    /// The texts that were learned from.
    pub texts: usize,
    /// Rows without a text, or that the teacher could not embed.
    pub rows_left_out: u64,
    /// The pieces of words that have a vector.
    pub pieces: usize,
    /// The number of values of a vector.
    pub dim: usize,
    /// The teacher's name.
    pub teacher: String,
    /// The loss of the first batch, and that of the last one.
    pub loss: [f32; 2],
    /// The folder of the model, which `--model` takes.
    pub model: PathBuf,
}

/// Makes a static model that embeds texts as the teacher does, as far as a table of word vectors can,
/// in `output.out`. The teacher's embeddings of the corpus are kept in `output.work`, or in `work` in
/// the folder, so that the same command goes on after a kill, and another number of steps costs no
/// embedding.
///
/// # Errors
/// Input that cannot be read or has too few texts; a model in the way.
pub fn distill(
    options: &DistillOptions,
    teacher: &dyn TextModel,
    output: &OutputOptions,
    progress: &dyn Progress,
) -> Result<DistillReport> {
    check_folder(&output.out)?;
    let work = output.work.clone().unwrap_or_else(|| output.out.join("work"));
    let input = Input::find(&options.corpus, &[output.out.clone(), work.clone()])?;
    let inputs: Vec<PathBuf> = input.paths().collect();
    let files = FileSet {
        out: &output.out,
        names: FILES.map(str::to_owned).to_vec(),
        last: LAST,
        old: earlier_model(&output.out)?,
        what: "distillation",
        overwrite: output.overwrite,
        inputs: &inputs,
    };
    files.check()?;
    let embedder = Embedder::Text(teacher);
    embedder.check(&input)?;
    let dataset = embed_stage(&mut WorkDir::open(&work)?, &input, embedder, output.overwrite, progress)?;
    dataset.check_embeddings()?;
    let texts = Texts::of(&input, &dataset)?;
    let vocabulary = vocabulary(options.pieces.as_deref().unwrap_or_default(), &texts.texts);
    let words = embed_words(teacher, &vocabulary)?;
    let clusters = clusters_of(&texts.teacher, options.seed, progress)?;
    let corpus = Corpus {
        texts: &texts.texts,
        teacher: texts.teacher.values(),
        words: words.values(),
        teacher_dim: teacher.dim(),
        clusters: &clusters,
    };
    let settings = Settings { dim: options.dim, steps: options.steps, seed: options.seed };
    let (vectors, loss) = learn(&corpus, &WordReader::new(&vocabulary, UNIT), &settings, progress)?;
    let model = WordVectors { vocabulary, vectors, dim: options.dim, unit: UNIT };
    let card = json!({
        "teacher": teacher.name(),
        "texts": texts.texts.len(),
        "steps": options.steps,
        "seed": options.seed,
        "compared": Comparison::of(&input, embedder),
    });
    let claim = files.claim()?;
    let mut made = model.files(&card);
    made.sort_by_key(|(name, _)| *name == LAST);
    made.iter().try_for_each(|(name, bytes)| write_atomically(&output.out.join(name), bytes))?;
    claim.release()?;
    progress.end(Stage::Train, false);
    Ok(DistillReport {
        texts: texts.texts.len(),
        rows_left_out: texts.left_out,
        pieces: model.vocabulary.len(),
        dim: options.dim,
        teacher: teacher.name().to_owned(),
        loss,
        model: output.out.clone(),
    })
}

/// Lists the files of an earlier model in a folder.
fn earlier_model(out: &Path) -> Result<Vec<String>> {
    let is_whole = exists(&out.join(LAST))? && StaticModel::is_in(out);
    Ok(if is_whole { FILES.map(str::to_owned).to_vec() } else { Vec::new() })
}

/// The texts of a corpus with the teacher's embeddings.
struct Texts {
    texts: Vec<String>,
    teacher: UnitEmbeddings,
    left_out: u64,
}

impl Texts {
    /// Reads the texts of all rows that have an embedding.
    fn of(input: &Input, dataset: &Dataset) -> Result<Self> {
        let store = dataset.open_embeddings()?;
        let (mut texts, mut rows) = (Vec::new(), Vec::new());
        let all = store.read(0..store.rows())?;
        let has_direction = |row: usize| {
            all.zero_rows().binary_search(&row).is_err() && all.non_finite_rows().binary_search(&row).is_err()
        };
        let mut first = 0;
        for ((file, columns), found) in input.files.iter().zip(&input.columns).zip(&dataset.row_index.files) {
            let numbers: Vec<u64> = (0..found.rows).collect();
            for (row, text) in read_texts(file, columns, &input.limits, &numbers)?.into_iter().enumerate() {
                if let Some(text) = text.filter(|_| has_direction(first + row)) {
                    texts.push(text);
                    rows.push((first + row) as u64);
                }
            }
            first += numbers.len();
        }
        // The texts were read again, after they had been embedded.
        input.check_unchanged()?;
        if texts.len() < FEWEST_TEXTS {
            return Err(Error::usage(format!(
                "the corpus has {} texts, at least {FEWEST_TEXTS} are needed",
                texts.len()
            ))
            .hint("name more files with --corpus; a hundred thousand texts are better"));
        }
        let left_out = store.rows() - rows.len() as u64;
        // The embeddings are the largest part of the memory: they are there once.
        let teacher = if left_out == 0 {
            all
        } else {
            std::mem::drop(all);
            store.gather(&rows)?
        };
        Ok(Self { texts, teacher, left_out })
    }
}

/// Returns the teacher's embeddings of the pieces of words.
fn embed_words(teacher: &dyn TextModel, vocabulary: &[String]) -> Result<UnitEmbeddings> {
    let words: Vec<&str> = vocabulary.iter().map(|piece| piece.strip_prefix("##").unwrap_or(piece)).collect();
    let mut values = vec![0.0; words.len() * teacher.dim()];
    let calls = words.chunks(WORDS_PER_CALL).zip(values.chunks_mut(WORDS_PER_CALL * teacher.dim()));
    for (words, values) in calls {
        teacher.embed(words, values).map_err(Error::model)?;
    }
    UnitEmbeddings::new(values, teacher.dim()).map_err(|error| Error::usage(error.to_string()))
}

/// Returns the texts of each cluster of the teacher's embeddings.
fn clusters_of(teacher: &UnitEmbeddings, seed: u64, progress: &dyn Progress) -> Result<Vec<Vec<u32>>> {
    let stop = StopSignal::new(progress);
    let training = Training {
        clusters: teacher.len().div_ceil(CLUSTER_ROWS),
        iterations: ITERATIONS,
        refinements: 0,
        seed,
    };
    let trained = train_until(teacher, &training, &|| stop.is_set()).ok_or_else(stopped)?;
    let mut clusters = vec![Vec::new(); trained.centroids.len()];
    let assigned = Assigner::new(&trained.centroids).assign(teacher, Probes::Nearest(1));
    for (row, cluster) in (0u32..).zip(assigned.cluster).filter(|(_, cluster)| *cluster != NO_CLUSTER) {
        clusters[cluster as usize].push(row);
    }
    Ok(clusters)
}

/// Trains a table; returns it with the first loss and the last.
fn learn(
    corpus: &Corpus,
    reader: &WordReader,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<(Vec<f32>, [f32; 2])> {
    progress.begin(Stage::Train, "steps", settings.steps as u64);
    let (stop, mut loss) = (StopSignal::new(progress), None);
    let table = train(corpus, reader, settings, &mut |step: Step| {
        progress.advance(1);
        loss = Some([loss.map_or(step.loss, |[first, _]: [f32; 2]| first), step.loss]);
        !stop.is_set()
    });
    Ok((table.ok_or_else(stopped)?, loss.unwrap_or_default()))
}

#[cfg(test)]
#[path = "distill_tests.rs"]
mod tests;
