//! Tests of the options that a command line gives the library.
#![allow(clippy::unwrap_used)]

use clap::{CommandFactory, Parser};
use semdedup::{Goal, Keep};

use super::cli::{Cli, Command};

fn run(typed: &str) -> semdedup::RunOptions {
    let words = std::iter::once("semdedup").chain(typed.split(' '));
    match Cli::try_parse_from(words).unwrap().command {
        Command::Run(run) => run.options(None).unwrap(),
        _ => panic!("not a run"),
    }
}

#[test]
fn the_definition_of_the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn without_options_a_run_uses_the_defaults_of_the_library() {
    let options = run("run a.jsonl --out o");
    assert_eq!(options.goal, Goal::Epsilon(semdedup::Epsilon::new(semdedup::DEFAULT_EPSILON).unwrap()));
    assert_eq!(options.keep, Keep::Hard.into());
    assert_eq!((options.cluster.clusters, options.cluster.seed), (None, 0));
    assert_eq!(options.recall_sample, semdedup::DEFAULT_RECALL_SAMPLE);
    assert_eq!(options.output.work_dir(), std::path::Path::new("o/work"));
}

#[test]
fn the_seed_and_the_keys_reach_the_library() {
    let options = run("run a.jsonl --out o --seed 7 --keep random --clusters 12");
    assert_eq!((options.cluster.seed, options.keep), (7, Keep::Random.into()));
    assert_eq!(options.cluster.clusters, Some(12));
    let keys = run("run a.jsonl --out o --keep prefer:source=wiki,web,max:quality,longest").keep;
    assert_eq!(keys.to_string(), "prefer:source=wiki,web,max:quality,longest,first");
}

#[test]
fn a_target_replaces_the_default_epsilon() {
    assert_eq!(run("run a.jsonl --out o --keep-rows 3").goal, Goal::KeepRows(3));
    assert_eq!(run("run a.jsonl --out o --keep-fraction 0.5").goal, Goal::KeepFraction(0.5));
}
