//! The `semdedup` command: parses the command line, calls the library and prints the result once.

mod args;
mod commands;
mod interrupt;
mod label;
mod models;
mod numbers;
mod output;
mod output_mode;
mod panics;
mod progress;
mod report;
mod serve;
mod setup;
mod shell;
mod show;
mod slips;
mod table;
mod terminal;
mod usage;

use std::process::ExitCode;

use clap::Parser;
use semdedup::Result;

use crate::args::cli::Cli;
use crate::progress::Reporter;

const DONE: u8 = 0;
const ROWS_SKIPPED: u8 = 1;
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let code = match Cli::try_parse() {
        Ok(cli) => panics::catch(|| execute(&cli)),
        Err(stopped) if stopped.use_stderr() => {
            usage::print_error(&stopped);
            Ok(FAILED)
        }
        // Help and the version are results.
        Err(stopped) => output::print(&stopped.render().ansi().to_string()).map(|()| DONE),
    };
    ExitCode::from(code.unwrap_or_else(|error| {
        output::error(&error);
        FAILED
    }))
}

/// Prepares the process, executes the command and prints its result. Returns the exit code.
fn execute(cli: &Cli) -> Result<u8> {
    setup::raise_open_file_limit();
    if !cli.command.handles_signals() {
        interrupt::install(&cli.command)?;
    }
    setup::start_threads(cli.global.threads)?;
    let result = commands::execute(cli, &Reporter::new(cli.global.quiet))?;
    output::print(&result.text)?;
    Ok(if result.skipped_rows > 0 { ROWS_SKIPPED } else { DONE })
}
