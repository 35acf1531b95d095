//! Looks at the members of the first samples of a shard.

use std::collections::{BTreeMap, HashSet};

use crate::error::Result;
use crate::formats::file::InputFile;
use crate::formats::image_columns::{is_mask, is_usual_image};
use crate::formats::tar::archive::TarReader;
use crate::formats::tar::part::{SamplePart, part_of_sample};

/// The members that the first samples of a shard have.
#[derive(Default)]
pub(crate) struct FirstMembers {
    /// Their extensions, in the order in which they come.
    pub extensions: Vec<String>,
    /// The extensions of masks: most samples that have one have a usual image too.
    pub beside_image: Vec<String>,
}

/// The samples that have a member of one extension.
#[derive(Default)]
struct Having {
    samples: usize,
    with_usual_image: usize,
}

/// Returns the members that the first samples have.
pub(crate) fn first_members(file: &InputFile, samples: usize) -> Result<FirstMembers> {
    let mut tar = TarReader::open(file)?;
    let (mut extensions, mut known, mut masks) = (Vec::new(), HashSet::new(), BTreeMap::new());
    let (mut keys, mut last, mut sample) = (0, Vec::new(), Vec::new());
    while let Some(member) = tar.next_member()? {
        let Some(SamplePart { key, extension }) = part_of_sample(&tar, &member)? else { continue };
        if key != last {
            (keys, last) = (keys + 1, key.to_vec());
            count_masks(&mut masks, std::mem::take(&mut sample));
        }
        if keys > samples {
            break;
        }
        if known.insert(extension.clone()) {
            extensions.push(extension.clone());
        }
        sample.push(extension);
    }
    count_masks(&mut masks, sample);
    let beside_image = masks.into_iter().filter(|(_, having)| having.with_usual_image * 2 > having.samples);
    Ok(FirstMembers { extensions, beside_image: beside_image.map(|(extension, _)| extension).collect() })
}

/// Counts a sample for each of its members that may be a mask.
fn count_masks(masks: &mut BTreeMap<String, Having>, members: Vec<String>) {
    let has_usual = members.iter().any(|member| is_usual_image(member));
    for member in members.into_iter().filter(|member| is_mask(member)) {
        let having = masks.entry(member).or_default();
        having.samples += 1;
        having.with_usual_image += usize::from(has_usual);
    }
}
