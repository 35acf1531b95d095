//! Ctrl-C and SIGTERM: say what is safe and how to go on, then leave at once. Every file of the work directory gets its
//! name when it is whole, so leaving at any instant loses nothing.

use std::io::IsTerminal;

use semdedup::{Error, Result};

use crate::args::Command;
use crate::output;

const INTERRUPTED: i32 = 130;

/// Installs the handler.
///
/// # Errors
/// If the system does not let us.
pub fn install(command: &Command) -> Result<()> {
    let message = message(command);
    ctrlc::set_handler(move || {
        if std::io::stderr().is_terminal() {
            // The bar stays where it was; the message starts on a line of its own.
            output::note("");
        }
        output::note(&message);
        std::process::exit(INTERRUPTED);
    })
    .map_err(|error| Error::usage(format!("cannot watch for Ctrl-C: {error}")))
}

fn message(command: &Command) -> String {
    let typed: Vec<String> =
        std::env::args_os().map(|word| output::shell_word(&word.to_string_lossy())).collect();
    let typed = typed.join(" ");
    if command.resumes() {
        format!("interrupted: the work so far is safe\nhint: resume with the same command line: {typed}")
    } else {
        format!(
            "interrupted: no file is left half-written\nhint: start again with the same command line: {typed}"
        )
    }
}
