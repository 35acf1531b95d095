//! The options for files of embeddings without a header.

use clap::{Args, ValueEnum};

/// The options that say what files of bare numbers hold.
#[derive(Debug, Args)]
pub struct BareArgs {
    /// The number of values of an embedding, in files of bare numbers without a header (as
    /// numpy.memmap and tofile write them); with --dtype.
    #[arg(long, value_name = "N", requires_all = ["dtype", "embeddings"], value_parser = clap::value_parser!(u64).range(1..=65536))]
    dim: Option<u64>,
    /// The type of the numbers in files without a header; with --dim.
    #[arg(long, value_name = "TYPE", value_enum, requires = "dim")]
    dtype: Option<DtypeArg>,
}

/// A type of floats, by its name in numpy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DtypeArg {
    #[value(alias = "f2", alias = "f16", alias = "half")]
    Float16,
    #[value(alias = "bf16")]
    Bfloat16,
    #[value(alias = "f4", alias = "f32")]
    Float32,
    #[value(alias = "f8", alias = "f64", alias = "double")]
    Float64,
}

impl BareArgs {
    /// Returns the names of files of embeddings, with what they hold.
    pub fn places(&self, embeddings: &[String]) -> Vec<String> {
        let (Some(dim), Some(dtype)) = (self.dim, self.dtype) else { return embeddings.to_vec() };
        let dtype = match dtype {
            DtypeArg::Float16 => "float16",
            DtypeArg::Bfloat16 => "bfloat16",
            DtypeArg::Float32 => "float32",
            DtypeArg::Float64 => "float64",
        };
        embeddings.iter().map(|file| semdedup::bare_numbers(file, dtype, dim)).collect()
    }
}
