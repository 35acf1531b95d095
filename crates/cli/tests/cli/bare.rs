//! Files of embeddings without a header, and one of several arrays in a file.

use super::support::{Sandbox, npy_f32, number};

/// Embeddings of 40 rows, of which the second half repeats the first.
fn values() -> Vec<f32> {
    let value = |row: usize, column: usize| ((row % 20 * 31 + column * 17) % 23) as f32 - 11.0;
    (0..40).flat_map(|row| (0..8).map(move |column| value(row, column))).collect()
}

#[test]
fn bare_numbers_give_what_the_same_array_with_a_header_gives() {
    let sandbox = Sandbox::new();
    let bytes: Vec<u8> = values().iter().flat_map(|x| x.to_le_bytes()).collect();
    sandbox.write("a.bin", bytes);
    sandbox.write("a.npy", npy_f32(&values(), 8));
    let bare = "run --embeddings a.bin --dim 8 --dtype float32 --epsilon 0.0001 --out bare --json";
    let summary = sandbox.semdedup(bare).succeeded().json();
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_kept")), (40, 20));
    sandbox.semdedup("run --embeddings a.npy --epsilon 0.0001 --out with").succeeded();
    let lines = |out: &str| sandbox.text(&format!("{out}/ids.txt")).lines().count();
    assert_eq!(lines("bare"), lines("with"));
    // The options name what is compared, so another dimension is another run.
    assert_eq!(
        number(&sandbox.summary("run --embeddings a.bin --dim 4 --dtype f32 --out four"), "rows_in"),
        80
    );
    sandbox.semdedup("cluster a.bin --dim 8 --dtype float32 --clusters 2 --out c").succeeded();
    sandbox
        .semdedup("score a.bin --dim 8 --dtype float32 --centroids c/centroids.npy --assignments c/assignments.npy --out s.parquet")
        .succeeded();
    sandbox
        .semdedup("run --embeddings a.bin --out n")
        .failed_with(&["a.bin: not a whole .npy file"])
        .hinted("--dim N --dtype float32");
    sandbox
        .semdedup("run --embeddings a.bin --dim 7 --dtype float32 --out n")
        .failed_with(&["320 float32, which are not rows of 7"]);
    sandbox.semdedup("run --embeddings a.npy --dim 8 --dtype float32 --out n").failed_with(&["has a header"]);
    sandbox.semdedup("run --embeddings . --dim 8 --dtype float32 --out n").failed_with(&["a folder"]);
}

#[test]
fn an_array_of_several_is_named_behind_its_file() {
    let sandbox = Sandbox::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../semdedup/tests/data/npy/several.npz");
    sandbox.write("data_0.npz", std::fs::read(fixture).unwrap());
    sandbox.write(
        "meta_0.jsonl",
        "{\"text\": \"a\"}\n{\"text\": \"b\"}\n{\"text\": \"c\"}\n{\"text\": \"d\"}\n",
    );
    sandbox
        .semdedup("run meta_0.jsonl --embeddings data_0.npz --out o")
        .failed_with(&["which of a, b is meant is not known"])
        .hinted("data_0.npz#a");
    let said = sandbox.semdedup("run meta_0.jsonl --embeddings data_*.npz#b --out o --json").succeeded();
    assert_eq!(number(&said.json(), "rows_in"), 4);
    assert!(said.json()["files"][0]["embeddings"].as_str().unwrap().ends_with("data_0.npz#b"));
    // The same command again finds the result: the file has not changed.
    sandbox.semdedup("run meta_0.jsonl --embeddings data_*.npz#b --out o").succeeded();
    sandbox
        .semdedup("run --embeddings data_0.npz#a --embeddings data_0.npz#a --out n")
        .failed_with(&["named twice"]);
}
