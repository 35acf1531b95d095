//! Output that exists already, cannot be written, or has no reader.

use super::support::{Sandbox, jsonl, texts};

const RUN: &str = "run data.jsonl --out out";

#[test]
fn a_folder_with_foreign_files_is_left_unchanged() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.write("out/thesis.txt", "years of work");
    let before = sandbox.files("");
    sandbox.semdedup(RUN).failed_with(&["out"]);
    assert_eq!(sandbox.files(""), before);
}

#[test]
fn a_result_of_other_options_is_replaced_only_with_overwrite() {
    let sandbox = Sandbox::with_rows(100);
    sandbox.semdedup(&format!("{RUN} --epsilon 0.01")).succeeded();
    let first = sandbox.files("out");
    let said = sandbox.semdedup(&format!("{RUN} --epsilon 0.4")).failed_with(&["out"]);
    assert!(said.stderr.contains("--overwrite"), "{}", said.stderr);
    assert_eq!(sandbox.files("out"), first, "the earlier result was touched");
    let again = sandbox.summary(&format!("{RUN} --epsilon 0.4 --overwrite"));
    assert_eq!(again["epsilon"], 0.4);
    sandbox.semdedup("run data.jsonl --out fresh --epsilon 0.4").succeeded();
    assert_eq!(sandbox.result("out"), sandbox.result("fresh"));
}

#[test]
fn overwriting_leaves_no_kept_file_of_an_input_that_is_no_longer_there() {
    let sandbox = Sandbox::with_rows(100);
    sandbox.write("more.jsonl", jsonl(&texts(30)));
    sandbox.semdedup("run data.jsonl more.jsonl --out out").succeeded();
    sandbox.semdedup(&format!("{RUN} --overwrite")).succeeded();
    assert!(sandbox.path("out/kept/data.jsonl").exists() && !sandbox.path("out/kept/more.jsonl").exists());
}

#[test]
fn a_file_at_the_path_of_the_output_folder_is_an_error_that_names_it() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.write("out", "a file");
    let before = sandbox.files("");
    sandbox.semdedup(RUN).failed_with(&["out"]);
    sandbox.semdedup("run data.jsonl --out out/deeper").failed_with(&["out"]);
    assert_eq!(sandbox.files(""), before);
}

/// Leaves `.semdedup-unfinished` behind: interrupts a run while it replaces a finished result.
#[cfg(unix)]
fn stop_while_overwriting(sandbox: &Sandbox) {
    let script = format!(
        "trap '' XFSZ; ulimit -f 2; exec {} {RUN} --epsilon 0.3 --overwrite",
        crate::support::SEMDEDUP
    );
    sandbox.semdedup("run data.jsonl --out other --work out/work --epsilon 0.3").succeeded();
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(sandbox.path(""))
        .output()
        .unwrap();
    crate::support::Finished::from(output).failed_with(&[]);
}

#[test]
#[cfg(unix)]
fn a_finished_result_is_replaced_only_with_overwrite_even_after_an_interrupted_overwrite() {
    let sandbox = Sandbox::with_rows(600);
    sandbox.semdedup(RUN).succeeded();
    let first = sandbox.result("out");
    stop_while_overwriting(&sandbox);
    assert_eq!(sandbox.result("out"), first);
    sandbox.semdedup(&format!("{RUN} --epsilon 0.4")).failed_with(&["out"]);
    assert_eq!(sandbox.result("out"), first);
    assert!(sandbox.path("out/.semdedup-unfinished").exists(), "the interrupted run left nothing behind");
    sandbox.semdedup(RUN).succeeded();
    assert_eq!(sandbox.result("out"), first);
    assert!(!sandbox.path("out/.semdedup-unfinished").exists());
}

#[test]
#[cfg(unix)]
fn a_foreign_file_in_kept_is_never_deleted_even_after_an_interrupted_overwrite() {
    let sandbox = Sandbox::with_rows(600);
    sandbox.semdedup(RUN).succeeded();
    stop_while_overwriting(&sandbox);
    sandbox.write("out/kept/thesis.txt", "years of work");
    sandbox.semdedup(&format!("{RUN} --epsilon 0.3 --overwrite"));
    assert_eq!(sandbox.read("out/kept/thesis.txt"), b"years of work");
}

#[test]
fn a_work_folder_at_the_path_of_a_result_is_refused() {
    for work in ["out/kept", "out/kept/work", "out/scores.parquet", "out"] {
        let sandbox = Sandbox::with_rows(40);
        sandbox.semdedup(&format!("{RUN} --work {work}")).failed_with(&[work]);
        sandbox.has_no_result("out");
    }
}

#[test]
fn a_result_with_a_missing_file_does_not_count_as_finished() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.semdedup(RUN).succeeded();
    std::fs::remove_file(sandbox.path("out/kept/data.jsonl")).unwrap();
    let said = sandbox.semdedup(RUN);
    assert!(said.code == 2 || sandbox.path("out/kept/data.jsonl").exists(), "{said:#?}");
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::support::{Finished, SEMDEDUP};

    fn with_file_size_limit(sandbox: &Sandbox, blocks: u32) -> Finished {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {SEMDEDUP} {RUN}");
        let output = Command::new("sh").arg("-c").arg(script).current_dir(sandbox.path("")).output().unwrap();
        output.into()
    }

    #[test]
    fn a_full_disk_is_one_error_and_nothing_half_written_and_a_later_run_completes() {
        let sandbox = Sandbox::with_rows(600);
        for blocks in [0, 1, 20, 40, 200, 400] {
            let said = with_file_size_limit(&sandbox, blocks);
            if said.code == 2 {
                said.failed_with(&[]);
                sandbox.has_no_result("out");
            } else {
                // The limit was large enough for the files that were still to write.
                said.succeeded();
            }
        }
        sandbox.semdedup(RUN).succeeded();
        sandbox.semdedup("run data.jsonl --out fresh").succeeded();
        assert_eq!(sandbox.result("out"), sandbox.result("fresh"));
    }

    #[test]
    fn a_limit_below_the_embeddings_is_reached() {
        let sandbox = Sandbox::with_rows(600);
        with_file_size_limit(&sandbox, 40).failed_with(&["out/work"]);
    }

    #[test]
    fn a_closed_pipe_is_not_an_error() {
        let sandbox = Sandbox::with_rows(400);
        sandbox.semdedup(RUN).succeeded();
        let mut child = sandbox
            .command("show out --random 80")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // `head` closes the pipe too, only later.
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_result_that_cannot_be_printed_is_an_error() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let sandbox = Sandbox::with_rows(40);
        let child = sandbox.command(RUN).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        Finished::from(child.wait_with_output().unwrap()).failed_with(&["standard output"]);
        assert!(sandbox.path("out/summary.json").exists(), "the work is done");
    }
}
