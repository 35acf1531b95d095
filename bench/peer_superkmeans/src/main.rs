//! The peer for clustering: superkmeans-rs (a Rust port of SuperKMeans, MIT) trains centroids for the rows of an `.npy`.
//!
//!     peer_superkmeans EMBEDDINGS.npy CENTROIDS.npy --clusters 1218 [--sample ROWS] [--iterations N] [--leaf ROWS]
//!
//! Its own defaults where no option says otherwise, but spherical (`angular`), as cosine similarity asks for. The crate
//! samples nothing itself; `--sample` takes so many rows, evenly spaced, as its own benchmark does. `--leaf` chooses the
//! hierarchical trainer, which divides every cluster of more rows of the sample and so decides itself how many there are.
//! Rows without a direction are left out. Prints one JSON object; `train` is the crate's work alone, on rows that are in
//! memory and at unit length.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use npyz::WriterBuilder;
use serde_json::json;
use superkmeans::{HierarchicalSuperKMeans, HierarchicalSuperKMeansConfig, SuperKMeans, SuperKMeansConfig};

#[derive(Parser)]
struct Args {
    /// Rows of f32.
    embeddings: PathBuf,
    /// Where the centroids go: f32, at unit length.
    centroids: PathBuf,
    #[arg(long, required_unless_present = "leaf", conflicts_with = "leaf")]
    clusters: Option<usize>,
    /// Train on so many rows; on all without it.
    #[arg(long)]
    sample: Option<usize>,
    /// Rounds at most; it may stop earlier.
    #[arg(long, conflicts_with = "leaf")]
    iterations: Option<u32>,
    /// Train hierarchically, until no cluster has more rows.
    #[arg(long)]
    leaf: Option<usize>,
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Rows, one after the other.
struct Rows {
    values: Vec<f32>,
    dim: usize,
}

impl Rows {
    fn len(&self) -> usize {
        self.values.len() / self.dim
    }
}

/// The rows of a file at unit length, without those that have no direction.
fn read(path: &Path) -> Result<Rows> {
    let file = npyz::NpyFile::new(BufReader::with_capacity(1 << 20, File::open(path)?))?;
    let &[_, dim] = file.shape() else { return Err(format!("{}: not rows", path.display()).into()) };
    let dim = usize::try_from(dim)?;
    let mut values: Vec<f32> = file.into_vec()?;
    let mut kept = 0;
    for start in (0..values.len()).step_by(dim) {
        let row = start..start + dim;
        let length = values[row.clone()].iter().map(|x| x * x).sum::<f32>().sqrt();
        if length.is_finite() && length > 0.0 {
            values[row.clone()].iter_mut().for_each(|x| *x /= length);
            values.copy_within(row, kept);
            kept += dim;
        }
    }
    values.truncate(kept);
    Ok(Rows { values, dim })
}

/// So many rows, evenly spaced; all of them where that is not fewer.
fn sampled(rows: Rows, wanted: Option<usize>) -> Rows {
    let (count, dim) = (rows.len(), rows.dim);
    match wanted {
        Some(wanted) if wanted < count => {
            let starts = (0..wanted).map(|i| i * count / wanted * dim);
            Rows {
                values: starts.flat_map(|start| rows.values[start..start + dim].iter().copied()).collect(),
                dim,
            }
        }
        _ => rows,
    }
}

/// The centroids, and how many rounds of k-means it took; in the hierarchical trainer these are rounds of all its parts.
fn train(args: &Args, rows: Rows) -> (Vec<f32>, usize) {
    let (count, dim) = (rows.len(), rows.dim);
    let mut base =
        SuperKMeansConfig { seed: args.seed, angular: true, suppress_warnings: true, ..Default::default() };
    if let Some(leaf) = args.leaf {
        base.use_aggressive_split = true; // the hierarchical trainer's own default
        let config = HierarchicalSuperKMeansConfig { base, max_leaf_size: leaf, ..Default::default() };
        let mut trainer = HierarchicalSuperKMeans::with_config(dim, config);
        let centroids = trainer.train_owned(rows.values, count);
        return (centroids, trainer.iteration_stats.local_runs.len());
    }
    base.iters = args.iterations.unwrap_or(base.iters);
    let mut trainer = SuperKMeans::with_config(args.clusters.unwrap_or(1), dim, base);
    let centroids = trainer.train_owned(rows.values, count);
    (centroids, trainer.iteration_stats.len())
}

fn write(path: &Path, centroids: Vec<f32>, dim: usize) -> Result<()> {
    let shape = [(centroids.len() / dim) as u64, dim as u64];
    let file = BufWriter::new(File::create(path)?);
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file).begin_nd()?;
    writer.extend(centroids)?;
    Ok(writer.finish()?)
}

fn main() -> Result<()> {
    let args = Args::parse();
    let start = Instant::now();
    let rows = sampled(read(&args.embeddings)?, args.sample);
    let (dim, count, load) = (rows.dim, rows.len(), start.elapsed());
    let training = Instant::now();
    let (centroids, iterations) = train(&args, rows);
    let train = training.elapsed();
    let clusters = centroids.len() / dim;
    write(&args.centroids, centroids, dim)?;
    let seconds = json!({
        "load": load.as_secs_f64(),
        "train": train.as_secs_f64(),
        "total": start.elapsed().as_secs_f64(),
    });
    println!(
        "{}",
        json!({
            "rows": count,
            "dim": dim,
            "clusters": clusters,
            "iterations": iterations,
            "leaf": args.leaf,
            "seed": args.seed,
            "products": if cfg!(feature = "openblas") { "OpenBLAS" } else { "matrixmultiply" },
            "seconds": seconds,
        })
    );
    Ok(())
}
