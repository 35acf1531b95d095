//! Copies the kept records, byte for byte.

use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::text::encoded::TextSink;
use crate::formats::text::json_array::Rejoined;
use crate::formats::text::records::Records;
use crate::formats::text::split::Splitter;

/// Writes the records that `keep` picks; see [`crate::formats::write::write_kept`].
pub(crate) fn write_records(
    file: &InputFile,
    limits: &ReadLimits,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<u64> {
    let unwritable = |error| Error::output(destination, error);
    let mut splitter = Splitter::open(file, limits)?;
    let mut sink = TextSink::create(destination, file, splitter.coding()).map_err(unwritable)?;
    let mut written = 0;
    if file.format == Format::JsonArray {
        written = rejoin(file, &mut splitter, &mut sink, keep)?.map_err(unwritable)?;
    } else {
        while let Some(records) = splitter.next_records()? {
            written += copy(file, &records, &mut sink, keep)?.map_err(unwritable)?;
        }
    }
    sink.finish().map_err(unwritable)?;
    Ok(written)
}

/// Copies the kept elements of a JSON list, with the brackets, commas and white space that belong
/// to them. The inner error is one of writing.
fn rejoin(
    file: &InputFile,
    splitter: &mut Splitter,
    sink: &mut TextSink,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<std::io::Result<u64>> {
    let mut list = Rejoined::new(splitter.limit());
    while let Some(records) = splitter.next_records()? {
        let mut overlong = records.overlong.iter().peekable();
        let mut passed = records.region.start;
        for (index, span) in records.spans.iter().enumerate() {
            let row = records.first_row + index as u64;
            list.pass(&records.buffer[passed..span.start])
                .map_err(|problem| in_row(file, row, &problem.what))?;
            passed = span.end;
            let long = overlong.next_if(|long| long.index == index);
            if !keep(row)? {
                list.drop_element();
            } else if let Some(long) = long {
                return Err(too_long(file, row, long.bytes));
            } else if let Err(error) = list.write(&records.buffer[span.clone()], sink) {
                return Ok(Err(error));
            }
        }
        let row = records.first_row + records.spans.len() as u64;
        let behind = &records.buffer[passed..records.region.end];
        list.pass(behind).map_err(|problem| in_row(file, row, &problem.what))?;
    }
    Ok(list.finish(sink))
}

fn in_row(file: &InputFile, row: u64, problem: &str) -> Error {
    Error::input(&file.path, format!("row {row}: {problem}"))
}

fn too_long(file: &InputFile, row: u64, bytes: u64) -> Error {
    in_row(file, row, &format!("a row of {bytes} bytes is over the limit and cannot be kept"))
        .hint("raise --max-row-bytes")
}

/// Copies a region without its removed rows, in runs that are as long as possible, and returns how
/// many rows it has copied. The inner error is one of writing.
fn copy(
    file: &InputFile,
    records: &Records,
    sink: &mut TextSink,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<std::io::Result<u64>> {
    let mut overlong = records.overlong.iter().peekable();
    let mut run = records.region.start;
    let mut written = 0;
    for (index, span) in records.spans.iter().enumerate() {
        let row = records.first_row + index as u64;
        let long = overlong.next_if(|long| long.index == index);
        if !keep(row)? {
            if let Err(error) = sink.write_all(&records.buffer[run..span.start]) {
                return Ok(Err(error));
            }
            run = span.end;
        } else if let Some(long) = long {
            return Err(too_long(file, row, long.bytes));
        } else {
            written += 1;
        }
    }
    Ok(sink.write_all(&records.buffer[run..records.region.end]).map(|()| written))
}
