//! The file into which `label` writes: an answer is on the disk as soon as it is given.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use fs_err::{File, OpenOptions};

use crate::calibrate::label_rows::{Answer, COLUMNS, LabelRows, read_labels};
use crate::error::{Error, Result};
use crate::storage::is_url;

/// A file of labels to which answers are appended. One process at a time has it open.
#[derive(Debug)]
pub(crate) struct LabelFile {
    file: File,
    /// The length before each answer of this process.
    lengths: Vec<u64>,
    /// Whether a half-written line at the end was left out.
    pub(crate) is_repaired: bool,
}

/// A label as it is written.
#[derive(Debug, Clone)]
pub(crate) struct WrittenLabel<'a> {
    pub(crate) ids: [&'a str; 2],
    pub(crate) answer: Answer,
    pub(crate) similarity: f32,
    pub(crate) band: &'a str,
    pub(crate) rows_in_band: u64,
}

impl LabelFile {
    /// Opens a file of labels, or creates it, and reads the labels that are in it. A last line that was
    /// not written to its end is removed.
    ///
    /// # Errors
    /// A file of something else, or one that another process has open.
    pub(crate) fn open(path: &Path) -> Result<(Self, LabelRows)> {
        if is_url(path) {
            return Err(Error::output(
                path,
                "answers are appended one by one, which only a file on a disk can take",
            )
            .hint("name a file on this machine with --labels"));
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::io)?;
        // On Windows a lock would also keep this process from reading the file by its name.
        if cfg!(unix) && file.file().try_lock().is_err() {
            return Err(Error::output(path, "another process has it open")
                .hint("finish labelling there, or name another file with --labels"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::io)?;
        let header = format!("{}\n", COLUMNS.join(","));
        let mut opened = Self { file, lengths: Vec::new(), is_repaired: false };
        if header.as_bytes().starts_with(&bytes) {
            // New, or killed within its first line.
            opened.cut(0)?;
            opened.append(&header)?;
            return Ok((opened, LabelRows { has_bands: true, ..LabelRows::default() }));
        }
        if !bytes.starts_with(header.trim_end().as_bytes()) {
            return Err(Error::output(path, "not a file that `semdedup label` wrote")
                .hint("name another file with --labels; `semdedup calibrate` reads this one as it is"));
        }
        let whole = whole_lines(&bytes);
        if whole < bytes.len() {
            opened.cut(whole as u64)?;
            opened.is_repaired = true;
        }
        opened.file.seek(SeekFrom::End(0)).map_err(Error::io)?;
        let labels = read_labels(path)?;
        Ok((opened, labels))
    }

    /// Appends an answer.
    pub(crate) fn add(&mut self, label: &WrittenLabel) -> Result<()> {
        let WrittenLabel { ids: [a, b], answer, similarity, band, rows_in_band } = label;
        let (a, b, answer) = (quoted(a), quoted(b), answer.word());
        let length = self.file.metadata().map_err(Error::io)?.len();
        self.append(&format!("{a},{b},{answer},{similarity},{band},{rows_in_band}\n"))?;
        self.lengths.push(length);
        Ok(())
    }

    /// Removes the last answer of this process; returns whether there was one.
    pub(crate) fn take_back(&mut self) -> Result<bool> {
        let Some(length) = self.lengths.pop() else { return Ok(false) };
        self.cut(length)?;
        Ok(true)
    }

    /// Writes a line at once and flushes it to the disk.
    fn append(&mut self, line: &str) -> Result<()> {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written
            .map_err(|error| Error::io(error).hint("free some space; the answers before this one are safe"))
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        let cut = self.file.set_len(length).and_then(|()| self.file.seek(SeekFrom::End(0)));
        let cut = cut.and_then(|_| self.file.sync_data());
        cut.map_err(Error::io)
    }
}

/// Returns the number of bytes up to the end of the last line that is whole. Line breaks inside quotes
/// end no line.
fn whole_lines(bytes: &[u8]) -> usize {
    let (mut is_quoted, mut end) = (false, 0);
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => end = place + 1,
            _ => {}
        }
    }
    end
}

/// Writes a field of CSV, in quotes where it needs them.
fn quoted(field: &str) -> String {
    let is_plain = !field.contains([',', '"', '\n', '\r']) && field.trim() == field;
    if is_plain { field.to_owned() } else { format!("\"{}\"", field.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn label<'a>(a: &'a str, b: &'a str, answer: Answer) -> WrittenLabel<'a> {
        WrittenLabel { ids: [a, b], answer, similarity: 0.9375, band: "0.93-0.95", rows_in_band: 12 }
    }

    const HEADER: &str = "id_a,id_b,same,similarity,band,rows_in_band\n";

    #[test]
    fn an_answer_is_in_the_file_at_once_and_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        let read = || std::fs::read_to_string(&path).unwrap();
        let (mut file, labels) = LabelFile::open(&path).unwrap();
        assert_eq!((labels.rows.len(), read().as_str()), (0, HEADER));
        file.add(&label("a", "b,\"1\"", Answer::Same)).unwrap();
        let first = format!("{HEADER}a,\"b,\"\"1\"\"\",true,0.9375,0.93-0.95,12\n");
        assert_eq!(read(), first);
        file.add(&label("c\nd", "e", Answer::Unsure)).unwrap();
        assert!(file.take_back().unwrap());
        assert_eq!(read(), first);
        file.add(&label("c\nd", "e", Answer::Different)).unwrap();
        drop(file);
        let (mut file, labels) = LabelFile::open(&path).unwrap();
        let rows: Vec<_> = labels.rows.iter().map(|l| (l.ids.join("|"), l.answer)).collect();
        assert_eq!(rows, [("a|b,\"1\"".into(), Answer::Same), ("c\nd|e".into(), Answer::Different)]);
        assert!(!file.take_back().unwrap() && !file.is_repaired);
    }

    #[test]
    fn a_line_that_a_kill_cut_short_is_removed_wherever_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        let whole = format!("{HEADER}a,b,true,0.9375,0.93-0.95,12\n");
        let line = "\"c\nd\",e,false,0.9375,0.93-0.95,12\n";
        for end in 0..=line.len() {
            std::fs::write(&path, format!("{whole}{}", &line[..end])).unwrap();
            let (file, labels) = LabelFile::open(&path).unwrap();
            let is_cut = end > 0 && end < line.len();
            assert_eq!(
                (file.is_repaired, labels.rows.len()),
                (is_cut, if end == line.len() { 2 } else { 1 })
            );
            drop(file);
            let expected = if end == line.len() { format!("{whole}{line}") } else { whole.clone() };
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected, "{end}");
        }
        for end in 0..HEADER.len() {
            std::fs::write(&path, &HEADER[..end]).unwrap();
            assert_eq!(LabelFile::open(&path).unwrap().1.rows.len(), 0);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), HEADER);
        }
    }

    #[test]
    fn a_file_of_something_else_and_one_that_is_in_use_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        std::fs::write(&path, "id_a,id_b,same\na,b,true\n").unwrap();
        let error = LabelFile::open(&path).unwrap_err();
        assert!(error.to_string().contains("not a file that `semdedup label` wrote"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "id_a,id_b,same\na,b,true\n");
        std::fs::remove_file(&path).unwrap();
        let _open = LabelFile::open(&path).unwrap();
        assert!(LabelFile::open(&path).unwrap_err().to_string().contains("another process has it open"));
    }
}
