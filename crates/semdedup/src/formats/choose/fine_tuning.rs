//! Fine-tuning data without a text column: columns that together are an example, by their usual
//! names.

use std::collections::HashSet;

use crate::error::Result;
use crate::formats::choose::binary as held;
use crate::formats::choose::candidates::{MOST_CANDIDATES, may_hold};
use crate::formats::choose::language::{is_language, is_rival};
use crate::formats::choose::table::Table;
use crate::formats::choose::text_column::TextColumns;
use crate::formats::choose::values::values_of;
use crate::formats::columns::{Column, Columns, Found, Wanted};
use crate::formats::file::Format;
use crate::formats::usual_names::is_example_part;

/// Columns that together are an example, in the order in which they are joined.
struct Example {
    columns: &'static [&'static str],
    /// The one of them that some rows or files do without.
    optional: Option<&'static str>,
}

/// The forms of examples. A form goes before those that have only some of its columns.
const EXAMPLES: [Example; 8] = [
    // Alpaca (Stanford), as LLaMA-Factory, Axolotl and others read it.
    Example { columns: &["instruction", "input", "output"], optional: Some("input") },
    // Dolly (Databricks).
    Example { columns: &["instruction", "context", "response"], optional: Some("context") },
    // OpenAI's fine-tuning of completions, and TRL.
    Example { columns: &["prompt", "completion"], optional: None },
    Example { columns: &["prompt", "response"], optional: None },
    // Preferences for DPO, with the prompt apart or in both answers (TRL).
    Example { columns: &["prompt", "chosen", "rejected"], optional: Some("prompt") },
    Example { columns: &["question", "chosen", "rejected"], optional: None },
    Example { columns: &["query", "response"], optional: None },
    Example { columns: &["question", "answer"], optional: None },
];

impl Table<'_> {
    /// Returns the columns of the form of examples that the table has; none if that is not certain:
    /// another column belongs to the example too, such as `history` or `system`, or equal questions
    /// have different short answers.
    pub(crate) fn fine_tuning(&self, wanted: &Wanted) -> Result<Option<TextColumns>> {
        for example in &EXAMPLES {
            let Some(columns) = self.columns_of(example)? else { continue };
            if !self.has_more(example, wanted)?
                && !self.answers_shortly(&columns)?
                && !self.swaps_answers(&columns)?
            {
                return Ok(Some(columns));
            }
        }
        Ok(None)
    }

    /// Whether another column may belong to the example, by its name, its type or its values.
    fn has_more(&self, example: &Example, wanted: &Wanted) -> Result<bool> {
        let is_other = |column: &&Column| {
            !column.is_nested
                && column.kind.as_deref() != Some("null")
                && ![wanted.id, wanted.embedding].contains(&Some(column.name.as_str()))
                && !example.columns.iter().any(|name| column.name.eq_ignore_ascii_case(name))
        };
        let others: Vec<&Column> = self.columns.iter().filter(is_other).collect();
        if others.len() > MOST_CANDIDATES
            || others.iter().any(|other| is_example_part(&other.name) || may_hold(other, wanted))
        {
            return Ok(true);
        }
        for other in others {
            if self.says_something(other)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the columns of an example, if the table has them and they hold strings or turns.
    fn columns_of(&self, example: &Example) -> Result<Option<TextColumns>> {
        let mut found = TextColumns::of(&[], Found::Name);
        for &name in example.columns {
            let mut named = self
                .columns
                .iter()
                .filter(|column| !column.is_nested && column.name.eq_ignore_ascii_case(name));
            match named.next() {
                // A column that is null at first may have texts later.
                Some(column) if column.kind.as_deref() == Some("null") && example.optional == Some(name) => {
                    found = found.join(TextColumns::plain(&column.name, Found::Name));
                }
                Some(column)
                    if column.is_text
                        || column.is_turns
                        || (column.is_binary && held::may_hold_texts(self.file, column)?) =>
                {
                    found = found.join(TextColumns::of(&[self.checked(column, Found::Name)?], Found::Name));
                }
                // Rows of JSON may have a column that the first rows lack.
                None if example.optional == Some(name) && self.may_have_more() => {
                    found = found.join(TextColumns::plain(name, Found::Name));
                }
                None if example.optional == Some(name) => {}
                _ => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    /// Whether rows that agree in all columns but the last differ in a short last one.
    fn answers_shortly(&self, columns: &TextColumns) -> Result<bool> {
        let TextColumns { names, turns, found, .. } = columns.clone();
        let Some((answer, questions)) = names.split_last() else { return Ok(false) };
        let text = questions.first().cloned();
        let joined = questions.iter().skip(1).cloned().collect();
        self.differs_in_short_answers(&Columns { text, joined, turns, found, ..Columns::default() }, answer)
    }

    /// Whether a column holds sentences or long strings, so that rows that differ in it are different
    /// examples.
    fn says_something(&self, column: &Column) -> Result<bool> {
        if !self.is_string(column) {
            return Ok(false);
        }
        let values = values_of(self.file, &column.name)?.unwrap_or_default();
        let values = || values.iter().map(String::as_str);
        Ok(is_language(values()) || is_rival(values()))
    }

    /// Whether rows prefer the answer that others reject. Their joined texts have the same words.
    fn swaps_answers(&self, columns: &TextColumns) -> Result<bool> {
        let [.., chosen, rejected] = &columns.names[..] else { return Ok(false) };
        if !rejected.eq_ignore_ascii_case("rejected") {
            return Ok(false);
        }
        let chosen = values_of(self.file, chosen)?.unwrap_or_default();
        let rejected = values_of(self.file, rejected)?.unwrap_or_default();
        let pairs: HashSet<(&String, &String)> = chosen.iter().zip(&rejected).collect();
        let swapped = pairs.iter().filter(|(a, b)| a != b && pairs.contains(&(*b, *a))).count();
        Ok(swapped >= 2)
    }

    /// Whether later rows may have columns that the first rows lack.
    fn may_have_more(&self) -> bool {
        matches!(self.file.format, Format::Jsonl | Format::JsonArray)
    }
}
