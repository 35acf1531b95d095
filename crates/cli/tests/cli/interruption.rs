//! Runs that are killed: at whatever moment, the same command line goes on and ends in the same bytes.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::support::{Place, Random, Said};

/// So many that a whole run takes about half a second.
const ROWS: usize = 30_000;
/// So many that there are several parts of embeddings, which are resumed one by one.
const ROWS_OF_TWO_PARTS: usize = 150_000;
const KILLS: usize = 20;

fn start(place: &Place, out: &str) -> Child {
    let typed = format!("run data.jsonl --out {out} --epsilon 0.05");
    place.command(&typed).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) {
    Said::from(child.wait_with_output().unwrap()).succeeded();
}

/// Kills a run at this moment; false if it had ended before.
fn kill_at(mut child: Child, moment: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < moment {
        std::hint::spin_loop();
    }
    let was_running = child.try_wait().unwrap().is_none();
    // A process that has just ended is no error here.
    let _ = child.kill();
    child.wait().unwrap();
    was_running
}

#[test]
fn a_run_killed_at_any_moment_goes_on_and_ends_in_the_same_bytes() {
    let place = Place::with_rows(ROWS);
    let started = Instant::now();
    finish(start(&place, "undisturbed"));
    let whole = started.elapsed();
    let expected = place.result("undisturbed");

    let (mut random, mut killed) = (Random(17), 0);
    for attempt in 0..10 * KILLS {
        let moment = whole.mul_f64(random.below(1000) as f64 / 1000.0);
        killed += usize::from(kill_at(start(&place, "killed"), moment));
        if place.path("killed/summary.json").exists() {
            assert!(place.result("killed") == expected, "taken for done too early, killed at {moment:?}");
        }
        finish(start(&place, "killed"));
        assert!(
            place.result("killed") == expected,
            "other bytes after attempt {attempt}, killed at {moment:?}"
        );
        std::fs::remove_dir_all(place.path("killed")).unwrap();
        if killed == KILLS {
            return;
        }
    }
    panic!("only {killed} runs were killed before they ended");
}

#[test]
fn ids_and_annotations_of_a_run_killed_while_it_writes_end_in_the_same_bytes() {
    let place = Place::with_rows(ROWS);
    let run = |out: &str| {
        let typed = format!(
            "run data.jsonl --work work --out {out} --output files,ids,annotate --ids-format txt,parquet"
        );
        place.command(&typed).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    finish(run("undisturbed"));
    // With the scores there, what is left is writing.
    let started = Instant::now();
    finish(run("again"));
    let whole = started.elapsed();
    let expected = place.result("undisturbed");
    assert!(place.result("again") == expected && expected.len() == 6, "{:?}", expected.keys());
    let (mut random, mut killed) = (Random(5), 0);
    for _ in 0..10 * KILLS {
        let moment = whole.mul_f64(random.below(1000) as f64 / 1000.0);
        killed += usize::from(kill_at(run("killed"), moment));
        if place.path("killed/summary.json").exists() {
            assert!(place.result("killed") == expected, "taken for done too early, killed at {moment:?}");
        }
        finish(run("killed"));
        assert!(place.result("killed") == expected, "other bytes, killed at {moment:?}");
        std::fs::remove_dir_all(place.path("killed")).unwrap();
        if killed == KILLS {
            return;
        }
    }
    panic!("only {killed} runs were killed before they ended");
}

#[test]
fn a_run_killed_again_and_again_still_ends_in_the_same_bytes() {
    let place = Place::with_rows(ROWS_OF_TWO_PARTS);
    let started = Instant::now();
    finish(start(&place, "undisturbed"));
    let whole = started.elapsed();
    for part in [0.1, 0.3, 0.02, 0.5, 0.4, 0.2] {
        kill_at(start(&place, "killed"), whole.mul_f64(part));
    }
    finish(start(&place, "killed"));
    assert!(place.result("killed") == place.result("undisturbed"));
}

#[test]
fn a_terminated_run_says_how_to_go_on_and_does() {
    let place = Place::with_rows(ROWS);
    let child = start(&place, "my-out");
    // The handler is installed before the first file is made.
    while !place.path("my-out/work/manifest.json").exists() {
        std::hint::spin_loop();
    }
    super::support::signal(&child, "-TERM");
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.stdout.as_str()), (130, ""), "{}", said.stderr);
    assert!(said.stderr.contains("run data.jsonl --out my-out --epsilon 0.05"), "{}", said.stderr);
    finish(start(&place, "my-out"));
    finish(start(&place, "undisturbed"));
    assert!(place.result("my-out") == place.result("undisturbed"));
}
