//! Writes a file again while a command reads it, for the tests of the commands.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::arrays::npy_writer::NpyWriter;
use crate::error::Error;
use crate::progress::{Progress, Stage};
use crate::warning::Warning;

/// A moment of a command.
#[derive(PartialEq, Eq)]
pub(crate) enum Moment {
    Begin(Stage),
    End(Stage),
}

/// Writes a file again at a moment. Its bytes stay, but others may have been there meanwhile.
pub(crate) struct Meddler<'a> {
    pub(crate) file: &'a Path,
    pub(crate) moment: Moment,
}

impl Meddler<'_> {
    fn meddle(&self, moment: &Moment) {
        if *moment == self.moment {
            // The clock of the files takes a few milliseconds to the next tick.
            std::thread::sleep(Duration::from_millis(30));
            std::fs::write(self.file, std::fs::read(self.file).unwrap()).unwrap();
        }
    }
}

impl Progress for Meddler<'_> {
    fn begin(&self, stage: Stage, _: &'static str, _: u64) {
        self.meddle(&Moment::Begin(stage));
    }
    fn advance(&self, _: u64) {}
    fn end(&self, stage: Stage, _: bool) {
        self.meddle(&Moment::End(stage));
    }
    fn warn(&self, _: &Warning) {}
}

/// Writes 400 rows of dimension 4 into each of two files of embeddings.
pub(crate) fn write_embeddings(folder: &Path) -> Vec<PathBuf> {
    let write = |name: &str| {
        let mut file = NpyWriter::matrix(&folder.join(name), 4).unwrap();
        let value = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 - 8e6;
        file.write(&(name.len() as u64..).take(1600).map(value).collect::<Vec<f32>>()).unwrap();
        file.finish().unwrap();
        folder.join(name)
    };
    ["e.npy", "second.npy"].map(write).to_vec()
}

/// Fails unless an error says that this file has changed.
#[track_caller]
pub(crate) fn assert_changed(error: &Error, file: &Path) {
    let name = file.file_name().unwrap().to_string_lossy();
    assert!(error.to_string().contains(&format!("{name}: changed since it was read")), "{error}");
}
