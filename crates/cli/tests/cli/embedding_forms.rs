//! Embeddings as strings, as bytes and as members of shards.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::support::{Sandbox, npy_f32, number};

const DIM: usize = 8;

/// Embeddings of 40 rows, of which the second half repeats the first.
fn rows() -> Vec<Vec<f32>> {
    let value = |row: usize, column: usize| ((row % 20 * 31 + column * 17) % 23) as f32 / 4.0 - 2.5;
    (0..40).map(|row| (0..DIM).map(|column| value(row, column)).collect()).collect()
}

fn parquet_of(values: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let column: ArrayRef = Arc::new(values.into_iter().map(Some).collect::<BinaryArray>());
    let batch = RecordBatch::try_from_iter([("emb", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn bytes_of(row: &[f32]) -> Vec<u8> {
    row.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Writes the embeddings in every form.
fn with_forms() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines: Vec<String> = rows().iter().map(|row| json!({"emb": row}).to_string()).collect();
    sandbox.write("lists.jsonl", lines.join("\n"));
    let lines: Vec<String> =
        rows().iter().map(|row| json!({"emb": json!(row).to_string()}).to_string()).collect();
    sandbox.write("strings.jsonl", lines.join("\n"));
    let fields: Vec<String> = rows().iter().map(|row| format!("x,\"{}\"", json!(row))).collect();
    sandbox.write("strings.csv", format!("id,emb\n{}\n", fields.join("\n")));
    sandbox.write("bytes.parquet", parquet_of(rows().iter().map(|row| bytes_of(row))));
    let doubles = |row: &Vec<f32>| row.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect();
    sandbox.write("doubles.parquet", parquet_of(rows().iter().map(doubles)));
    let mut shard = tar::Builder::new(Vec::new());
    for (row, values) in rows().iter().enumerate() {
        let data = npy_f32(values, DIM);
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        shard.append_data(&mut header, format!("{row:04}.npy"), &data[..]).unwrap();
    }
    sandbox.write("shard.tar", shard.into_inner().unwrap());
    sandbox
}

#[test]
fn embeddings_of_any_form_remove_what_lists_remove_on_any_number_of_threads() {
    let sandbox = with_forms();
    let run = |file: &str, options: &str, out: &str| {
        let typed = format!("run {file} {options} --epsilon 0.0001 --out {out}");
        let plan = sandbox.semdedup(&format!("{typed} --dry-run")).succeeded().stdout;
        let summary = sandbox.summary(&typed);
        let model = summary["model"].as_str().unwrap().to_owned();
        let compared = format!("given embeddings of 1 file ({model})");
        assert!(plan.contains(&compared), "{plan}");
        assert_eq!((number(&summary, "rows_in"), number(&summary, "dim")), (40, DIM as u64));
        // The same command again finds its result.
        let again = sandbox.semdedup(&typed).succeeded();
        assert!(again.stdout.contains(&compared), "{again:?}");
        let removed = ["row", "duplicate_of"].map(|column| {
            let ids = sandbox.column(&format!("{out}/removed.parquet"), column);
            // Without ids, a row is called by file and number.
            ids.iter().map(|id| id.rsplit(':').next().unwrap().to_owned()).collect::<Vec<_>>()
        });
        (removed, model)
    };
    let (expected, model) = run("lists.jsonl", "--embedding-column emb", "lists");
    assert_eq!((expected[0].len(), model.as_str()), (20, "column emb"));
    for (file, options, name) in [
        ("strings.jsonl", "--embedding-column emb", "column emb of strings"),
        ("strings.csv", "--embedding-column emb --dim 8", "column emb of strings"),
        ("bytes.parquet", "--embedding-column emb --dtype f32", "column emb of bytes as float32"),
        ("doubles.parquet", "--embedding-column emb --dtype f64 --dim 8", "column emb of bytes as float64"),
        ("shard.tar", "--embedding-column npy", "member npy"),
    ] {
        for threads in [1, 3] {
            let out = format!("{}{threads}", file.replace('.', ""));
            let (removed, model) = run(file, &format!("{options} --threads {threads}"), &out);
            assert_eq!((&removed, model.as_str()), (&expected, name), "{file}");
        }
        let out = file.replace('.', "");
        assert_eq!(sandbox.result(&format!("{out}1")), sandbox.result(&format!("{out}3")));
    }
}

#[test]
fn another_type_of_the_same_bytes_is_another_run() {
    let sandbox = with_forms();
    // From 1 to 2 in size, float16 have the bytes of bfloat16 from 2⁻⁷ to 1: either may be meant.
    let half = |x: &f32| half::f16::from_f32(if *x < 0.0 { x / 4.0 - 1.0 } else { x / 4.0 + 1.0 });
    let halves = |row: &Vec<f32>| row.iter().flat_map(|x| half(x).to_le_bytes()).collect();
    sandbox.write("halves.parquet", parquet_of(rows().iter().map(halves)));
    let run = |dtype: &str, work: &str, out: &str| {
        let typed = format!("run halves.parquet --embedding-column emb --dtype {dtype} --work {work}");
        sandbox.semdedup(&format!("{typed} --out {out}")).succeeded();
        sandbox.column(&format!("{out}/scores.parquet"), "score")
    };
    let first = run("float16", "w", "a");
    let second = run("bfloat16", "w", "b");
    assert_ne!(first, second);
    assert_eq!(second, run("bfloat16", "fresh", "c"), "nothing of the other type is reused");
    sandbox
        .semdedup("run halves.parquet --embedding-column emb --dtype bfloat16 --out a")
        .failed_with(&["holds another result"]);
}

/// Returns pseudo-random numbers around 0, most of them small.
fn random(count: u64) -> Vec<f64> {
    let unit = |index: u64| {
        let bits = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bits = (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((bits ^ (bits >> 32)) >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(|at| (0..4).map(|nth| unit(4 * at + nth) - 0.5).sum::<f64>() / 8.0).collect()
}

#[test]
fn bytes_of_another_type_are_refused_with_the_likely_one() {
    let sandbox = Sandbox::new();
    let values = random(40 * 64);
    let stored: [(&str, Vec<u8>); 4] = [
        ("float16", values.iter().flat_map(|x| half::f16::from_f64(*x).to_le_bytes()).collect()),
        ("bfloat16", values.iter().flat_map(|x| half::bf16::from_f64(*x).to_le_bytes()).collect()),
        ("float32", values.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect()),
        ("float64", values.iter().flat_map(|x| x.to_le_bytes()).collect()),
    ];
    for (dtype, bytes) in &stored {
        let rows = bytes.chunks(bytes.len() / 40).map(<[u8]>::to_vec);
        sandbox.write(&format!("{dtype}.parquet"), parquet_of(rows));
        sandbox.write(&format!("{dtype}.bin"), bytes.clone());
        for (asked, _) in &stored {
            for given in [
                format!("{dtype}.parquet --embedding-column emb --dtype {asked}"),
                format!("--embeddings {dtype}.bin --dim 16 --dtype {asked}"),
            ] {
                let run = sandbox.semdedup(&format!("run {given} --dry-run --out out"));
                if asked == dtype {
                    run.succeeded();
                    continue;
                }
                let problem = format!("its numbers look like {dtype}, not like the {asked} of --dtype");
                run.failed_with(&[problem.as_str()]).hinted(&format!("type --dtype {dtype}"));
            }
        }
    }
    let texts = rows().into_iter().map(|row| json!(row).to_string().into_bytes());
    sandbox.write("texts.parquet", parquet_of(texts));
    sandbox
        .semdedup("run texts.parquet --embedding-column emb --dtype float32 --out out")
        .failed_with(&["column `emb` holds strings, whose numbers have no type of their own"])
        .hinted("leave out --dtype float32");
}

#[test]
fn types_and_dimensions_that_do_not_fit_are_refused() {
    let sandbox = with_forms();
    for (typed, problem, hint) in [
        (
            "bytes.parquet --embedding-column emb",
            "`emb` is bytes, 32 in the first row",
            "float32 makes 8 numbers",
        ),
        (
            "bytes.parquet --embedding-column emb --dtype f32 --dim 9",
            "--dim 9: the embeddings in `emb` have 8",
            "--dim",
        ),
        (
            "strings.csv --embedding-column emb --dim 4",
            "--dim 4: the embeddings in `emb` have 8",
            "leave out --dim",
        ),
        (
            "strings.csv --embedding-column emb --dtype f32",
            "`emb` holds strings",
            "leave out --dtype float32",
        ),
        ("lists.jsonl --embedding-column emb --dtype f64", "`emb` holds lists", "leave out --dtype float64"),
        ("strings.csv --embedding-column id", "`id` is text, not a list of numbers", "such as `[0.1, -0.2]`"),
        ("shard.tar --embedding-column npy --dtype f32", "says what its numbers are", "leave out --dtype"),
        (
            "shard.tar --embedding-column npy --dim 4",
            "--dim 4: the embeddings in `npy` have 8",
            "leave out --dim",
        ),
        ("lists.jsonl --dim 8 --dtype f32", "none are given", "--embedding-column"),
        ("--embeddings x.bin --dtype f32", "--dim and --dtype together", "--dim 512 --dtype float32"),
        ("--embeddings x.bin --dim 8", "--dim and --dtype together", "--dim 512 --dtype float32"),
    ] {
        sandbox.semdedup(&format!("run {typed} --out out")).failed_with(&[problem]).hinted(hint);
        sandbox.has_no_result("out");
    }
    let bytes = |value: f32| bytes_of(&[value; 4]);
    sandbox.write("odd.parquet", parquet_of([1e-30, 1e30, 1e20, 1.0].map(bytes)));
    sandbox
        .semdedup("run odd.parquet --embedding-column emb --dtype f32 --out out")
        .failed_with(&["12 of 16 numbers, read as float32, are no values of embeddings"])
        .hinted("another --dtype");
    sandbox.write("none.csv", "id,emb\n1,\n2,\n");
    sandbox
        .semdedup("run none.csv --embedding-column emb --out out")
        .failed_with(&["no row has an embedding in column `emb`: row 0: no embedding in column `emb`"]);
}

#[test]
fn values_that_are_no_embedding_are_skipped_and_listed_whatever_the_form() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "id,emb\n0,\"[1, 2]\"\n1,\"[1, x]\"\n2,\"[1, 2, 3]\"\n3,[1 ... 2]\n4,\n5,\"[2, 1]\"\n6,\"[1, nan]\"\n");
    let said = sandbox.semdedup("run a.csv --embedding-column emb --out csv --json").skipped_rows();
    assert_eq!((number(&said.json(), "rows_skipped"), number(&said.json(), "non_finite_rows")), (4, 1));
    assert_eq!(
        sandbox.column("csv/skipped.parquet", "reason"),
        [
            "column `emb` is a string that is no list of numbers: `[1, x]`",
            "column `emb` has 3 numbers instead of 2",
            "column `emb` is `[1 ... 2]`, from which numpy left out the middle: the numbers at `...` are lost",
            "no embedding in column `emb`",
        ]
    );
    sandbox.semdedup("run a.csv --embedding-column emb --out s --strict").failed_with(&["row 1", "`[1, x]`"]);
    let rows = [bytes_of(&[1.0, 2.0]), bytes_of(&[2.0, 1.0]), bytes_of(&[1.0]), vec![0; 5]];
    sandbox.write("b.parquet", parquet_of(rows));
    sandbox.semdedup("run b.parquet --embedding-column emb --dtype f32 --out bytes").skipped_rows();
    assert_eq!(
        sandbox.column("bytes/skipped.parquet", "reason"),
        [
            "column `emb` has 1 numbers instead of 2",
            "column `emb` has 5 bytes, which are no whole float32 numbers"
        ]
    );
    let mut shard = tar::Builder::new(Vec::new());
    for (name, data) in [
        ("a.npy", npy_f32(&[1.0, 2.0], 2)),
        ("b.txt", b"no array".to_vec()),
        ("c.npy", npy_f32(&[1.0, 2.0, 3.0], 3)),
        ("d.npy", b"damaged".to_vec()),
        ("e.npy", npy_f32(&[2.0, 1.0], 2)),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        shard.append_data(&mut header, name, &data[..]).unwrap();
    }
    sandbox.write("c.tar", shard.into_inner().unwrap());
    sandbox.semdedup("run c.tar --embedding-column npy --out tar").skipped_rows();
    assert_eq!(
        sandbox.column("tar/skipped.parquet", "reason"),
        [
            "no member `npy` in the sample; its members are txt",
            "column `npy` has 3 numbers instead of 2",
            "member `npy` is not an .npy file: it does not begin with the mark of one",
        ]
    );
}
