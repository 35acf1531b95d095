//! WebDataset shards as a format of rows.

use std::path::Path;

use arrow_array::Array;

use crate::error::Result;
use crate::formats::columns::{Column, Columns, RunColumns, Wanted};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::image_columns::is_image;
use crate::formats::row_format::{Images, RowFormat, RowOf, RowSource, UnparsedRows};
use crate::formats::rows::Rows;
use crate::formats::tar::columns::{SAMPLES, sample_columns};
use crate::formats::tar::first_members::first_members;
use crate::formats::tar::samples::{self, Samples};
use crate::formats::tar::write;

/// A WebDataset shard: a tar archive in which the files of one key are a sample, and a sample is a
/// row.
pub(crate) struct Shard;

impl RowFormat for Shard {
    fn extensions(&self) -> &'static [(&'static str, Format)] {
        &[
            ("tar", Format::Tar),
            ("tgz", Format::Tar),
            ("tbz2", Format::Tar),
            ("tbz", Format::Tar),
            ("txz", Format::Tar),
        ]
    }

    fn by_content(&self, beginning: &[u8]) -> Option<Format> {
        // The name in front of the mark ends with zeros, which texts do not have.
        (beginning.get(257..262) == Some(b"ustar") && beginning[..257].contains(&0)).then_some(Format::Tar)
    }

    fn is_compressible(&self) -> bool {
        true
    }

    fn row_of(&self) -> RowOf {
        RowOf::Sample
    }

    fn columns(&self, _: &InputFile, _: &Wanted) -> Result<Option<Vec<Column>>> {
        Ok(Some(Vec::new()))
    }

    fn resolve(&self, file: &InputFile, run: &RunColumns) -> Result<Option<Columns>> {
        let columns = sample_columns(file, run.choice, run.by)?;
        Ok(Some(Columns { roles: run.roles.to_vec(), ..columns }))
    }

    fn images(&self, file: &InputFile) -> Result<Images> {
        let extensions = first_members(file, SAMPLES)?.extensions;
        Ok(match extensions.iter().any(|extension| is_image(extension)) {
            true => Images::Always,
            false if extensions.is_empty() => Images::Unknown,
            false => Images::Never,
        })
    }

    fn open(
        &self,
        file: &InputFile,
        columns: &Columns,
        limits: &ReadLimits,
        first_row: u64,
    ) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(Samples::open(file, columns, limits.max_row_bytes, first_row)?))
    }

    fn count_rows(&self, file: &InputFile, _: &ReadLimits) -> Result<u64> {
        samples::count(file)
    }

    fn write_kept(
        &self,
        file: &InputFile,
        _: &ReadLimits,
        destination: &Path,
        keep: &mut dyn FnMut(u64) -> Result<bool>,
    ) -> Result<u64> {
        write::write_kept(file, destination, keep)
    }
}

impl RowSource for Samples {
    fn next_rows(&mut self) -> Result<Option<Box<dyn UnparsedRows>>> {
        Ok(self.next_batch()?.map(|rows| Box::new(SampleRows(rows)) as _))
    }

    fn bytes_read(&self) -> u64 {
        Samples::bytes_read(self)
    }
}

/// Samples, which are parsed as the archive is read.
struct SampleRows(Rows);

impl UnparsedRows for SampleRows {
    fn first_row(&self) -> u64 {
        self.0.first_row
    }

    fn rows(&self) -> usize {
        self.0.texts.len()
    }

    fn parse(&self, _: &Columns) -> Result<Rows> {
        Ok(self.0.clone())
    }
}
