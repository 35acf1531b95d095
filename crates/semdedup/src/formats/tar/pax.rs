//! Attributes of members in POSIX "pax" headers: records of `LENGTH KEY=VALUE` and a line break, the length being the record's.
//!
//! The `tar` crate cuts them at line breaks, but values hold some too (lists of access rights do).

/// What is said of a member elsewhere than in its own header.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    pub name: Option<Vec<u8>>,
    pub size: Option<u64>,
    /// Whether its holes are left out, and its data begins with a list of them.
    pub has_holes: bool,
}

impl Attributes {
    /// Takes the attributes that matter out of the records of a header; later ones replace earlier ones.
    pub fn take(&mut self, mut records: &[u8]) -> Result<(), &'static str> {
        while !records.is_empty() {
            let (key, value, rest) = first_record(records).ok_or("an attribute is malformed")?;
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"size" => self.size = Some(number(value).ok_or("a size is not a number")?),
                _ => self.has_holes |= key.starts_with(b"GNU.sparse."),
            }
            records = rest;
        }
        Ok(())
    }
}

/// The key and the value of the first record, and the records behind it.
fn first_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|&byte| byte == b' ')?;
    let length = usize::try_from(number(&records[..space])?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let pair = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|&byte| byte == b'=')?;
    Some((&pair[..equals], &pair[equals + 1..], rest))
}

/// A number of decimal digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
