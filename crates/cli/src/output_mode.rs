//! The form in which a command prints its result: a table or JSON, quiet or not.

use semdedup::{Error, Result};
use serde::Serialize;

/// The result of a command.
#[derive(Debug, Default)]
pub struct CommandOutput {
    /// The text for standard output, with its last newline.
    pub text: String,
    /// The number of rows that could not be read; the exit code depends on it.
    pub skipped_rows: u64,
}

/// The options `--json` and `--quiet`.
#[derive(Debug, Clone, Copy)]
pub struct OutputMode {
    pub json: bool,
    pub quiet: bool,
}

impl OutputMode {
    /// Renders the report of work that was done. A quiet command prints it only as JSON.
    pub fn report(self, report: &impl Serialize, table: impl FnOnce() -> String) -> Result<CommandOutput> {
        if self.quiet && !self.json {
            return Ok(CommandOutput::default());
        }
        self.data(report, table)
    }

    /// Renders data that the user asked for. A quiet command prints it too.
    pub fn data(self, data: &impl Serialize, table: impl FnOnce() -> String) -> Result<CommandOutput> {
        let text = if self.json { json(data)? } else { table() };
        Ok(CommandOutput { text, skipped_rows: 0 })
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| {
        Error::output("standard output", format!("the result cannot be written as JSON: {error}"))
    })
}
