//! What `run --dry-run` says.

use super::support::{Sandbox, jsonl, number, texts};

#[test]
fn a_dry_run_says_which_rows_go_and_which_stay() {
    let sandbox = Sandbox::with_rows(100);
    let said = |options: &str| {
        let said = sandbox.semdedup(&format!("run data.jsonl --out out --dry-run {options}")).succeeded();
        said.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let default = said("");
    assert!(default.contains("by semdedup-text-v1"), "{default}");
    assert!(
        default.contains("a cosine above 0.93 to a row that ranks before them (epsilon 0.07)"),
        "{default}"
    );
    assert!(
        default.contains("to keep hard: of rows that are alike") && !default.contains("would go"),
        "{default}"
    );
    assert!(
        said("--similarity 0.9").contains("a cosine above 0.9 to a row that ranks before them (epsilon 0.1)")
    );
    assert!(
        said("--rule representative")
            .contains("a cosine above 0.93 to a row that stays and ranks before them (epsilon 0.07)")
    );
    assert!(said("--keep easy").contains("to keep easy:"));
    assert!(said("--keep-fraction 0.5").contains("(--keep-fraction 0.5)"));
    assert!(said("--keep-rows 20").contains("(--keep-rows 20)"));
}

#[test]
fn a_dry_run_knows_exactly_how_many_rows_go_if_their_scores_are_there() {
    let sandbox = Sandbox::with_rows(300);
    let run = sandbox.summary("run data.jsonl --out out --epsilon 0.05");
    let before = sandbox.files("");
    for (options, known) in [
        ("--epsilon 0.05", number(&run, "rows_removed")),
        ("--similarity 0.95", number(&run, "rows_removed")),
        ("--keep-rows 100", 200),
    ] {
        let typed = format!("run data.jsonl --out other --work out/work --dry-run {options}");
        let plan = sandbox.summary(&typed);
        assert_eq!(number(&plan["known"], "rows_removed"), known, "{options}");
        assert_eq!(number(&plan["known"], "rows_kept"), 300 - known, "{options}");
        let said = sandbox.semdedup(&typed).succeeded().stdout;
        assert!(said.contains(&format!("would go   {known} (")), "{said}");
    }
    // Other scores say nothing about this run.
    for options in ["--keep easy", "--clusters 7", "--probes 2 --clusters 7", "--max-tokens 5"] {
        let plan =
            sandbox.summary(&format!("run data.jsonl --out other --work out/work --dry-run {options}"));
        assert!(plan["known"].is_null(), "{options}: {plan}");
    }
    assert_eq!(sandbox.files(""), before);
    // What it says is what the run does.
    let run = sandbox.summary("run data.jsonl --out other --work out/work --keep-rows 100");
    assert_eq!(number(&run, "rows_removed"), 200);
}

#[test]
fn a_dry_run_of_many_files_has_one_line_for_all_that_are_read_alike() {
    let sandbox = Sandbox::new();
    for file in 10..40 {
        sandbox.write(&format!("in/{file}.jsonl"), jsonl(&texts(5)));
    }
    let said = sandbox.semdedup("run in --out out --dry-run").succeeded().stdout;
    let lines: Vec<&str> = said.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[1].contains("30 files: in/10.jsonl … in/39.jsonl") && lines[1].contains("150"), "{said}");
    let plan = sandbox.summary("run in --out out --dry-run");
    assert_eq!(plan["files"].as_array().unwrap().len(), 30);
}
