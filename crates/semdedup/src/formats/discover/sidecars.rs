//! Finds the files of rows that are about the images beside them: captions and labels of the same
//! name, and tables that name the images.

use std::collections::{BTreeMap, HashMap};

use crate::formats::choose::table::{Table, names_of};
use crate::formats::columns::Wanted;
use crate::formats::discover::file_names::{file_name, folder, stem};
use crate::formats::discover::found_file::FoundFile;
use crate::formats::discover::ignored::is_text_about_others;
use crate::formats::discover::one_object::is_one_object;
use crate::formats::discover::pictures::{MANY, Pictures};
use crate::formats::discover::sidecars_content as content;
use crate::formats::file::Format;

/// At most this many descriptions of a kind are opened.
const LOOKED_INTO: usize = 8;
/// At most this many files with a schema are opened to look for images.
const SCHEMAS_LOOKED_AT: usize = 8;

/// The names that annotation tools give to lists of classes.
const CLASSES: [&str; 7] = [
    "classes.txt",
    "class_names.txt",
    "labels.txt",
    "predefined_classes.txt",
    "categories.txt",
    "synsets.txt",
    "label_map.txt",
];

/// A list of classes has at most this many bytes.
const MOST_CLASSES_BYTES: u64 = 64 << 10;

/// The place and kind of a file that can be the description of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PairPlace<'a> {
    folder: &'a str,
    /// See [`kind_of_pair`].
    kind: &'static str,
}

impl<'a> PairPlace<'a> {
    fn of(found: &'a FoundFile) -> Option<Self> {
        kind_of_pair(found).map(|kind| Self { folder: folder(&found.name), kind })
    }
}

/// Returns the files that are not known to be about the images, in the order of their names.
pub(crate) fn not_about<'a>(files: &'a [FoundFile], pictures: &Pictures) -> Vec<&'a FoundFile> {
    let mut open = not_about_by_name(files, pictures);
    open.sort_by(|a, b| a.name.cmp(&b.name));
    // The first file that is not about the images decides. Only a few of the others are read, for
    // the list.
    let Some(first) = open.iter().position(|found| !content::is_about(found, pictures)) else {
        return Vec::new();
    };
    let mut rest = open.split_off(first);
    let mut number = 0;
    rest.retain(|found| {
        number += 1;
        number == 1 || number > LOOKED_INTO || !content::is_about(found, pictures)
    });
    rest
}

/// Returns the files that are not about the images by their names and those of the images.
fn not_about_by_name<'a>(files: &'a [FoundFile], pictures: &Pictures) -> Vec<&'a FoundFile> {
    let mut open = Vec::new();
    let mut pairs: BTreeMap<&str, Vec<&FoundFile>> = BTreeMap::new();
    let mut tables = Vec::new();
    for found in files {
        match kind_of_pair(found) {
            _ if is_list_of_classes(found, pictures) => {}
            _ if pictures.len() > 1 && is_text_about_others(found) => {}
            Some(kind) if pictures.pair(&found.name) => pairs.entry(kind).or_default().push(found),
            _ if is_table_of_folder(found, pictures) => tables.push(found),
            _ => open.push(found),
        }
    }
    if !tables.iter().take(LOOKED_INTO).all(|found| has_columns_of_img2dataset(found)) {
        open.append(&mut tables);
    }
    let mut paired: HashMap<PairPlace, usize> = HashMap::new();
    for (kind, pairs) in pairs {
        if pictures.len() > 1 && are_about(kind, &pairs) {
            let places = pairs.iter().filter_map(|found| PairPlace::of(found));
            places.for_each(|place| *paired.entry(place).or_default() += 1);
        } else {
            open.extend(pairs);
        }
    }
    // Captions whose image is missing lie among others whose image is there.
    let mut alone: HashMap<PairPlace, usize> = HashMap::new();
    for place in open.iter().filter_map(|found| PairPlace::of(found)) {
        *alone.entry(place).or_default() += 1;
    }
    open.retain(|found| {
        PairPlace::of(found)
            .is_none_or(|place| paired.get(&place).is_none_or(|&paired| paired < alone[&place]))
    });
    open
}

/// Returns the kind of a file that can be the description of one image.
fn kind_of_pair(found: &FoundFile) -> Option<&'static str> {
    match found.file.format {
        Format::Text => Some("txt"),
        Format::JsonArray => Some("json"),
        _ => None,
    }
}

/// Whether files with the names of images describe these images.
///
/// `train.json` and `train.png` may be rows and a picture of them: one object describes one image,
/// but a list of objects does not.
fn are_about(kind: &str, pairs: &[&FoundFile]) -> bool {
    match pairs.len() {
        many if kind == "txt" => many >= MANY || pairs.iter().all(|found| content::is_caption(&found.file)),
        many => pairs
            .iter()
            .take(LOOKED_INTO)
            .all(|found| is_one_object(&found.file) || many >= MANY && content::is_short(&found.file)),
    }
}

fn is_list_of_classes(found: &FoundFile, pictures: &Pictures) -> bool {
    let name = file_name(&found.name).to_ascii_lowercase();
    pictures.len() > 1 && CLASSES.contains(&name.as_str()) && found.file.bytes <= MOST_CLASSES_BYTES
}

/// Whether some of the files have images in them.
pub(crate) fn hold_images(files: &[FoundFile]) -> bool {
    let none = Wanted { text: None, id: None, embedding: None, image: None };
    let has_column = |found: &&FoundFile| {
        Table::of(&found.file, &none).is_ok_and(|table| table.is_some_and(|table| table.image(None).is_ok()))
    };
    let schemas = files.iter().filter(|found| found.file.format.rows().has_schema());
    files.iter().any(|found| found.file.format == Format::Tar)
        || schemas.take(SCHEMAS_LOOKED_AT).any(|found| has_column(&found))
}

/// Whether a file lies beside a folder of its name with images, as img2dataset writes its tables.
fn is_table_of_folder(found: &FoundFile, pictures: &Pictures) -> bool {
    found.file.format.rows().has_schema() && pictures.folders.contains(stem(&found.name))
}

fn has_columns_of_img2dataset(found: &FoundFile) -> bool {
    let has = |names: &[String], name: &str| names.iter().any(|other| other == name);
    names_of(&found.file).is_ok_and(|names| {
        names.is_some_and(|names| has(&names, "key") && (has(&names, "url") || has(&names, "status")))
    })
}

/// Returns the numbers in a name, without leading zeros.
pub(crate) fn numbers(name: &str) -> Vec<&str> {
    let runs = name.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.map(|run| match run.trim_start_matches('0') {
        "" => "0",
        run => run,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_finds_its_image_in_its_folder_and_in_one_beside_it() {
        let images = ["a.b.jpg", "images/train/0.jpg", "x/images/1.jpg"];
        let pictures = Pictures::new(images.into_iter());
        for name in [
            "a.b.txt",
            "a.b.jpg.json",
            "labels/train/0.txt",
            "images/train/labels/0.txt",
            "train/0.txt",
            "x/labels/1.txt",
            "x/1.json",
        ] {
            assert!(pictures.pair(name), "{name}");
        }
        for name in ["a.txt", "0.txt", "labels/val/0.txt", "y/labels/1.txt", "a.b/c.txt"] {
            assert!(!pictures.pair(name), "{name}");
        }
    }

    #[test]
    fn a_stem_has_neither_the_extension_nor_that_of_the_compression() {
        for (path, expected) in
            [("a/b.txt", "a/b"), ("a.d/b", "a.d/b"), ("b.json.gz", "b"), (".x", ".x"), ("a.b.c", "a.b")]
        {
            assert_eq!(stem(path), expected);
        }
    }
}
