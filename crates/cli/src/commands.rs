//! The subcommands: each calls the library once and says what came of it.

use clap::CommandFactory;
use semdedup::formats::CompareBy;
use semdedup::{Error, OutputOptions, Result, ScoreInputs, SelectOptions};
use serde::Serialize;

use crate::args::{
    Cli, ClusterArgs, Command, EmbedArgs, Models, RunArgs, ScoreArgs, SelectArgs, ShowArgs, SweepArgs,
};
use crate::progress::Reporter;
use crate::{output, report, serve, show};

/// What goes to standard output, and what the exit code depends on.
#[derive(Debug)]
pub struct Outcome {
    /// The text to print, with its last newline.
    pub text: String,
    /// Rows that could not be read.
    pub skipped_rows: u64,
}

/// Does what was typed.
pub fn execute(cli: &Cli, progress: &Reporter) -> Result<Outcome> {
    let say = Say { json: cli.global.json, quiet: cli.global.quiet };
    match &cli.command {
        Command::Run(args) if args.dry_run => plan(args, say),
        Command::Run(args) => run(args, say, progress),
        Command::Sweep(args) => sweep(args, say),
        Command::Show(args) => pairs(args, say),
        Command::Embed(args) => embed(args, say, progress),
        Command::Cluster(args) => cluster(args, say, progress),
        Command::Score(args) => score(args, say, progress),
        Command::Select(args) => select(args, say, progress),
        Command::ServeEmbeddings(args) => {
            serve::serve(args, say.json, say.quiet)?;
            Ok(Outcome { text: String::new(), skipped_rows: 0 })
        }
        Command::Completions(args) => Ok(completions(args.shell)),
    }
}

/// In what form the result is wanted.
#[derive(Debug, Clone, Copy)]
struct Say {
    json: bool,
    quiet: bool,
}

impl Say {
    /// The report of work that was done: the table says it was, so it goes when quiet.
    fn report(self, report: &impl Serialize, table: impl FnOnce() -> String) -> Result<Outcome> {
        if self.quiet && !self.json {
            return Ok(Outcome { text: String::new(), skipped_rows: 0 });
        }
        self.data(report, table)
    }

    /// Data that was asked for, quiet or not.
    fn data(self, data: &impl Serialize, table: impl FnOnce() -> String) -> Result<Outcome> {
        let text = if self.json { json(data)? } else { table() };
        Ok(Outcome { text, skipped_rows: 0 })
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| {
        Error::output("standard output", format!("the result is not expressible in JSON: {error}"))
    })
}

fn run(args: &RunArgs, say: Say, progress: &Reporter) -> Result<Outcome> {
    let by = args.by()?;
    let options = args.options(by)?;
    let models = load(args, by, say)?;
    let summary = semdedup::run(&options, models.embedder(), progress)?;
    let outcome = say.report(&summary, || report::run(&summary, &options))?;
    Ok(Outcome { skipped_rows: summary.rows_skipped, ..outcome })
}

/// The models, none where the input has embeddings.
fn load(args: &RunArgs, by: Option<CompareBy>, say: Say) -> Result<Models> {
    by.map_or_else(|| Ok(Models::default()), |by| args.model.load(by, say.quiet))
}

fn plan(args: &RunArgs, say: Say) -> Result<Outcome> {
    let by = args.by()?;
    let options = args.options(by)?;
    let models = load(args, by, say)?;
    let plan = semdedup::plan(&options, models.embedder())?;
    if !say.quiet {
        plan.warnings.iter().for_each(output::warning);
    }
    say.data(&plan, || report::plan(&plan))
}

fn embed(args: &EmbedArgs, say: Say, progress: &Reporter) -> Result<Outcome> {
    let options = args.input.options(&args.inputs);
    let by = semdedup::rows_by(&options, std::slice::from_ref(&args.out))?;
    let models = args.model.load(by, say.quiet)?;
    let output = OutputOptions { out: args.out.clone(), work: None, overwrite: args.overwrite };
    let done = semdedup::embed(&options, models.embedder(), &output, progress)?;
    let outcome = say.report(&done, || report::embed(&done, &args.out))?;
    Ok(Outcome { skipped_rows: done.rows_skipped, ..outcome })
}

fn cluster(args: &ClusterArgs, say: Say, progress: &Reporter) -> Result<Outcome> {
    let (files, output) = (semdedup::find_embeddings(&args.embeddings)?, args.output());
    if args.dry_run {
        let plan = semdedup::plan_clusters(&files, &args.cluster.options())?;
        return say.data(&plan, || report::cluster_plan(&plan));
    }
    let done = semdedup::cluster(&files, &args.cluster.options(), &output, progress)?;
    say.report(&done, || report::cluster(&done, &output.out))
}

fn score(args: &ScoreArgs, say: Say, progress: &Reporter) -> Result<Outcome> {
    let inputs = ScoreInputs {
        embeddings: semdedup::find_embeddings(&args.embeddings)?,
        centroids: args.centroids.clone(),
        assignments: args.assignments.clone(),
        probes: args.probes.clone(),
    };
    let done = semdedup::score(&inputs, &args.options(), &args.out, progress)?;
    say.report(&done, || report::score(&done, &args.out))
}

fn select(args: &SelectArgs, say: Say, progress: &Reporter) -> Result<Outcome> {
    let output = args.output();
    let options = SelectOptions { goal: args.goal()?, ids: args.ids.formats() };
    let done = semdedup::select(&args.scores, &options, &output, progress)?;
    say.report(&done, || report::select(&done, &output.out))
}

fn sweep(args: &SweepArgs, say: Say) -> Result<Outcome> {
    let rows = semdedup::sweep(&args.work, &args.epsilons)?;
    say.data(&rows, || report::sweep(&rows))
}

fn pairs(args: &ShowArgs, say: Say) -> Result<Outcome> {
    let pairs = semdedup::show(&args.work, &args.which()?)?;
    say.data(&pairs, || show::pairs(&pairs, textwrap::termwidth()))
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "semdedup", &mut script);
    Outcome { text: String::from_utf8_lossy(&script).into_owned(), skipped_rows: 0 }
}
