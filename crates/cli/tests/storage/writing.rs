//! Results in a store: only objects that semdedup wrote are ever replaced, and each stage writes there too.

use super::server::Server;
use super::support::{Place, Said, jsonl, texts};

fn run(server: &Server, place: &Place, typed: &str) -> Said {
    Said::from(server.command(place, typed).output().unwrap())
}

fn with_rows(count: usize) -> (Server, Place) {
    let (server, place) = (Server::new(), Place::with_rows(count));
    server.put("data.jsonl", jsonl(&texts(count)));
    (server, place)
}

#[test]
fn another_result_is_replaced_only_when_that_is_asked_for_and_what_is_not_ours_never() {
    let (server, place) = with_rows(600);
    run(&server, &place, "run data.jsonl --out s3://bucket/out --work work").succeeded();
    let first = server.result("out");
    let other = "run data.jsonl --out s3://bucket/out --work work --keep-rows 590";
    run(&server, &place, other).failed_with(&["s3://bucket/out", "holds another result"]);
    assert!(server.result("out") == first);
    run(&server, &place, &format!("{other} --overwrite")).succeeded();
    assert!(server.result("out") != first);

    let mine = "work of mine";
    server.put("out/kept/mine.txt", mine);
    let typed = "run data.jsonl --out s3://bucket/out --work work --overwrite";
    run(&server, &place, typed).failed_with(&["s3://bucket/out/kept/mine.txt", "did not write this file"]);
    assert_eq!(server.get("out/kept/mine.txt"), mine.as_bytes());

    server.put("full/readme.md", mine);
    run(&server, &place, "run data.jsonl --out s3://bucket/full").failed_with(&["the folder is not empty"]);
    assert_eq!(server.objects("full").len(), 1);
}

#[test]
fn inputs_inside_the_output_are_refused_or_passed_over() {
    let (server, place) = with_rows(300);
    server.put("out/in.jsonl", jsonl(&texts(10)));
    let typed = "run s3://bucket/out/in.jsonl --out s3://bucket/out --overwrite";
    let said = run(&server, &place, typed);
    assert_eq!(said.code, 2, "{said:#?}");
    for typed in [typed.replacen("s3:", "s3a:", 1), typed.replace("--out s3:", "--out s3a:")] {
        assert_eq!(run(&server, &place, &typed).code, 2, "by another name: {typed}");
    }
    assert_eq!(server.objects("out").len(), 1, "an input was removed");
    run(&server, &place, "run s3a://bucket --out s3://bucket/out --overwrite").succeeded();
    assert_eq!(server.objects("out/kept").keys().collect::<Vec<_>>(), ["data.jsonl"]);
}

#[test]
fn each_stage_reads_from_a_store_and_writes_to_one() {
    let (server, place) = with_rows(3000);
    for at in ["", "s3://bucket/"] {
        run(&server, &place, &format!("embed {at}data.jsonl --out {at}emb")).succeeded();
        run(&server, &place, &format!("cluster {at}emb/ --clusters 20 --out {at}clusters")).succeeded();
        let of = format!("--centroids {at}clusters/centroids.npy --assignments {at}clusters/assignments.npy");
        let of = format!("{of} --probes {at}clusters/probes.npy");
        run(&server, &place, &format!("score {at}emb/ {of} --out {at}s/scores.parquet")).succeeded();
        run(&server, &place, &format!("select {at}s/scores.parquet --epsilon 0.1 --out {at}selected"))
            .succeeded();
    }
    for folder in ["clusters", "s", "selected"] {
        assert!(server.objects(folder) == place.files(folder), "{folder}");
    }
    run(&server, &place, "cluster s3://bucket/emb/ --clusters 20 --out s3://bucket/clusters")
        .failed_with(&["s3://bucket/clusters/centroids.npy", "exists already"]);
}

#[test]
fn large_results_go_in_parts() {
    let (server, place) = (Server::new(), Place::new());
    let long: Vec<String> = texts(24_000)
        .iter()
        .map(|text| std::iter::repeat_n(text.as_str(), 6).collect::<Vec<_>>().join(" "))
        .collect();
    place.write("data.jsonl", jsonl(&long));
    place.semdedup("run data.jsonl --out local --epsilon 0.001").succeeded();
    server.cut(true);
    run(&server, &place, "run data.jsonl --out s3://bucket/out --work work --epsilon 0.001").succeeded();
    assert!(server.get("out/kept/data.jsonl").len() > (8 << 20), "too small to go in parts");
    assert!(server.result("out") == place.result("local"));
}

#[test]
fn an_object_by_two_names_is_one_object() {
    let (server, place) = with_rows(300);
    let typed = "run s3://bucket/data.jsonl s3a://bucket/data.jsonl --out out --json";
    assert_eq!(run(&server, &place, typed).succeeded().json()["rows_in"], 300);
    run(&server, &place, "embed data.jsonl --out s3://bucket/emb").succeeded();
    let twice = "cluster s3://bucket/emb s3a://bucket/emb --out c";
    run(&server, &place, twice).failed_with(&["is named twice"]);
    let names = std::fs::read_dir(server.path("emb/embed")).unwrap().map(|entry| entry.unwrap().file_name());
    let npy = names.map(|name| name.into_string().unwrap()).find(|name| name.ends_with(".npy")).unwrap();
    std::fs::rename(server.path(&format!("emb/embed/{npy}")), server.path("centroids.npy")).unwrap();
    let before = server.get("centroids.npy");
    let onto = "cluster s3a://bucket/centroids.npy --out s3://bucket --clusters 5 --overwrite";
    run(&server, &place, onto).failed_with(&["this is one of the inputs"]);
    assert!(server.get("centroids.npy") == before);
}
