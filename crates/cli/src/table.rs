//! Text laid out in columns.

use std::fmt::Write;

use textwrap::core::display_width;

/// The side of a column to which its cells are aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// Lays out rows of cells in columns that are two spaces apart. `sides` has one entry per column.
pub fn columns(rows: &[Vec<String>], sides: &[Side]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| display_width(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..sides.len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let space = " ".repeat(widths[column] - display_width(cell));
            let _ = match sides[column] {
                Side::Left => write!(line, "{cell}{space}  "),
                Side::Right => write!(line, "{space}{cell}  "),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Lines with a label and a fact each; the labels form a column.
#[derive(Debug, Default)]
pub struct Facts(Vec<Vec<String>>);

impl Facts {
    /// Adds a line.
    pub fn add(&mut self, label: &str, fact: impl Into<String>) {
        self.0.push(vec![label.to_owned(), fact.into()]);
    }

    /// Returns the lines as text.
    pub fn text(&self) -> String {
        columns(&self.0, &[Side::Left, Side::Left])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_display_width_and_not_by_bytes() {
        let rows = [["a", "10"], ["ε日", "5"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows, &[Side::Left, Side::Right]), "a    10\nε日   5\n");
    }
}
