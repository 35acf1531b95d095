//! Handles Ctrl-C and SIGTERM: prints what is safe and how to go on, then exits at once.
//!
//! Every file of the work directory gets its final name only when it is complete, so exiting at
//! any moment loses nothing.

use std::io::IsTerminal;

use semdedup::{Error, Result};

use crate::args::cli::Command;
use crate::{output, shell, terminal};

const INTERRUPTED: i32 = 130;

/// Installs the signal handler.
///
/// # Errors
/// Fails if the system does not allow it.
pub fn install(command: &Command) -> Result<()> {
    let message = message(command);
    ctrlc::set_handler(move || {
        terminal::restore();
        if std::io::stderr().is_terminal() {
            // The progress bar stays where it is; the message starts on a line of its own.
            output::note("");
        }
        output::note(&message);
        std::process::exit(INTERRUPTED);
    })
    .map_err(|error| Error::usage(format!("cannot watch for Ctrl-C: {error}")))
}

fn message(command: &Command) -> String {
    let words: Vec<String> = std::env::args_os().map(|word| shell::quote(&word.to_string_lossy())).collect();
    let command_line = words.join(" ");
    if command.resumes() {
        format!(
            "interrupted: the work so far is safe\nhint: resume with the same command line: {command_line}"
        )
    } else {
        format!(
            "interrupted: no file is left half-written\n\
             hint: start again with the same command line: {command_line}"
        )
    }
}
