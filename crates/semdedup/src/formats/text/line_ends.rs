//! The ends of lines of plain text: line feeds, or carriage returns as old Macs wrote them.

use std::io::Read;

use crate::error::{Error, Result};
use crate::formats::file::InputFile;
use crate::formats::text::peek::{Peeked, peek};

/// This many bytes of a file, in UTF-8, tell how its lines end.
const LOOKED_AT: usize = 1 << 20;

/// The bytes that end lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEnds {
    LineFeed,
    /// `\r`, `\n` or `\r\n`. The flag says whether a line has ended in `\r`, to which a `\n` may belong.
    Any {
        is_behind_return: bool,
    },
}

impl LineEnds {
    /// Returns the ends of the lines of a plain text, and the stream from its beginning again.
    ///
    /// # Errors
    /// A text that has both, and at least half as many carriage returns as line feeds.
    pub fn of(file: &InputFile, stream: Box<dyn Read + Send>) -> Result<(Self, Box<dyn Read + Send>)> {
        let Peeked { beginning, is_whole, stream } = peek(stream, LOOKED_AT);
        let (mut returns, mut feeds, mut pending) = (0, 0, 0);
        for byte in &beginning {
            match byte {
                b'\r' => pending += 1,
                // Returns in front of a line feed belong to it, even if there are several.
                b'\n' => (feeds, pending) = (feeds + 1, 0),
                _ => (returns, pending) = (returns + pending, 0),
            }
        }
        returns += if is_whole { pending } else { 0 };
        match (returns, feeds) {
            (0, _) => Ok((Self::LineFeed, stream)),
            (_, 0) => Ok((Self::Any { is_behind_return: false }, stream)),
            _ if 2 * returns >= feeds => Err(mixed(file, returns, feeds)),
            _ => Ok((Self::LineFeed, stream)),
        }
    }

    /// Returns how many bytes of `input` belong to the current line; `None` if it does not end in
    /// `input`.
    pub fn find(&mut self, input: &[u8]) -> Option<usize> {
        let Self::Any { is_behind_return } = self else {
            return memchr::memchr(b'\n', input).map(|at| at + 1);
        };
        let mut read = 0;
        if !*is_behind_return {
            read = memchr::memchr2(b'\r', b'\n', input)? + 1;
            if input[read - 1] == b'\n' {
                return Some(read);
            }
            *is_behind_return = true;
        }
        let next = input.get(read)?;
        *is_behind_return = false;
        Some(read + usize::from(*next == b'\n'))
    }
}

/// The error for a text of which it is not certain what ends its lines.
fn mixed(file: &InputFile, returns: usize, feeds: usize) -> Error {
    let problem = format!(
        "its lines may end in carriage returns, as on old Macs: there are {returns} by themselves, and {feeds} line feeds"
    );
    Error::input(&file.path, problem).hint(
        "`tr '\\r' '\\n' < OLD > NEW.txt` makes line feeds of them; if they are a part of their lines, `tr '\\r' ' '` makes spaces",
    )
}
