//! The subcommands: each one calls the library once and renders the result.

use clap::CommandFactory;
use semdedup::formats::CompareBy;
use semdedup::{OutputOptions, Result, ScoreInputs, SelectOptions};

use crate::args::cli::{Cli, Command};
use crate::args::compare::CompareArgs;
#[cfg(feature = "transformers")]
use crate::args::distill::DistillArgs;
use crate::args::inspect::{ShowArgs, SweepArgs};
use crate::args::labels::CalibrateArgs;
use crate::args::run::RunArgs;
use crate::args::stages::{ClusterArgs, EmbedArgs, ScoreArgs, SelectArgs};
use crate::args::stats::StatsArgs;
use crate::label::label;
use crate::models::Models;
#[cfg(feature = "transformers")]
use crate::models::load_teacher;
use crate::output;
use crate::output_mode::{CommandOutput, OutputMode};
use crate::progress::Reporter;
use crate::report::calibration::calibration_table;
use crate::report::compared::compared_text;
use crate::report::groups::{stats_csv, stats_text};
use crate::report::plans::{cluster_plan_table, run_plan_table};
use crate::report::run::run_table;
#[cfg(feature = "transformers")]
use crate::report::stages::distill_table;
use crate::report::stages::{cluster_table, embed_table, score_table, select_table, sweep_table};
use crate::serve::serve;
use crate::show::pairs_text;

/// Executes the command of a command line.
///
/// # Errors
/// Returns the error of the library.
pub fn execute(cli: &Cli, progress: &Reporter) -> Result<CommandOutput> {
    let mode = OutputMode { json: cli.global.json, quiet: cli.global.quiet };
    match &cli.command {
        Command::Run(args) if args.dry_run => plan(args, mode),
        Command::Run(args) => run(args, mode, progress),
        Command::Sweep(args) => sweep(args, mode),
        Command::Show(args) => pairs(args, mode),
        Command::Stats(args) => stats(args, mode),
        Command::Compare(args) => compare(args, mode),
        Command::Label(args) => label(args, mode),
        Command::Calibrate(args) => calibrate(args, mode),
        Command::Embed(args) => embed(args, mode, progress),
        Command::Cluster(args) if args.dry_run => plan_clusters(args, mode),
        Command::Cluster(args) => cluster(args, mode, progress),
        Command::Score(args) => score(args, mode, progress),
        Command::Select(args) => select(args, mode, progress),
        #[cfg(feature = "transformers")]
        Command::Distill(args) => distill(args, mode, progress),
        Command::ServeEmbeddings(args) => serve(args, mode).map(|()| CommandOutput::default()),
        Command::Completions(args) => Ok(completions(args.shell)),
    }
}

fn run(args: &RunArgs, mode: OutputMode, progress: &Reporter) -> Result<CommandOutput> {
    let by = args.by()?;
    let options = args.options(by)?;
    let models = load_models(args, by, mode)?;
    let summary = semdedup::run(&options, models.embedder(), progress)?;
    let output = mode.report(&summary, || run_table(&summary, &options, models.embedder().text_limit()))?;
    Ok(CommandOutput { skipped_rows: summary.rows_skipped, ..output })
}

/// Loads the models of a run, or none if the input has embeddings.
fn load_models(args: &RunArgs, by: Option<CompareBy>, mode: OutputMode) -> Result<Models> {
    by.map_or_else(|| Ok(Models::default()), |by| Models::load(&args.model, by, mode.quiet))
}

fn plan(args: &RunArgs, mode: OutputMode) -> Result<CommandOutput> {
    let by = args.by()?;
    let options = args.options(by)?;
    let models = load_models(args, by, mode)?;
    let plan = semdedup::plan(&options, models.embedder())?;
    if !mode.quiet {
        plan.warnings.iter().for_each(output::warning);
    }
    mode.data(&plan, || run_plan_table(&plan))
}

fn embed(args: &EmbedArgs, mode: OutputMode, progress: &Reporter) -> Result<CommandOutput> {
    let options = args.input.options(&args.inputs);
    let by = semdedup::rows_by(&options, std::slice::from_ref(&args.out))?;
    let models = Models::load(&args.model, by, mode.quiet)?;
    let mut place = OutputOptions::new(&args.out);
    place.overwrite = args.overwrite;
    let report = semdedup::embed(&options, models.embedder(), &place, progress)?;
    let output = mode.report(&report, || embed_table(&report, &args.out, models.embedder().text_limit()))?;
    Ok(CommandOutput { skipped_rows: report.rows_skipped, ..output })
}

fn plan_clusters(args: &ClusterArgs, mode: OutputMode) -> Result<CommandOutput> {
    let files = semdedup::find_embeddings(&args.embeddings())?;
    let plan = semdedup::plan_clusters(&files, &args.clustering.options())?;
    mode.data(&plan, || cluster_plan_table(&plan))
}

fn cluster(args: &ClusterArgs, mode: OutputMode, progress: &Reporter) -> Result<CommandOutput> {
    let files = semdedup::find_embeddings(&args.embeddings())?;
    let output = args.output.options();
    let report = semdedup::cluster(&files, &args.clustering.options(), &output, progress)?;
    mode.report(&report, || cluster_table(&report, &output.out))
}

fn score(args: &ScoreArgs, mode: OutputMode, progress: &Reporter) -> Result<CommandOutput> {
    let embeddings = semdedup::find_embeddings(&args.embeddings())?;
    let mut inputs = ScoreInputs::new(embeddings, &args.centroids, &args.assignments);
    inputs.probes.clone_from(&args.probes);
    let report = semdedup::score(&inputs, &args.options(), &args.out, progress)?;
    mode.report(&report, || score_table(&report, &args.out))
}

fn select(args: &SelectArgs, mode: OutputMode, progress: &Reporter) -> Result<CommandOutput> {
    let output = args.output.options();
    let mut options = SelectOptions::default();
    (options.goal, options.ids) = (args.goal.given()?, args.ids.formats());
    let report = semdedup::select(&args.scores, &options, &output, progress)?;
    mode.report(&report, || select_table(&report, &output.out))
}

#[cfg(feature = "transformers")]
fn distill(args: &DistillArgs, mode: OutputMode, progress: &Reporter) -> Result<CommandOutput> {
    let teacher = load_teacher(&args.pretrained, &args.teacher)?;
    let options = args.options()?;
    let mut place = OutputOptions::new(&args.out);
    (place.overwrite, place.work) = (args.overwrite, args.work.clone());
    let report = semdedup::distill(&options, teacher.as_ref(), &place, progress)?;
    mode.report(&report, || distill_table(&report))
}

fn sweep(args: &SweepArgs, mode: OutputMode) -> Result<CommandOutput> {
    let rows = semdedup::sweep(&args.work, &args.epsilons())?;
    // A table of scores alone has no rule.
    let run = semdedup::FinishedRun::open(&args.work).ok();
    let rule = run.as_ref().and_then(|run| Some(run.summary()?.rule.as_str()));
    mode.data(&rows, || sweep_table(&rows, rule))
}

fn pairs(args: &ShowArgs, mode: OutputMode) -> Result<CommandOutput> {
    let pairs = semdedup::show(&args.work, &args.which()?)?;
    mode.data(&pairs, || pairs_text(&pairs, textwrap::termwidth()))
}

fn stats(args: &StatsArgs, mode: OutputMode) -> Result<CommandOutput> {
    let stats = semdedup::stats(&args.result, &args.by)?;
    mode.data(&stats, || if args.csv { stats_csv(&stats) } else { stats_text(&stats) })
}

fn compare(args: &CompareArgs, mode: OutputMode) -> Result<CommandOutput> {
    let compared = semdedup::compare(&args.results, &args.options())?;
    mode.data(&compared, || compared_text(&compared))
}

fn calibrate(args: &CalibrateArgs, mode: OutputMode) -> Result<CommandOutput> {
    let found = semdedup::calibrate(args.result(), &args.options())?;
    mode.data(&found, || calibration_table(&found))
}

fn completions(shell: clap_complete::Shell) -> CommandOutput {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "semdedup", &mut script);
    CommandOutput { text: String::from_utf8_lossy(&script).into_owned(), skipped_rows: 0 }
}
