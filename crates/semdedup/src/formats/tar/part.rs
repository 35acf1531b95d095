//! Members as parts of samples.
//!
//! The key of `a/b.left.jpg` is `a/b`, and the text behind the first dot of the file name is its
//! extension: `left.jpg` (<https://github.com/webdataset/webdataset>, `base_plus_ext`). A member
//! that is not a file, or has no such name, belongs to no sample and stays in the archive. A link
//! with such a name is refused: the file that it leads to may be in a sample that is removed.

use crate::error::Result;
use crate::formats::tar::archive::TarReader;
use crate::formats::tar::member::{Member, MemberKind};

/// The place of a member in a sample.
pub(crate) struct SamplePart<'m> {
    /// The key of the sample.
    pub key: &'m [u8],
    /// The extension of the member, in lower case.
    pub extension: String,
}

/// Returns the place of a member in a sample; `None` if it belongs to no sample.
///
/// # Errors
/// A link that would be part of a sample.
pub(crate) fn part_of_sample<'m>(tar: &TarReader, member: &'m Member) -> Result<Option<SamplePart<'m>>> {
    let name = member.name.as_slice();
    let base = name.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let dot = name[base..].iter().position(|&byte| byte == b'.').map(|dot| base + dot);
    let Some(dot) = dot.filter(|&dot| dot > base) else { return Ok(None) };
    match member.kind {
        MemberKind::File => {
            let extension = String::from_utf8_lossy(&name[dot + 1..]).to_lowercase();
            Ok(Some(SamplePart { key: &name[..dot], extension }))
        }
        MemberKind::Link => {
            Err(tar.refused(name, "is a link; it would lead nowhere if what it leads to were removed").hint(
                "pack the shard again with `tar --dereference --hard-dereference`: files instead of links",
            ))
        }
        MemberKind::Other => Ok(None),
    }
}
