//! Runs from a store to a store, killed and cut off: the same command line goes on, from the store alone.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::server::Server;
use super::support::{Place, Random, Said, jsonl, signal, texts};

const ROWS: usize = 30_000;
const KILLS: usize = 8;
const RUN: &str = "run s3://bucket/in/ --out s3://bucket/out --epsilon 0.05";

/// Starts a run that finds nothing of an earlier one on this disk.
fn start(server: &Server, place: &Place, typed: &str) -> Child {
    let _ = std::fs::remove_dir_all(place.path("tmp"));
    let mut command = server.command(place, typed);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) -> Said {
    Said::from(child.wait_with_output().unwrap()).succeeded()
}

/// Kills a run at this moment; false if it had ended before.
fn kill_at(mut child: Child, moment: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < moment {
        std::thread::yield_now();
    }
    let was_running = child.try_wait().unwrap().is_none();
    // A process that has just ended is no error here.
    let _ = child.kill();
    child.wait().unwrap();
    was_running
}

fn with_rows(rows: usize) -> (Server, Place) {
    let (server, place) = (Server::new(), Place::new());
    for (part, texts) in texts(rows).chunks(rows.div_ceil(3)).enumerate() {
        let name = format!("in/part-{part}.jsonl");
        server.put(&name, jsonl(texts));
        place.write(&name, jsonl(texts));
    }
    place.semdedup("run in --out local --epsilon 0.05").succeeded();
    (server, place)
}

#[test]
fn from_store_to_store_with_kills_and_cut_connections_ends_in_the_bytes_of_a_local_run() {
    let (server, place) = with_rows(ROWS);
    let expected = place.result("local");
    let started = Instant::now();
    finish(start(&server, &place, RUN));
    let whole = started.elapsed();
    assert!(server.result("out") == expected);
    std::fs::remove_dir_all(server.path("out")).unwrap();

    server.cut(true);
    let (mut random, mut killed) = (Random(17), 0);
    while killed < KILLS {
        let moment = whole.mul_f64(0.1 + random.below(900) as f64 / 1000.0);
        if kill_at(start(&server, &place, RUN), moment) {
            killed += 1;
        }
        if server.path("out/summary.json").exists() {
            assert!(server.result("out") == expected, "taken for done too early, killed at {moment:?}");
            std::fs::remove_dir_all(server.path("out")).unwrap();
        }
    }
    finish(start(&server, &place, RUN));
    assert!(server.result("out") == expected, "other bytes after {killed} kills");
    assert!(server.cuts() > 0);
    assert!(
        !server.path("out/.semdedup-unfinished").exists()
            || server.objects("out/.semdedup-unfinished").is_empty()
    );
}

#[test]
fn one_process_at_a_time_works_in_a_store() {
    let (server, place) = with_rows(ROWS);
    let mut first = start(&server, &place, RUN);
    while !server.path("out/work/manifest.json").exists() {
        assert!(first.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    // It stands still while the second one looks.
    signal(&first, "-STOP");
    let second = Said::from(server.command(&place, RUN).output().unwrap());
    signal(&first, "-CONT");
    second.failed_with(&["s3://bucket/out", "another semdedup is working here"]);
    finish(first);
    assert!(server.result("out") == place.result("local"));
    assert!(!server.path("out/work/lock").exists(), "the lock stays");
}

#[test]
fn a_work_directory_in_a_store_serves_another_machine() {
    let (server, place) = with_rows(5000);
    finish(start(&server, &place, RUN));
    let elsewhere = Place::new();
    let typed =
        "run s3://bucket/in/ --out s3://bucket/out-2 --work s3://bucket/out/work --epsilon 0.2 --json";
    let summary = finish(start(&server, &elsewhere, typed)).json();
    assert_eq!(summary["reused_stages"], serde_json::json!(["embed", "train", "assign", "score", "recall"]));
    place.semdedup("run in --out local-2 --work local/work --epsilon 0.2").succeeded();
    assert!(server.result("out-2") == place.result("local-2"));
    let again = finish(start(&server, &elsewhere, &format!("{RUN} --json"))).json();
    assert_eq!(again["work"], "s3://bucket/out/work");
    for look in
        ["sweep s3://bucket/out", "show s3://bucket/out --random 3", "sweep s3://bucket/out/scores.parquet"]
    {
        let remote = finish(start(&server, &elsewhere, look)).stdout;
        let local = place.semdedup(&look.replace("s3://bucket/out", "local")).succeeded().stdout;
        assert_eq!(remote, local, "{look}");
    }
}

/// Whether a run has begun to write results that it has not sent.
fn is_staging(place: &Place) -> bool {
    let folders = std::fs::read_dir(place.path("tmp")).unwrap().map(|entry| entry.unwrap().path());
    let staged = |folder: &std::path::PathBuf| folder.to_string_lossy().contains("semdedup-staged-");
    // It may be gone again when it is looked into.
    folders.filter(staged).any(|folder| {
        std::fs::read_dir(folder)
            .is_ok_and(|mut inside| inside.any(|entry| entry.is_ok_and(|e| e.path().is_dir())))
    })
}

#[test]
fn two_runs_at_once_to_two_outputs_do_not_mix() {
    let (server, place) = with_rows(ROWS);
    place.semdedup("run in --out local-2 --epsilon 0.3").succeeded();
    let mut first = start(&server, &place, RUN);
    while !is_staging(&place) {
        assert!(first.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    signal(&first, "-STOP");
    let second = "run s3://bucket/in/ --out s3://bucket/out-2 --epsilon 0.3";
    let second = Said::from(server.command(&place, second).output().unwrap());
    signal(&first, "-CONT");
    second.succeeded();
    finish(first);
    assert!(server.result("out") == place.result("local"));
    assert!(server.result("out-2") == place.result("local-2"));
    assert!(!is_staging(&place), "something is left on the disk");
}

#[test]
fn a_run_that_was_taken_for_dead_does_not_go_on() {
    let (server, place) = with_rows(ROWS);
    let mut first = start(&server, &place, RUN);
    // It is at work, and nothing of its lock is on the way.
    while !server.path("out/work/embed/input.json").exists() {
        assert!(first.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    signal(&first, "-STOP");
    // Another machine has waited long enough, and has begun with something else.
    let lock = server.get("out/work/lock");
    let mut owner: serde_json::Value = serde_json::from_slice(&lock).unwrap();
    owner["machine"] = "another".into();
    owner["token"] = 1.into();
    let lock = serde_json::to_vec(&owner).unwrap();
    server.put("out/work/lock", &lock);
    let manifest = server.get("out/work/manifest.json");
    signal(&first, "-CONT");
    let said = Said::from(first.wait_with_output().unwrap());
    said.failed_with(&["s3://bucket/out/work/lock", "another semdedup took this over"]);
    assert_eq!(server.get("out/work/manifest.json"), manifest);
    assert_eq!(server.get("out/work/lock"), lock, "the lock of the other is its own");
    assert!(!server.path("out/summary.json").exists());
}
