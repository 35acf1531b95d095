//! Warns of files whose texts are in another encoding.

use crate::embed::dataset::Dataset;
use crate::formats::likely_encoding;
use crate::input::find::Input;
use crate::warning::Warning;

/// The share of the rows of a file from which on there is a warning.
const NOT_UTF8_SHARE: f64 = 0.01;

/// Returns a warning about the first file of text in which many rows are not UTF-8.
pub(crate) fn not_utf8(dataset: &Dataset, input: &Input) -> Option<Warning> {
    let mut counts = vec![0_u64; input.files.len()];
    for skipped in dataset.skipped.iter().filter(|skipped| skipped.reason.contains("not valid UTF-8")) {
        counts[skipped.file] += 1;
    }
    let rows_of = |file: usize| dataset.row_index.files[file].rows;
    let file = (0..counts.len()).find(|&file| {
        let is_many = counts[file] > 0 && counts[file] as f64 >= NOT_UTF8_SHARE * rows_of(file) as f64;
        is_many && input.files[file].format.rows().is_text()
    })?;
    Some(Warning::NotUtf8 {
        rows: counts[file],
        of: rows_of(file),
        file: input.files[file].name.clone(),
        likely: likely_encoding(&input.files[file]),
    })
}
