//! Reading the little-endian model files. Every read is in bounds, or an error that says what is
//! missing.

/// The rest of a file that has not been read yet.
pub(crate) struct Parts<'a> {
    file: &'static str,
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Checks the eight bytes that identify the file.
    pub(crate) fn open(file: &'static str, magic: &[u8; 8], data: &'a [u8]) -> Result<Self, String> {
        let Some(rest) = data.strip_prefix(magic) else {
            return Err(format!("{file}: does not start with {}", magic.escape_ascii()));
        };
        Ok(Self { file, rest })
    }

    /// Returns the next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], String> {
        let Some((part, rest)) = self.rest.split_at_checked(count) else {
            return Err(format!("{}: {count} bytes expected, {} left", self.file, self.rest.len()));
        };
        self.rest = rest;
        Ok(part)
    }

    /// Returns the next number, as a size.
    pub(crate) fn size(&mut self) -> Result<usize, String> {
        Ok(self.items::<4>(1)?.map(u32::from_le_bytes).map(|n| n as usize).sum())
    }

    /// Returns the next `count` items of `N` bytes each.
    pub(crate) fn items<const N: usize>(
        &mut self,
        count: usize,
    ) -> Result<impl Iterator<Item = [u8; N]> + use<'a, N>, String> {
        let Some(size) = count.checked_mul(N) else {
            return Err(format!("{}: {count} items of {N} bytes", self.file));
        };
        let (items, _) = self.bytes(size)?.as_chunks::<N>();
        Ok(items.iter().copied())
    }

    /// Fails if anything follows the last part.
    pub(crate) fn end(self) -> Result<(), String> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(format!("{}: {} bytes after the end", self.file, self.rest.len()))
    }
}
