//! What must not happen to data: folders of others cleared, results mixed, rows of one input taken for those of another.

use std::time::SystemTime;

use super::support::{Place, jsonl, number, texts};

#[test]
fn a_folder_of_somebody_else_is_not_a_work_directory_because_a_file_in_it_is_called_lock() {
    let place = Place::with_rows(40);
    place.write("project/lock", "");
    place.write("project/train/model.bin", "weeks of training");
    let before = place.files("project");
    place
        .semdedup("run data.jsonl --out out --work project")
        .failed_with(&["project", "not a work directory"]);
    place.write("project/manifest.json", "{\"name\": \"an app\"}");
    place.semdedup("run data.jsonl --out out --work project").failed_with(&["manifest.json"]);
    std::fs::remove_file(place.path("project/manifest.json")).unwrap();
    assert_eq!(place.files("project"), before);
}

#[test]
fn an_edit_that_keeps_size_and_time_is_seen() {
    let place = Place::with_rows(200);
    place.semdedup("run data.jsonl --out out --work work").succeeded();
    let modified = std::fs::metadata(place.path("data.jsonl")).unwrap().modified().unwrap();
    let mut lines: Vec<String> = place.text("data.jsonl").lines().map(|line| format!("{line}\n")).collect();
    lines.reverse();
    place.write("data.jsonl", lines.concat());
    set_modified(&place, "data.jsonl", modified);
    let summary = place.summary("run data.jsonl --out again --work work");
    assert_eq!(summary["reused_stages"].as_array().unwrap().len(), 0, "{summary}");
    place.semdedup("run data.jsonl --out fresh").succeeded();
    assert_eq!(place.result("again"), place.result("fresh"));
}

fn set_modified(place: &Place, name: &str, time: SystemTime) {
    std::fs::File::options().write(true).open(place.path(name)).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_result_is_shown_by_its_own_scores_after_other_runs_used_its_work_directory() {
    let place = Place::with_rows(200);
    place.semdedup("run data.jsonl --out first").succeeded();
    let sweep = place.semdedup("sweep first --epsilons 0.2,0.4").succeeded().stdout;
    let pairs = place.semdedup("show first --random 5").succeeded().stdout;
    place.semdedup("run data.jsonl --out second --work first/work --keep easy --clusters 3").succeeded();
    assert_eq!(place.semdedup("show first --random 5").succeeded().stdout, pairs);
    let kept = |table: &str| -> Vec<String> {
        let columns = table.lines().map(|line| line.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
        columns.collect()
    };
    let again = place.semdedup("sweep first --epsilons 0.2,0.4").succeeded().stdout;
    assert_eq!(kept(&again), kept(&sweep));
}

#[test]
fn texts_of_another_input_are_never_shown_for_the_rows_of_a_result() {
    let place = Place::with_rows(200);
    place.write("other.jsonl", jsonl(&texts(150)));
    place.semdedup("run data.jsonl --out first").succeeded();
    // It fails in training, after the work directory was reused for the other rows.
    place.semdedup("run other.jsonl --out second --work first/work --clusters 9999").failed_with(&["9999"]);
    place.semdedup("show first").failed_with(&["was reused for other rows"]);
    place.semdedup("show first/work").failed_with(&["no finished scores"]);
    place.semdedup("sweep first").succeeded();
}

#[test]
fn strict_minds_the_rows_that_an_earlier_run_skipped() {
    let place = Place::with_rows(40);
    place.write("data.jsonl", format!("{}{{oops\n", place.text("data.jsonl")));
    place.semdedup("run data.jsonl --out out --work work").skipped_rows();
    place.semdedup("run data.jsonl --out out --work work --strict").failed_with(&["skipped.parquet"]);
    place.semdedup("run data.jsonl --out new --work work --strict").failed_with(&["row 40"]);
    place.has_no_result("new");
}

#[test]
fn a_dry_run_refuses_what_the_run_would_refuse() {
    let place = Place::with_rows(40);
    place.write("out/thesis.txt", "years of work");
    let before = place.files("");
    place.semdedup("run data.jsonl --out out --dry-run").failed_with(&["out"]);
    place.semdedup("run data.jsonl --out . --dry-run").failed_with(&["data.jsonl"]);
    assert_eq!(place.files(""), before);
}

#[test]
fn a_small_share_keeps_at_least_a_row() {
    let place = Place::with_rows(40);
    let summary = place.summary("run data.jsonl --out out --keep-fraction 0.001");
    assert_eq!(number(&summary, "rows_kept"), 1);
}

#[test]
fn selecting_into_the_result_of_a_whole_run_is_refused() {
    let place = Place::with_rows(40);
    place.semdedup("run data.jsonl --out out").succeeded();
    let before = place.files("out");
    place.semdedup("select out/scores.parquet --epsilon 0.2 --out out --overwrite").failed_with(&["out"]);
    assert_eq!(place.files("out"), before);
}

#[test]
fn other_embeddings_are_replaced_only_with_overwrite() {
    let place = Place::with_rows(40);
    place.semdedup("embed data.jsonl --out e").succeeded();
    let before = place.files("e");
    place
        .semdedup("embed data.jsonl --out e --max-tokens 3")
        .failed_with(&["e", "another input, model or option"]);
    assert_eq!(place.files("e"), before);
    place.semdedup("embed data.jsonl --out e --max-tokens 3 --overwrite").succeeded();
    assert_ne!(place.files("e"), before);
}

#[test]
fn an_input_is_never_replaced_even_with_overwrite() {
    let place = Place::with_rows(40);
    place.semdedup("embed data.jsonl --out e").succeeded();
    place.semdedup("cluster e --clusters 3 --out c").succeeded();
    let before = place.files("c");
    let files = "--centroids c/centroids.npy --assignments c/assignments.npy";
    place
        .semdedup(&format!("score e {files} --out c/centroids.npy --overwrite"))
        .failed_with(&["one of the inputs"]);
    place
        .semdedup("cluster c/centroids.npy --clusters 1 --out c --overwrite")
        .failed_with(&["one of the inputs"]);
    assert_eq!(place.files("c"), before);
}

#[test]
fn a_kept_file_that_was_cut_or_edited_is_noticed_and_written_again_only_with_overwrite() {
    let place = Place::with_rows(40);
    place.semdedup("run data.jsonl --out out").succeeded();
    let whole = place.result("out");
    for now in ["", "edited by hand for days"] {
        place.write("out/kept/data.jsonl", now);
        place.semdedup("run data.jsonl --out out").failed_with(&["out/kept/data.jsonl", "another size"]);
        assert_eq!(place.text("out/kept/data.jsonl"), now);
        place.semdedup("run data.jsonl --out out --overwrite").succeeded();
        assert_eq!(place.result("out"), whole);
    }
}

#[test]
fn a_summary_of_another_program_is_never_replaced_even_with_overwrite() {
    for foreign in ["{}", "[1]", "not JSON", "{\"rows_in\": 3, \"goal\": \"mine\"}"] {
        let place = Place::with_rows(40);
        place.write("out/summary.json", foreign);
        place.semdedup("run data.jsonl --out out --overwrite").failed_with(&["out/summary.json"]);
        assert_eq!(place.text("out/summary.json"), foreign);
    }
}

#[test]
fn scores_that_lie_in_the_place_of_a_selection_are_never_replaced() {
    let place = Place::with_rows(40);
    place.semdedup("run data.jsonl --out out").succeeded();
    place.write("mine/kept.parquet", place.read("out/scores.parquet"));
    place
        .semdedup("select mine/kept.parquet --out mine --overwrite")
        .failed_with(&["mine/kept.parquet", "inputs"]);
    assert_eq!(place.read("mine/kept.parquet"), place.read("out/scores.parquet"));
}
