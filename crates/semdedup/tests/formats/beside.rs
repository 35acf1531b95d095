//! Folders with images and files of rows: which of the two is read, and the reports about the
//! others.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use semdedup::Warning;
use semdedup::formats::{
    Asked, Cause, ColumnChoice, CompareBy, Discovered, Format, ReadLimits, count_rows, survey,
};
use tempfile::TempDir;

pub struct Folder(pub TempDir);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        files.iter().for_each(|(name, content)| folder.write(name, content.as_bytes()));
        folder
    }

    /// Creates images of these names, which are never decoded, and other files.
    pub fn of_images(images: &[&str], files: &[(&str, &str)]) -> Self {
        let folder = Self::new(files);
        images.iter().for_each(|name| folder.write(name, name.as_bytes()));
        folder
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        let path = self.0.path().join("d").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn survey_as(&self, input: &str, asked: &Asked) -> semdedup::Result<Discovered> {
        survey(&[self.0.path().join(input).to_str().unwrap().to_owned()], &[], asked)
    }

    pub fn survey(&self) -> semdedup::Result<Discovered> {
        self.survey_as("d", &Asked::default())
    }

    /// Returns the error without the path of this folder, and its hint.
    pub fn question(&self, asked: &Asked) -> (String, String) {
        let error = self.survey_as("d", asked).unwrap_err();
        let plain = |text: &str| text.replace(self.0.path().to_str().unwrap(), "").replace('\\', "/");
        (plain(&error.to_string()), plain(error.hint_text().unwrap()))
    }

    #[track_caller]
    pub fn is_of_images(&self, rows: u64) -> Discovered {
        let found = self.survey().unwrap();
        assert_eq!(formats(&found), [Format::Tree], "{:?}", found.skipped);
        assert_eq!(count_rows(&found.files[0], &ReadLimits::default()).unwrap(), rows);
        found
    }
}

pub fn formats(found: &Discovered) -> Vec<Format> {
    found.files.iter().map(|file| file.format).collect()
}

pub fn names(found: &Discovered) -> Vec<&str> {
    found.files.iter().map(|file| file.name.as_str()).collect()
}

pub fn by(by: CompareBy) -> Asked {
    Asked { columns: ColumnChoice { by: Some(by), ..ColumnChoice::default() }, ..Asked::default() }
}

/// Returns the warnings about files that were left out, with the names of the first three files.
pub fn said(found: &Discovered) -> Vec<String> {
    let warning = |(cause, left_out): (Cause, &semdedup::formats::LeftOut)| Warning::LeftOut {
        cause,
        count: left_out.count,
        first: left_out.first.clone(),
    };
    found.skipped.told().map(|told| warning(told).to_string()).collect()
}

pub fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

pub fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub const ROWS: &str =
    "{\"id\": 7, \"text\": \"one\"}\n{\"id\": 8, \"text\": \"two\"}\n{\"id\": 9, \"text\": \"three\"}\n";

#[test]
fn metadata_of_hugging_face_makes_a_folder_one_of_images() {
    let images = ["train/0.jpg", "train/1.jpg", "train/x/2.png"];
    let table =
        |names: [&str; 3]| parquet(vec![("file_name", strings(&names)), ("text", strings(&["a"; 3]))]);
    let cases = [
        (
            "metadata.jsonl",
            "{\"file_name\":\"0.jpg\",\"text\":\"a\"}\n{\"file_name\":\"x/2.png\",\"text\":\"a\"}\n",
        ),
        ("metadata.csv", "file_name,text\n0.jpg,a\n1.jpg,a\n"),
        ("metadata.jsonl", "{\"left_file_name\":\"0.jpg\",\"right_file_name\":\"1.jpg\",\"n\":1}\n"),
        (
            "annotations.jsonl",
            "{\"image\":\"train/0.jpg\",\"text\":\"a\"}\n{\"image\":\"train/1.jpg\",\"text\":\"b\"}\n",
        ),
        ("list.json", "[{\"images\":[\"0.jpg\",\"1.jpg\"]},{\"images\":[\"2.png\"]}]"),
        // None of the images in the first rows is there, but the file has Hugging Face's name and
        // column.
        ("metadata.jsonl", "{\"file_name\":\"8.jpg\"}\n{\"file_name\":\"9.jpg\"}\n"),
    ];
    for (name, content) in cases {
        let path = format!("train/{name}");
        let folder = Folder::of_images(&images, &[(path.as_str(), content)]);
        let found = folder.is_of_images(3);
        assert_eq!(found.skipped.of(Cause::BesideImages).first, [path], "{content}");
    }
    let folder = Folder::of_images(&images, &[]);
    folder.write("train/metadata.parquet", &table(["0.jpg", "1.jpg", "x/2.png"]));
    folder.is_of_images(3);
    // A glob that matches any file is like a folder.
    let found = folder.survey_as("d/**/*", &Asked::default()).unwrap();
    assert_eq!(formats(&found), [Format::Tree]);
}

#[test]
fn files_of_img2dataset_are_images() {
    let folder =
        Folder::new(&[("00000_stats.json", "{\"count\": 2}"), ("00000/000000002.json", "{\"status\": 1}")]);
    for key in ["00000/000000000", "00000/000000001"] {
        folder.write(&format!("{key}.jpg"), b"jpg");
        folder.write(&format!("{key}.txt"), b"a caption");
        folder.write(&format!("{key}.json"), b"{\"caption\": \"a caption\", \"url\": \"u\"}");
    }
    let keys = strings(&["000000000", "000000007", "000000008"]);
    folder.write(
        "00000.parquet",
        &parquet(vec![("url", keys.clone()), ("key", keys), ("status", strings(&["s"; 3]))]),
    );
    let found = folder.is_of_images(2);
    assert_eq!(found.skipped.count(Cause::BesideImages), 6);
    assert_eq!(found.skipped.of(Cause::AboutOthers).first, ["00000_stats.json"]);
}

#[test]
fn labels_of_every_tool_are_beside_the_images() {
    let coco = "{\"info\": {},\n \"images\": [{\"id\": 5, \"file_name\": \"0.jpg\"}],\n \"annotations\": []}";
    let later = "{\"annotations\": [{\"image_id\": 5}], \"images\": []}";
    let labelme = "{\n \"version\": \"5.0\",\n \"shapes\": []\n}\n";
    let yolo = "0 0.5 0.5 0.1 0.1\n";
    let cases: [&[(&str, &str)]; 9] = [
        &[("images/0.json", labelme), ("images/1.json", labelme)],
        &[("labels/0.txt", yolo), ("labels/1.txt", yolo), ("classes.txt", "cat\n"), ("data.yaml", "x: 1\n")],
        &[("annotations/instances_train.json", coco)],
        &[("annotations/instances_val.json", later)],
        &[("_annotations.coco.json", coco)],
        &[("labels.csv", "id,label\n0,cat\n1,dog\n")],
        &[("labels.tsv", "path\tlabel\n./images/0.jpg\tcat\n/other/place/1.jpg\tcat\n")],
        &[("train.txt", "images/0.jpg\nimages/1.jpg\n"), ("images/0.xml", "<annotation/>")],
        &[("captions.txt", "0.jpg#0\tA dog.\n0.jpg#1\tA brown dog.\n1.jpg#0\tA cat.\n")],
    ];
    for files in cases {
        let folder = Folder::of_images(&["images/0.jpg", "images/1.jpg"], files);
        let found = folder.is_of_images(2);
        assert_eq!(found.skipped.count(Cause::BesideImages), files.len() as u64, "{files:?}");
        assert_eq!(found.skipped.told().count(), 1, "{:?}", found.skipped);
    }
}

/// Creates images, and files beside them.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

#[test]
fn rows_with_a_stray_image_are_neither_taken_for_images_nor_read_unasked() {
    let list = "[{\"text\": \"a\"}, {\"text\": \"b\"}]";
    let logo = "{\"image\": \"logo.png\", \"text\": \"t\"}\n".repeat(40);
    let long = "a line that is one row of many, as texts have them\n".repeat(50);
    let urls = "{\"url\": \"https://x.y/0.png\", \"text\": \"a\"}\n".repeat(3);
    let classes = "{\"label\": \"cat\"}\n{\"label\": \"dog\"}\n{\"label\": \"cat\"}\n";
    let (logo, long, urls) = (logo.as_str(), long.as_str(), urls.as_str());
    let cases: [Case; 9] = [
        (&["train.png"], &[("train.jsonl", ROWS), ("val.jsonl", ROWS)]),
        (&["train.png", "val.png"], &[("train.json", list), ("val.json", list)]),
        (&["train.png", "val.png"], &[("train.json", ROWS), ("val.json", ROWS)]),
        (&["train.png", "val.png"], &[("train.txt", long), ("val.txt", long)]),
        (&["logo.png"], &[("train.jsonl", logo)]),
        (&["0.png"], &[("train.jsonl", urls)]),
        (&["cat.png", "dog.png"], &[("train.jsonl", classes)]),
        (&["a.png"], &[("labels.txt", "a line\n")]),
        // Labels of the images do not make files of rows about the images.
        (&["0.png", "1.png"], &[("labels.csv", "id,label\n0,cat\n1,dog\n"), ("train.jsonl", ROWS)]),
    ];
    for (images, files) in cases {
        let folder = Folder::of_images(images, files);
        let (question, hint) = folder.question(&Asked::default());
        assert!(question.contains("it is not clear which are to be compared"), "{files:?}: {question}");
        assert!(hint.contains("--by text") && hint.contains("--by image"), "{hint}");
        let found = folder.survey_as("d", &by(CompareBy::Text)).unwrap();
        assert_eq!(names(&found), files.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert_eq!(found.skipped.count(Cause::ImageBesideRows), images.len() as u64);
        let found = folder.survey_as("d", &by(CompareBy::Image)).unwrap();
        assert_eq!(formats(&found), [Format::Tree]);
        assert_eq!(found.skipped.count(Cause::BesideImages), files.len() as u64);
    }
}

#[test]
fn the_question_says_how_many_there_are_and_what_to_type() {
    let folder = Folder::of_images(&["p/a.png", "p/b.png"], &[("train.jsonl", ROWS), ("val.jsonl", ROWS)]);
    let (question, hint) = folder.question(&Asked::default());
    assert_eq!(
        question,
        "/d: holds 2 images (p/a.png, p/b.png) and 2 files of rows (train.jsonl, val.jsonl), and it is not clear which are to \
         be compared"
    );
    assert_eq!(
        hint,
        "--by text compares the rows, --by image the images; or name the files by a glob, such as '/d/*.jsonl'"
    );
    for (input, format) in [("d/*.jsonl", Format::Jsonl), ("d/p/*.png", Format::Tree)] {
        let found = folder.survey_as(input, &Asked::default()).unwrap();
        assert!(formats(&found).iter().all(|found| *found == format), "{input}");
        assert_eq!(found.skipped.told().count(), 0);
    }
    let named = folder.survey_as("d/train.jsonl", &Asked::default()).unwrap();
    assert_eq!(formats(&named), [Format::Jsonl]);
    let column = ColumnChoice { text: Some("text".to_owned()), ..ColumnChoice::default() };
    let found = folder.survey_as("d", &Asked { columns: column, ..Asked::default() }).unwrap();
    assert_eq!(names(&found), ["train.jsonl", "val.jsonl"]);
}

#[test]
fn by_image_is_no_answer_where_both_hold_images() {
    let folder = Folder::of_images(&["preview.png"], &[]);
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![b"png".as_slice(), b"png"]));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    folder.write("train.parquet", &parquet(vec![("image", bytes), ("id", ids)]));
    for asked in [Asked::default(), by(CompareBy::Image)] {
        let (_, hint) = folder.question(&asked);
        assert_eq!(hint, "name one of the two by a glob: '/d/*.parquet' or '/d/*.png'");
    }
    let column = ColumnChoice { image: Some("image".to_owned()), ..ColumnChoice::default() };
    let found = folder.survey_as("d", &Asked { columns: column, ..Asked::default() }).unwrap();
    assert_eq!(names(&found), ["train.parquet"]);
    assert_eq!(names(&folder.survey_as("d", &by(CompareBy::Both)).unwrap()), ["train.parquet"]);
    let shards = Folder::of_images(&["preview.png"], &[("00000.tar", "")]);
    assert!(shards.question(&by(CompareBy::Image)).1.contains("'/d/*.tar'"));
}

#[test]
fn images_that_look_like_labels_of_other_images_are_a_question() {
    let images = ["images/1.jpg", "images/2.jpg", "masks/1.png", "masks/2.png"];
    let folder = Folder::of_images(&images, &[("readme.txt", "about\n")]);
    let (error, hint) = folder.question(&Asked::default());
    assert_eq!(
        error,
        "/d: holds 2 images (masks/1.png, masks/2.png) that look like labels of other images, by their names"
    );
    assert_eq!(hint, "name the images by globs: '/d/images/*.jpg'; --by image compares all of them");
    let found = folder.survey_as("d", &by(CompareBy::Image)).unwrap();
    assert_eq!(count_rows(&found.files[0], &ReadLimits::default()).unwrap(), 4);
    let found = folder.survey_as("d/images/*.jpg", &Asked::default()).unwrap();
    assert_eq!(count_rows(&found.files[0], &ReadLimits::default()).unwrap(), 2);
    let one_folder = Folder::of_images(&["1.png", "2.png", "1_mask.png", "2_mask.png"], &[]);
    let (_, hint) = one_folder.question(&Asked::default());
    assert_eq!(hint, "name the images by globs that do not find these; --by image compares all of them");
    let classes = ["masks/blue.jpg", "masks/red.jpg", "hats/large.jpg", "hats/small.jpg"];
    Folder::of_images(&classes, &[]).is_of_images(4);
}

#[test]
fn pictures_that_a_readme_shows_are_its_illustrations() {
    let readme = "# Data\n\n![how long](assets/lengths.png) <img src=\"assets/logo.svg\">\n";
    let folder =
        Folder::of_images(&["assets/lengths.png"], &[("README.md", readme), ("data/train.jsonl", ROWS)]);
    let found = folder.survey().unwrap();
    assert_eq!(names(&found), ["data/train.jsonl"]);
    assert_eq!(
        said(&found),
        [
            "1 image beside the files of rows was left out (assets/lengths.png); --by image compares the images instead of \
             the rows",
            "1 document beside the data (README, licence, Markdown) was left out (README.md); to read a document, name its folder as well, or name it alone",
        ]
    );
    folder.write("assets/other.png", b"");
    folder.question(&Asked::default());
}
