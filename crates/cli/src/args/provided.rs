//! The options of `run` for embeddings that are there already.

use clap::Args;
use semdedup::{Error, InputOptions, Result};

use super::bare::{DtypeArg, places};
use super::model::MODEL_OPTIONS;

/// The options for embeddings that the input provides.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input options")]
pub struct ProvidedArgs {
    /// Take the embeddings from this column: of lists of numbers, of strings such as
    /// "[0.1, -0.2]", of bytes with --dtype, or of the .npy members of shards.
    ///
    /// Lists are read in Parquet, Arrow, Avro and JSON, strings in CSV too. In a shard the name is
    /// the extension of the members: npy or emb.npy. No model is used, and texts are only shown.
    #[arg(long, value_name = "NAME", conflicts_with = "embeddings", conflicts_with_all = MODEL_OPTIONS)]
    embedding_column: Option<String>,
    /// Take the embeddings from .npy, .npz or .safetensors files, or from files of bare numbers with
    /// --dim and --dtype (a file, folder or glob; repeatable).
    ///
    /// Each input file has one file of embeddings, with the same name or the same number in its
    /// name. Row N of it is the embedding of row N of the input file. Without any INPUT, the rows
    /// of these files are the rows of the run, and the ids of those that stay are written.
    ///
    /// Behind a file of several arrays, # names one of them: 'metadata/*.npz#l14_img'.
    #[arg(long, value_name = "FILE", conflicts_with_all = MODEL_OPTIONS)]
    embeddings: Vec<String>,
    /// The number of values of an embedding: in files of bare numbers without a header (as
    /// numpy.memmap and tofile write them), with --dtype; of a column it is only checked.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=65536))]
    dim: Option<u64>,
    /// The type of the numbers in files without a header, with --dim, or in a column of bytes.
    #[arg(long, value_name = "TYPE", value_enum)]
    dtype: Option<DtypeArg>,
}

impl ProvidedArgs {
    pub fn is_any_given(&self) -> bool {
        self.embedding_column.is_some() || !self.embeddings.is_empty()
    }

    /// Adds these options to those of the input.
    ///
    /// # Errors
    /// Fails if a type or a dimension describes nothing, or one of the two is missing.
    pub fn add_to(&self, input: &mut InputOptions) -> Result<()> {
        let dtype = self.dtype.map(DtypeArg::float);
        let described = self.dim.is_some() || dtype.is_some();
        if described && !self.is_any_given() {
            return Err(Error::usage("--dim and --dtype describe given embeddings, and none are given")
                .hint("name them with --embeddings or --embedding-column, or leave both out"));
        }
        if !self.embeddings.is_empty() && self.dim.is_some() != dtype.is_some() {
            return Err(Error::usage("--embeddings takes --dim and --dtype together or not at all").hint(
                "bare numbers need both, such as --dim 512 --dtype float32; other files need neither",
            ));
        }
        input.columns.embedding = self.embedding_column.clone();
        if self.embedding_column.is_some() {
            (input.columns.embedding_type, input.columns.embedding_dim) = (dtype, self.dim);
        }
        input.columns.text_optional = self.is_any_given();
        input.embeddings = places(&self.embeddings, self.dim, dtype);
        Ok(())
    }
}
