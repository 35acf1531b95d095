//! Prints errors in the command line in the same form as all other errors.

use std::error::Error as _;

use clap::CommandFactory;
use clap::error::{ContextKind, ErrorKind};

use crate::args::cli::Cli;
use crate::output;
use crate::slips::instead_of;

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
    let hint = match option(stopped) {
        // The parser suggests the options whose letters are most alike, however far that is.
        Some(option) if stopped.kind() == ErrorKind::UnknownArgument => instead_of(&option, &command()),
        Some(option) if option.starts_with("--output ") => Some(OUTPUT_HINT.to_owned()),
        _ => tip.map(str::to_owned),
    };
    let general_hint = || format!("`{} --help` explains every option", command_name());
    output::error_with_hint(message, hint.unwrap_or_else(general_hint));
}

/// The hint if the value of `--output` is none of its kinds: other programs name a folder with it.
const OUTPUT_HINT: &str =
    "--output says what to write: files, ids or annotate; the folder of the results is named with --out";

/// Returns the option that the error is about.
fn option(stopped: &clap::Error) -> Option<String> {
    let option = stopped.get(ContextKind::InvalidArg)?.to_string();
    option.starts_with('-').then_some(option)
}

/// Returns the library's error about a value that it refused: it says more than the parser's own
/// message, which would also repeat a URL, and a URL may hold a secret.
fn refused_value(stopped: &clap::Error) -> Option<&semdedup::Error> {
    stopped.get(ContextKind::InvalidValue)?;
    stopped.source()?.downcast_ref()
}

/// Returns the subcommand that was typed, with the options of all subcommands; or the whole command.
fn command() -> clap::Command {
    let mut all = Cli::command();
    all.build();
    let typed = std::env::args().skip(1).find_map(|word| all.find_subcommand(word).cloned());
    typed.unwrap_or(all)
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
