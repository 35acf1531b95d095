//! The options for files of embeddings without a header.

use clap::{Args, ValueEnum};
use semdedup::formats::FloatType;

/// The options that say what files of bare numbers hold.
#[derive(Debug, Args)]
pub struct BareArgs {
    /// The number of values of an embedding, in files of bare numbers without a header (as
    /// numpy.memmap and tofile write them); with --dtype.
    #[arg(long, value_name = "N", requires = "dtype", value_parser = clap::value_parser!(u64).range(1..=65536))]
    dim: Option<u64>,
    /// The type of the numbers in files without a header; with --dim.
    #[arg(long, value_name = "TYPE", value_enum, requires = "dim")]
    dtype: Option<DtypeArg>,
}

/// A type of floats, by its name in numpy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DtypeArg {
    #[value(alias = "f2", alias = "f16", alias = "half")]
    Float16,
    #[value(alias = "bf16")]
    Bfloat16,
    #[value(alias = "f4", alias = "f32")]
    Float32,
    #[value(alias = "f8", alias = "f64", alias = "double")]
    Float64,
}

impl DtypeArg {
    /// Returns the library's type.
    pub fn float(self) -> FloatType {
        match self {
            Self::Float16 => FloatType::Float16,
            Self::Bfloat16 => FloatType::Bfloat16,
            Self::Float32 => FloatType::Float32,
            Self::Float64 => FloatType::Float64,
        }
    }
}

impl BareArgs {
    /// Returns the names of files of embeddings, with what they hold.
    pub fn places(&self, embeddings: &[String]) -> Vec<String> {
        places(embeddings, self.dim, self.dtype.map(DtypeArg::float))
    }
}

/// Returns the names of files of embeddings, with what they hold if it is given.
pub fn places(embeddings: &[String], dim: Option<u64>, dtype: Option<FloatType>) -> Vec<String> {
    let (Some(dim), Some(dtype)) = (dim, dtype) else { return embeddings.to_vec() };
    embeddings.iter().map(|file| semdedup::bare_numbers(file, dtype.name(), dim)).collect()
}
