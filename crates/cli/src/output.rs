//! Prints the result to standard output once, and errors, warnings and notes to standard error.
//!
//! A closed pipe (`semdedup show … | head`) is not an error.

use std::fmt::Display;
use std::io::{ErrorKind as IoKind, Write};

use anstyle::{AnsiColor, Style};
use semdedup::{Error, ErrorKind, Result};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Overrides the hint of any error that the limit on open files caused.
const OPEN_FILES_HINT: &str =
    "raise the limit on open files (`ulimit -Hn` shows it), or name fewer, larger files";

/// Prints the result.
///
/// # Errors
/// Fails if standard output cannot be written, for example on a full disk. A closed pipe is ignored.
pub fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != IoKind::BrokenPipe => Err(Error::output("standard output", error)
            .hint("the work itself is done; the same command line prints its result again")),
        _ => Ok(()),
    }
}

/// Prints an error as an `error:` line, and what the user can do about it as a `hint:` line.
pub fn error(error: &Error) {
    let hint = if error.to_string().contains("Too many open files") {
        OPEN_FILES_HINT
    } else {
        error.hint_text().unwrap_or_else(|| general_hint(error.kind()))
    };
    error_with_hint(error, hint);
}

/// Prints an `error:` line and a `hint:` line.
pub fn error_with_hint(message: impl Display, hint: impl Display) {
    line(ERROR, "error", message);
    line(HINT, "hint", hint);
}

/// Prints a `warning:` line.
pub fn warning(text: &impl Display) {
    line(WARNING, "warning", text);
}

/// Prints a line about the progress of the work.
pub fn note(text: &str) {
    // If standard error is closed too, nobody is left to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}

fn line(style: Style, label: &str, text: impl Display) {
    let text = one_line(&text.to_string());
    let _ = writeln!(anstream::stderr(), "{style}{label}:{style:#} {text}");
}

/// Replaces control characters by spaces, so that a message stays on one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// Returns the hint for an error that has none of its own.
fn general_hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Usage => {
            "`semdedup --help` lists the commands, and `semdedup <COMMAND> --help` their options"
        }
        ErrorKind::Input => {
            "check that the file exists and is complete and readable, or leave it out; inputs are never changed"
        }
        ErrorKind::Output => {
            "free some space or choose another place; the same command line resumes where this run stopped"
        }
        ErrorKind::Model => {
            "`semdedup run --help` says what `--model` takes; the same command line resumes where this run stopped"
        }
        ErrorKind::Work => "choose another --work folder, or delete this one to start from the beginning",
        _ => "run the same command again: it continues from here",
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_message_is_one_line_even_if_a_file_name_has_a_line_break() {
        assert_eq!(one_line("a\nb.jsonl: \u{1b}[31mno"), "a b.jsonl:  [31mno");
    }
}
