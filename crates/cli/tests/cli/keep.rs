//! Which row of a set of duplicates stays: by columns, in any format, resumed or not.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::support::{Random, Sandbox, number, texts};

/// A row: many have the text of another one.
struct Row {
    text: String,
    /// NaN in some rows, and none in others.
    quality: Option<f64>,
    length: Option<i64>,
    source: Option<&'static str>,
    date: String,
}

/// Returns rows of which each text has one to six copies at random places.
fn rows(count: usize) -> Vec<Row> {
    let mut random = Random(count as u64);
    let distinct: Vec<String> = texts(2 * count).into_iter().step_by(5).collect();
    let row = |_| Row {
        text: distinct[random.below(count / 3)].clone(),
        quality: match random.below(8) {
            0 => None,
            1 => Some(f64::NAN),
            2 => Some(-0.0),
            number => Some(number as f64 / 4.0 - 0.75),
        },
        length: (random.below(9) > 0).then(|| random.below(3) as i64 - 1),
        source: [None, Some("wiki"), Some("books"), Some("web"), Some("mail, lists")][random.below(5)],
        date: format!("202{}-0{}-11", random.below(3), 1 + random.below(3)),
    };
    (0..count).map(row).collect()
}

fn jsonl(rows: &[Row]) -> Vec<u8> {
    let line = |(row, Row { text, quality, length, source, date }): (usize, &Row)| {
        // Python writes NaN.
        let quality = quality
            .map_or("null".to_owned(), |q| if q.is_nan() { "NaN".to_owned() } else { json!(q).to_string() });
        let rest = json!({"text": text, "length": length, "source": source, "date": date}).to_string();
        format!("{{\"id\": {row}, \"quality\": {quality}, \"meta\": {rest}, {}\n", &rest[1..])
    };
    rows.iter().enumerate().map(line).collect::<String>().into_bytes()
}

fn csv(rows: &[Row]) -> Vec<u8> {
    let line = |(row, Row { text, quality, length, source, date }): (usize, &Row)| {
        let quality = quality.map_or_else(String::new, |quality| quality.to_string());
        let length = length.map_or_else(String::new, |length| length.to_string());
        format!("{row},\"{text}\",{quality},{length},\"{}\",{date}\n", source.unwrap_or_default())
    };
    let lines: String = rows.iter().enumerate().map(line).collect();
    format!("id,text,quality,length,source,date\n{lines}").into_bytes()
}

fn batch(rows: &[Row]) -> RecordBatch {
    let ids: ArrayRef = Arc::new((0..rows.len() as i64).collect::<Int64Array>());
    let text = rows.iter().map(|row| Some(row.text.as_str())).collect::<StringArray>();
    let quality = rows.iter().map(|row| row.quality).collect::<Float64Array>();
    let length = rows.iter().map(|row| row.length).collect::<Int64Array>();
    let source = rows.iter().map(|row| row.source).collect::<StringArray>();
    let date = rows.iter().map(|row| Some(row.date.as_str())).collect::<StringArray>();
    RecordBatch::try_from_iter([
        ("id", ids),
        ("text", Arc::new(text)),
        ("quality", Arc::new(quality)),
        ("length", Arc::new(length)),
        ("source", Arc::new(source)),
        ("date", arrow_cast::cast(&date, &arrow_schema::DataType::Date32).unwrap()),
    ])
    .unwrap()
}

fn parquet(rows: &[Row]) -> Vec<u8> {
    let batch = batch(rows);
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn arrow(rows: &[Row]) -> Vec<u8> {
    let batch = batch(rows);
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// A shard with a `.txt` and a `.json` for each row.
fn shard(rows: &[Row]) -> Vec<u8> {
    let mut shard = tar::Builder::new(Vec::new());
    let lines = String::from_utf8(jsonl(rows)).unwrap();
    for ((number, row), line) in rows.iter().enumerate().zip(lines.lines()) {
        for (name, bytes) in [("txt", row.text.as_bytes()), ("json", line.as_bytes())] {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            shard.append_data(&mut header, format!("{number:06}.{name}"), bytes).unwrap();
        }
    }
    shard.into_inner().unwrap()
}

/// The order of two values, of which the smaller one is first, and none last.
fn ascending<T: PartialOrd>(a: Option<T>, b: Option<T>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap(),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

/// The rows that are not the first of their text in this order: what has to go.
fn not_first(rows: &[Row], order: impl Fn(&Row, &Row) -> Ordering) -> BTreeSet<String> {
    let is_beaten = |row: usize| {
        (0..rows.len()).any(|other| {
            rows[other].text == rows[row].text
                && order(&rows[other], &rows[row]).then(other.cmp(&row)).is_lt()
        })
    };
    (0..rows.len()).filter(|&row| is_beaten(row)).map(|row| row.to_string()).collect()
}

/// Runs with these keys and returns the ids of the removed rows.
fn removed(sandbox: &Sandbox, typed: &str, keep: &str, out: &str) -> BTreeSet<String> {
    let mut command = sandbox.command(&format!("run {typed} --epsilon 0.001 --out {out} --keep"));
    super::support::Finished::from(command.arg(keep).output().unwrap()).succeeded();
    sandbox.column(&format!("{out}/removed.parquet"), "id").into_iter().collect()
}

/// The formats, with what to type for each.
fn write_all(sandbox: &Sandbox, rows: &[Row]) -> [String; 5] {
    sandbox.write("data.jsonl", jsonl(rows));
    sandbox.write("data.csv", csv(rows));
    sandbox.write("data.parquet", parquet(rows));
    sandbox.write("data.arrow", arrow(rows));
    sandbox.write("data.tar", shard(rows));
    ["jsonl", "csv", "parquet", "arrow", "tar"].map(|format| {
        let prefix = if format == "tar" { "json." } else { "" };
        format!("data.{format} --id-column {prefix}id")
    })
}

fn quality(row: &Row) -> Option<f64> {
    row.quality.filter(|quality| !quality.is_nan())
}

#[test]
fn of_equal_rows_the_first_by_the_keys_stays_in_every_format() {
    let (sandbox, rows) = (Sandbox::new(), rows(300));
    let place = |row: &Row| {
        let list = ["books", "mail, lists"];
        row.source.map(|source| list.iter().position(|listed| *listed == source).unwrap_or(list.len()))
    };
    let best = not_first(&rows, |a, b| ascending(quality(a).map(|q| -q), quality(b).map(|q| -q)));
    let several = not_first(&rows, |a, b| {
        let by_source = ascending(place(a), place(b));
        by_source.then(ascending(a.length, b.length)).then(b.date.cmp(&a.date))
    });
    assert!(best.len() > 100 && best != several);
    for (number, typed) in write_all(&sandbox, &rows).iter().enumerate() {
        let column =
            |name: &str| if typed.contains(".tar") { format!("json.{name}") } else { name.to_owned() };
        let keep = format!("max:{}", column("quality"));
        assert_eq!(removed(&sandbox, typed, &keep, &format!("best-{number}")), best, "{typed}");
        let [source, length, date] = ["source", "length", "date"].map(column);
        let keep = format!("prefer:{source}=books,\"mail, lists\",min:{length},max:{date}");
        assert_eq!(removed(&sandbox, typed, &keep, &format!("several-{number}")), several, "{typed}");
    }
}

#[test]
fn words_columns_inside_others_and_files_of_several_formats_rank_too() {
    let (sandbox, rows) = (Sandbox::new(), rows(200));
    sandbox.write("data.jsonl", jsonl(&rows));
    let first = not_first(&rows, |_, _| Ordering::Equal);
    assert_eq!(removed(&sandbox, "data.jsonl --id-column id", "first", "first"), first);
    let shortest = not_first(&rows, |a, b| ascending(a.length, b.length));
    assert_eq!(removed(&sandbox, "data.jsonl --id-column id", "min:meta.length", "inner"), shortest);
    // The rows of two files are one list.
    let half = rows.len() / 2;
    sandbox.write("both/a.csv", csv(&rows[..half]));
    sandbox.write("both/b.parquet", parquet(&rows[half..]));
    let best = not_first(&rows, |a, b| ascending(quality(a).map(|q| -q), quality(b).map(|q| -q)));
    let gone: BTreeSet<String> = removed(&sandbox, "both", "max:quality,first", "both-out")
        .iter()
        .map(|name| match name.split_once(':').unwrap() {
            ("b.parquet", row) => (row.parse::<usize>().unwrap() + half).to_string(),
            (_, row) => row.to_owned(),
        })
        .collect();
    assert_eq!(gone, best);
}

#[test]
fn the_longest_of_texts_that_count_as_equal_stays() {
    let sandbox = Sandbox::new();
    let text = "The old harbour  lay behind the market";
    let lines =
        [text.to_lowercase(), format!("   {text}  "), text.replace("  ", " "), "Nothing else.".to_owned()];
    sandbox.write("rows.txt", lines.join("\n") + "\n");
    assert_eq!(
        removed(&sandbox, "rows.txt", "longest", "out"),
        ["rows.txt:0", "rows.txt:2"].map(str::to_owned).into()
    );
    assert_eq!(sandbox.text("out/kept/rows.txt"), format!("{}\n{}\n", lines[1], lines[3]));
    // Characters count, not bytes.
    sandbox.write("rows.txt", "ÄÖÜ äöü ÄÖÜ\nÄÖÜ äöü  ÄÖÜ\n");
    assert_eq!(removed(&sandbox, "rows.txt", "longest", "other"), ["rows.txt:0".to_owned()].into());
}

#[test]
fn the_summary_and_the_report_name_the_keys_and_the_rows_without_a_value() {
    let (sandbox, rows) = (Sandbox::new(), rows(200));
    sandbox.write("data.jsonl", jsonl(&rows));
    let typed = "run data.jsonl --keep max:quality,min:length --out out";
    let said = sandbox.semdedup(typed).succeeded();
    let line = said.stdout.lines().find(|line| line.starts_with("kept first"));
    assert!(line.is_some_and(|line| line.ends_with(" max:quality,min:length,first")), "{}", said.stdout);
    let summary = sandbox.summary(typed);
    assert_eq!(summary["keep"], "max:quality,min:length,first");
    let without = |value: fn(&Row) -> bool| rows.iter().filter(|row| value(row)).count() as u64;
    let [quality, length] = [without(|row| quality(row).is_none()), without(|row| row.length.is_none())];
    assert!(quality > 0 && length > 0 && quality != length);
    assert_eq!(summary["without_value"], json!({"max:quality": quality, "min:length": length}));
    assert!(said.stdout.contains(&format!("max:quality: {quality} rows without a value")), "{}", said.stdout);
    let plain = sandbox.summary("run data.jsonl --out plain");
    assert_eq!((&plain["keep"], plain.get("without_value")), (&json!("hard"), None));
}

#[test]
fn a_target_is_met_by_the_same_rows_from_the_scores_alone() {
    let (sandbox, rows) = (Sandbox::new(), rows(300));
    sandbox.write("data.jsonl", jsonl(&rows));
    for keep in ["max:quality", "max:quality,hard", "min:length,random", "hard"] {
        for kept in [120, 200] {
            let run =
                format!("run data.jsonl --work work --keep {keep} --keep-rows {kept} --out run --overwrite");
            sandbox.semdedup(&run).succeeded();
            let select = format!("select run/scores.parquet --keep-rows {kept} --out selected --overwrite");
            sandbox.semdedup(&select).succeeded();
            let [run, selected] =
                ["run", "selected"].map(|out| sandbox.column(&format!("{out}/removed.parquet"), "id"));
            assert_eq!((run.len(), &run), (rows.len() - kept, &selected), "{keep}, {kept}");
        }
        let fields = sandbox.parquet_metadata("run/scores.parquet").schema().fields().clone();
        assert_eq!(fields.iter().any(|field| field.name() == "keep_rank"), keep != "hard");
    }
}

#[test]
fn another_epsilon_reads_no_column_again_and_other_keys_repeat_only_what_depends_on_them() {
    let (sandbox, rows) = (Sandbox::new(), rows(200));
    sandbox.write("data.jsonl", jsonl(&rows));
    let run = |keep: &str, rest: &str, out: &str| {
        let typed = format!("run data.jsonl --work work --keep {keep} {rest} --out {out}");
        sandbox.summary(&typed)["reused_stages"].clone()
    };
    assert_eq!(run("max:quality", "--epsilon 0.01", "a"), json!([]));
    assert_eq!(
        run("max:quality", "--epsilon 0.2", "b"),
        json!(["embed", "train", "assign", "rank", "score", "recall"])
    );
    assert_eq!(run("max:quality,hard", "--epsilon 0.2", "c"), json!(["embed", "train", "assign", "rank"]));
    assert_eq!(run("min:quality", "--epsilon 0.2", "d"), json!(["embed", "train", "assign"]));
    assert_eq!(run("hard", "--epsilon 0.2", "e"), json!(["embed", "train", "assign"]));
    let seconds =
        sandbox.summary("run data.jsonl --work work --keep hard --epsilon 0.2 --out e")["seconds"].clone();
    assert!(seconds.get("score").is_some() && seconds.get("rank").is_none(), "{seconds}");
    sandbox.semdedup("run data.jsonl --keep max:quality --epsilon 0.2 --out fresh").succeeded();
    assert_eq!(sandbox.result("b"), sandbox.result("fresh"));
    // A value that changes is read again.
    let changed: Vec<Row> =
        rows.into_iter().map(|row| Row { quality: row.quality.map(|q| -q), ..row }).collect();
    sandbox.write("data.jsonl", jsonl(&changed));
    let reused = run("max:quality", "--epsilon 0.2 --overwrite", "b");
    assert_eq!(reused, json!([]));
}

#[test]
fn any_number_of_threads_and_any_memory_give_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", jsonl(&rows(3000)));
    let run = |options: &str, out: &str| {
        let typed =
            format!("run data.jsonl --clusters 20 --keep max:quality,min:length {options} --out {out}");
        let summary = sandbox.summary(&typed);
        assert!(number(&summary, "rows_removed") > 1500);
        sandbox.result(out)
    };
    let expected = run("--threads 1", "one");
    for (options, out) in [("--threads 2", "two"), ("--threads 5", "five"), ("--memory 256MiB", "little")] {
        assert!(run(options, out) == expected, "{options}");
    }
}

#[cfg(unix)]
#[test]
fn a_run_killed_at_any_moment_resumes_with_the_same_ranks() {
    use std::process::Stdio;
    use std::time::Instant;

    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", jsonl(&rows(20_000)));
    let start = |out: &str| {
        let typed = format!("run data.jsonl --keep max:quality,min:length --recall-sample 0 --out {out}");
        sandbox.command(&typed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let started = Instant::now();
    assert!(start("undisturbed").wait().unwrap().success());
    let whole = started.elapsed();
    let expected = sandbox.result("undisturbed");
    let mut killed = 0;
    for moment in 1..=15 {
        let (mut child, started) = (start("killed"), Instant::now());
        while started.elapsed() < whole * moment / 16 {
            std::hint::spin_loop();
        }
        killed += u32::from(child.try_wait().unwrap().is_none());
        // The process may have just ended.
        let _ = child.kill();
        child.wait().unwrap();
        assert!(start("killed").wait().unwrap().success());
        assert!(sandbox.result("killed") == expected, "other bytes, killed at {moment} of 16");
        std::fs::remove_dir_all(sandbox.path("killed")).unwrap();
    }
    assert!(killed > 3, "only {killed} runs were killed before they ended");
}
