//! Probes, the further clusters in which rows are compared, and their recall.

use super::support::{Sandbox, jsonl, npy, npy_i32, number, read_npy_i32, texts};

const FILES: &str = "--centroids c/centroids.npy --assignments c/assignments.npy";

/// Returns a sandbox with the embeddings of `rows` rows in `e` and their clusters in `c`.
fn clustered(rows: usize, options: &str) -> Sandbox {
    let sandbox = Sandbox::with_rows(rows);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    sandbox.semdedup(&format!("cluster e --out c {options}")).succeeded();
    sandbox
}

#[test]
fn one_probe_compares_each_row_in_its_own_cluster_only() {
    let sandbox = clustered(600, "--clusters 9 --probes 1");
    assert!(!sandbox.path("c/probes.npy").exists());
    sandbox.semdedup(&format!("score e {FILES} --out alone.parquet")).succeeded();
    sandbox.write("none.npy", npy_i32(&[-1; 2 * 600], "(600, 2)"));
    sandbox.semdedup(&format!("score e {FILES} --probes none.npy --out none.parquet")).succeeded();
    assert_eq!(sandbox.read("alone.parquet"), sandbox.read("none.parquet"));
    let cluster = sandbox.column("alone.parquet", "cluster");
    for (row, of) in sandbox.column("alone.parquet", "duplicate_of_row").iter().enumerate() {
        assert!(of.is_empty() || cluster[row] == cluster[of.parse::<usize>().unwrap()], "row {row} and {of}");
    }
    sandbox.semdedup("run data.jsonl --clusters 9 --probes 1 --out out").succeeded();
    for column in ["cluster", "score", "duplicate_of_row"] {
        assert_eq!(sandbox.column("out/scores.parquet", column), sandbox.column("alone.parquet", column));
    }
}

#[test]
fn probes_find_the_same_duplicates_in_other_clusters_in_a_run_and_stage_by_stage() {
    let sandbox = clustered(600, "--clusters 9 --probes 4");
    sandbox.semdedup(&format!("score e {FILES} --probes c/probes.npy --out s.parquet")).succeeded();
    let cluster = sandbox.column("s.parquet", "cluster");
    let of = sandbox.column("s.parquet", "duplicate_of_row");
    let across = (0..600).filter(|&row| of[row].parse().is_ok_and(|of: usize| cluster[of] != cluster[row]));
    assert!(across.count() > 50);
    sandbox.semdedup("run data.jsonl --clusters 9 --probes 4 --out out").succeeded();
    for column in ["cluster", "score", "duplicate_of_row"] {
        assert_eq!(sandbox.column("out/scores.parquet", column), sandbox.column("s.parquet", column));
    }
}

#[test]
fn a_low_recall_is_followed_by_the_options_that_raise_it_and_what_they_cost() {
    let sandbox = Sandbox::with_rows(1500);
    let said = |options: &str| {
        let run = format!("run data.jsonl --out out --overwrite --epsilon 0.3 {options}");
        sandbox.semdedup(&run).succeeded().stdout
    };
    let low = said("--clusters 200 --probes 1");
    assert!(low.contains("more recall   --clusters 1 compares everything with everything, in "), "{low}");
    assert!(low.contains("--probes 20 compares about 39 times as many pairs, in "), "{low}");
    // There is no other cluster to look into.
    assert!(!said("--clusters 12 --probes 1").contains("--probes 20"));
    assert!(!said("--clusters 1").contains("more recall"));
    assert!(!said("--clusters 200 --probes 1 --recall-sample 0").contains("more recall"));
}

#[test]
fn the_file_of_probes_has_a_column_for_each_further_cluster() {
    for (probes, others) in [("3", 2), ("auto", 7)] {
        let sandbox = clustered(600, &format!("--clusters 9 --probes {probes}"));
        let (header, values) = read_npy_i32(&sandbox.read("c/probes.npy"));
        assert!(header.contains(&format!("(600, {others})")) && header.contains("<i4"), "{header}");
        let (_, own) = read_npy_i32(&sandbox.read("c/assignments.npy"));
        for (row, probes) in values.chunks(others).enumerate() {
            let mut clusters: Vec<i32> = probes.iter().copied().take_while(|&c| c != -1).collect();
            assert!(!clusters.is_empty() && probes[clusters.len()..].iter().all(|&c| c == -1), "{probes:?}");
            assert!(others == 7 || clusters.len() == 2, "{probes:?}");
            clusters.push(own[row]);
            clusters.sort_unstable();
            assert!(clusters.windows(2).all(|two| two[0] < two[1]) && clusters[0] >= 0, "row {row}");
            assert!(clusters[clusters.len() - 1] < 9, "row {row}");
        }
    }
}

#[test]
fn clustering_again_with_one_probe_removes_the_old_probes() {
    let sandbox = clustered(60, "--clusters 4 --probes 3");
    assert!(sandbox.path("c/probes.npy").exists());
    sandbox.semdedup("cluster e --out c --clusters 4 --probes 1").failed_with(&["c/", "exists"]);
    sandbox.semdedup("cluster e --out c --clusters 4 --probes 1 --overwrite").succeeded();
    assert!(!sandbox.path("c/probes.npy").exists());
}

#[test]
fn a_number_of_probes_out_of_range_is_refused_with_its_range() {
    let sandbox = Sandbox::with_rows(20);
    let before = sandbox.files("");
    for command in ["run data.jsonl --out out", "cluster e.npy --out c"] {
        for bad in ["0", "x", "1001", "auto1", "1.5", ""] {
            let mut command = sandbox.command(command);
            let output = command.arg(format!("--probes={bad}")).output().unwrap();
            super::support::Finished::from(output).failed_with(&["--probes", bad, "from 1 to 1000"]);
        }
    }
    assert_eq!(sandbox.files(""), before, "a file was written");
}

#[test]
fn probes_that_do_not_fit_the_rows_are_refused() {
    let sandbox = clustered(60, "--clusters 4 --probes 3");
    let before = sandbox.files("");
    let refused = |file: Vec<u8>, words: &[&str]| {
        sandbox.write("p.npy", file);
        let said = sandbox.semdedup(&format!("score e {FILES} --probes p.npy --out s.parquet"));
        said.failed_with(&[&["p.npy"], words].concat());
        std::fs::remove_file(sandbox.path("p.npy")).unwrap();
        assert_eq!(sandbox.files(""), before, "a file was written");
    };
    refused(npy_i32(&[-1; 59 * 2], "(59, 2)"), &["59", "60"]);
    refused(npy_i32(&[-1; 61 * 2], "(61, 2)"), &["61", "60"]);
    refused(npy_i32(&[-1; 60], "(60,)"), &["matrix of int32", "[60]"]);
    refused(npy("<i8", "(60, 1)", vec![0xff; 60 * 8]), &["matrix of int32", "int64"]);
    refused(npy("<f4", "(60, 1)", vec![0; 60 * 4]), &["matrix of int32", "float32"]);
    refused(npy_i32(&[-1; 60 * 2], "(60, 3)"), &["not a whole .npy file"]);
    sandbox
        .semdedup(&format!("score e {FILES} --probes nowhere.npy --out s.parquet"))
        .failed_with(&["nowhere.npy"]);
}

#[test]
fn a_probe_of_a_cluster_that_is_not_there_is_refused_with_its_row() {
    let sandbox = clustered(60, "--clusters 4 --probes 3");
    let mut probes = vec![-1; 60 * 2];
    probes[17 * 2 + 1] = 4;
    sandbox.write("p.npy", npy_i32(&probes, "(60, 2)"));
    let before = sandbox.files("");
    let said = sandbox.semdedup(&format!("score e {FILES} --probes p.npy --out s.parquet"));
    said.failed_with(&["p.npy", "row 17", "cluster 4", "4 centroids"]);
    assert_eq!(sandbox.files(""), before, "a file was written");
}

#[test]
fn a_row_that_probes_its_own_cluster_is_never_its_own_duplicate() {
    let sandbox = clustered(300, "--clusters 5 --probes 1");
    let (_, own) = read_npy_i32(&sandbox.read("c/assignments.npy"));
    let twice: Vec<i32> = own.iter().flat_map(|&c| [c, c]).collect();
    sandbox.write("own.npy", npy_i32(&twice, "(300, 2)"));
    sandbox.semdedup(&format!("score e {FILES} --probes own.npy --out own.parquet")).succeeded();
    let of = sandbox.column("own.parquet", "duplicate_of_row");
    assert!((0..300).all(|row| of[row] != row.to_string()));
    sandbox.semdedup(&format!("score e {FILES} --out alone.parquet")).succeeded();
    assert_eq!(sandbox.read("own.parquet"), sandbox.read("alone.parquet"));
}

#[test]
fn a_run_reports_its_probes_and_its_operations() {
    let sandbox = Sandbox::with_rows(700);
    let summary = sandbox.summary("run data.jsonl --clusters 8 --out out");
    assert_eq!(summary["probes"], "auto");
    let (brute, flops) = (&summary["flops_brute_force"], summary["flops"].as_f64().unwrap());
    assert_eq!(brute.as_f64().unwrap(), 256.0 * 700.0 * 699.0);
    assert!(flops > 0.0, "{summary}");
    assert_eq!(number(&summary, "recall_sample"), 700);
    for at in summary["recall"].as_array().unwrap() {
        assert!(number(at, "rows") >= number(at, "rows_distinct"), "{at}");
        assert!(number(at, "rows") >= 140, "every fifth row is a copy: {at}");
    }
    let summary = sandbox.summary("run data.jsonl --clusters 8 --probes 3 --recall-sample 0 --out other");
    assert_eq!((&summary["probes"], number(&summary, "recall_sample")), (&"3".into(), 0));
    assert_eq!(summary["recall"], serde_json::json!([]));
}

#[test]
fn more_probes_take_more_operations() {
    let sandbox = Sandbox::with_rows(900);
    let flops = |probes: usize| {
        let typed = format!("run data.jsonl --work w --clusters 30 --probes {probes} --out o{probes}");
        sandbox.summary(&typed)["flops"].as_f64().unwrap()
    };
    let (two, five, ten) = (flops(2), flops(5), flops(10));
    assert!(two < five && five < ten, "{two} {five} {ten}");
}

#[test]
fn recall_is_measured_on_the_same_rows_whatever_the_clusters() {
    let sandbox = Sandbox::with_rows(800);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    let mut seen = Vec::new();
    for (name, options) in [("a", "--clusters 3"), ("b", "--clusters 40 --probes 1"), ("c", "--clusters 40")]
    {
        sandbox.semdedup(&format!("cluster e {options} --seed 2 --out {name}")).succeeded();
        let files = format!("--centroids {name}/centroids.npy --assignments {name}/assignments.npy");
        let score = |options: &str| {
            // A random ranking does not depend on the clusters, so the duplicates are the same.
            let typed = format!("score e {files} --keep random --out {name}.parquet --overwrite {options}");
            sandbox.summary(&typed)
        };
        let summary = score("--recall-sample 150");
        let rows: Vec<u64> =
            summary["recall"].as_array().unwrap().iter().map(|at| number(at, "rows")).collect();
        assert_eq!((number(&summary, "recall_sample"), rows.len()), (150, 9));
        seen.push(rows);
        let summary = score("--recall-sample 0");
        assert_eq!((number(&summary, "recall_sample"), &summary["recall"]), (0, &serde_json::json!([])));
    }
    assert!(seen[0][0] > 0 && seen[0].is_sorted(), "{seen:?}");
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[test]
fn every_duplicate_in_small_data_is_found() {
    for keep in ["hard", "easy", "random"] {
        let sandbox = Sandbox::with_rows(2_000);
        let summary = sandbox.summary(&format!("run data.jsonl --keep {keep} --out out"));
        assert_eq!(number(&summary, "clusters"), 1);
        let recall = summary["recall"].as_array().unwrap();
        assert!(recall.len() >= 8, "{summary}");
        for at in recall {
            assert!(number(at, "rows") >= 400, "{at}");
            assert_eq!(at["recall"], 1.0, "{at}");
            assert!(number(at, "rows_distinct") == 0 || at["recall_distinct"] == 1.0, "{at}");
        }
        assert!(recall.iter().any(|at| number(at, "rows_distinct") > 300), "{summary}");
    }
}

/// Returns 5,000 copies of one text among 1,500 others, and the rows of the copies.
fn crowd() -> (Vec<String>, Vec<usize>) {
    let mut others = texts(2_500).into_iter().step_by(5).cycle();
    let mut rows = Vec::new();
    let mut copies = Vec::new();
    for row in 0..6_500 {
        if row % 13 < 10 {
            copies.push(row);
            rows.push("The same notice stands under each and every page of this site.".to_owned());
        } else {
            rows.push(others.next().unwrap());
        }
    }
    (rows, copies)
}

#[test]
fn only_the_first_ranking_of_thousands_of_copies_stays() {
    let sandbox = Sandbox::new();
    let (rows, copies) = crowd();
    sandbox.write("data.jsonl", jsonl(&rows));
    let ids: Vec<String> = copies.iter().map(|row| format!("r{row}")).collect();
    for probes in ["1", "auto"] {
        for keep in ["hard", "easy", "random"] {
            let out = format!("{keep}-{probes}");
            let options = format!("--clusters 30 --probes {probes} --keep {keep} --seed 7 --epsilon 0.001");
            sandbox
                .semdedup(&format!("run data.jsonl --id-column id --work w --out {out} {options}"))
                .succeeded();
            let removed = sandbox.column(&format!("{out}/removed.parquet"), "id");
            let of = sandbox.column(&format!("{out}/removed.parquet"), "duplicate_of");
            let gone: std::collections::HashMap<&String, &String> = removed.iter().zip(&of).collect();
            let kept: Vec<&String> = ids.iter().filter(|id| !gone.contains_key(id)).collect();
            assert_eq!(kept.len(), 1, "{out}");
            // All copies are equally similar to their centroid, so the first row ranks first,
            // unless the ranking is random.
            assert_eq!(kept[0] == &ids[0], keep != "random", "{out}: {kept:?}");
            assert!(ids.iter().filter(|id| *id != kept[0]).all(|id| gone[id] == kept[0]), "{out}");
        }
    }
}
