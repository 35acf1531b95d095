//! The part of FlatBuffers that reading a `.tflite` needs: tables, vectors and scalars by field
//! number.

/// A table of a buffer, by its offset. Values that are out of bounds or absent read as `None`.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    buffer: &'a [u8],
    at: usize,
}

impl<'a> Table<'a> {
    /// Returns the root table of a buffer.
    pub(super) fn root(buffer: &'a [u8]) -> Option<Self> {
        Some(Self { buffer, at: number(buffer, 0)? as usize })
    }

    /// Returns the offset of field number `field`. A table begins with the distance back to its
    /// list of fields.
    fn field(self, field: usize) -> Option<usize> {
        let back = number(self.buffer, self.at)? as i32;
        let fields = usize::try_from(i64::try_from(self.at).ok()? - i64::from(back)).ok()?;
        let offset = short(self.buffer, fields + 4 + 2 * field)?;
        (4 + 2 * field < usize::from(short(self.buffer, fields)?) && offset != 0)
            .then(|| self.at + usize::from(offset))
    }

    /// Returns an unsigned integer.
    pub(super) fn unsigned(self, field: usize) -> Option<u32> {
        number(self.buffer, self.field(field)?)
    }

    /// Returns a table.
    pub(super) fn table(self, field: usize) -> Option<Self> {
        self.follow(self.field(field)?)
    }

    /// Follows the relative offset at `at` to a table.
    fn follow(self, at: usize) -> Option<Self> {
        Some(Self { buffer: self.buffer, at: at + number(self.buffer, at)? as usize })
    }

    /// Returns the bytes of a vector whose elements have `size` bytes.
    pub(super) fn bytes(self, field: usize, size: usize) -> Option<&'a [u8]> {
        let at = self.field(field)?;
        let start = at + number(self.buffer, at)? as usize;
        let length = number(self.buffer, start)? as usize;
        self.buffer.get(start + 4..start.checked_add(4 + length.checked_mul(size)?)?)
    }

    /// Returns a vector of integers.
    pub(super) fn integers(self, field: usize) -> Option<Vec<i32>> {
        Some(self.bytes(field, 4)?.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b)).collect())
    }

    /// Returns the first element of a vector of floats.
    pub(super) fn first_float(self, field: usize) -> Option<f32> {
        self.bytes(field, 4)?.first_chunk().map(|&b| f32::from_le_bytes(b))
    }

    /// Returns the first element of a vector of longs.
    pub(super) fn first_long(self, field: usize) -> Option<i64> {
        self.bytes(field, 8)?.first_chunk().map(|&b| i64::from_le_bytes(b))
    }

    /// Returns table number `index` of a vector of tables.
    pub(super) fn element(self, field: usize, index: usize) -> Option<Self> {
        let at = self.field(field)?;
        let start = at + number(self.buffer, at)? as usize;
        (index < number(self.buffer, start)? as usize).then(|| self.follow(start + 4 + 4 * index))?
    }

    /// Returns the number of elements of a vector.
    pub(super) fn count(self, field: usize) -> Option<usize> {
        let at = self.field(field)?;
        Some(number(self.buffer, at + number(self.buffer, at)? as usize)? as usize)
    }
}

fn number(buffer: &[u8], at: usize) -> Option<u32> {
    buffer.get(at..)?.first_chunk().map(|&b| u32::from_le_bytes(b))
}

fn short(buffer: &[u8], at: usize) -> Option<u16> {
    buffer.get(at..)?.first_chunk().map(|&b| u16::from_le_bytes(b))
}
