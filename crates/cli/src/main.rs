//! The `semdedup` command: parse, call, print once.

mod args;
mod commands;
mod fault;
mod interrupt;
mod output;
mod progress;
mod report;
mod serve;
mod show;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::commands::Outcome;
use crate::progress::Reporter;

const DONE: u8 = 0;
const ROWS_SKIPPED: u8 = 1;
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let code = match Cli::try_parse() {
        Ok(cli) => fault::watched(|| execute(&cli)).unwrap_or_else(|error| {
            output::error(&error);
            FAILED
        }),
        Err(stopped) => help_or_usage(&stopped),
    };
    ExitCode::from(code)
}

fn execute(cli: &Cli) -> semdedup::Result<u8> {
    allow_open_files();
    if !cli.command.serves() {
        interrupt::install(&cli.command)?;
    }
    start_threads(cli.global.threads)?;
    let Outcome { text, skipped_rows } = commands::execute(cli, &Reporter::new(cli.global.quiet))?;
    output::print(&text)?;
    Ok(if skipped_rows > 0 { ROWS_SKIPPED } else { DONE })
}

/// Help and the version are results; anything else that stops the parser is the user's to mend.
fn help_or_usage(stopped: &clap::Error) -> u8 {
    if stopped.use_stderr() {
        output::usage_error(stopped);
        return FAILED;
    }
    match output::print(&stopped.render().ansi().to_string()) {
        Ok(()) => DONE,
        Err(error) => {
            output::error(&error);
            FAILED
        }
    }
}

/// Asks for as many open files as the system lets us have: embeddings may lie in thousands of shards, and the usual soft
/// limit is 1,024 or less. Where that fails, opening one too many says so.
fn allow_open_files() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
            // macOS has no limit but refuses more than this.
            let most = if cfg!(target_os = "macos") { hard.min(10_240) } else { hard };
            let _ = setrlimit(Resource::RLIMIT_NOFILE, soft.max(most), hard);
        }
    }
}

fn start_threads(threads: Option<u16>) -> semdedup::Result<()> {
    let threads = threads.map_or(0, usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|error| {
        semdedup::Error::usage(format!("cannot start the threads: {error}")).hint("try fewer with --threads")
    })
}
