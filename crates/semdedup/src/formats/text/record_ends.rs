//! Finds where records of CSV end, across any number of buffers.

use csv_core::{ReadRecordResult, Reader};

use crate::formats::dialect::Dialect;
use crate::formats::text::fields::csv_reader;
use crate::formats::text::grammar::{Grammar, Place, Step};

/// Finds the ends of records.
pub(crate) enum RecordEnds {
    /// A dialect that `csv-core` reads.
    Usual {
        reader: Box<Reader>,
        /// Room for unquoted fields, which are not used here.
        scratch: Vec<u8>,
    },
    Odd {
        grammar: Grammar,
        place: Place,
    },
}

impl RecordEnds {
    pub fn of(dialect: &Dialect) -> Self {
        let grammar = Grammar::of(dialect);
        match grammar.is_usual() {
            true => Self::Usual { reader: Box::new(csv_reader(dialect)), scratch: vec![0; 16 << 10] },
            false => Self::Odd { grammar, place: Place::Start },
        }
    }

    /// Returns how many bytes of `input` belong to the current record, up to the first byte of its
    /// line end; `None` if it does not end in `input`.
    pub fn find(&mut self, input: &[u8]) -> Option<usize> {
        match self {
            Self::Usual { reader, scratch } => {
                let (mut read, mut ends) = (0, [0; 64]);
                // csv-core takes empty input for the end of the file.
                while read < input.len() {
                    let (result, bytes, ..) = reader.read_record(&input[read..], scratch, &mut ends);
                    read += bytes;
                    if matches!(result, ReadRecordResult::Record) {
                        return Some(read);
                    }
                }
                None
            }
            Self::Odd { grammar, place } => {
                for (at, &byte) in input.iter().enumerate() {
                    *place = match grammar.step(*place, byte) {
                        Step::Skip(next) | Step::Take(next, _) => next,
                        Step::EndField => Place::Start,
                        Step::EndRecord => {
                            *place = Place::Start;
                            return Some(at + 1);
                        }
                    };
                }
                None
            }
        }
    }

    /// Whether the current record can end at the end of the file, that is, outside quotes.
    pub fn can_end(&mut self) -> bool {
        match self {
            // Only inside quotes does a line end not end the record. (A clone of the reader cannot be
            // asked: `clone` of csv-core 0.1 leaves out half of its tables.)
            Self::Usual { reader, scratch } => {
                let mut ends = [0; 64];
                matches!(reader.read_record(b"\n", scratch, &mut ends).0, ReadRecordResult::Record)
            }
            Self::Odd { place, .. } => Grammar::can_end(*place),
        }
    }
}
