//! Results in a store: only objects that semdedup wrote are ever replaced, and every stage can
//! write there.

use std::collections::BTreeMap;

use super::server::Server;
use super::support::{Finished, Sandbox, jsonl, texts};

fn run(server: &Server, sandbox: &Sandbox, typed: &str) -> Finished {
    Finished::from(server.command(sandbox, typed).output().unwrap())
}

fn with_rows(count: usize) -> (Server, Sandbox) {
    let (server, sandbox) = (Server::new(), Sandbox::with_rows(count));
    server.put("data.jsonl", jsonl(&texts(count)));
    (server, sandbox)
}

#[test]
fn another_result_is_replaced_only_with_overwrite_and_foreign_objects_never() {
    let (server, sandbox) = with_rows(600);
    run(&server, &sandbox, "run data.jsonl --out s3://bucket/out --work work").succeeded();
    let first = server.result("out");
    let other = "run data.jsonl --out s3://bucket/out --work work --keep-rows 590";
    run(&server, &sandbox, other).failed_with(&["s3://bucket/out", "holds another result"]);
    assert!(server.result("out") == first);
    run(&server, &sandbox, &format!("{other} --overwrite")).succeeded();
    assert!(server.result("out") != first);

    let mine = "work of mine";
    server.put("out/kept/mine.txt", mine);
    let typed = "run data.jsonl --out s3://bucket/out --work work --overwrite";
    run(&server, &sandbox, typed).failed_with(&["s3://bucket/out/kept/mine.txt", "did not write this file"]);
    assert_eq!(server.get("out/kept/mine.txt"), mine.as_bytes());

    server.put("full/readme.md", mine);
    run(&server, &sandbox, "run data.jsonl --out s3://bucket/full").failed_with(&["the folder is not empty"]);
    assert_eq!(server.objects("full").len(), 1);
}

#[test]
fn inputs_inside_the_output_are_refused_or_skipped() {
    let (server, sandbox) = with_rows(300);
    server.put("out/in.jsonl", jsonl(&texts(10)));
    let typed = "run s3://bucket/out/in.jsonl --out s3://bucket/out --overwrite";
    let said = run(&server, &sandbox, typed);
    assert_eq!(said.code, 2, "{said:#?}");
    for typed in [typed.replacen("s3:", "s3a:", 1), typed.replace("--out s3:", "--out s3a:")] {
        assert_eq!(run(&server, &sandbox, &typed).code, 2, "under another name: {typed}");
    }
    assert_eq!(server.objects("out").len(), 1, "an input was removed");
    run(&server, &sandbox, "run s3a://bucket --out s3://bucket/out --overwrite").succeeded();
    assert_eq!(server.objects("out/kept").keys().collect::<Vec<_>>(), ["data.jsonl"]);
}

#[test]
fn each_stage_reads_from_a_store_and_writes_to_one() {
    let (server, sandbox) = with_rows(3000);
    for at in ["", "s3://bucket/"] {
        run(&server, &sandbox, &format!("embed {at}data.jsonl --out {at}emb")).succeeded();
        run(&server, &sandbox, &format!("cluster {at}emb/ --clusters 20 --out {at}clusters")).succeeded();
        let of = format!("--centroids {at}clusters/centroids.npy --assignments {at}clusters/assignments.npy");
        let of = format!("{of} --probes {at}clusters/probes.npy");
        run(&server, &sandbox, &format!("score {at}emb/ {of} --out {at}s/scores.parquet")).succeeded();
        run(&server, &sandbox, &format!("select {at}s/scores.parquet --epsilon 0.1 --out {at}selected"))
            .succeeded();
    }
    for folder in ["clusters", "s", "selected"] {
        let (mut there, mut here) = (server.objects(folder), sandbox.files(folder));
        // The sum of the probes is made of the file, which is not read again from a store.
        let record = |files: &mut BTreeMap<String, Vec<u8>>| {
            let record = files.remove("clustered.json").map(|bytes| serde_json::from_slice(&bytes).unwrap());
            record.map(|mut record: serde_json::Value| {
                record["sums"].as_object_mut().unwrap().remove("probes.npy");
                record
            })
        };
        assert_eq!(record(&mut there), record(&mut here), "{folder}");
        assert!(there == here, "{folder}");
    }
    run(&server, &sandbox, "cluster s3://bucket/emb/ --clusters 20 --out s3://bucket/clusters")
        .failed_with(&["s3://bucket/clusters/centroids.npy", "exists already"]);
}

#[test]
fn large_results_are_uploaded_in_parts() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let long: Vec<String> = texts(24_000)
        .iter()
        .map(|text| std::iter::repeat_n(text.as_str(), 6).collect::<Vec<_>>().join(" "))
        .collect();
    sandbox.write("data.jsonl", jsonl(&long));
    sandbox.semdedup("run data.jsonl --out local --epsilon 0.001").succeeded();
    server.cut(true);
    run(&server, &sandbox, "run data.jsonl --out s3://bucket/out --work work --epsilon 0.001").succeeded();
    assert!(server.get("out/kept/data.jsonl").len() > (8 << 20), "too small for an upload in parts");
    assert!(server.result("out") == sandbox.result("local"));
}

#[test]
fn an_object_by_two_names_is_one_object() {
    let (server, sandbox) = with_rows(300);
    let typed = "run s3://bucket/data.jsonl s3a://bucket/data.jsonl --out out --json";
    assert_eq!(run(&server, &sandbox, typed).succeeded().json()["rows_in"], 300);
    run(&server, &sandbox, "embed data.jsonl --out s3://bucket/emb").succeeded();
    let twice = "cluster s3://bucket/emb s3a://bucket/emb --out c";
    run(&server, &sandbox, twice).failed_with(&["is named twice"]);
    let names = std::fs::read_dir(server.path("emb/embed")).unwrap().map(|entry| entry.unwrap().file_name());
    let npy = names.map(|name| name.into_string().unwrap()).find(|name| name.ends_with(".npy")).unwrap();
    std::fs::rename(server.path(&format!("emb/embed/{npy}")), server.path("centroids.npy")).unwrap();
    let before = server.get("centroids.npy");
    let onto = "cluster s3a://bucket/centroids.npy --out s3://bucket --clusters 5 --overwrite";
    run(&server, &sandbox, onto).failed_with(&["this is one of the inputs"]);
    assert!(server.get("centroids.npy") == before);
}
