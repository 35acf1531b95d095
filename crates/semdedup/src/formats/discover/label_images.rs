//! Finds images that are labels of other images: masks for segmentation, depth maps. Compared as
//! pictures, most of them would be removed as duplicates of each other, and their images would lose
//! their labels.

use std::collections::{HashMap, HashSet};

use crate::formats::discover::file_names::{extension, file_name, folder, stem};

/// Usual names of folders of labels…
const FOLDERS: [&str; 19] = [
    "mask",
    "masks",
    "label",
    "labels",
    "annotation",
    "annotations",
    "segmentation",
    "segmentations",
    "segmentationclass",
    "segmentationclassaug",
    "segmentationobject",
    "seg",
    "gt",
    "groundtruth",
    "ground_truth",
    "trimaps",
    "depth",
    "normals",
    "alpha",
];
/// …and of folders of their images. These count where both have files of one extension: classes of
/// pictures may be called `masks` and `hats`.
const IMAGES: [&str; 17] = [
    "image",
    "images",
    "img",
    "imgs",
    "jpegimages",
    "photo",
    "photos",
    "picture",
    "pictures",
    "rgb",
    "color",
    "frames",
    "input",
    "inputs",
    "original",
    "originals",
    "leftimg8bit",
];
/// The usual endings of the names of labels, and of folders of labels.
const ENDINGS: [&str; 10] =
    ["_mask", "-mask", "_masks", "_seg", "_segmentation", "_label", "_labels", "_labelids", "_gt", "_depth"];

/// The extensions of photographs…
const PHOTOS: [&str; 3] = ["jpg", "jpeg", "webp"];
/// …and those that labels have, which lose nothing. An image of the name of a photograph beside it is
/// more often its mask than the same picture once more.
const LOSSLESS: [&str; 10] = ["png", "gif", "bmp", "tif", "tiff", "pgm", "pbm", "ppm", "pnm", "pam"];

/// Returns the images that look like labels of other images, by their names; none if they are fewer
/// than two or less than a quarter of all images.
pub(crate) fn labels<'a>(images: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let images: Vec<&str> = images.collect();
    let has = |path: &str, extensions: &[&str]| extensions.contains(&extension(path).as_str());
    let photos: HashSet<&str> =
        images.iter().filter(|path| has(path, &PHOTOS)).map(|path| stem(path)).collect();
    let is_beside_photo = |path: &str| has(path, &LOSSLESS) && photos.contains(stem(path));
    let (candidates, others): (Vec<&str>, Vec<&str>) = images.into_iter().partition(|path| {
        is_in(path, is_of_labels) || image_of(&name_of(path)).is_some() || is_beside_photo(path)
    });
    let total = candidates.len() + others.len();
    let mut known: HashMap<String, Vec<&str>> = HashMap::new();
    for path in others {
        known.entry(name_of(path)).or_default().push(path);
    }
    let has_image = |label: &&str| {
        let name = name_of(label);
        let own = folder(label).to_ascii_lowercase();
        let own: Vec<&str> = own.split('/').collect();
        // Folders that both are in do not count.
        let is_of_images = |folder: &str| {
            !own.contains(&folder)
                && (IMAGES.contains(&folder) || own.iter().any(|own| image_of(own) == Some(folder)))
        };
        let pairs = |image: &&str| extension(image) != extension(label) || is_in(image, is_of_images);
        let in_folder = || known.get(&name).is_some_and(|images| images.iter().any(pairs));
        is_beside_photo(label)
            || image_of(&name).is_some_and(|image| known.contains_key(image))
            || (is_in(label, is_of_labels) && in_folder())
    };
    let labels: Vec<&str> = candidates.into_iter().filter(has_image).collect();
    if labels.len() >= 2 && 4 * labels.len() >= total { labels } else { Vec::new() }
}

fn is_of_labels(folder: &str) -> bool {
    FOLDERS.contains(&folder) || ENDINGS.iter().any(|ending| folder.ends_with(ending))
}

fn is_in(path: &str, is_right: impl Fn(&str) -> bool) -> bool {
    folder(path).to_ascii_lowercase().split('/').any(is_right)
}

fn name_of(path: &str) -> String {
    file_name(stem(path)).to_ascii_lowercase()
}

/// Returns the name of the image, or the folder of images, that a label or a folder of labels of
/// this name belongs to.
fn image_of(name: &str) -> Option<&str> {
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
            ["x/a.tif", "x/b.tif", "x/a_Mask.tif", "x/b_mask.tif"],
            ["a/1.jpg", "a/2.jpg", "labels/1.png", "labels/2.png"],
            ["train/1.png", "train/2.png", "train_labels/1.png", "train_labels/2.png"],
            ["a/1.jpg", "a/1.png", "a/2.JPG", "a/2.png"],
            ["1.jpeg", "1.pgm", "2.jpeg", "2.pgm"],
        ] {
            assert_eq!(of(&images), 2, "{images:?}");
        }
    }

    #[test]
    fn images_of_names_of_their_own_are_none() {
        for images in [
            ["masks/blue.jpg", "masks/red.jpg", "hats/small.jpg", "hats/large.jpg"],
            ["a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"],
            ["a/1.jpg", "b/1.png", "a/2.jpg", "b/2.png"],
            ["a/1.png", "a/1.gif", "a/2.png", "a/2.gif"],
            ["images/1.jpg", "images/2.jpg", "masks/1.png", "images/3.jpg"],
            ["masks/1.png", "masks/2.png", "masks/3.png", "masks/4.png"],
            ["Mask/1.jpg", "Mask/2.jpg", "Non Mask/1.jpg", "Non Mask/2.jpg"],
            ["train/hats/1.jpg", "train/hats/2.jpg", "train/masks/1.jpg", "train/masks/2.jpg"],
            ["images/hats/1.jpg", "images/hats/2.jpg", "images/masks/1.jpg", "images/masks/2.jpg"],
            ["train/hats/1.jpg", "train/hats/2.jpg", "val/masks/1.jpg", "val/masks/2.jpg"],
            ["with_mask/1.jpg", "with_mask/2.jpg", "without_mask/1.jpg", "without_mask/2.jpg"],
        ] {
            assert_eq!(of(&images), 0, "{images:?}");
        }
        let icons: Vec<String> = (0..20).map(|i| format!("icons/{i}.png")).collect();
        let icons = icons.iter().map(String::as_str).chain(["icons/1_label.png", "icons/2_mask.png"]);
        assert_eq!(labels(icons).len(), 0);
    }
}
