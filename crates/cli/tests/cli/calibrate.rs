//! `calibrate`: what labels say of a finished run.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use super::support::{Sandbox, npy_f32, parquet, texts};

/// The cosine of each pair of rows `2i` and `2i + 1`, and whether they say the same. Other rows are at right
/// angles to each other.
fn judged() -> Vec<(f32, bool)> {
    let of = |cosine: f32, pairs: usize, same: usize| (0..pairs).map(move |pair| (cosine, pair < same));
    of(0.995, 12, 12).chain(of(0.96, 8, 6)).chain(of(0.91, 4, 1)).collect()
}

/// A run over rows with these cosines: `a0` and `b0`, `a1` and `b1`, and so on.
fn with_pairs() -> Sandbox {
    let (sandbox, pairs) = (Sandbox::new(), judged());
    let dim = 2 * pairs.len();
    let mut values = vec![0.0; dim * dim];
    let mut rows = "id,text\n".to_owned();
    for (pair, (cosine, _)) in pairs.iter().enumerate() {
        let (first, second) = (2 * pair, 2 * pair + 1);
        values[first * dim + first] = 1.0;
        values[second * dim + first] = *cosine;
        values[second * dim + second] = (1.0 - cosine * cosine).sqrt();
        rows += &format!("a{pair},one {pair}\nb{pair},other {pair}\n");
    }
    sandbox.write("rows.csv", rows);
    sandbox.write("rows.npy", npy_f32(&values, dim));
    sandbox.semdedup("run rows.csv --embeddings rows.npy --id-column id --out out").succeeded();
    sandbox
}

/// The labels of all pairs.
fn labels() -> String {
    let label = |(pair, (_, same)): (usize, &(f32, bool))| format!("a{pair},b{pair},{same}\n");
    std::iter::once("id_a,id_b,same\n".to_owned()).chain(judged().iter().enumerate().map(label)).collect()
}

/// Wilson's interval, solved for the share by halving: a share is inside if the score test accepts it.
fn wilson(count: f64, of: f64) -> [f64; 2] {
    let (share, z) = (count / of, 1.959_963_984_540_054);
    let accepts = |p: f64| (share - p).powi(2) <= z * z * p * (1.0 - p) / of;
    [0.0, 1.0].map(|end: f64| {
        let (mut inside, mut outside) = (share, end);
        for _ in 0..100 {
            let middle = (inside + outside) / 2.0;
            if accepts(middle) { inside = middle } else { outside = middle }
        }
        inside
    })
}

#[track_caller]
fn assert_estimate(found: &Value, expected: Option<(u64, u64)>) {
    let Some((count, of)) = expected else {
        assert!(found.is_null(), "{found}");
        return;
    };
    assert_eq!((&found["count"], &found["of"]), (&json!(count), &json!(of)), "{found}");
    let interval = wilson(count as f64, of as f64);
    for (end, expected) in interval.into_iter().enumerate() {
        assert!((found["interval"][end].as_f64().unwrap() - expected).abs() < 1e-9, "{found} {interval:?}");
    }
}

fn at(found: &Value, epsilon: f64) -> &Value {
    let is_there = |at: &&Value| (at["epsilon"].as_f64().unwrap() - epsilon).abs() < 1e-12;
    found["table"].as_array().unwrap().iter().find(is_there).unwrap_or_else(|| panic!("{epsilon}: {found}"))
}

#[test]
fn labelled_pairs_give_precision_and_coverage_at_each_epsilon() {
    let sandbox = with_pairs();
    sandbox.write("labels.csv", labels());
    let found = sandbox.summary("calibrate out --pairs labels.csv");
    for (epsilon, precision, coverage) in [
        (0.001, None, Some((0, 19))),
        (0.01, Some((12, 12)), Some((12, 19))),
        (0.05, Some((18, 20)), Some((18, 19))),
        (0.07, Some((18, 20)), Some((18, 19))),
        // All labelled pairs are above 0.91, so 1 − 0.09 is known and 0.8 is not.
        (0.2, None, None),
    ] {
        let at = at(&found, epsilon);
        assert_estimate(&at["precision"], precision);
        assert_estimate(&at["coverage"], coverage);
    }
    let table = sandbox.semdedup("calibrate out --pairs labels.csv").succeeded().stdout;
    assert!(table.starts_with("labels  24 pairs: 19 the same, 5 not; each pair counts once\n"), "{table}");
    let row = table.lines().find(|line| line.trim_start().starts_with("0.05 ")).unwrap();
    assert_eq!(
        row.split_whitespace().collect::<Vec<_>>().join(" "),
        "0.05 90.0 % 69.9 % to 97.2 % 20 94.7 % 75.4 % to 99.1 % 19"
    );
}

#[test]
fn epsilon_is_chosen_on_one_half_and_confirmed_or_not_by_the_other() {
    let sandbox = with_pairs();
    sandbox.write("labels.csv", labels());
    let mut verdicts = HashSet::new();
    for seed in 0..12 {
        let typed = format!("calibrate out --pairs labels.csv --precision 0.9 --seed {seed}");
        let found = sandbox.summary(&typed);
        let choice = &found["choice"];
        let Some(epsilon) = choice["epsilon"].as_f64() else {
            verdicts.insert(choice["verdict"].to_string());
            continue;
        };
        if choice["other_half"].is_null() {
            assert_eq!(choice["verdict"], "unknown", "{choice}");
            continue;
        }
        let share = |half: &str| choice[half]["share"].as_f64().unwrap();
        assert!(share("chosen_on") >= 0.9, "{choice}");
        let count = |half: &str| choice[half]["of"].as_u64().unwrap();
        assert_eq!(
            count("chosen_on") + count("other_half"),
            choice["all"]["precision"]["of"].as_u64().unwrap()
        );
        let upper = choice["other_half"]["interval"][1].as_f64().unwrap();
        let expected = match share("other_half") {
            share if share >= 0.9 => "confirmed",
            _ if upper >= 0.9 => "within_interval",
            _ => "not_confirmed",
        };
        assert_eq!(choice["verdict"], expected, "{choice}");
        verdicts.insert(choice["verdict"].to_string());
        assert_eq!(at(&found, epsilon), &choice["all"]);
        let text = sandbox.semdedup(&typed).succeeded().stdout;
        let said = match expected {
            "confirmed" => "confirmed: the other half reaches",
            "within_interval" => "neither confirmed nor refuted",
            _ => "NOT CONFIRMED",
        };
        assert!(text.contains(said), "{text}");
    }
    assert!(verdicts.len() > 1, "{verdicts:?}");
}

#[test]
fn labels_that_do_not_count_are_counted_and_named() {
    let sandbox = with_pairs();
    let odd =
        "a0,nobody,true\nb1,a1,true\na2,b2,true\na3,b3,false\na4,b4,perhaps\na5,a5,true\na6,b6,unsure\n";
    sandbox.write("labels.csv", labels() + odd);
    let found = sandbox.summary("calibrate out --pairs labels.csv");
    let pairs = &found["pairs"];
    let numbers = ["labels", "pairs", "unsure", "repeated"].map(|name| pairs[name].as_u64().unwrap());
    // Pair 3 is contradicted, so neither label counts.
    assert_eq!(numbers, [31, 23, 1, 2], "{pairs}");
    for (name, count, example) in [
        ("bad_rows", 2, "row 28: same is \"perhaps\""),
        ("unknown_ids", 1, "nobody (row 24)"),
        ("contradicting", 1, "a3 and b3 (row 3)"),
    ] {
        assert_eq!(
            (&pairs[name]["count"], &pairs[name]["examples"][0]),
            (&json!(count), &json!(example)),
            "{pairs}"
        );
    }
    let text = sandbox.semdedup("calibrate out --pairs labels.csv").succeeded().stdout;
    assert!(text.contains("unknown ids") && text.contains("1 left out, such as nobody (row 24)"), "{text}");
}

#[test]
fn rows_without_direction_and_rows_that_could_not_be_read_are_not_comparable() {
    let sandbox = Sandbox::new();
    let mut rows = String::new();
    for (row, text) in texts(60).iter().enumerate() {
        rows += &format!("{}\n", json!({"id": row, "text": if row == 5 { "" } else { text }}));
    }
    sandbox.write("data.jsonl", rows + "{\"id\": 60, \"text\": 7}\n");
    sandbox.semdedup("run data.jsonl --id-column id --out out").skipped_rows();
    let pairs = (6..30).map(|row| format!("{{\"id_a\": {row}, \"id_b\": {}, \"same\": true}}\n", row + 30));
    sandbox.write("labels.jsonl", pairs.collect::<String>() + "{\"id_a\": 5, \"id_b\": 6, \"same\": 1}\n");
    let found = sandbox.summary("calibrate out --pairs labels.jsonl");
    assert_eq!(found["pairs"]["not_comparable"]["examples"], json!(["5 and 6 (row 24)"]));
    assert_eq!(found["pairs"]["pairs"], 24);
}

#[test]
fn few_labels_missing_files_and_numbers_out_of_range_are_refused() {
    let sandbox = with_pairs();
    sandbox.write("few.csv", labels().lines().take(11).map(|line| format!("{line}\n")).collect::<String>());
    sandbox.write("ids.csv", labels().replace(",b", ",x"));
    sandbox.write("plot.svg", "mine");
    for (typed, words, hint) in [
        ("--pairs few.csv", &["10 labelled pairs count of 10 labels", "20 are needed"][..], "semdedup label"),
        ("--pairs ids.csv", &["0 labelled pairs", "unknown ids: 24, such as x0 (row 0)"], "semdedup label"),
        ("--pairs nowhere.csv", &["nowhere.csv"], ""),
        ("--pairs rows.csv", &["rows.csv: no column `id_a`; columns are id, text"], "id_a, id_b, same"),
        ("--group-column verse", &["no column `verse`"], "every file"),
        ("--group-column id", &["0 rows share their value", "20 are needed"], "equal values"),
        ("--pairs few.csv --precision 95", &["precision of 95", "at most 1"], "0.95"),
        ("--pairs few.csv --svg plot.svg", &["plot.svg", "exists already"], "--svg"),
        ("", &["--pairs", "--group-column"], "--help"),
        ("--pairs few.csv --group-column id", &["--pairs"], "--help"),
    ] {
        sandbox.semdedup(&format!("calibrate out {typed}")).failed_with(words).hinted(hint);
    }
    assert_eq!(sandbox.text("plot.svg"), "mine");
}

/// Rows of which each five have a group: of the first three, the last two say nearly the same.
fn grouped() -> Vec<(String, String)> {
    let group = |row: usize| {
        if row % 5 == 4 && row.is_multiple_of(3) { "odd".to_owned() } else { format!("g{}", row / 5) }
    };
    texts(200).into_iter().enumerate().map(|(row, text)| (group(row), text)).collect()
}

/// Precision and coverage by their definition, from `scores.parquet`.
fn by_definition(sandbox: &Sandbox, epsilon: f64) -> [(u64, u64); 2] {
    let column = |name: &str| sandbox.column("out/scores.parquet", name);
    let (scores, of) = (column("score"), column("duplicate_of_row"));
    let groups: Vec<String> = grouped().into_iter().map(|(group, _)| group).collect();
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    groups.iter().for_each(|group| *sizes.entry(group).or_default() += 1);
    let removed =
        (0..groups.len()).filter(|&row| f64::from(scores[row].parse::<f32>().unwrap()) > 1.0 - epsilon);
    let removed: HashMap<usize, usize> = removed.map(|row| (row, of[row].parse().unwrap())).collect();
    let right = |(row, of): &(&usize, &usize)| groups[**row] == groups[**of];
    let right: Vec<(&usize, &usize)> = removed.iter().filter(right).collect();
    let covered: HashSet<&usize> = right.iter().flat_map(|(row, of)| [*row, *of]).collect();
    let siblings = groups.iter().filter(|group| sizes[group.as_str()] > 1).count() as u64;
    [(right.len() as u64, removed.len() as u64), (covered.len() as u64, siblings)]
}

#[test]
fn a_column_of_groups_gives_precision_and_coverage_in_every_format() {
    let rows = grouped();
    let json: String =
        rows.iter().map(|(group, text)| format!("{}\n", json!({"text": text, "verse": group}))).collect();
    let csv: String = rows.iter().map(|(group, text)| format!("{text},{group}\n")).collect();
    let mut found = Vec::new();
    for (name, bytes) in [("rows.jsonl", json), ("rows.csv", format!("text,verse\n{csv}"))] {
        let sandbox = Sandbox::new();
        sandbox.write(name, bytes);
        sandbox.semdedup(&format!("run {name} --out out")).succeeded();
        let calibrated = sandbox.summary("calibrate out --group-column verse --precision 0.8 --svg plot.svg");
        for epsilon in [0.005, 0.05, 0.1, 0.3] {
            let [precision, coverage] = by_definition(&sandbox, epsilon);
            let at = at(&calibrated, epsilon);
            let counts = |name: &str| {
                (at[name]["count"].as_u64().unwrap_or_default(), at[name]["of"].as_u64().unwrap_or_default())
            };
            assert_eq!((counts("precision"), counts("coverage")), (precision, coverage), "{name} {epsilon}");
        }
        assert!(sandbox.text("plot.svg").starts_with("<svg"));
        let one = sandbox.semdedup("--threads 1 calibrate out --group-column verse --precision 0.8 --json");
        assert_eq!(one.succeeded().json(), calibrated);
        found.push(calibrated);
    }
    assert_eq!(found[0], found[1]);
}

#[test]
fn a_column_of_parquet_is_a_column_of_groups_and_changed_input_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("rows.parquet", parquet(&texts(100)));
    sandbox.semdedup("run rows.parquet --id-column id --out out").succeeded();
    let found = sandbox.summary("calibrate out --group-column length");
    assert!(found["groups"]["rows_with_sibling"].as_u64().unwrap() > 20, "{found}");
    sandbox.write("rows.parquet", parquet(&texts(90)));
    sandbox.semdedup("calibrate out --group-column length").failed_with(&["rows.parquet", "changed"]);
}
