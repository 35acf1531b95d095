//! Folders of images and WebDataset shards.

use std::collections::BTreeSet;
use std::fs;

use super::support::{Random, Sandbox, number, texts};

/// Returns a BMP of 32 x 32 pixels: blocks of colours from one seed, and a little noise in one line
/// from another.
pub fn picture(seed: u64, noise: u64) -> Vec<u8> {
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

/// Returns `count` pictures. In each four, the third is a copy of the second and the fourth is
/// nearly a copy.
fn pictures(count: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|n| match n % 4 {
        2 => picture(n - 1, 0),
        3 => picture(n - 2, n),
        _ => picture(n, 0),
    })
}

/// Returns whether each four pictures kept the first and exactly one of the others.
fn is_one_of_each(kept: &BTreeSet<u64>, count: u64) -> bool {
    (0..count / 4)
        .map(|four| 4 * four)
        .all(|four| kept.contains(&four) && (four + 1..four + 4).filter(|n| kept.contains(n)).count() == 1)
}

pub fn folder_of(count: u64) -> Sandbox {
    let sandbox = Sandbox::new();
    for (n, bytes) in pictures(count).enumerate() {
        sandbox.write(&format!("photos/{}/{n:03}.bmp", n % 3), bytes);
    }
    sandbox
}

#[test]
fn a_folder_of_images_comes_back_without_the_duplicates() {
    let sandbox = folder_of(40);
    let summary = sandbox.summary("run photos --out o --epsilon 0.01");
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_kept")), (40, 20));
    let (kept, all) = (sandbox.files("o/kept"), sandbox.files("photos"));
    assert_eq!(kept.len(), 20);
    for (name, bytes) in &kept {
        assert_eq!(all.get(name.strip_prefix("photos/").unwrap()), Some(bytes), "{name}");
    }
    let numbers = kept.keys().map(|name| name[name.len() - 7..name.len() - 4].parse().unwrap()).collect();
    assert!(is_one_of_each(&numbers, 40), "{numbers:?}");
    let removed = sandbox.column("o/removed.parquet", "id");
    let ids: BTreeSet<&String> = removed.iter().chain(kept.keys()).collect();
    assert_eq!(ids.len(), 40);
    let of = sandbox.column("o/removed.parquet", "duplicate_of");
    assert!(of.iter().all(|id| ids.contains(id)));
}

#[test]
fn the_result_of_a_folder_is_completed_or_replaced_only_with_overwrite() {
    let sandbox = folder_of(24);
    sandbox.semdedup("run photos --out o --epsilon 0.01").succeeded();
    let whole = sandbox.result("o");
    let again = sandbox.summary("run photos --out o --epsilon 0.01");
    assert_eq!(number(&again, "rows_kept"), 12);
    let kept = sandbox.files("o/kept");
    let name = format!("o/kept/{}", kept.keys().next().unwrap());
    sandbox.write(&name, "mine now");
    sandbox.semdedup("run photos --out o --epsilon 0.01").failed_with(&["is not as it was written"]);
    sandbox.write("o/kept/photos/more.bmp", "not theirs");
    sandbox
        .semdedup("run photos --out o --epsilon 0.01 --overwrite")
        .failed_with(&["more.bmp", "did not write this file"]);
    fs::remove_file(sandbox.path("o/kept/photos/more.bmp")).unwrap();
    sandbox.semdedup("run photos --out o --epsilon 0.01 --overwrite").succeeded();
    assert_eq!(sandbox.result("o"), whole);
    fs::remove_file(sandbox.path(&name)).unwrap();
    sandbox.semdedup("run photos --out o --epsilon 0.01").succeeded();
    assert_eq!(sandbox.result("o"), whole);
}

#[test]
fn shards_are_compared_by_image_caption_or_both() {
    let sandbox = Sandbox::new();
    let (mut shard, captions) = (tar::Builder::new(Vec::new()), texts(200));
    for (n, bytes) in pictures(40).enumerate() {
        // All captions differ, except that every eighth repeats the one before it.
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
    sandbox.write("s-000.tar", shard.into_inner().unwrap());
    let kept = |typed: &str| {
        sandbox.semdedup(&format!("{typed} --epsilon 0.01")).succeeded();
        let out = typed.rsplit(' ').next().unwrap();
        let file = sandbox.read(&format!("{out}/kept/s-000.tar"));
        let mut archive = tar::Archive::new(&file[..]);
        let names = archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string());
        names.filter(|name| name.ends_with("bmp")).map(|name| name[..4].parse().unwrap()).collect()
    };
    let by_image: BTreeSet<u64> = kept("run s-000.tar --out i");
    assert!(is_one_of_each(&by_image, 40), "{by_image:?}");
    let by_text: BTreeSet<u64> = kept("run s-000.tar --by text --out t");
    assert_eq!(by_text.len(), 35);
    let by_both: BTreeSet<u64> = kept("run s-000.tar --by both --out b");
    // Only the last two of each eight have nearly the same image and the same caption.
    assert_eq!(by_both.len(), 35);
    assert_eq!((0..40).filter(|n| n % 8 < 6).filter(|n| !by_both.contains(n)).count(), 0);
}

#[test]
fn models_and_inputs_that_do_not_match_are_refused() {
    let sandbox = folder_of(4);
    sandbox.semdedup("run photos --by text --out o").failed_with(&["folder of images"]);
    sandbox
        .semdedup("run photos --model semdedup-text-v1 --out o")
        .failed_with(&["reads texts, and images are compared"]);
    sandbox.write("data.jsonl", "{\"text\": \"a\"}\n");
    sandbox.semdedup("run data.jsonl --by image --out o").failed_with(&["no images"]);
    sandbox
        .semdedup("run data.jsonl --model mobilenet-v1-1.0-224-quant --out o")
        .failed_with(&["reads images, and texts are compared"]);
    sandbox.has_no_result("o");
}

#[test]
fn a_glob_does_not_find_what_an_earlier_run_has_kept() {
    for (pattern, folder) in [("**/*.bmp", "photos"), ("**/*.md", "notes")] {
        let sandbox = Sandbox::new();
        // The folder of the results sorts before the input.
        for (n, bytes) in pictures(8).enumerate() {
            sandbox.write(&format!("photos/{n}.bmp"), bytes);
            sandbox.write(&format!("notes/{n}.md"), format!("note {n}, of {} and of {}", n * n, 7 * n));
        }
        let first = sandbox.summary(&format!("run {pattern} --out deduped --epsilon 0.001"));
        let again = sandbox.summary(&format!("run {pattern} --out deduped --epsilon 0.001"));
        assert_eq!(again, first);
        let ids = format!("run {pattern} --out deduped --epsilon 0.001 --overwrite --output ids");
        assert_eq!(number(&sandbox.summary(&ids), "rows_in"), 8);
        let ids = sandbox.text("deduped/ids.txt");
        assert!(ids.lines().all(|id| !id.contains("deduped")), "{ids}");
        assert!(ids.lines().count() >= 4 && ids.contains(folder), "{ids}");
    }
}

#[test]
fn an_image_of_the_results_is_refused_as_input() {
    let sandbox = folder_of(8);
    sandbox.summary("run photos --out o --epsilon 0.01");
    let kept = sandbox.files("o/kept").into_keys().next().unwrap();
    sandbox
        .semdedup(&format!("run photos o/kept/{kept} --out o --epsilon 0.01 --overwrite"))
        .failed_with(&["lies inside", "which the run writes"]);
}

#[test]
#[cfg(unix)]
fn a_link_to_kept_files_is_not_read_as_input() {
    let sandbox = folder_of(8);
    let first = sandbox.summary("run photos --out o --epsilon 0.01");
    std::os::unix::fs::symlink(sandbox.path("o/kept"), sandbox.path("photos/kept")).unwrap();
    let again = sandbox.summary("run photos --out o --epsilon 0.01 --overwrite");
    assert_eq!(number(&again, "rows_in"), number(&first, "rows_in"));
}

#[test]
fn a_selection_takes_the_default_epsilon_of_what_was_compared() {
    let sandbox = folder_of(8);
    let run = sandbox.summary("run photos --out o");
    let selected = sandbox.summary("select o/scores.parquet --out s");
    assert_eq!(selected["epsilon"], run["epsilon"]);
    assert_eq!(selected["rows_removed"], run["rows_removed"]);
}

/// Returns a folder in Hugging Face's layout whose rows differ only in the names of their images.
fn imagefolder(count: u64) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut rows = String::new();
    for (n, bytes) in pictures(count).enumerate() {
        sandbox.write(&format!("set/train/img_{n:05}.bmp"), bytes);
        rows += &format!("{{\"file_name\":\"img_{n:05}.bmp\",\"objects\":{{\"bbox\":[]}}}}\n");
    }
    sandbox.write("set/train/metadata.jsonl", rows);
    sandbox
}

#[test]
fn a_folder_with_metadata_is_compared_by_its_images_and_says_what_it_leaves_out() {
    let sandbox = imagefolder(8);
    let said = sandbox.semdedup("run set --out o --epsilon 0.01").succeeded();
    let warning = "1 file beside the images (captions, labels, rows) was left out and not deduplicated (train/metadata.jsonl)";
    assert!(said.stderr.contains(&format!("warning: {warning}")), "{}", said.stderr);
    assert_eq!(sandbox.files("o/kept").len(), 4);
    let summary: serde_json::Value = serde_json::from_slice(&sandbox.read("o/summary.json")).unwrap();
    assert!(summary["warnings"][0].as_str().unwrap().starts_with(warning), "{summary}");
    let planned = sandbox.semdedup("run set --out p --dry-run").succeeded();
    assert!(planned.stderr.contains(warning), "{}", planned.stderr);
    let plan = sandbox.semdedup("run set --out p --dry-run --json --quiet").succeeded();
    assert!(plan.stderr.is_empty() && plan.json()["warnings"][0].as_str().unwrap().starts_with(warning));
    // Naming the table compares its rows.
    let named = sandbox.summary("run set/train/metadata.jsonl --text-column file_name --out t");
    assert_eq!(number(&named, "rows_in"), 8);
}

#[test]
fn a_folder_of_images_and_rows_is_refused_until_by_decides() {
    let sandbox = imagefolder(8);
    sandbox.write("set/train/rows.jsonl", "{\"text\": \"a dog\"}\n{\"text\": \"a cat\"}\n");
    sandbox
        .semdedup("run set --out o")
        .failed_with(&["holds 8 images (train/img_00000.bmp, ", "and 1 file of rows (train/rows.jsonl)"])
        .hinted("--by text compares the rows, --by image the images");
    sandbox.has_no_result("o");
    let by_image = sandbox.summary("run set --by image --out i --epsilon 0.01");
    assert_eq!((number(&by_image, "rows_in"), number(&by_image, "rows_kept")), (8, 4));
    fs::remove_file(sandbox.path("set/train/metadata.jsonl")).unwrap();
    let by_text = sandbox.semdedup("run set --by text --out t").succeeded();
    assert!(by_text.stderr.contains("8 images beside the files of rows were left out"), "{}", by_text.stderr);
    assert_eq!(sandbox.column("t/scores.parquet", "score").len(), 2);
}

#[test]
fn embed_leaves_out_the_files_beside_images() {
    let sandbox = imagefolder(8);
    let said = sandbox.semdedup("embed set --out e").succeeded();
    assert!(said.stderr.contains("not deduplicated (train/metadata.jsonl)"), "{}", said.stderr);
}
