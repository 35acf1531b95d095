//! Printing: data to standard output, once; errors and warnings to standard error. A reader that went away
//! (`semdedup show … | head`) is no error.

use std::error::Error as _;
use std::fmt::Display;
use std::io::{ErrorKind as IoKind, Write};

use anstyle::{AnsiColor, Style};
use clap::CommandFactory;
use clap::error::ContextKind;
use semdedup::{Error, ErrorKind, Result};

use crate::args::Cli;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Prints the result.
///
/// # Errors
/// If standard output cannot take it, say on a full disk; not if its reader has gone.
pub fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != IoKind::BrokenPipe => Err(Error::output("standard output", error)
            .hint("the work itself is done; the same command line prints its result again")),
        _ => Ok(()),
    }
}

/// Prints what went wrong, in one line, and what can be done about it.
pub fn error(error: &Error) {
    line(ERROR, "error", error);
    let open_files = error.to_string().contains("Too many open files");
    let raise = open_files
        .then_some("raise the limit on open files (`ulimit -Hn` shows it), or name fewer, larger files");
    line(HINT, "hint", raise.or(error.hint_text()).unwrap_or_else(|| general_hint(error.kind())));
}

/// Prints a command line that cannot be understood, in the same form.
pub fn usage_error(stopped: &clap::Error) {
    // The parser repeats what was typed, and in a URL that may be a secret.
    let typed = stopped.get(ContextKind::InvalidValue).map(ToString::to_string);
    if typed.is_some_and(|typed| typed.contains("://"))
        && let Some(refused) = stopped.source().and_then(|source| source.downcast_ref::<semdedup::Error>())
    {
        return error(refused);
    }
    let text = stopped.render().to_string();
    if !text.starts_with("error: ") {
        // A subcommand is missing, and the whole help says so.
        note(&text);
        return;
    }
    let mut paragraphs = text.split("\n\n");
    let message = paragraphs.next().unwrap_or_default().trim_start_matches("error: ");
    line(ERROR, "error", message.split_whitespace().collect::<Vec<_>>().join(" "));
    match paragraphs.find_map(|paragraph| paragraph.trim().strip_prefix("tip: ")) {
        Some(tip) => line(HINT, "hint", tip),
        None => line(HINT, "hint", format!("`{} --help` explains every option", command_typed())),
    }
}

/// Prints something that the user should know.
pub fn warning(text: &impl Display) {
    line(WARNING, "warning", text);
}

/// Prints a line on what is going on.
pub fn note(text: &str) {
    // If even standard error is gone there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}

fn line(style: Style, label: &str, text: impl Display) {
    let text = one_line(&text.to_string());
    let _ = writeln!(anstream::stderr(), "{style}{label}:{style:#} {text}");
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn general_hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Usage => {
            "`semdedup --help` lists the commands, and `semdedup <COMMAND> --help` its options"
        }
        ErrorKind::Input => {
            "check that it is there, whole and readable, or leave it out; inputs are never changed"
        }
        ErrorKind::Output => {
            "make room or choose another place; the same command line goes on where this stopped"
        }
        ErrorKind::Model => "see `--model` in the README; the same command line goes on where this stopped",
        ErrorKind::Work => "choose another --work folder, or delete this one to start from the beginning",
    }
}

/// `semdedup run`, or `semdedup` where no subcommand was typed.
fn command_typed() -> String {
    let known = Cli::command();
    let is_known = |word: &String| known.get_subcommands().any(|command| command.get_name() == word);
    match std::env::args().skip(1).find(is_known) {
        Some(command) => format!("semdedup {command}"),
        None => "semdedup".to_owned(),
    }
}

/// A word as a shell takes it.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_a_shell_would_take_it_apart() {
        assert_eq!(shell_word("data/a-1.jsonl.gz"), "data/a-1.jsonl.gz");
        assert_eq!(shell_word("my data"), "'my data'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn a_message_is_one_line_even_if_a_file_name_has_two() {
        assert_eq!(one_line("a\nb.jsonl: \u{1b}[31mno"), "a b.jsonl:  [31mno");
    }
}
