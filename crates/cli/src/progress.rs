//! Shows the progress of the work on standard error: a bar per stage on a terminal, plain lines
//! elsewhere, nothing if quiet.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressState, ProgressStyle};
use semdedup::{Progress, Stage, Warning};

use crate::numbers::duration;
use crate::output;

/// The time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// The time between two updates of a bar.
const BAR_EVERY: Duration = Duration::from_millis(200);
/// The unit whose amounts are formatted as sizes.
const BYTES: &str = "bytes";

/// The form in which progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProgressMode {
    Quiet,
    Lines,
    Bars,
}

/// Prints the progress of the work.
#[derive(Debug)]
pub struct Reporter {
    mode: ProgressMode,
    stage: Mutex<Option<Running>>,
}

/// The stage that is running.
#[derive(Debug)]
struct Running {
    stage: Stage,
    unit: &'static str,
    total: u64,
    done: u64,
    started: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Reporter {
    /// Shows bars on a terminal, otherwise lines, and nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        let mode = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => ProgressMode::Quiet,
            (false, true) => ProgressMode::Bars,
            (false, false) => ProgressMode::Lines,
        };
        Self { mode, stage: Mutex::new(None) }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Reporter {
    fn begin(&self, stage: Stage, unit: &'static str, total: u64) {
        if self.mode == ProgressMode::Quiet {
            return;
        }
        let bar = (self.mode == ProgressMode::Bars).then(|| bar(stage, unit, total));
        let now = Instant::now();
        *self.running() = Some(Running { stage, unit, total, done: 0, started: now, last_line: now, bar });
    }

    fn advance(&self, units: u64) {
        if let Some(running) = self.running().as_mut() {
            running.done += units;
            match &running.bar {
                Some(bar) => bar.inc(units),
                None if running.last_line.elapsed() >= LINE_EVERY => {
                    running.last_line = Instant::now();
                    output::note(&so_far(running, running.started.elapsed()));
                }
                None => {}
            }
        }
    }

    fn end(&self, stage: Stage, reused: bool) {
        let running = self.running().take();
        if self.mode == ProgressMode::Quiet {
            return;
        }
        if let Some(bar) = running.as_ref().and_then(|running| running.bar.as_ref()) {
            bar.finish_and_clear();
        }
        match running {
            _ if reused => output::note(&format!("{}: done by an earlier run", stage.name())),
            Some(running) => output::note(&at_end(&running, running.started.elapsed())),
            // The stage had nothing to do, for example recall without a sample.
            None => {}
        }
    }

    fn warn(&self, warning: &Warning) {
        if self.mode == ProgressMode::Quiet {
            return;
        }
        match self.running().as_ref().and_then(|running| running.bar.as_ref()) {
            Some(bar) => bar.suspend(|| output::warning(warning)),
            None => output::warning(warning),
        }
    }
}

fn bar(stage: Stage, unit: &str, total: u64) -> ProgressBar {
    let template = if unit == BYTES {
        "{prefix:>7} {bar:28} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left"
    } else {
        "{prefix:>7} {bar:28} {human_pos}/{human_len} {msg}, {rate}/s, {eta} left"
    };
    let bar = ProgressBar::new(total).with_prefix(stage.name()).with_message(unit.to_owned());
    if let Ok(style) = ProgressStyle::with_template(template) {
        let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            let _ = write!(text, "{}", HumanCount(state.per_sec() as u64));
        };
        bar.set_style(style.with_key("rate", rate));
    }
    bar.enable_steady_tick(BAR_EVERY);
    bar
}

/// Formats a line in the middle of a stage:
/// `embed: 1.2 GiB of 3.4 GiB, 120 MiB/s, about 19 s left`.
fn so_far(running: &Running, elapsed: Duration) -> String {
    if running.done == 0 {
        let total = amount(running.total, running.unit);
        return format!("{}: 0 of {total} after {}", running.stage.name(), duration(elapsed.as_secs_f64()));
    }
    let per_second = running.done as f64 / elapsed.as_secs_f64().max(1e-9);
    let left = running.total.saturating_sub(running.done) as f64 / per_second.max(1e-9);
    let (done, total) = (amount(running.done, running.unit), amount(running.total, running.unit));
    let rate = amount(per_second as u64, running.unit);
    format!("{}: {done} of {total}, {rate}/s, about {} left", running.stage.name(), duration(left))
}

/// Formats the line at the end of a stage: `embed: 500,383 rows, 3.1 s`.
fn at_end(running: &Running, elapsed: Duration) -> String {
    let did = amount(running.done, running.unit);
    format!("{}: {did}, {}", running.stage.name(), duration(elapsed.as_secs_f64()))
}

fn amount(units: u64, unit: &str) -> String {
    if unit == BYTES { HumanBytes(units).to_string() } else { format!("{} {unit}", HumanCount(units)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(stage: Stage, unit: &'static str, done: u64, total: u64) -> Running {
        let now = Instant::now();
        Running { stage, unit, total, done, started: now, last_line: now, bar: None }
    }

    #[test]
    fn a_line_in_the_middle_has_the_rate_and_the_time_left_in_the_unit_of_the_work() {
        let four = Duration::from_secs(4);
        let rows = so_far(&running(Stage::Score, "rows", 2_000, 5_000), four);
        assert_eq!(rows, "score: 2,000 rows of 5,000 rows, 500 rows/s, about 6.0 s left");
        let bytes = so_far(&running(Stage::Embed, "bytes", 4 << 20, 8 << 20), four);
        assert_eq!(bytes, "embed: 4.00 MiB of 8.00 MiB, 1.00 MiB/s, about 4.0 s left");
        let none = so_far(&running(Stage::Embed, "bytes", 0, 8 << 20), four);
        assert_eq!(none, "embed: 0 of 8.00 MiB after 4.0 s");
    }

    #[test]
    fn a_line_at_the_end_has_the_amount_of_work_and_its_time() {
        let line = at_end(&running(Stage::Embed, "rows", 500_383, 500_383), Duration::from_millis(3_140));
        assert_eq!(line, "embed: 500,383 rows, 3.1 s");
    }
}
