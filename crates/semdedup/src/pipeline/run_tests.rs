//! Runs that are told to stop.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use semdedup_core::{SamplePurpose, sample_rows};

use crate::error::ErrorKind;
use crate::progress::{Progress, Stage};
use crate::warning::Warning;
use crate::{Memory, Run, Silent};

/// Stops when it is asked for the time after `limit`.
struct StopAfter {
    limit: usize,
    asked: AtomicUsize,
}

impl StopAfter {
    fn new(limit: usize) -> Self {
        Self { limit, asked: AtomicUsize::new(0) }
    }
}

impl Progress for StopAfter {
    fn begin(&self, _: Stage, _: &'static str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self, _: Stage, _: bool) {}
    fn warn(&self, _: &Warning) {}
    fn should_stop(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.limit
    }
}

fn write_rows(path: &Path) {
    let text = |row: u64| {
        let words = sample_rows(400, 6, row / 2 * 7919 % 20011, SamplePurpose::Recall);
        words.iter().map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ")
    };
    let lines: Vec<String> = (0..60_000).map(text).collect();
    std::fs::write(path, lines.join("\n")).unwrap();
}

/// The bytes of every result except those that tell times.
fn results(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = ["kept/rows.txt", "removed.parquet", "scores.parquet"].map(PathBuf::from);
    files.map(|file| (file.clone(), std::fs::read(out.join(&file)).unwrap())).into()
}

#[test]
fn a_run_that_is_stopped_again_and_again_ends_in_the_bytes_of_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("rows.txt");
    write_rows(&input);
    let run = |name: &str| {
        let out = folder.path().join(name);
        // Little memory, so that rows are compared in several groups of clusters.
        let memory = Memory::new(200 << 20);
        let builder = Run::builder([input.display().to_string()], &out).memory(memory).clusters(60);
        (builder.build().unwrap(), out)
    };
    let (whole, whole_out) = run("whole");
    let counter = StopAfter::new(usize::MAX);
    whole.run(&counter).unwrap();
    let asked = counter.asked.load(Ordering::Relaxed);
    assert!(asked > 100, "{asked}");

    let (stopped, stopped_out) = run("stopped");
    let mut stops = 0;
    // Each attempt gets a little further than the one before.
    for limit in (0..asked).step_by(asked.div_ceil(25)) {
        match stopped.run(&StopAfter::new(limit)) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Stopped, "{error}"),
            Ok(_) => break,
        }
        stops += 1;
        assert!(!stopped_out.join("summary.json").exists());
    }
    assert!(stops > 5, "{stops}");
    stopped.run(&Silent).unwrap();
    assert_eq!(results(&stopped_out), results(&whole_out));
}
