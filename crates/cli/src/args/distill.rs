//! `semdedup distill`: a text model of one's own.

use std::path::PathBuf;

use clap::{Args, value_parser};
use semdedup::models::word_pieces;
use semdedup::{DistillOptions, Error, Result};

use super::input::InputArgs;
use super::model::PretrainedArgs;

const DISTILL: &str = "\
Makes a static text model: a table of word vectors that embeds texts nearly as a slow model does, the teacher, and \
several hundred times as fast. The texts of the corpus are embedded by the teacher once, and kept; then the vectors are \
trained. --model takes the folder.

Examples:
  semdedup distill --teacher sentence-transformers/all-MiniLM-L6-v2 --corpus texts.jsonl --out my-model
  semdedup run data.jsonl --model my-model --out deduped            what to do next";

/// The number of values of a vector is a multiple of this.
const BLOCK: u16 = 32;

/// Make a fast text model of your own from a slow one
#[derive(Debug, Args)]
#[command(long_about = DISTILL)]
pub struct DistillArgs {
    /// The model to learn from: a folder, or org/name on the Hugging Face hub
    #[arg(long, value_name = "MODEL")]
    pub teacher: String,
    /// The texts to learn from: files, folders or globs, as the input of `semdedup run`. A hundred
    /// thousand sentences like those of your data are better than ten thousand
    #[arg(long, required = true, num_args = 1.., value_name = "INPUT")]
    pub corpus: Vec<String>,
    #[command(flatten)]
    pub input: InputArgs,
    /// The pieces of words that get a vector, a line each; those that go on with a word begin with
    /// `##` [default: the teacher's vocab.txt, else the frequent words of the corpus]
    #[arg(long, value_name = "FILE", help_heading = "Model options")]
    pub vocabulary: Option<PathBuf>,
    /// The number of values of a vector, a multiple of 32
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = value_parser!(u16).range(32..=1024), help_heading = "Model options")]
    pub dim: u16,
    /// The number of steps of the training, each of about 1,000 texts
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = value_parser!(u32).range(1..=1_000_000), help_heading = "Model options")]
    pub steps: u32,
    /// The seed of everything that is drawn
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Model options")]
    pub seed: u64,
    #[command(flatten)]
    pub pretrained: PretrainedArgs,
    /// The folder for the model; it is created if it is missing
    #[arg(long, value_name = "DIR", value_parser = semdedup::place, help_heading = "Output options")]
    pub out: PathBuf,
    /// The folder for the teacher's embeddings [default: work in --out]
    #[arg(long, value_name = "DIR", help_heading = "Output options")]
    pub work: Option<PathBuf>,
    /// Replace an earlier model in --out
    #[arg(long, help_heading = "Output options")]
    pub overwrite: bool,
}

impl DistillArgs {
    /// Returns the options of the library.
    ///
    /// # Errors
    /// A file of pieces that cannot be read.
    pub fn options(&self) -> Result<DistillOptions> {
        if !self.dim.is_multiple_of(BLOCK) {
            let below = self.dim / BLOCK * BLOCK;
            return Err(Error::usage(format!("--dim {}: it has to be a multiple of {BLOCK}", self.dim))
                .hint(format!("--dim {below}, or --dim {}", below + BLOCK)));
        }
        let pieces = match &self.vocabulary {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| Error::input(path, error))?;
                Some(text.lines().map(str::to_owned).collect())
            }
            None => word_pieces(&self.teacher)
                .map_err(|error| Error::usage(format!("--teacher: {error}")).hint(error.hint()))?,
        };
        Ok(DistillOptions {
            corpus: self.input.options(&self.corpus),
            pieces,
            dim: usize::from(self.dim),
            steps: self.steps as usize,
            seed: self.seed,
        })
    }
}
