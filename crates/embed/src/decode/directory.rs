//! The first directory of a TIFF file. Exif data has the same form.

/// The first directory of a file, classic or BigTIFF.
pub(super) struct Directory<'a> {
    file: &'a [u8],
    order: Order,
    /// The bytes from the first entry on.
    entries: &'a [u8],
    /// The number of entries, as the file says.
    count: usize,
    /// The size of an entry in bytes: 12, or 20 in a BigTIFF.
    size: usize,
}

/// An entry of a directory: a tag and its values.
pub(super) struct Entry<'a> {
    pub(super) tag: u64,
    kind: u64,
    count: usize,
    /// The values, or where they are if they take more bytes than this.
    pub(super) field: &'a [u8],
    /// The position of the field in the file.
    pub(super) at: usize,
}

/// The order of the bytes of a number.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    /// Returns the whole number that some bytes stand for, of which there are at most eight.
    fn number(self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        match self {
            Self::Little => bytes.iter().rev().fold(0, add),
            Self::Big => bytes.iter().fold(0, add),
        }
    }
}

impl<'a> Directory<'a> {
    /// Finds the directory. Returns `None` if the bytes are something else.
    pub(super) fn open(file: &'a [u8]) -> Option<Self> {
        let order = match file.get(..2)? {
            b"II" => Order::Little,
            b"MM" => Order::Big,
            _ => return None,
        };
        let (place, digits, size) = match order.number(file.get(2..4)?) {
            42 => (4..8, 2, 12),
            43 => (8..16, 8, 20),
            _ => return None,
        };
        let start = usize::try_from(order.number(file.get(place)?)).ok()?;
        let (count, entries) = file.get(start..)?.split_at_checked(digits)?;
        let count = usize::try_from(order.number(count)).ok()?;
        Some(Self { file, order, entries, count, size })
    }

    /// Returns the entries with a tag, up to the end of the file.
    pub(super) fn find(&self, tag: u64) -> impl Iterator<Item = Entry<'a>> {
        let (order, size) = (self.order, self.size);
        let first = self.file.len() - self.entries.len();
        let entries = self.entries.chunks_exact(size).take(self.count).enumerate();
        let entry = move |(number, entry): (usize, &'a [u8])| {
            let field = size - (size - 4) / 2;
            Entry {
                tag: order.number(&entry[..2]),
                kind: order.number(&entry[2..4]),
                count: usize::try_from(order.number(&entry[4..field])).unwrap_or(usize::MAX),
                field: &entry[field..],
                at: first + number * size + field,
            }
        };
        entries.map(entry).filter(move |entry| entry.tag == tag)
    }

    /// Returns the first value of an entry, or `None` if it has none that is a number.
    pub(super) fn number(&self, entry: &Entry) -> Option<f64> {
        let size = match entry.kind {
            1 | 6 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => return None,
        };
        let all = entry.count.checked_mul(size)?;
        let values = if all <= entry.field.len() {
            &entry.field[..all]
        } else {
            let start = usize::try_from(self.order.number(entry.field)).ok()?;
            self.file.get(start..start.checked_add(all)?)?
        };
        let value = self.order.number(values.get(..size)?);
        Some(match entry.kind {
            6 => f64::from(value as i8),
            8 => f64::from(value as i16),
            9 => f64::from(value as i32),
            17 => value as i64 as f64,
            11 => f64::from(f32::from_bits(value as u32)),
            12 => f64::from_bits(value),
            5 | 10 => self.fraction(entry.kind, values)?,
            _ => value as f64,
        })
    }

    /// Returns the first fraction of some values.
    fn fraction(&self, kind: u64, values: &[u8]) -> Option<f64> {
        let (above, below) = (self.order.number(values.get(..4)?), self.order.number(values.get(4..8)?));
        let part = |number: u64| if kind == 10 { f64::from(number as i32) } else { number as f64 };
        Some(part(above) / part(below))
    }
}
