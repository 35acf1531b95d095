//! Runs from a store to a store that are killed and cut off: the same command line resumes them
//! from the store alone.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::server::Server;
use super::support::{Finished, Random, Sandbox, jsonl, signal, texts};

const ROWS: usize = 30_000;
const KILLS: usize = 8;
const RUN: &str = "run s3://bucket/in/ --out s3://bucket/out --epsilon 0.05";

/// Starts a run without any files of an earlier run on the disk.
fn start(server: &Server, sandbox: &Sandbox, typed: &str) -> Child {
    let _ = std::fs::remove_dir_all(sandbox.path("tmp"));
    let mut command = server.command(sandbox, typed);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) -> Finished {
    Finished::from(child.wait_with_output().unwrap()).succeeded()
}

/// Kills a run after this time. Returns whether it was still running.
fn kill_at(mut child: Child, moment: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < moment {
        std::thread::yield_now();
    }
    let was_running = child.try_wait().unwrap().is_none();
    // The process may have just ended.
    let _ = child.kill();
    child.wait().unwrap();
    was_running
}

fn with_rows(rows: usize) -> (Server, Sandbox) {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    for (part, texts) in texts(rows).chunks(rows.div_ceil(3)).enumerate() {
        let name = format!("in/part-{part}.jsonl");
        server.put(&name, jsonl(texts));
        sandbox.write(&name, jsonl(texts));
    }
    sandbox.semdedup("run in --out local --epsilon 0.05").succeeded();
    (server, sandbox)
}

#[test]
fn a_run_between_stores_with_kills_and_cut_connections_gives_the_bytes_of_a_local_run() {
    let (server, sandbox) = with_rows(ROWS);
    let expected = sandbox.result("local");
    let started = Instant::now();
    finish(start(&server, &sandbox, RUN));
    let whole = started.elapsed();
    assert!(server.result("out") == expected);
    std::fs::remove_dir_all(server.path("out")).unwrap();

    server.cut(true);
    let (mut random, mut killed) = (Random(17), 0);
    while killed < KILLS {
        let moment = whole.mul_f64(0.1 + random.below(900) as f64 / 1000.0);
        if kill_at(start(&server, &sandbox, RUN), moment) {
            killed += 1;
        }
        if server.path("out/summary.json").exists() {
            assert!(server.result("out") == expected, "counted as finished too early, killed at {moment:?}");
            std::fs::remove_dir_all(server.path("out")).unwrap();
        }
    }
    finish(start(&server, &sandbox, RUN));
    assert!(server.result("out") == expected, "other bytes after {killed} kills");
    assert!(server.cuts() > 0);
    assert!(
        !server.path("out/.semdedup-unfinished").exists()
            || server.objects("out/.semdedup-unfinished").is_empty()
    );
}

#[test]
fn one_process_at_a_time_works_in_a_store() {
    let (server, sandbox) = with_rows(ROWS);
    let mut first = start(&server, &sandbox, RUN);
    while !server.path("out/work/manifest.json").exists() {
        assert!(first.try_wait().unwrap().is_none(), "the run ended too early");
        std::thread::yield_now();
    }
    // Stop the first run while the second one starts.
    signal(&first, "-STOP");
    let second = Finished::from(server.command(&sandbox, RUN).output().unwrap());
    signal(&first, "-CONT");
    second.failed_with(&["s3://bucket/out", "another semdedup is working here"]);
    finish(first);
    assert!(server.result("out") == sandbox.result("local"));
    assert!(!server.path("out/work/lock").exists(), "the lock is left behind");
}

#[test]
fn a_work_directory_in_a_store_serves_another_machine() {
    let (server, sandbox) = with_rows(5000);
    finish(start(&server, &sandbox, RUN));
    let elsewhere = Sandbox::new();
    let typed =
        "run s3://bucket/in/ --out s3://bucket/out-2 --work s3://bucket/out/work --epsilon 0.2 --json";
    let summary = finish(start(&server, &elsewhere, typed)).json();
    assert_eq!(summary["reused_stages"], serde_json::json!(["embed", "train", "assign", "score", "recall"]));
    sandbox.semdedup("run in --out local-2 --work local/work --epsilon 0.2").succeeded();
    assert!(server.result("out-2") == sandbox.result("local-2"));
    let again = finish(start(&server, &elsewhere, &format!("{RUN} --json"))).json();
    assert_eq!(again["work"], "s3://bucket/out/work");
    for look in
        ["sweep s3://bucket/out", "show s3://bucket/out --random 3", "sweep s3://bucket/out/scores.parquet"]
    {
        let remote = finish(start(&server, &elsewhere, look)).stdout;
        let local = sandbox.semdedup(&look.replace("s3://bucket/out", "local")).succeeded().stdout;
        assert_eq!(remote, local, "{look}");
    }
}

/// Returns whether a run has staged results that it has not uploaded yet.
fn is_staging(sandbox: &Sandbox) -> bool {
    let folders = std::fs::read_dir(sandbox.path("tmp")).unwrap().map(|entry| entry.unwrap().path());
    let staged = |folder: &std::path::PathBuf| folder.to_string_lossy().contains("semdedup-staged-");
    // The folder may disappear before it is read.
    folders.filter(staged).any(|folder| {
        std::fs::read_dir(folder)
            .is_ok_and(|mut inside| inside.any(|entry| entry.is_ok_and(|e| e.path().is_dir())))
    })
}

#[test]
fn two_runs_at_once_to_two_outputs_do_not_mix() {
    let (server, sandbox) = with_rows(ROWS);
    sandbox.semdedup("run in --out local-2 --epsilon 0.3").succeeded();
    let mut first = start(&server, &sandbox, RUN);
    while !is_staging(&sandbox) {
        assert!(first.try_wait().unwrap().is_none(), "the run ended too early");
        std::thread::yield_now();
    }
    signal(&first, "-STOP");
    let second = "run s3://bucket/in/ --out s3://bucket/out-2 --epsilon 0.3";
    let second = Finished::from(server.command(&sandbox, second).output().unwrap());
    signal(&first, "-CONT");
    second.succeeded();
    finish(first);
    assert!(server.result("out") == sandbox.result("local"));
    assert!(server.result("out-2") == sandbox.result("local-2"));
    assert!(!is_staging(&sandbox), "staged files are left on the disk");
}

#[test]
fn a_run_whose_lock_was_taken_over_stops() {
    let (server, sandbox) = with_rows(ROWS);
    let mut first = start(&server, &sandbox, RUN);
    // The run is at work, and no write of its lock is in flight.
    while !server.path("out/work/embed/input.json").exists() {
        assert!(first.try_wait().unwrap().is_none(), "the run ended too early");
        std::thread::yield_now();
    }
    signal(&first, "-STOP");
    // Another machine has waited long enough to take the lock over.
    let lock = server.get("out/work/lock");
    let mut owner: serde_json::Value = serde_json::from_slice(&lock).unwrap();
    owner["machine"] = "another".into();
    owner["token"] = 1.into();
    let lock = serde_json::to_vec(&owner).unwrap();
    server.put("out/work/lock", &lock);
    let manifest = server.get("out/work/manifest.json");
    signal(&first, "-CONT");
    let said = Finished::from(first.wait_with_output().unwrap());
    said.failed_with(&["s3://bucket/out/work/lock", "another semdedup took this over"]);
    assert_eq!(server.get("out/work/manifest.json"), manifest);
    assert_eq!(server.get("out/work/lock"), lock, "the run changed the lock of the other machine");
    assert!(!server.path("out/summary.json").exists());
}
