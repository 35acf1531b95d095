//! Output that is in the way, cannot be written, or has nobody to read it.

use super::support::{Place, jsonl, texts};

const RUN: &str = "run data.jsonl --out out";

#[test]
fn a_folder_with_files_of_somebody_else_is_left_alone() {
    let place = Place::with_rows(40);
    place.write("out/thesis.txt", "years of work");
    let before = place.files("");
    place.semdedup(RUN).failed_with(&["out"]);
    assert_eq!(place.files(""), before);
}

#[test]
fn a_result_of_other_options_is_replaced_only_with_overwrite() {
    let place = Place::with_rows(100);
    place.semdedup(&format!("{RUN} --epsilon 0.01")).succeeded();
    let first = place.files("out");
    let said = place.semdedup(&format!("{RUN} --epsilon 0.4")).failed_with(&["out"]);
    assert!(said.stderr.contains("--overwrite"), "{}", said.stderr);
    assert_eq!(place.files("out"), first, "the earlier result was touched");
    let again = place.summary(&format!("{RUN} --epsilon 0.4 --overwrite"));
    assert_eq!(again["epsilon"], 0.4);
    place.semdedup("run data.jsonl --out fresh --epsilon 0.4").succeeded();
    assert_eq!(place.result("out"), place.result("fresh"));
}

#[test]
fn overwriting_leaves_no_kept_file_of_an_input_that_is_no_longer_there() {
    let place = Place::with_rows(100);
    place.write("more.jsonl", jsonl(&texts(30)));
    place.semdedup("run data.jsonl more.jsonl --out out").succeeded();
    place.semdedup(&format!("{RUN} --overwrite")).succeeded();
    assert!(place.path("out/kept/data.jsonl").exists() && !place.path("out/kept/more.jsonl").exists());
}

#[test]
fn a_file_in_the_place_of_the_folder_is_an_error_that_names_it() {
    let place = Place::with_rows(40);
    place.write("out", "a file");
    let before = place.files("");
    place.semdedup(RUN).failed_with(&["out"]);
    place.semdedup("run data.jsonl --out out/deeper").failed_with(&["out"]);
    assert_eq!(place.files(""), before);
}

/// Leaves `.semdedup-unfinished` behind: a run that replaces a finished result stops while it writes.
#[cfg(unix)]
fn stop_while_overwriting(place: &Place) {
    let script = format!(
        "trap '' XFSZ; ulimit -f 2; exec {} {RUN} --epsilon 0.3 --overwrite",
        crate::support::SEMDEDUP
    );
    place.semdedup("run data.jsonl --out other --work out/work --epsilon 0.3").succeeded();
    let output =
        std::process::Command::new("sh").arg("-c").arg(script).current_dir(place.path("")).output().unwrap();
    crate::support::Said::from(output).failed_with(&[]);
}

#[test]
#[cfg(unix)]
fn a_finished_result_is_replaced_only_with_overwrite_even_after_an_interrupted_overwrite() {
    let place = Place::with_rows(600);
    place.semdedup(RUN).succeeded();
    let first = place.result("out");
    stop_while_overwriting(&place);
    assert_eq!(place.result("out"), first);
    place.semdedup(&format!("{RUN} --epsilon 0.4")).failed_with(&["out"]);
    assert_eq!(place.result("out"), first);
    assert!(place.path("out/.semdedup-unfinished").exists(), "nothing was left to be cleared");
    place.semdedup(RUN).succeeded();
    assert_eq!(place.result("out"), first);
    assert!(!place.path("out/.semdedup-unfinished").exists());
}

#[test]
#[cfg(unix)]
fn a_file_of_somebody_else_in_kept_is_never_deleted_even_after_an_interrupted_overwrite() {
    let place = Place::with_rows(600);
    place.semdedup(RUN).succeeded();
    stop_while_overwriting(&place);
    place.write("out/kept/thesis.txt", "years of work");
    place.semdedup(&format!("{RUN} --epsilon 0.3 --overwrite"));
    assert_eq!(place.read("out/kept/thesis.txt"), b"years of work");
}

#[test]
fn a_work_folder_in_the_place_of_a_result_is_refused() {
    for work in ["out/kept", "out/kept/work", "out/scores.parquet", "out"] {
        let place = Place::with_rows(40);
        place.semdedup(&format!("{RUN} --work {work}")).failed_with(&[work]);
        place.has_no_result("out");
    }
}

#[test]
fn a_result_of_which_a_file_is_gone_is_not_taken_for_whole() {
    let place = Place::with_rows(40);
    place.semdedup(RUN).succeeded();
    std::fs::remove_file(place.path("out/kept/data.jsonl")).unwrap();
    let said = place.semdedup(RUN);
    assert!(said.code == 2 || place.path("out/kept/data.jsonl").exists(), "{said:#?}");
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::support::{SEMDEDUP, Said};

    fn with_file_size_limit(place: &Place, blocks: u32) -> Said {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {SEMDEDUP} {RUN}");
        let output = Command::new("sh").arg("-c").arg(script).current_dir(place.path("")).output().unwrap();
        output.into()
    }

    #[test]
    fn a_full_disk_is_one_error_and_nothing_half_written_and_a_later_run_completes() {
        let place = Place::with_rows(600);
        for blocks in [0, 1, 20, 40, 200, 400] {
            let said = with_file_size_limit(&place, blocks);
            if said.code == 2 {
                said.failed_with(&[]);
                place.has_no_result("out");
            } else {
                // The limit was wide enough after all, for the files that were left to write.
                said.succeeded();
            }
        }
        place.semdedup(RUN).succeeded();
        place.semdedup("run data.jsonl --out fresh").succeeded();
        assert_eq!(place.result("out"), place.result("fresh"));
    }

    #[test]
    fn a_limit_below_the_embeddings_is_reached() {
        let place = Place::with_rows(600);
        with_file_size_limit(&place, 40).failed_with(&["out/work"]);
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error() {
        let place = Place::with_rows(400);
        place.semdedup(RUN).succeeded();
        let mut child = place
            .command("show out --random 80")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Closing the pipe before anything is read is what `head` does, only sooner.
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_result_that_cannot_be_printed_is_an_error() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let place = Place::with_rows(40);
        let child = place.command(RUN).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        Said::from(child.wait_with_output().unwrap()).failed_with(&["standard output"]);
        assert!(place.path("out/summary.json").exists(), "the work was done");
    }
}
