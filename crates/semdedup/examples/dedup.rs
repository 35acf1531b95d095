//! The library in one screen: `cargo run --release -p semdedup --example dedup -- INPUT OUT`.

use semdedup::models::{DEFAULT_MAX_TOKENS, StaticModel};
use semdedup::{
    ClusterOptions, DEFAULT_EPSILON, DEFAULT_RECALL_SAMPLE, Embedder, Epsilon, Goal, InputOptions, Keep,
    OutputOptions, Outputs, Ranking, RunOptions, Silent, formats,
};

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: dedup INPUT OUT".into());
    };
    let options = RunOptions {
        input: InputOptions {
            inputs: vec![input],
            text_files: formats::TextFiles::Lines,
            columns: formats::ColumnChoice::default(),
            embeddings: Vec::new(),
            limits: formats::ReadLimits::default(),
            strict: false,
        },
        cluster: ClusterOptions::default(),
        ranking: Ranking { keep: Keep::Hard, seed: 0 },
        goal: Goal::Epsilon(Epsilon::new(DEFAULT_EPSILON)?),
        recall_sample: DEFAULT_RECALL_SAMPLE,
        output: OutputOptions { out: out.into(), work: None, overwrite: false },
        outputs: Outputs::default(),
    };
    let summary =
        semdedup::run(&options, Embedder::Text(&StaticModel::wordllama(DEFAULT_MAX_TOKENS)?), &Silent)?;
    println!("{} of {} rows stay", summary.rows_kept, summary.rows_in);
    Ok(())
}
