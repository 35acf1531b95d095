//! Runs that are killed at any moment: the same command line resumes them and gives the same bytes.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::support::{Finished, Random, Sandbox};

/// Enough rows for a run of about half a second.
const ROWS: usize = 30_000;
/// Enough rows for several parts of embeddings, which are resumed one by one.
const ROWS_OF_TWO_PARTS: usize = 150_000;
const KILLS: usize = 20;

fn start(sandbox: &Sandbox, out: &str) -> Child {
    let typed = format!("run data.jsonl --out {out} --epsilon 0.05");
    sandbox.command(&typed).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) {
    Finished::from(child.wait_with_output().unwrap()).succeeded();
}

/// Kills a run after this time. Returns whether it was still running.
fn kill_at(mut child: Child, moment: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < moment {
        std::hint::spin_loop();
    }
    let was_running = child.try_wait().unwrap().is_none();
    // The process may have just ended.
    let _ = child.kill();
    child.wait().unwrap();
    was_running
}

#[test]
fn a_run_killed_at_any_moment_resumes_and_gives_the_same_bytes() {
    let sandbox = Sandbox::with_rows(ROWS);
    let started = Instant::now();
    finish(start(&sandbox, "undisturbed"));
    let whole = started.elapsed();
    let expected = sandbox.result("undisturbed");

    let (mut random, mut killed) = (Random(17), 0);
    for attempt in 0..10 * KILLS {
        let moment = whole.mul_f64(random.below(1000) as f64 / 1000.0);
        killed += usize::from(kill_at(start(&sandbox, "killed"), moment));
        if sandbox.path("killed/summary.json").exists() {
            assert!(
                sandbox.result("killed") == expected,
                "counted as finished too early, killed at {moment:?}"
            );
        }
        finish(start(&sandbox, "killed"));
        assert!(
            sandbox.result("killed") == expected,
            "other bytes after attempt {attempt}, killed at {moment:?}"
        );
        std::fs::remove_dir_all(sandbox.path("killed")).unwrap();
        if killed == KILLS {
            return;
        }
    }
    panic!("only {killed} runs were killed before they ended");
}

#[test]
fn ids_and_annotations_of_a_run_killed_while_it_writes_end_in_the_same_bytes() {
    let sandbox = Sandbox::with_rows(ROWS);
    let run = |out: &str| {
        let typed = format!(
            "run data.jsonl --work work --out {out} --output files,ids,annotate --ids-format txt,parquet"
        );
        sandbox.command(&typed).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    finish(run("undisturbed"));
    // With the scores reused, only the writing is left.
    let started = Instant::now();
    finish(run("again"));
    let whole = started.elapsed();
    let expected = sandbox.result("undisturbed");
    assert!(sandbox.result("again") == expected && expected.len() == 7, "{:?}", expected.keys());
    let (mut random, mut killed) = (Random(5), 0);
    for _ in 0..10 * KILLS {
        let moment = whole.mul_f64(random.below(1000) as f64 / 1000.0);
        killed += usize::from(kill_at(run("killed"), moment));
        if sandbox.path("killed/summary.json").exists() {
            assert!(
                sandbox.result("killed") == expected,
                "counted as finished too early, killed at {moment:?}"
            );
        }
        finish(run("killed"));
        assert!(sandbox.result("killed") == expected, "other bytes, killed at {moment:?}");
        std::fs::remove_dir_all(sandbox.path("killed")).unwrap();
        if killed == KILLS {
            return;
        }
    }
    panic!("only {killed} runs were killed before they ended");
}

#[test]
fn a_run_killed_repeatedly_gives_the_same_bytes() {
    let sandbox = Sandbox::with_rows(ROWS_OF_TWO_PARTS);
    let started = Instant::now();
    finish(start(&sandbox, "undisturbed"));
    let whole = started.elapsed();
    for part in [0.1, 0.3, 0.02, 0.5, 0.4, 0.2] {
        kill_at(start(&sandbox, "killed"), whole.mul_f64(part));
    }
    finish(start(&sandbox, "killed"));
    assert!(sandbox.result("killed") == sandbox.result("undisturbed"));
}

#[test]
fn a_run_killed_while_it_searches_for_pairs_and_representatives_gives_the_same_bytes() {
    let sandbox = Sandbox::with_rows(ROWS);
    let typed = |out: &str| {
        format!(
            "run data.jsonl --out {out} --clusters 40 --epsilon 0.3 --rule representative --pairs-above 0.2"
        )
    };
    let run = |out: &str| {
        let mut command = sandbox.command(&typed(out));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let started = Instant::now();
    finish(run("undisturbed"));
    let whole = started.elapsed();
    for part in [0.5, 0.6, 0.7, 0.8, 0.9, 0.3] {
        kill_at(run("killed"), whole.mul_f64(part));
    }
    finish(run("killed"));
    assert!(sandbox.path("killed/pairs.parquet").exists());
    assert!(sandbox.result("killed") == sandbox.result("undisturbed"));
}

#[test]
fn a_terminated_run_says_how_to_resume_and_resumes() {
    let sandbox = Sandbox::with_rows(ROWS);
    let child = start(&sandbox, "my-out");
    // The signal handler is installed before the first file is written.
    while !sandbox.path("my-out/work/manifest.json").exists() {
        std::hint::spin_loop();
    }
    super::support::signal(&child, "-TERM");
    let said = Finished::from(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.stdout.as_str()), (130, ""), "{}", said.stderr);
    assert!(said.stderr.contains("run data.jsonl --out my-out --epsilon 0.05"), "{}", said.stderr);
    finish(start(&sandbox, "my-out"));
    finish(start(&sandbox, "undisturbed"));
    assert!(sandbox.result("my-out") == sandbox.result("undisturbed"));
}
