//! Embeds images: `cargo run --release -p semdedup-embed --example embed_images -- OUT.f32 THREADS
//! FILE…`
//!
//! It writes one row of little-endian f32 for each file, in the order of the files, and prints the
//! speed.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Instant;

use rayon::prelude::*;
use semdedup_embed::{ImageLimits, ImageModel, MobileNet, decode_image};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("OUT.f32 is missing")?;
    let threads: usize = args.next().ok_or("THREADS is missing")?.parse()?;
    let files: Vec<String> = args.collect();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let model = MobileNet::load()?;
    let mut rows = vec![0.0; files.len() * model.dim()];
    let start = Instant::now();
    files.par_iter().zip(rows.par_chunks_exact_mut(model.dim())).try_for_each(|(file, row)| {
        let image = decode_image(&std::fs::read(file)?, &ImageLimits::default())?;
        model.embed(&[image], row).map_err(|e| Box::new(e) as Box<dyn Error + Send + Sync>)
    })?;
    println!("{:.1} images/s", files.len() as f64 / start.elapsed().as_secs_f64());
    std::fs::write(out, rows.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())?;
    Ok(())
}
