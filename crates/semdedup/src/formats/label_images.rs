//! Images that are labels of other images: masks for segmentation, depth maps. Compared as pictures most of them would go as duplicates
//! of each other, and leave their images without labels.

use std::collections::HashSet;

use super::sidecars::{file_name, folder, stem};

/// What folders of labels are called.
const FOLDERS: [&str; 16] = [
    "mask",
    "masks",
    "label",
    "labels",
    "annotation",
    "annotations",
    "segmentation",
    "segmentations",
    "segmentationclass",
    "segmentationobject",
    "seg",
    "gt",
    "groundtruth",
    "ground_truth",
    "trimaps",
    "depth",
];
/// How the names of labels end, and of folders of them.
const ENDINGS: [&str; 8] = ["_mask", "-mask", "_masks", "_seg", "_segmentation", "_label", "_gt", "_depth"];

/// The images that look like labels of other images, by their names; none where most that could be have no image of their name.
pub(super) fn labels<'a>(images: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let (candidates, others): (Vec<&str>, Vec<&str>) =
        images.partition(|path| is_in_folder(path) || image_of(path).is_some());
    let others: HashSet<&str> = others.into_iter().map(|path| file_name(stem(path))).collect();
    let has_image = |path: &&str| {
        let own = file_name(stem(path));
        (is_in_folder(path) && others.contains(own))
            || image_of(path).is_some_and(|name| others.contains(name))
    };
    let labels: Vec<&str> = candidates.iter().copied().filter(has_image).collect();
    if labels.len() >= 2 && 2 * labels.len() >= candidates.len() { labels } else { Vec::new() }
}

fn is_in_folder(path: &str) -> bool {
    let folders = folder(path).to_ascii_lowercase();
    folders
        .split('/')
        .any(|name| FOLDERS.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending)))
}

/// The name of the image that a label of this name belongs to.
fn image_of(path: &str) -> Option<&str> {
    let name = file_name(stem(path));
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(images: &[&str]) -> usize {
        labels(images.iter().copied()).len()
    }

    #[test]
    fn masks_of_other_images_are_labels() {
        for images in [
            ["images/1.jpg", "images/2.jpg", "masks/1.png", "masks/2.png"],
            ["train/images/1.jpg", "val/images/2.jpg", "train/Labels/1.png", "val/Labels/2.png"],
            ["JPEGImages/1.jpg", "JPEGImages/2.jpg", "SegmentationClass/1.png", "SegmentationClass/2.png"],
            ["train/a.jpg", "train/b.jpg", "train_masks/a_mask.gif", "train_masks/b_mask.gif"],
            ["x/a.tif", "x/b.tif", "x/a_mask.tif", "x/b_mask.tif"],
        ] {
            assert_eq!(of(&images), 2, "{images:?}");
        }
    }

    #[test]
    fn images_of_names_of_their_own_are_none() {
        for images in [
            ["masks/blue.jpg", "masks/red.jpg", "hats/small.jpg", "hats/large.jpg"],
            ["a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"],
            ["images/1.jpg", "images/2.jpg", "masks/1.png", "images/3.jpg"],
            ["masks/1.png", "masks/2.png", "masks/3.png", "masks/4.png"],
        ] {
            assert_eq!(of(&images), 0, "{images:?}");
        }
    }
}
