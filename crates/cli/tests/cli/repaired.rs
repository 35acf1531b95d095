//! A finished result that something has damaged since is written again, or the error says what helps.

use std::collections::BTreeMap;

use super::support::{Sandbox, number};

const RUN: &str = "run data.jsonl bad.jsonl --id-column id --clusters 4 --out out";

/// Returns a finished result with kept, removed and skipped rows.
fn finished() -> Sandbox {
    let sandbox = Sandbox::with_rows(120);
    sandbox.write("bad.jsonl", "{\"id\": \"x\", \"text\": \"a good one\"}\nnot json\n");
    sandbox.semdedup(RUN).skipped_rows();
    sandbox
}

/// Returns the files of a result, without its work directory and its summary.
fn files(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let mut files = sandbox.files("out");
    files.retain(|name, _| !name.starts_with("work/") && name != "summary.json");
    files
}

/// Changes a bit in the middle of a file.
fn flip(sandbox: &Sandbox, file: &str) {
    let mut bytes = sandbox.read(file);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    sandbox.write(file, bytes);
}

fn cut(sandbox: &Sandbox, file: &str, bytes: usize) {
    let whole = sandbox.read(file);
    sandbox.write(file, &whole[..bytes]);
}

/// Runs a command that finds its result, in which a row was skipped, as it was written.
#[track_caller]
fn found(sandbox: &Sandbox, typed: &str) {
    let said = sandbox.semdedup(typed);
    assert_eq!(said.code, 1, "{said:#?}");
    assert!(said.stderr.contains("write: done by an earlier run"), "{said:#?}");
    assert!(!said.stderr.contains("written again"), "{said:#?}");
}

#[test]
fn a_damaged_table_of_a_result_is_written_again_by_the_same_command() {
    let sandbox = finished();
    let whole = files(&sandbox);
    assert_eq!(whole.len(), 6, "{:?}", whole.keys());
    for overwrite in ["", " --overwrite"] {
        for (table, bytes) in [("removed", 0), ("representatives", 0), ("scores", 0), ("skipped", 5)] {
            let table = format!("out/{table}.parquet");
            for damage in
                [&|| cut(&sandbox, &table, bytes) as _, &|| flip(&sandbox, &table) as _] as [&dyn Fn(); 2]
            {
                damage();
                let said = sandbox.semdedup(&format!("{RUN}{overwrite}")).skipped_rows();
                assert!(said.stderr.contains(&format!("{table}: is not as it was written")), "{said:#?}");
                assert!(said.stderr.contains("the result is written again"), "{said:#?}");
                assert_eq!(files(&sandbox), whole, "{table}");
            }
        }
    }
    found(&sandbox, RUN);
}

#[test]
fn a_changed_bit_in_kept_rows_is_noticed_and_overwrite_writes_them_again() {
    let sandbox = finished();
    let whole = files(&sandbox);
    flip(&sandbox, "out/kept/data.jsonl");
    // Somebody may have edited it.
    sandbox
        .semdedup(RUN)
        .failed_with(&["out/kept/data.jsonl: is not as it was written: its bytes have changed"])
        .hinted("--overwrite");
    let said = sandbox.semdedup(&format!("{RUN} --overwrite")).skipped_rows();
    assert!(said.stderr.contains("out/kept/data.jsonl: is not as it was written"), "{said:#?}");
    assert_eq!(files(&sandbox), whole);
    found(&sandbox, RUN);
}

#[test]
fn overwrite_reads_every_file_whatever_its_time_says() {
    let sandbox = finished();
    let whole = files(&sandbox);
    // As if it had been changed before the result was finished.
    let mut summary: serde_json::Value = serde_json::from_str(&sandbox.text("out/summary.json")).unwrap();
    summary["written"]["at_ms"] = u64::MAX.into();
    sandbox.write("out/summary.json", summary.to_string());
    flip(&sandbox, "out/kept/data.jsonl");
    found(&sandbox, RUN);
    assert_ne!(files(&sandbox), whole, "nothing says that the file was changed");
    sandbox.semdedup(&format!("{RUN} --overwrite")).skipped_rows();
    assert_eq!(files(&sandbox), whole);
}

#[test]
#[cfg(unix)]
fn a_change_in_the_same_tick_of_the_clock_as_the_last_file_is_noticed() {
    use std::os::unix::fs::MetadataExt;

    let sandbox = finished();
    flip(&sandbox, "out/kept/data.jsonl");
    let changed = std::fs::metadata(sandbox.path("out/kept/data.jsonl")).unwrap();
    let mut summary: serde_json::Value = serde_json::from_str(&sandbox.text("out/summary.json")).unwrap();
    summary["written"]["at_ms"] = (changed.ctime() * 1000 + changed.ctime_nsec() / 1_000_000).into();
    sandbox.write("out/summary.json", summary.to_string());
    sandbox.semdedup(RUN).failed_with(&["out/kept/data.jsonl", "its bytes have changed"]);
}

#[test]
fn a_result_that_was_copied_is_taken_as_it_is() {
    let sandbox = finished();
    for (name, bytes) in sandbox.files("out") {
        sandbox.write(&format!("copy/{name}"), bytes);
    }
    let before = sandbox.files("copy");
    for overwrite in ["", " --overwrite"] {
        found(&sandbox, &format!("{RUN}{overwrite}").replace("--out out", "--out copy"));
        assert_eq!(sandbox.files("copy"), before);
    }
}

#[test]
fn the_result_of_an_earlier_version_has_no_sums_and_is_taken_as_it_is() {
    let sandbox = finished();
    let mut summary: serde_json::Value = serde_json::from_str(&sandbox.text("out/summary.json")).unwrap();
    assert!(summary.as_object_mut().unwrap().remove("written").is_some());
    sandbox.write("out/summary.json", summary.to_string());
    let before = sandbox.files("out");
    for overwrite in ["", " --overwrite"] {
        found(&sandbox, &format!("{RUN}{overwrite}"));
        assert_eq!(sandbox.files("out"), before);
    }
    cut(&sandbox, "out/kept/data.jsonl", 10);
    sandbox.semdedup(RUN).failed_with(&["another size"]);
}

#[test]
fn kept_files_of_folders_are_compared_with_the_sums_in_their_list() {
    let sandbox = Sandbox::new();
    for n in 0..20 {
        sandbox.write(&format!("notes/{n}.md"), format!("the text of note number {}\n", n / 2));
    }
    let run = "run notes --out out --epsilon 0.01";
    sandbox.semdedup(run).succeeded();
    let kept = sandbox.files("out/kept");
    let first = format!("out/kept/{}", kept.keys().next().unwrap());
    flip(&sandbox, &first);
    sandbox.semdedup(run).failed_with(&[&first, "its bytes have changed"]);
    sandbox.semdedup(&format!("{run} --overwrite")).succeeded();
    assert_eq!(sandbox.files("out/kept"), kept);

    flip(&sandbox, "out/kept-files.parquet");
    for overwrite in ["", " --overwrite"] {
        sandbox
            .semdedup(&format!("{run}{overwrite}"))
            .failed_with(&["kept-files.parquet: is damaged"])
            .hinted("move out/kept away, and run the same command again");
    }
    std::fs::rename(sandbox.path("out/kept"), sandbox.path("away")).unwrap();
    sandbox.semdedup(run).succeeded();
    assert_eq!(sandbox.files("out/kept"), kept);
}

/// Runs the commands of a hint.
#[cfg(unix)]
fn type_hint(sandbox: &Sandbox, stderr: &str) {
    let hint = stderr.lines().find(|line| line.starts_with("hint: ")).unwrap();
    let (_, typed) = hint.split_once("write the result again: ").unwrap();
    let (typed, _) = typed.split_once(", then").unwrap();
    let done = std::process::Command::new("sh").args(["-c", typed]).current_dir(sandbox.path("")).status();
    assert!(done.unwrap().success(), "{typed}");
}

#[test]
#[cfg(unix)]
fn a_damaged_summary_is_named_with_a_hint_that_works() {
    let whole = finished();
    let (expected, summary) = (files(&whole), whole.read("out/summary.json"));
    let mut flipped = summary.clone();
    flipped[0] ^= 1;
    let misnamed =
        String::from_utf8(summary.clone()).unwrap().replacen("\"fingerprint\"", "\"fingerqrint\"", 1);
    for damaged in [Vec::new(), summary[..100].to_vec(), flipped, misnamed.into_bytes()] {
        let sandbox = finished();
        sandbox.write("out/summary.json", &damaged);
        for typed in ["show out", "sweep out"] {
            sandbox.semdedup(typed).failed_with(&["out/summary.json: is damaged"]);
        }
        sandbox.semdedup(RUN).failed_with(&["out/summary.json: is damaged"]);
        let said =
            sandbox.semdedup(&format!("{RUN} --overwrite")).failed_with(&["out/summary.json: is damaged"]);
        type_hint(&sandbox, &said.stderr);
        sandbox.semdedup(RUN).skipped_rows();
        assert_eq!(files(&sandbox), expected);
    }
}

#[test]
#[cfg(unix)]
fn a_result_without_its_summary_is_not_shown_with_another_epsilon() {
    let sandbox = finished();
    std::fs::remove_file(sandbox.path("out/summary.json")).unwrap();
    for typed in ["show out", "sweep out"] {
        let said = sandbox.semdedup(typed).failed_with(&["out/summary.json: is missing"]);
        assert!(said.stderr.contains("the same `semdedup run`"), "{said:#?}");
    }
    // The scores alone can still be asked for.
    sandbox.semdedup("sweep out/work").succeeded();
    let said = sandbox.semdedup("show out").failed_with(&[]);
    type_hint(&sandbox, &said.stderr);
    assert_eq!(sandbox.semdedup(RUN).skipped_rows().code, 1);
    let shown = sandbox.summary("sweep out --epsilons 0.1");
    assert!(number(&shown[0], "rows_removed") > 0);
}
