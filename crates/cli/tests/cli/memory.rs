//! Data that does not fit into `--memory` gives the same bytes as with more memory, within the
//! limit.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::DirEntry;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::support::{Finished, Random, SEMDEDUP, Sandbox, jsonl, npy, npy_f32, npy_i32, number, texts};

/// The smallest value that `--memory` takes.
const LEAST: &str = "256MiB";
const LEAST_BYTES: u64 = 256 << 20;
const ROWS: usize = 60_000;
const DIM: usize = 512;

/// Returns random rows around 100 directions; every tenth row is nearly the one before it. They
/// take 117 MiB, more than the least memory leaves for rows.
fn embeddings() -> Vec<u8> {
    let mut state = 1u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let directions: Vec<f32> = (0..100 * DIM).map(|_| random()).collect();
    let mut values: Vec<f32> = Vec::with_capacity(ROWS * DIM);
    for row in 0..ROWS {
        for d in 0..DIM {
            let value = match row % 10 {
                9 => values[(row - 1) * DIM + d] + 0.05 * random(),
                _ => directions[row * 7919 % 100 * DIM + d] + random(),
            };
            values.push(value);
        }
    }
    npy_f32(&values, DIM)
}

/// Returns a sandbox with embeddings in `e.npy` and their clusters in `c`.
fn clustered(probes: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("e.npy", embeddings());
    let typed = format!("cluster e.npy --clusters 200 --probes {probes} --memory {LEAST} --out c");
    let peak = peak(start_measured(&sandbox, &typed));
    assert!(peak < LEAST_BYTES, "{} MiB", peak >> 20);
    sandbox
}

/// Returns the command line that scores with this memory and writes this file.
fn score(sandbox: &Sandbox, memory: &str, out: &str) -> String {
    let probes = if sandbox.path("c/probes.npy").exists() { "--probes c/probes.npy" } else { "" };
    format!(
        "score e.npy --centroids c/centroids.npy --assignments c/assignments.npy {probes} --memory {memory} \
         --recall-sample 100 --out {out} --overwrite"
    )
}

fn start(sandbox: &Sandbox, typed: &str) -> Child {
    sandbox.command(typed).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Starts a command through a shell. The system counts the memory of the starting process towards
/// the started one, and the test process holds much memory.
fn start_measured(sandbox: &Sandbox, typed: &str) -> Child {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{SEMDEDUP} {typed} --json; exit $?")).current_dir(sandbox.path(""));
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn peak(child: Child) -> u64 {
    number(&Finished::from(child.wait_with_output().unwrap()).succeeded().json(), "peak_rss_bytes")
}

fn spin(moment: Duration) {
    let started = Instant::now();
    while started.elapsed() < moment {
        std::hint::spin_loop();
    }
}

/// Returns the names in a folder.
fn names(sandbox: &Sandbox, folder: &str) -> BTreeSet<OsString> {
    std::fs::read_dir(sandbox.path(folder)).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

#[test]
fn rows_that_do_not_fit_into_memory_give_the_same_bytes_within_the_limit() {
    for probes in ["1", "auto"] {
        let sandbox = clustered(probes);
        let plenty = peak(start_measured(&sandbox, &score(&sandbox, "16GiB", "plenty.parquet")));
        let least = peak(start_measured(&sandbox, &score(&sandbox, LEAST, "least.parquet")));
        assert!(least < LEAST_BYTES, "{} MiB", least >> 20);
        // More memory is not used where it would save no time.
        assert!(plenty < 300 << 20, "{} MiB", plenty >> 20);
        assert!(
            sandbox.read("least.parquet") == sandbox.read("plenty.parquet"),
            "other bytes, --probes {probes}"
        );
        assert_eq!(
            names(&sandbox, ""),
            ["c", "e.npy", "least.parquet", "plenty.parquet"].map(OsString::from).into()
        );
    }
}

#[test]
fn scoring_killed_at_any_time_leaves_nothing_and_then_gives_the_same_bytes() {
    let sandbox = clustered("auto");
    let started = Instant::now();
    sandbox.semdedup(&score(&sandbox, "16GiB", "s.parquet")).succeeded();
    let whole = started.elapsed();
    let expected = sandbox.read("s.parquet");
    std::fs::remove_file(sandbox.path("s.parquet")).unwrap();
    let before = names(&sandbox, "");
    let typed = score(&sandbox, LEAST, "s.parquet");
    let mut random = Random(5);
    for attempt in 0..4 {
        let mut child = start(&sandbox, &typed);
        spin(whole.mul_f64(random.below(200 * attempt + 100) as f64 / 1000.0));
        // The process may have just ended.
        let _ = child.kill();
        child.wait().unwrap();
        if attempt == 0 {
            assert_eq!(names(&sandbox, ""), before);
        }
    }
    sandbox.semdedup(&typed).succeeded();
    assert!(sandbox.read("s.parquet") == expected);
}

/// Returns texts whose embeddings do not fit into the least memory.
fn many_texts() -> Vec<String> {
    let few = texts(36_000);
    (0..180_000).map(|row| format!("{} {}", row % 5000, few[row % few.len()].split_at(40).0)).collect()
}

#[test]
fn a_run_killed_while_rows_are_compared_resumes_and_gives_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", jsonl(&many_texts()));
    let run = |memory: &str, out: &str| {
        format!("run data.jsonl --clusters 800 --probes 3 --recall-sample 50 --memory {memory} --out {out}")
    };
    sandbox.semdedup(&run("16GiB", "plenty")).succeeded();
    let typed = run(LEAST, "killed");
    let parts = sandbox.path("killed/work/score/parts");
    let found = || std::fs::read_dir(&parts).map_or(0, |files| files.flatten().filter(is_whole).count());
    let mut done = 0;
    for _ in 0..2 {
        let mut child = start(&sandbox, &typed);
        // Each run adds one part before it is killed.
        while found() <= done {
            assert!(child.try_wait().unwrap().is_none(), "ended with {done} parts");
        }
        let _ = child.kill();
        child.wait().unwrap();
        assert!(found() > done, "a part is missing");
        done = found();
        assert_eq!(names(&sandbox, "killed/work/score"), ["parts".into()].into());
        sandbox.has_no_result("killed");
    }
    let peak = peak(start_measured(&sandbox, &typed));
    assert!(peak < LEAST_BYTES, "{} MiB", peak >> 20);
    assert!(sandbox.result("killed") == sandbox.result("plenty"));
    assert!(!parts.exists());
}

fn is_whole(entry: &DirEntry) -> bool {
    entry.path().extension().is_some_and(|extension| extension == "found")
}

#[test]
fn a_cluster_that_does_not_fit_into_memory_gives_the_same_bytes_within_the_limit() {
    let sandbox = Sandbox::new();
    sandbox.write("e.npy", embeddings());
    sandbox.semdedup("cluster e.npy --clusters 2 --probes 1 --out c").succeeded();
    sandbox.semdedup(&score(&sandbox, "16GiB", "plenty.parquet")).succeeded();
    let least = peak(start_measured(&sandbox, &score(&sandbox, LEAST, "least.parquet")));
    assert!(least < LEAST_BYTES, "{} MiB", least >> 20);
    assert!(sandbox.read("least.parquet") == sandbox.read("plenty.parquet"));
}

/// Returns a sandbox with many small rows in 4,000 clusters. Each of them needs some memory even
/// while it is not compared.
fn small_rows(rows: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut random = Random(3);
    // Random f16 values between 1 and 2 or between -1 and -2.
    let value = |_| (0x3c00 | random.below(0x400) | random.below(2) << 15) as u16;
    let values = (0..rows * 4).map(value).flat_map(u16::to_le_bytes).collect();
    sandbox.write("e.npy", npy("<f2", &format!("({rows}, 4)"), values));
    let cluster: Vec<i32> = (0..rows as i32).map(|row| row % 4000).collect();
    sandbox.write("c/assignments.npy", npy_i32(&cluster, &format!("({rows},)")));
    sandbox.write("c/centroids.npy", npy_f32(&[1.0; 4000 * 4], 4));
    sandbox
}

/// Returns a sandbox with equal rows in one cluster.
fn crowd(rows: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    let values = [0x3c00u16, 0x3800, 0xbc00, 0x3400].map(u16::to_le_bytes).concat().repeat(rows);
    sandbox.write("e.npy", npy("<f2", &format!("({rows}, 4)"), values));
    sandbox.write("c/assignments.npy", npy_i32(&vec![0; rows], &format!("({rows},)")));
    sandbox.write("c/centroids.npy", npy_f32(&[1.0; 4], 4));
    sandbox
}

#[test]
fn a_row_takes_24_bytes_in_every_stage_besides_those_that_are_compared() {
    const ROWS: usize = 3_000_000;
    /// The program with its buffers and threads, and a row each.
    const HELD: u64 = (64 << 20) + 24 * ROWS as u64;
    const COMPARED: u64 = 144 << 20;
    /// Blocks of rows with their codes, while rows are assigned to clusters.
    const BLOCKS: u64 = 64 << 20;
    /// In four dimensions nearly every row that goes names one that goes too, so that what stands for it
    /// is searched for.
    const SEARCHED: u64 = 28 * ROWS as u64;
    let sandbox = small_rows(ROWS);
    let made = "e.npy --clusters 1000 --probes 1 --memory 16GiB";
    for (typed, limit) in [
        (format!("cluster {made} --out made"), HELD),
        (score(&sandbox, "16GiB", "s.parquet"), HELD + COMPARED),
        (format!("run --embeddings {made} --recall-sample 100 --out r"), HELD + COMPARED + SEARCHED),
    ] {
        let peak = peak(start_measured(&sandbox, &typed));
        assert!(peak < limit, "{} MiB, at most {} MiB: {typed}", peak >> 20, limit >> 20);
    }
    // Of a crowd of equal rows none is compared.
    let sandbox = crowd(ROWS);
    let scored = score(&sandbox, "16GiB", "s.parquet").replace("--recall-sample 100", "--recall-sample 0");
    let run = "run --embeddings e.npy --clusters 1 --recall-sample 0 --out r".to_owned();
    for (typed, limit) in [(scored, HELD), (run, HELD + BLOCKS)] {
        let peak = peak(start_measured(&sandbox, &typed));
        assert!(peak < limit, "{} MiB, at most {} MiB: {typed}", peak >> 20, limit >> 20);
    }
}

#[test]
fn too_little_memory_is_refused_with_the_memory_needed() {
    let sandbox = small_rows(4_000_000);
    let before = sandbox.files("").len();
    let said = sandbox.semdedup(&score(&sandbox, LEAST, "s.parquet"));
    let said = said.failed_with(&["--memory 256 MiB", "4000000 rows", "dimension 4"]);
    assert!(said.stderr.contains("hint: allow ") && said.stderr.contains(" MiB or more"), "{}", said.stderr);
    assert_eq!(sandbox.files("").len(), before, "a file was written");
}
