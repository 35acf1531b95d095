//! `label`: asks in the terminal whether pairs say the same.

use std::io::Write;

use anstyle::Style;
use semdedup::{Answer, Error, Labelling, LabellingState, PairToLabel, Result};

use crate::args::labels::LabelArgs;
use crate::numbers::{count, decimal};
use crate::output;
use crate::output_mode::{CommandOutput, OutputMode};
use crate::report::calibration::{label_table, left_out_line, share_with_interval};
use crate::show::pairs_text;
use crate::terminal;

const BOLD: Style = Style::new().bold();

const KEYS: &str = "y same   n not the same   u unsure   b back   q quit";

/// Where keys come from.
type Keys<'a> = &'a mut dyn FnMut() -> std::io::Result<Option<char>>;

/// Asks until the user quits or the input ends, then reports what the labels say.
///
/// # Errors
/// Returns the errors of the library, and fails if standard input cannot be read.
pub fn label(args: &LabelArgs, mode: OutputMode) -> Result<CommandOutput> {
    let mut session = Labelling::open(&args.result, &args.options())?;
    if session.is_repaired() {
        output::warning(&format!(
            "{}: the last line was half-written and is left out; its pair is asked again",
            args.labels.display()
        ));
    }
    for (name, left_out) in session.left_out() {
        output::warning(&format!("{}: {}", args.labels.display(), left_out_line(name, left_out)));
    }
    ask_all(&mut session, &mut terminal::next_key, &mut anstream::stderr())?;
    let state = session.state();
    mode.report(&state, || label_table(&state, &args.result, &args.labels))
}

/// What the user types.
enum Reply {
    Answer(Answer),
    Back,
    Quit,
}

fn ask_all(session: &mut Labelling, keys: Keys, out: &mut dyn Write) -> Result<()> {
    while let Some(asked) = session.next_pair()? {
        match reply(&asked, keys, out)? {
            Reply::Quit => return Ok(()),
            Reply::Back => {
                if !session.back()? {
                    say(out, "there is no earlier answer in this session\n");
                }
            }
            Reply::Answer(answer) => {
                session.answer(answer)?;
                say(out, &progress(&session.state(), &asked.band));
            }
        }
    }
    say(out, "every pair that was drawn is labelled; the same command draws more, if there are any\n");
    Ok(())
}

/// Shows a pair and reads what the user says of it.
fn reply(asked: &PairToLabel, keys: Keys, out: &mut dyn Write) -> Result<Reply> {
    say(out, &format!("\n{}", pairs_text(std::slice::from_ref(&asked.pair), textwrap::termwidth())));
    let enter = if terminal::needs_enter() { ", then Enter" } else { "" };
    say(out, &format!("{BOLD}Do both say the same?{BOLD:#}  {KEYS}{enter}\n"));
    loop {
        let key = keys().map_err(|error| {
            Error::usage(format!("standard input cannot be read: {error}"))
                .hint("the answers so far are safe; the same command line goes on")
        })?;
        return Ok(match key {
            None | Some('q') => Reply::Quit,
            Some('y') => Reply::Answer(Answer::Same),
            Some('n') => Reply::Answer(Answer::Different),
            Some('u') => Reply::Answer(Answer::Unsure),
            Some('b') => Reply::Back,
            Some(_) => {
                say(out, &format!("{KEYS}{enter}\n"));
                continue;
            }
        });
    }
}

/// Says what the labels of a band say so far, and those of all bands.
fn progress(state: &LabellingState, band: &str) -> String {
    let mut text = String::new();
    if let Some(band) = state.bands.iter().find(|known| known.band == band) {
        let same = band.same.as_ref().map_or_else(|| "no labels".to_owned(), share_with_interval);
        let (rows, removed) = (count(band.rows), count(band.rows_removed));
        text = format!("{}: the same {same}; {rows} rows, of which {removed} go\n", band.band);
    }
    let epsilon = decimal(state.epsilon);
    text + &match &state.precision {
        Some(precision) => format!("precision at epsilon {epsilon}: {}\n", share_with_interval(precision)),
        None => format!(
            "precision at epsilon {epsilon}: not known before every band that loses rows has a label\n"
        ),
    }
}

/// Prints what the user reads. If standard error is closed, nobody is left to read it.
fn say(out: &mut dyn Write, text: &str) {
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
