//! Prints errors in the command line in the same form as all other errors.

use std::error::Error as _;

use clap::CommandFactory;
use clap::error::ContextKind;

use crate::args::cli::Cli;
use crate::output;

/// Prints an error of the parser as an `error:` line and a `hint:` line.
pub fn print_error(stopped: &clap::Error) {
    if let Some(refused) = refused_value(stopped) {
        output::error(refused);
        return;
    }
    let text = stopped.render().to_string();
    let Some(text) = text.strip_prefix("error: ") else {
        // No subcommand was given, so the parser printed the whole help.
        output::note(&text);
        return;
    };
    let mut paragraphs = text.split("\n\n");
    let message = paragraphs.next().unwrap_or_default();
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let tip = paragraphs.find_map(|paragraph| paragraph.trim().strip_prefix("tip: "));
    let general_hint = || format!("`{} --help` explains every option", command_name());
    output::error_with_hint(message, tip.map_or_else(general_hint, str::to_owned));
}

/// Returns the library's error about a value that it refused: it says more than the parser's own
/// message, which would also repeat a URL, and a URL may hold a secret.
fn refused_value(stopped: &clap::Error) -> Option<&semdedup::Error> {
    stopped.get(ContextKind::InvalidValue)?;
    stopped.source()?.downcast_ref()
}

/// Returns `semdedup run`, or `semdedup` if the command line names no subcommand.
fn command_name() -> String {
    let known = Cli::command();
    let is_known = |word: &String| known.get_subcommands().any(|command| command.get_name() == word);
    match std::env::args().skip(1).find(is_known) {
        Some(command) => format!("semdedup {command}"),
        None => "semdedup".to_owned(),
    }
}
