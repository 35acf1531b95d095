//! Images: folders of them and WebDataset shards.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;

use super::support::{Place, Random, number, texts};

/// A BMP of 32 x 32 pixels: blocks of colours by a seed, and a little noise in one line by another.
fn picture(seed: u64, noise: u64) -> Vec<u8> {
    let (mut colours, mut noise_of) = (Random(seed), Random(noise));
    let blocks: Vec<[u8; 3]> = (0..16).map(|_| [(); 3].map(|()| 8 + colours.below(240) as u8)).collect();
    let mut file = b"BM".to_vec();
    let size = 54 + 32 * 32 * 3u32;
    for word in [size, 0, 54, 40, 32, 32, 1 | 24 << 16, 0, 32 * 32 * 3, 2835, 2835, 0, 0] {
        file.extend(word.to_le_bytes());
    }
    for y in 0..32 {
        for x in 0..32 {
            let block = blocks[y / 8 * 4 + x / 8];
            let noisy = noise > 0 && y == 0;
            file.extend(block.map(|value| value + if noisy { noise_of.below(3) as u8 } else { 0 }));
        }
    }
    assert_eq!(file.len(), size as usize);
    file
}

/// Pictures 0 to n - 1: of every four, the third is a copy of the second and the fourth nearly one.
fn pictures(count: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|n| match n % 4 {
        2 => picture(n - 1, 0),
        3 => picture(n - 2, n),
        _ => picture(n, 0),
    })
}

/// The pictures that may stay, by fours: one of the last three, and the first.
fn is_one_of_each(kept: &BTreeSet<u64>, count: u64) -> bool {
    (0..count / 4)
        .map(|four| 4 * four)
        .all(|four| kept.contains(&four) && (four + 1..four + 4).filter(|n| kept.contains(n)).count() == 1)
}

fn folder_of(count: u64) -> Place {
    let place = Place::new();
    for (n, bytes) in pictures(count).enumerate() {
        place.write(&format!("photos/{}/{n:03}.bmp", n % 3), bytes);
    }
    place
}

#[test]
fn a_folder_of_images_comes_back_without_the_duplicates() {
    let place = folder_of(40);
    let summary = place.summary("run photos --out o --epsilon 0.01");
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_kept")), (40, 20));
    let (kept, all) = (place.files("o/kept"), place.files("photos"));
    assert_eq!(kept.len(), 20);
    for (name, bytes) in &kept {
        assert_eq!(all.get(name.strip_prefix("photos/").unwrap()), Some(bytes), "{name}");
    }
    let numbers = kept.keys().map(|name| name[name.len() - 7..name.len() - 4].parse().unwrap()).collect();
    assert!(is_one_of_each(&numbers, 40), "{numbers:?}");
    let removed = place.column("o/removed.parquet", "id");
    let ids: BTreeSet<&String> = removed.iter().chain(kept.keys()).collect();
    assert_eq!(ids.len(), 40);
    let of = place.column("o/removed.parquet", "duplicate_of");
    assert!(of.iter().all(|id| ids.contains(id)));
}

#[test]
fn the_result_of_a_folder_is_whole_or_replaced_only_when_asked() {
    let place = folder_of(24);
    place.semdedup("run photos --out o --epsilon 0.01").succeeded();
    let whole = place.result("o");
    let again = place.summary("run photos --out o --epsilon 0.01");
    assert_eq!(number(&again, "rows_kept"), 12);
    let kept = place.files("o/kept");
    let name = format!("o/kept/{}", kept.keys().next().unwrap());
    place.write(&name, "mine now");
    place.semdedup("run photos --out o --epsilon 0.01").failed_with(&["is not as it was written"]);
    place.write("o/kept/photos/more.bmp", "not theirs");
    place
        .semdedup("run photos --out o --epsilon 0.01 --overwrite")
        .failed_with(&["more.bmp", "did not write this file"]);
    fs::remove_file(place.path("o/kept/photos/more.bmp")).unwrap();
    place.semdedup("run photos --out o --epsilon 0.01 --overwrite").succeeded();
    assert_eq!(place.result("o"), whole);
    fs::remove_file(place.path(&name)).unwrap();
    place.semdedup("run photos --out o --epsilon 0.01").succeeded();
    assert_eq!(place.result("o"), whole);
}

#[test]
fn broken_images_and_bombs_are_listed_and_stay_where_they_are() {
    let place = folder_of(8);
    place.write("photos/broken.png", b"\x89PNG\r\n\x1a\nnothing");
    place.write("photos/empty.jpg", b"");
    let mut bomb = picture(1, 0);
    bomb[18..26].copy_from_slice(&[0, 0, 1, 0, 0, 0, 1, 0]);
    place.write("photos/bomb.bmp", bomb);
    let said = place.semdedup("run photos --out o --epsilon 0.01").skipped_rows();
    assert!(said.stderr.contains("3 rows"), "{}", said.stderr);
    assert_eq!(place.column("o/skipped.parquet", "row").len(), 3);
    let reasons = place.column("o/skipped.parquet", "reason").join("\n");
    assert!(reasons.contains("65536"), "{reasons}");
    assert_eq!(place.files("photos").len(), 11);
    place.semdedup("run photos --out o2 --strict").failed_with(&["row"]);
    place.has_no_result("o2");
}

#[test]
fn a_run_that_could_read_no_row_fails_with_the_first_reason_and_writes_nothing() {
    let place = Place::new();
    place.write("photos/a.jpg", b"not a picture");
    place.write("photos/b.png", b"");
    for typed in ["run photos --out o", "run photos --out o --quiet"] {
        place.semdedup(typed).failed_with(&["all 2 rows were skipped", "row 0", "a.jpg", "not an image"]);
        place.has_no_result("o");
    }
    assert_eq!(place.files("photos").len(), 2);
}

#[test]
fn shards_are_compared_by_image_caption_or_both() {
    let place = Place::new();
    let (mut shard, captions) = (tar::Builder::new(Vec::new()), texts(200));
    for (n, bytes) in pictures(40).enumerate() {
        // Captions differ but for every eighth, which is that of the one before.
        let words = if n % 8 == 7 { n - 1 } else { n };
        let caption = &captions[5 * words];
        for (extension, data) in [("bmp", bytes.as_slice()), ("txt", caption.as_bytes())] {
            let mut header = tar::Header::new_ustar();
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            shard.append_data(&mut header, format!("{n:04}.{extension}"), data).unwrap();
        }
    }
    place.write("s-000.tar", shard.into_inner().unwrap());
    let kept = |typed: &str| {
        place.semdedup(&format!("{typed} --epsilon 0.01")).succeeded();
        let out = typed.rsplit(' ').next().unwrap();
        let file = place.read(&format!("{out}/kept/s-000.tar"));
        let mut archive = tar::Archive::new(&file[..]);
        let names = archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string());
        names.filter(|name| name.ends_with("bmp")).map(|name| name[..4].parse().unwrap()).collect()
    };
    let by_image: BTreeSet<u64> = kept("run s-000.tar --out i");
    assert!(is_one_of_each(&by_image, 40), "{by_image:?}");
    let by_text: BTreeSet<u64> = kept("run s-000.tar --by text --out t");
    assert_eq!(by_text.len(), 35);
    let by_both: BTreeSet<u64> = kept("run s-000.tar --by both --out b");
    // Only the last two of every eight have nearly the same image and the same caption.
    assert_eq!(by_both.len(), 35);
    assert_eq!((0..40).filter(|n| n % 8 < 6).filter(|n| !by_both.contains(n)).count(), 0);
}

#[test]
fn what_does_not_go_together_is_said() {
    let place = folder_of(4);
    place.semdedup("run photos --by text --out o").failed_with(&["folder of images"]);
    place
        .semdedup("run photos --model wordllama-l2-supercat-256 --out o")
        .failed_with(&["reads texts, and images are compared"]);
    place.write("data.jsonl", "{\"text\": \"a\"}\n");
    place.semdedup("run data.jsonl --by image --out o").failed_with(&["no images"]);
    place
        .semdedup("run data.jsonl --model mobilenet-v1-1.0-224-quant --out o")
        .failed_with(&["reads images, and texts are compared"]);
    place.has_no_result("o");
}

#[test]
fn a_glob_does_not_find_what_an_earlier_run_has_kept() {
    for (pattern, folder) in [("**/*.bmp", "photos"), ("**/*.md", "notes")] {
        let place = Place::new();
        // The results sort before the input.
        for (n, bytes) in pictures(8).enumerate() {
            place.write(&format!("photos/{n}.bmp"), bytes);
            place.write(&format!("notes/{n}.md"), format!("note {n}, of {} and of {}", n * n, 7 * n));
        }
        let first = place.summary(&format!("run {pattern} --out deduped --epsilon 0.001"));
        let again = place.summary(&format!("run {pattern} --out deduped --epsilon 0.001"));
        assert_eq!(again, first);
        let ids = format!("run {pattern} --out deduped --epsilon 0.001 --overwrite --output ids");
        assert_eq!(number(&place.summary(&ids), "rows_in"), 8);
        let ids = place.text("deduped/ids.txt");
        assert!(ids.lines().all(|id| !id.contains("deduped")), "{ids}");
        assert!(ids.lines().count() >= 4 && ids.contains(folder), "{ids}");
    }
}

#[test]
fn an_image_of_the_results_is_no_input() {
    let place = folder_of(8);
    place.summary("run photos --out o --epsilon 0.01");
    let kept = place.files("o/kept").into_keys().next().unwrap();
    place
        .semdedup(&format!("run photos o/kept/{kept} --out o --epsilon 0.01 --overwrite"))
        .failed_with(&["lies inside", "which the run writes"]);
}

#[test]
#[cfg(unix)]
fn a_link_to_what_was_kept_is_no_input() {
    let place = folder_of(8);
    let first = place.summary("run photos --out o --epsilon 0.01");
    std::os::unix::fs::symlink(place.path("o/kept"), place.path("photos/kept")).unwrap();
    let again = place.summary("run photos --out o --epsilon 0.01 --overwrite");
    assert_eq!(number(&again, "rows_in"), number(&first, "rows_in"));
}

#[test]
fn a_selection_takes_the_default_epsilon_of_what_was_compared() {
    let place = folder_of(8);
    let run = place.summary("run photos --out o");
    let selected = place.summary("select o/scores.parquet --out s");
    assert_eq!(selected["epsilon"], run["epsilon"]);
    assert_eq!(selected["rows_removed"], run["rows_removed"]);
}

/// A folder in Hugging Face's layout whose rows differ in little but the names of their images.
fn imagefolder(count: u64) -> Place {
    let place = Place::new();
    let mut rows = String::new();
    for (n, bytes) in pictures(count).enumerate() {
        place.write(&format!("set/train/img_{n:05}.bmp"), bytes);
        rows += &format!("{{\"file_name\":\"img_{n:05}.bmp\",\"objects\":{{\"bbox\":[]}}}}\n");
    }
    place.write("set/train/metadata.jsonl", rows);
    place
}

#[test]
fn a_folder_with_metadata_is_compared_by_its_images_and_says_what_it_leaves_out() {
    let place = imagefolder(8);
    let said = place.semdedup("run set --out o --epsilon 0.01").succeeded();
    let warning = "1 file beside the images (captions, labels, rows) was left out and not deduplicated (train/metadata.jsonl)";
    assert!(said.stderr.contains(&format!("warning: {warning}")), "{}", said.stderr);
    assert_eq!(place.files("o/kept").len(), 4);
    let summary: serde_json::Value = serde_json::from_slice(&place.read("o/summary.json")).unwrap();
    assert!(summary["warnings"][0].as_str().unwrap().starts_with(warning), "{summary}");
    let planned = place.semdedup("run set --out p --dry-run").succeeded();
    assert!(planned.stderr.contains(warning), "{}", planned.stderr);
    let plan = place.semdedup("run set --out p --dry-run --json --quiet").succeeded();
    assert!(plan.stderr.is_empty() && plan.json()["warnings"][0].as_str().unwrap().starts_with(warning));
    // Who names the table compares its rows.
    let named = place.summary("run set/train/metadata.jsonl --text-column file_name --out t");
    assert_eq!(number(&named, "rows_in"), 8);
}

#[test]
fn a_folder_of_images_and_rows_stops_with_a_question_that_by_answers() {
    let place = imagefolder(8);
    place.write("set/train/rows.jsonl", "{\"text\": \"a dog\"}\n{\"text\": \"a cat\"}\n");
    let said = place
        .semdedup("run set --out o")
        .failed_with(&["holds 8 images (train/img_00000.bmp, ", "and 1 file of rows (train/rows.jsonl)"]);
    assert!(
        said.stderr.contains("hint: --by text compares the rows, --by image the images"),
        "{}",
        said.stderr
    );
    place.has_no_result("o");
    let by_image = place.summary("run set --by image --out i --epsilon 0.01");
    assert_eq!((number(&by_image, "rows_in"), number(&by_image, "rows_kept")), (8, 4));
    fs::remove_file(place.path("set/train/metadata.jsonl")).unwrap();
    let by_text = place.semdedup("run set --by text --out t").succeeded();
    assert!(by_text.stderr.contains("8 images beside the files of rows were left out"), "{}", by_text.stderr);
    assert_eq!(place.column("t/scores.parquet", "score").len(), 2);
}

#[test]
fn images_are_embedded_alone_where_files_are_beside_them() {
    let place = imagefolder(8);
    let said = place.semdedup("embed set --out e").succeeded();
    assert!(said.stderr.contains("not deduplicated (train/metadata.jsonl)"), "{}", said.stderr);
}

/// A PNG of 64 x 64 pixels of one colour: all of its shape is in its alpha.
fn glyph(colour: [u8; 3], alpha: impl Fn(i32, i32) -> u8) -> Vec<u8> {
    let mut pixels = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for y in -32..32 {
        pixels.write_all(&[0]).unwrap();
        for x in -32..32 {
            let [r, g, b] = colour;
            pixels.write_all(&[r, g, b, alpha(x, y)]).unwrap();
        }
    }
    let pixels = pixels.finish().unwrap();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header: [u8; 13] = [0, 0, 0, 64, 0, 0, 0, 64, 8, 6, 0, 0, 0];
    for (name, data) in [(b"IHDR", &header[..]), (b"IDAT", &pixels[..]), (b"IEND", &[][..])] {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend([&name[..], data].concat());
        file.extend(crc.sum().to_be_bytes());
    }
    file
}

#[test]
fn icons_whose_shape_is_in_their_alpha_are_no_copies_of_each_other() {
    let shapes: [fn(i32, i32) -> bool; 5] = [
        |x, y| x * x + y * y < 500,
        |x, y| x.abs().min(y.abs()) < 5 && x.abs().max(y.abs()) < 26,
        |x, y| (x - y).abs() < 6 && x.abs() < 26,
        |x, y| y.rem_euclid(16) < 6 && x.abs() < 26,
        |x, y| (300..700).contains(&(x * x + y * y)),
    ];
    for colour in [[0; 3], [255; 3], [220, 20, 30]] {
        let place = Place::new();
        for (n, shape) in shapes.into_iter().enumerate() {
            place.write(&format!("icons/{n}.png"), glyph(colour, |x, y| if shape(x, y) { 255 } else { 0 }));
        }
        let summary = place.summary("run icons --out o");
        assert_eq!(number(&summary, "exact_duplicates"), 0, "{colour:?}: {summary:#?}");
        assert!(number(&summary, "rows_kept") >= 4, "{colour:?}: {summary:#?}");
    }
}

#[test]
fn images_that_show_nothing_are_skipped_and_listed_and_are_no_copies() {
    let place = folder_of(4);
    for n in 0..3 {
        place.write(&format!("photos/nothing-{n}.png"), glyph([90 * n, 0, 0], |_, _| 0));
    }
    place.semdedup("run photos --out o --epsilon 0.01").skipped_rows();
    let reasons = place.column("o/skipped.parquet", "reason");
    assert_eq!(reasons.len(), 3);
    for reason in reasons {
        assert!(reason.contains("nothing-") && reason.contains("transparent everywhere"), "{reason}");
    }
}
