//! Opens files of bare numbers, as `numpy.memmap` and `tofile` write them, without a header.

use std::path::Path;

use crate::arrays::array::{Array, Number};
use crate::arrays::npy::MARK;
use crate::error::{Error, Result};
use crate::storage::Blob;
use crate::storage::errors::with_path;

/// This many bytes tell a text.
const BEGINNING: u64 = 4096;
/// The fewest bytes that tell a text in UTF-8 from numbers…
const FEWEST: usize = 16;
/// …and one in another encoding.
const FEWEST_OF_OTHERS: usize = 512;

/// Opens a file that holds rows of `dim` numbers, the least significant byte first, and nothing
/// else.
///
/// # Errors
/// Fails if the file has a header of numpy or is a text, or if its size is not that of whole rows.
pub(super) fn open_bare(path: &Path, number: Number, dim: u64) -> Result<Array> {
    let file = Blob::open(path)?;
    let bytes = file.bytes();
    let mut beginning = vec![0; BEGINNING.min(bytes) as usize];
    file.read_exact_at(&mut beginning, 0).map_err(|error| with_path(path, error))?;
    if is_text(&beginning) {
        return Err(text_error(path, &beginning));
    }
    if beginning.starts_with(MARK) {
        return Err(Error::input(path, "has a header, which says what its numbers are")
            .hint("leave out --dim and --dtype"));
    }
    let row = dim.saturating_mul(number.bytes() as u64);
    if !bytes.is_multiple_of(row) {
        let (name, numbers) = (number.name(), bytes as f64 / number.bytes() as f64);
        let problem = format!("its {bytes} bytes are {numbers} {name}, which are not rows of {dim}");
        return Err(
            Error::input(path, problem).hint("another --dim or --dtype is right, or the file is cut short")
        );
    }
    Ok(Array { file, number, shape: vec![bytes / row, dim], offset: 0 })
}

/// Whether bytes are the beginning of a text: each eighth byte of numbers is a control character.
fn is_text(beginning: &[u8]) -> bool {
    let is_control = |byte: &u8| (*byte < b' ' && !b"\t\n\r\x0c".contains(byte)) || *byte == 0x7f;
    let is_utf8 = match std::str::from_utf8(beginning) {
        Ok(_) => true,
        // The last character may be cut.
        Err(error) => error.error_len().is_none(),
    };
    let fewest = if is_utf8 { FEWEST } else { FEWEST_OF_OTHERS };
    beginning.len() >= fewest && !beginning.iter().any(is_control)
}

/// The error for a text in the place of bare numbers.
fn text_error(path: &Path, beginning: &[u8]) -> Error {
    let text = String::from_utf8_lossy(beginning);
    let mut words =
        text.split(|c: char| c.is_whitespace() || ",;".contains(c)).filter(|word| !word.is_empty());
    // The last word may be cut.
    match words.by_ref().take(16).all(|word| word.parse::<f64>().is_ok()) {
        true => Error::input(path, "has its numbers as text, not as bare numbers").hint(
            "python3 -c \"import numpy; numpy.save('NEW.npy', numpy.loadtxt('OLD'))\" converts them (with \
             delimiter=',' in loadtxt if commas are between); leave out --dim and --dtype then",
        ),
        false => Error::input(path, "is a text, not bare numbers").hint(
            "name files of embeddings with --embeddings, and files of texts as INPUT, without --dim and --dtype",
        ),
    }
}
