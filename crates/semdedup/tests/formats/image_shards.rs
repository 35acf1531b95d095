//! Images in WebDataset shards (`tests/data/make_images.py`).

use std::collections::BTreeMap;
use std::io::Read;

use proptest::prelude::*;
use semdedup::formats::{ColumnChoice, Columns, CompareBy, ReadLimits, count_rows, rows_by};

use crate::support::{
    Input, compress, decompress, find, fixture, raw_input, read, read_from, resolve_one, write,
};

const SHARDS: [(&str, u64); 3] =
    [("images/webdataset.tar", 12), ("images/gnu_names.tar", 4), ("images/pax_names.tar", 4)];

pub fn by(by: CompareBy) -> ColumnChoice {
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
        let reasons = rows.reasons();
        assert_eq!(reasons.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 1, 2, 3]);
        let problem = " has several images: left.png, right.png; keys end at the first dot of a name; --image-column names one of several";
        assert!(reasons.iter().all(|(_, reason)| reason.ends_with(problem)), "{reasons:?}");
        let choice = ColumnChoice { image: Some("left.png".to_owned()), ..by(CompareBy::Image) };
        let rows = read(&file, &resolve_one(&file, &choice).unwrap()).unwrap();
        assert!(rows.bad.is_empty());
        assert_ne!(rows.images[0], rows.images[1]);
    }
}

#[test]
fn dots_in_the_names_of_a_shard_are_named_with_the_key_that_they_make() {
    let mut archive = tar::Builder::new(Vec::new());
    for name in ["slice_1.5mm_000", "slice_1.5mm_001", "slice_1.5mm_002", "slice_1.5mm_003"] {
        for extension in ["png", "txt"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            archive.append_data(&mut header, format!("{name}.{extension}"), &b"x"[..]).unwrap();
        }
    }
    let input = raw_input("a.tar", &archive.into_inner().unwrap());
    let rows = read(&input.file, &resolve_one(&input.file, &by(CompareBy::Image)).unwrap()).unwrap();
    let problem =
        "the sample `slice_1` has several images: 5mm_000.png, 5mm_001.png, 5mm_002.png, 5mm_003.png; keys";
    assert!(rows.reasons()[0].1.starts_with(problem), "{:?}", rows.reasons());
    assert!(rows.reasons()[0].1.contains("keys end at the first dot"));
}

/// Returns a shard of these members, each with its name as its data.
fn shard(names: &[&str]) -> Input {
    let mut archive = tar::Builder::new(Vec::new());
    for name in names {
        let mut header = tar::Header::new_gnu();
        header.set_size(name.len() as u64);
        archive.append_data(&mut header, name, name.as_bytes()).unwrap();
    }
    raw_input("a.tar", &archive.into_inner().unwrap())
}

#[test]
fn a_member_that_comes_twice_in_a_sample_makes_it_a_bad_row() {
    let input = shard(&["a.png", "a.txt", "a.png", "b.png", "b.txt"]);
    let rows = read(&input.file, &resolve_one(&input.file, &by(CompareBy::Image)).unwrap()).unwrap();
    assert_eq!(rows.reasons(), [(0, "the sample `a` has two members `png`")]);
}

#[test]
fn resource_forks_of_macos_are_in_no_sample() {
    let input = shard(&["./._a.png", "./a.png", "./._a.txt", "./a.txt", "./._b.png", "./b.png"]);
    let rows = read(&input.file, &resolve_one(&input.file, &by(CompareBy::Image)).unwrap()).unwrap();
    assert!(rows.bad.is_empty(), "{:?}", rows.reasons());
    let images: Vec<_> = rows.images.iter().flatten().map(|image| &image[..]).collect();
    assert_eq!(images, [&b"./a.png"[..], b"./b.png"]);
}

#[test]
fn a_depth_map_beside_a_photograph_does_not_make_the_sample_a_bad_row() {
    let mut archive = tar::Builder::new(Vec::new());
    for name in ["a.jpg", "b.depth.pgm", "b.jpg", "c.jpg", "c.mpo", "d.pgm", "e.pgm", "e.ppm"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(name.len() as u64);
        archive.append_data(&mut header, name, name.as_bytes()).unwrap();
    }
    let input = raw_input("a.tar", &archive.into_inner().unwrap());
    let rows = read(&input.file, &resolve_one(&input.file, &by(CompareBy::Image)).unwrap()).unwrap();
    let problem = "the sample `e` has several images: pgm, ppm; keys end at the first dot of a name; --image-column names one of several";
    assert_eq!(rows.reasons(), [(4, problem)]);
    let images: Vec<_> = rows.images.iter().flatten().map(|image| &image[..]).collect();
    assert_eq!(images[..4], [&b"a.jpg"[..], b"b.jpg", b"c.jpg", b"d.pgm"]);
}

/// Returns the bad rows of a shard of these members, compared by its images. Reading on from any of some
/// rows finds the same.
fn bad_images(names: &[&str]) -> Vec<(u64, String)> {
    let input = shard(names);
    let columns = resolve_one(&input.file, &by(CompareBy::Image)).unwrap();
    let reasons = |first: u64| -> Vec<(u64, String)> {
        let rows = read_from(&input.file, &columns, &ReadLimits::default(), first).unwrap();
        rows.reasons().into_iter().map(|(row, reason)| (row, reason.to_owned())).collect()
    };
    let all = reasons(0);
    for first in 1..count_rows(&input.file, &ReadLimits::default()).unwrap() {
        let expected: Vec<_> = all.iter().filter(|(row, _)| *row >= first).cloned().collect();
        assert_eq!(reasons(first), expected, "from row {first}");
    }
    all
}

#[test]
fn a_mask_without_its_image_is_not_compared_as_one() {
    let reason = "no image in the sample: `pgm` stands beside the image in others; its members are pgm, txt; \
                  --image-column pgm compares it";
    let pairs = ["p.jpg", "p.pgm", "q.jpg", "q.pgm"];
    let alone = ["r.pgm", "r.txt"];
    assert_eq!(bad_images(&[&alone[..], &pairs].concat()), [(0, reason.to_owned())]);
    let last = [&pairs[..], &alone].concat();
    assert_eq!(bad_images(&last), [(2, reason.to_owned())]);
    let input = shard(&last);
    let masks = ColumnChoice { image: Some("pgm".to_owned()), ..by(CompareBy::Image) };
    assert!(read(&input.file, &resolve_one(&input.file, &masks).unwrap()).unwrap().bad.is_empty());
    // Two samples of three have the mask alone, so it is an image.
    assert_eq!(bad_images(&["a.pgm", "p.jpg", "p.pgm", "q.pgm"]), []);
    // Other extensions than those of masks are images of their own.
    assert_eq!(bad_images(&["a.pgm", "b.jpg", "c.jfif"]), []);
}

#[test]
fn what_the_first_samples_of_a_shard_tell_of_masks_holds_for_all_of_it() {
    let of = |key: &str, extensions: [&str; 2]| -> Vec<String> {
        let names = (0..120).flat_map(|n| extensions.map(|extension| format!("{key}{n:03}.{extension}")));
        names.collect()
    };
    let (alone, pairs) = (of("a", ["pgm", "txt"]), of("p", ["jpg", "pgm"]));
    let names = |first: &[String], second: &[String]| -> Vec<u64> {
        let all: Vec<&str> = first.iter().chain(second).map(String::as_str).collect();
        bad_images(&all).into_iter().map(|(row, _)| row).collect()
    };
    assert_eq!(names(&alone, &pairs), [0; 0]);
    assert_eq!(names(&pairs, &alone), (120..240).collect::<Vec<u64>>());
}

#[test]
fn a_second_picture_beside_one_image_says_nothing_of_the_other_samples() {
    let second = ["p.jpg".to_owned(), "p.jfif".to_owned()];
    let others: Vec<String> = (0..120).map(|n| format!("k{n:03}.jfif")).collect();
    for all in [[&second[..], &others].concat(), [&others[..], &second].concat()] {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(bad_images(&all), []);
    }
    let input = shard(&["p.jfif", "p.jpg", "q.jfif"]);
    let rows = read(&input.file, &resolve_one(&input.file, &by(CompareBy::Image)).unwrap()).unwrap();
    let images: Vec<_> = rows.images.iter().flatten().map(|image| &image[..]).collect();
    assert_eq!(images, [&b"p.jpg"[..], b"q.jfif"]);
}

#[test]
fn two_images_of_rare_extensions_are_several_images() {
    let problem = "the sample `c` has several images: jfif, ppm; keys end at the first dot of a name; \
                   --image-column names one of several";
    let names = ["a.jpg", "a.ppm", "b.jpg", "b.ppm", "c.jfif", "c.ppm", "c.txt"];
    assert_eq!(bad_images(&names), [(2, problem.to_owned())]);
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
        assert_eq!(
            rows.reasons(),
            [(
                2,
                "the key `a` comes again behind other samples; `tar --sort=name` packs files of a key together"
            )]
        );
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
