//! Looks at the beginning of a stream.

use std::io::{self, Cursor, Read};

/// A stream whose beginning has been looked at.
pub(crate) struct Peeked {
    pub beginning: Vec<u8>,
    /// Whether there are no more bytes.
    pub is_whole: bool,
    /// The stream from its beginning. An error of the first bytes is returned behind them.
    pub stream: Box<dyn Read + Send>,
}

/// Reads up to `most` bytes of a stream.
pub(crate) fn peek(mut stream: Box<dyn Read + Send>, most: usize) -> Peeked {
    let mut beginning = Vec::new();
    let read = stream.by_ref().take(most as u64).read_to_end(&mut beginning);
    let is_whole = read.as_ref().is_ok_and(|bytes| *bytes < most);
    let rest: Box<dyn Read + Send> = match read {
        Ok(_) => stream,
        Err(error) => Box::new(Failed(Some(error))),
    };
    Peeked { stream: Box::new(Cursor::new(beginning.clone()).chain(rest)), beginning, is_whole }
}

/// Fails when it is read.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
