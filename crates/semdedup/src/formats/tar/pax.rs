//! Parses the attributes of members in POSIX "pax" headers. A record is `LENGTH KEY=VALUE` and a
//! line break, and the length is that of the whole record.
//!
//! The `tar` crate cuts records at line breaks, but values may hold line breaks too (lists of
//! access rights do).

/// Attributes of a member that are not in its own header.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    pub name: Option<Vec<u8>>,
    pub size: Option<u64>,
    /// Whether the member is stored without its holes, so that its data begins with a list of them.
    pub has_holes: bool,
}

impl Attributes {
    /// Takes the name, the size and the holes out of the records of a header; later records replace
    /// earlier ones.
    pub fn take(&mut self, mut records: &[u8]) -> Result<(), &'static str> {
        while !records.is_empty() {
            let Attribute { key, value, rest } = first_record(records).ok_or("an attribute is malformed")?;
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

/// An attribute: a record of a header.
struct Attribute<'a> {
    key: &'a [u8],
    value: &'a [u8],
    /// The records behind it.
    rest: &'a [u8],
}

/// Parses the first record.
fn first_record(records: &[u8]) -> Option<Attribute<'_>> {
    let space = records.iter().position(|&byte| byte == b' ')?;
    let length = usize::try_from(number(&records[..space])?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let pair = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|&byte| byte == b'=')?;
    Some(Attribute { key: &pair[..equals], value: &pair[equals + 1..], rest })
}

/// Parses a number of decimal digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
