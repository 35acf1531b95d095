//! Images in WebDataset shards, folders and columns of Parquet, from other programs
//! (`tests/data/make_images.py`).

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use semdedup::formats::{
    Asked, Cause, ColumnChoice, Columns, CompareBy, Format, InputFile, ReadLimits, count_rows, discover,
    resolve_columns, rows_by, survey,
};
use tempfile::TempDir;

use crate::support::{
    Input, choice, compress, decompress, find, fixture, raw_input, read, read_from, resolve_one, write,
};

const SHARDS: [(&str, u64); 3] =
    [("images/webdataset.tar", 12), ("images/gnu_names.tar", 4), ("images/pax_names.tar", 4)];

fn by(by: CompareBy) -> ColumnChoice {
    ColumnChoice { by: Some(by), ..ColumnChoice::default() }
}

fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name).path).unwrap()
}

/// Returns the members of an archive as the `tar` crate reads them: names, kinds and data.
fn members(bytes: &[u8]) -> Vec<(String, tar::EntryType, Vec<u8>)> {
    let mut archive = tar::Archive::new(bytes);
    let member = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        (name, entry.header().entry_type(), data)
    };
    archive.entries().unwrap().map(member).collect()
}

#[test]
fn a_shard_of_webdataset_is_read() {
    let file = fixture("images/webdataset.tar");
    assert_eq!(rows_by(std::slice::from_ref(&file), &ColumnChoice::default()).unwrap(), CompareBy::Image);
    let choice = ColumnChoice { id: Some("__key__".to_owned()), ..by(CompareBy::Both) };
    let columns = resolve_one(&file, &choice).unwrap();
    let rows = read(&file, &columns).unwrap();
    let of_png: BTreeMap<String, Vec<u8>> =
        members(&bytes_of("images/webdataset.tar")).into_iter().map(|(name, _, data)| (name, data)).collect();
    for row in 0..12 {
        let key = format!("00000/{row:06}");
        assert_eq!(rows.images[row].as_ref(), of_png.get(&format!("{key}.png")), "{row}");
        let caption = if row == 3 { String::new() } else { format!("caption {row}") };
        let expected = if row == 5 { (None, None) } else { (Some(caption), Some(key)) };
        assert_eq!((rows.texts[row].clone(), rows.string_ids()[row].map(str::to_owned)), expected);
    }
    assert_eq!(rows.reasons(), [(5, "no image in the sample; its members are json, txt")]);
    assert_eq!(rows.empty, 1);
}

#[test]
fn fields_of_json_are_columns() {
    let file = fixture("images/webdataset.tar");
    let choice = ColumnChoice {
        text: Some("json.meta.caption".to_owned()),
        id: Some("json.n".to_owned()),
        ..by(CompareBy::Text)
    };
    let rows = read(&file, &resolve_one(&file, &choice).unwrap()).unwrap();
    assert_eq!(rows.texts()[11], "inner 11");
    assert_eq!(rows.string_ids()[11], Some("11"));
    assert!(rows.images.is_empty() && rows.bad.is_empty());
}

#[test]
fn members_that_are_not_there_are_named() {
    let file = fixture("images/webdataset.tar");
    let choice = ColumnChoice { text: Some("caption".to_owned()), ..by(CompareBy::Text) };
    let error = resolve_one(&file, &choice).unwrap_err().to_string();
    assert!(error.contains("no member `caption`; members are json, png, txt"), "{error}");
}

#[test]
fn one_of_several_images_is_chosen() {
    for name in ["images/gnu_names.tar", "images/pax_names.tar"] {
        let file = fixture(name);
        let rows = read(&file, &resolve_one(&file, &by(CompareBy::Image)).unwrap()).unwrap();
        let problem = "the sample has several images: txt, left.png, right.png; name one with --image-column";
        assert_eq!(rows.reasons(), (0..4).map(|row| (row, problem)).collect::<Vec<_>>());
        let choice = ColumnChoice { image: Some("left.png".to_owned()), ..by(CompareBy::Image) };
        let rows = read(&file, &resolve_one(&file, &choice).unwrap()).unwrap();
        assert!(rows.bad.is_empty());
        assert_ne!(rows.images[0], rows.images[1]);
    }
}

#[test]
fn a_shard_is_read_from_any_row_on() {
    let file = fixture("images/webdataset.tar");
    let columns = resolve_one(&file, &by(CompareBy::Both)).unwrap();
    let whole = read(&file, &columns).unwrap();
    for first in 0..=12 {
        let rest = read_from(&file, &columns, &ReadLimits::default(), first as u64).unwrap();
        assert_eq!((&rest.texts[..], &rest.images[..]), (&whole.texts[first..], &whole.images[first..]));
    }
}

#[test]
fn all_samples_kept_are_the_same_bytes() {
    for (name, rows) in SHARDS {
        for ending in ["tar", "tar.gz", "tar.zst", "tgz"] {
            let bytes = bytes_of(name);
            let archive = format!("x.{ending}");
            let compressed = compress(if ending == "tgz" { "x.gz" } else { &archive }, &bytes);
            let input = raw_input(&archive, &compressed);
            assert_eq!(count_rows(&input.file, &ReadLimits::default()).unwrap(), rows);
            let kept = write(&input, &mut |_| true).unwrap();
            if ending == "tgz" {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(&std::fs::read(kept).unwrap()[..])
                    .read_to_end(&mut plain)
                    .unwrap();
                assert_eq!(plain, bytes);
            } else {
                assert_eq!(decompress(&kept), bytes, "{name} {ending}");
            }
        }
    }
}

#[test]
fn kept_samples_keep_their_members() {
    for (name, rows) in SHARDS {
        let bytes = bytes_of(name);
        let input = raw_input("x.tar", &bytes);
        for kept in 0..1 << rows.min(6) {
            let kept = |row: u64| kept >> (row % 6) & 1 == 1;
            let written = std::fs::read(write(&input, &mut |row| kept(row)).unwrap()).unwrap();
            let stays = |(name, kind, _): &(String, tar::EntryType, Vec<u8>)| {
                let key = name.rsplit_once('/').map_or("", |(_, base)| base).split('.').next().unwrap();
                let digits = key.trim_start_matches("name").trim_start_matches('-');
                !kind.is_file() || digits.parse().map_or(true, kept)
            };
            let expected: Vec<_> = members(&bytes).into_iter().filter(stays).collect();
            assert_eq!(members(&written), expected, "{name}");
            assert_eq!(written.len() % 512, 0);
        }
    }
}

#[test]
fn a_key_that_comes_again_behind_other_samples_is_a_bad_row() {
    let mut archive = tar::Builder::new(Vec::new());
    for name in ["a.txt", "a.json", "b.txt", "a.txt", "c.txt"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(name.len() as u64);
        archive.append_data(&mut header, name, name.as_bytes()).unwrap();
    }
    let input = raw_input("a.tar", &archive.into_inner().unwrap());
    let columns = resolve_one(&input.file, &by(CompareBy::Text)).unwrap();
    for first in [0, 1] {
        let rows = read_from(&input.file, &columns, &ReadLimits::default(), first).unwrap();
        assert_eq!(rows.reasons(), [(2, "the key `a` comes again behind other samples")]);
        assert_eq!(rows.texts()[(2 - first) as usize..], ["<bad>", "c.txt"]);
    }
    // Without `b`, both would be one sample.
    let kept = write(&input, &mut |row| row == 0 || row == 3).unwrap();
    assert_eq!(read(&find(&kept), &columns).unwrap().texts(), ["a.txt", "c.txt"]);
}

#[test]
fn truncated_shards_are_errors() {
    let bytes = bytes_of("images/gnu_names.tar");
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    for length in (1..end).step_by(37) {
        let input = raw_input("x.tar", &bytes[..length]);
        let error = count_rows(&input.file, &ReadLimits::default());
        let kept = write(&input, &mut |_| true);
        match (error, kept) {
            // An archive that is cut between two members is read, even without a mark of the end.
            (Ok(_), Ok(_)) => assert_eq!(length % 512, 0),
            (Err(a), Err(b)) => {
                assert!(a.to_string().contains("ends in the middle of a member"), "{length}: {a}");
                assert!(b.to_string().contains("ends in the middle of a member"), "{length}: {b}");
            }
            (a, b) => panic!("{length}: {a:?} {b:?}"),
        }
    }
}

#[test]
fn what_is_behind_the_end_is_not_lost_silently() {
    let mut bytes = bytes_of("images/webdataset.tar");
    bytes.extend(bytes_of("images/pax_names.tar"));
    let input = raw_input("x.tar", &bytes);
    let error = count_rows(&input.file, &ReadLimits::default()).unwrap_err();
    assert!(error.to_string().contains("behind the end of the archive"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn damaged_shards_neither_panic_nor_fill_the_memory(
        shard in 0..3_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut bytes = bytes_of(SHARDS[shard].0);
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let input = raw_input("x.tar", &bytes);
        let columns = Columns { text: Some("txt".to_owned()), image: Some("image".to_owned()), ..Columns::default() };
        let rows = read(&input.file, &columns);
        let kept = write(&input, &mut |row| row % 2 == 0);
        prop_assert_eq!(rows.is_ok(), kept.is_ok());
    }
}

/// Creates a folder of images and other files.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir_all(photos.join("b/c")).unwrap();
    for (name, data) in
        [("z.jpg", "1"), ("a.PNG", "2"), ("b/c/x.webp", "333"), ("b/notes.md", "4"), (".hidden.png", "5")]
    {
        std::fs::write(photos.join(name), data).unwrap();
    }
    folder
}

fn found(inputs: &[&Path]) -> Vec<InputFile> {
    let inputs: Vec<String> = inputs.iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    discover(&inputs, &[]).unwrap()
}

#[test]
fn a_folder_of_images_is_one_file_of_rows() {
    let folder = folder();
    let photos = folder.path().join("photos");
    let files = found(&[&photos]);
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].format, files[0].name.as_str(), files[0].bytes), (Format::Tree, "photos", 5));
    assert_eq!(rows_by(&files, &ColumnChoice::default()).unwrap(), CompareBy::Image);
    let columns = resolve_columns(&files, &ColumnChoice::default()).unwrap();
    let rows = read(&files[0], &columns[0]).unwrap();
    assert_eq!(rows.string_ids(), [Some("photos/a.PNG"), Some("photos/b/c/x.webp"), Some("photos/z.jpg")]);
    let images: Vec<&[u8]> = rows.images.iter().flatten().map(Vec::as_slice).collect();
    assert_eq!(images, [b"2".as_slice(), b"333", b"1"]);
    let inputs = [photos.to_str().unwrap().to_owned()];
    let skipped = survey(&inputs, &[], &Asked::default()).unwrap().skipped;
    assert_eq!((skipped.count(Cause::Document), skipped.count(Cause::HiddenData)), (1, 1));
    let kept = folder.path().join("kept");
    let input = Input { file: files[0].clone(), folder: TempDir::new().unwrap() };
    let written =
        semdedup::formats::write_kept(&input.file, &ReadLimits::default(), &kept, &mut |row| row > 0);
    assert_eq!(written.unwrap(), 2);
    assert_eq!(std::fs::read(kept.join("b/c/x.webp")).unwrap(), b"333");
    assert!(kept.join("z.jpg").exists() && !kept.join("a.PNG").exists() && !kept.join("b/notes.md").exists());
}

#[test]
fn images_named_one_by_one_are_a_folder_too() {
    let folder = folder();
    let photos = folder.path().join("photos");
    let files = found(&[&photos.join("z.jpg"), &photos.join("a.PNG"), &photos.join("z.jpg")]);
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].name.as_str(), files[0].bytes), ("photos", 2));
    let files = found(&[&photos.join("*.jpg"), &photos.join("b")]);
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["photos", "b"]);
}

#[test]
fn an_image_that_changed_is_noticed() {
    let folder = folder();
    let photos = folder.path().join("photos");
    let file = found(&[&photos]).remove(0);
    semdedup::formats::check_unchanged(&file).unwrap();
    std::fs::write(photos.join("b/c/x.webp"), "other").unwrap();
    let error = semdedup::formats::check_unchanged(&file).unwrap_err().to_string();
    assert!(error.contains("x.webp") && error.contains("changed since it was read"), "{error}");
    let again = found(&[&photos]).remove(0);
    assert_ne!((again.bytes, again.identity), (file.bytes, file.identity));
}

#[test]
fn images_in_parquet_are_read() {
    let file = fixture("images/hugging_face.parquet");
    assert_eq!(rows_by(std::slice::from_ref(&file), &ColumnChoice::default()).unwrap(), CompareBy::Image);
    let columns = resolve_one(&file, &ColumnChoice::default()).unwrap();
    let rows = read(&file, &columns).unwrap();
    let png = |image: &Option<Vec<u8>>| image.as_ref().is_some_and(|image| image.starts_with(b"\x89PNG"));
    assert_eq!(rows.images.iter().map(png).collect::<Vec<_>>(), [true, true, false, false, true, true]);
    assert_eq!(rows.reasons(), [(2, "column `image` is null"), (3, "column `image` has no bytes")]);
    let file = fixture("images/binary.parquet");
    let error = rows_by(std::slice::from_ref(&file), &ColumnChoice::default()).unwrap_err();
    let expected = "has images in `jpg` and texts in `caption`, and it is not clear which are to be compared";
    assert!(error.to_string().contains(expected), "{error}");
    assert!(
        ["--by image", "--by text", "--by both"].iter().all(|by| error.hint_text().unwrap().contains(by))
    );
    for (text, image, expected) in [
        (None, Some("jpg"), CompareBy::Image),
        (Some("caption"), None, CompareBy::Text),
        (Some("caption"), Some("jpg"), CompareBy::Both),
    ] {
        let named = ColumnChoice { image: image.map(str::to_owned), ..choice(text, None) };
        assert_eq!(rows_by(std::slice::from_ref(&file), &named).unwrap(), expected);
    }
    let columns = resolve_one(&file, &by(CompareBy::Both)).unwrap();
    assert_eq!((columns.image.as_deref(), columns.text.as_deref()), (Some("jpg"), Some("caption")));
    let rows = read(&file, &columns).unwrap();
    assert!(rows.images.iter().all(png) && rows.bad.is_empty());
    assert_eq!(rows.texts()[5], "c5");
    let wrong = ColumnChoice { image: Some("caption".to_owned()), ..by(CompareBy::Image) };
    let error = resolve_one(&file, &wrong).unwrap_err().to_string();
    assert!(error.contains("column `caption` is a string, not binary"), "{error}");
}

#[test]
fn a_column_of_bytes_is_one_of_images_if_its_values_begin_as_images_do() {
    let images = read(&fixture("images/hugging_face.parquet"), &image_column("image")).unwrap().images;
    let pngs: Vec<Option<Vec<u8>>> = images.into_iter().flatten().map(Some).collect();
    let broken = vec![Some(b"nothing".to_vec()), None, Some(Vec::new())];
    let hashes: Vec<Option<Vec<u8>>> = (0..9u8).map(|n| Some(vec![n, 200 + n, 0, 255])).collect();
    let texts: Vec<Option<Vec<u8>>> = (0..9).map(|n| Some(format!("text {n}").into_bytes())).collect();
    let decided = [
        ("data", pngs.clone(), CompareBy::Image),
        ("image", [broken, pngs.clone()].concat(), CompareBy::Image),
        ("image", vec![None; 9], CompareBy::Image),
        ("image", hashes.clone(), CompareBy::Text),
        ("sha", hashes, CompareBy::Text),
        ("image", texts.clone(), CompareBy::Text),
        ("payload", texts, CompareBy::Text),
    ];
    for (name, values, expected) in decided {
        let values: ArrayRef = Arc::new(values.iter().map(Option::as_deref).collect::<BinaryArray>());
        let batch = RecordBatch::try_from_iter_with_nullable([(name, values, true)]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        let input = raw_input("x.parquet", &writer.into_inner().unwrap());
        let file = std::slice::from_ref(&input.file);
        assert_eq!(rows_by(file, &ColumnChoice::default()).unwrap(), expected, "{name}");
        if expected == CompareBy::Text {
            let error = resolve_one(&input.file, &ColumnChoice::default()).unwrap_err().to_string();
            assert!(error.contains(&format!("columns are {name} (binary)")), "{error}");
            // A user who names it gets it.
            assert_eq!(resolve_one(&input.file, &by(CompareBy::Image)).unwrap(), image_column(name));
        }
    }
}

fn image_column(name: &str) -> Columns {
    Columns { image: Some(name.to_owned()), ..Columns::default() }
}

#[test]
fn formats_without_images_say_so() {
    let input = raw_input("x.jsonl", b"{\"text\":\"t\"}\n");
    let error = resolve_one(&find(&input.file.path), &by(CompareBy::Image)).unwrap_err().to_string();
    assert!(error.contains("this format has no images"), "{error}");
    let folder = folder();
    let file = found(&[&folder.path().join("photos")]).remove(0);
    let error = resolve_one(&file, &by(CompareBy::Text)).unwrap_err().to_string();
    assert!(error.contains("no texts"), "{error}");
}
