//! What lies in a bucket and is no row is left out or refused as on a disk.

use super::reading::run;
use super::server::Server;
use super::support::{Sandbox, jsonl, texts};

/// Returns the rows that a dry run would read, and what it says.
fn plan(server: &Server, sandbox: &Sandbox, input: &str) -> (u64, String) {
    let plan = run(server, sandbox, &format!("run {input} --out o --dry-run --json")).succeeded();
    (plan.json()["rows"].as_u64().unwrap(), plan.stderr.clone())
}

#[test]
fn tables_with_deleted_rows_in_a_bucket_are_refused() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let rows = jsonl(&texts(10));
    let lake = "ducklake-01951f3c-7a4e-7c11-8f00-0123456789ab";
    server.put("hive/delta_0000001_0000001_0000/bucket_00000", "ORC");
    server.put("hive/delete_delta_0000002_0000002_0000/bucket_00000", "ORC");
    server.put("paimon/schema/schema-0", "{}");
    server.put("paimon/bucket-0/data-0.jsonl", &rows);
    server.put(&format!("lake/t/{lake}.parquet"), "PAR1");
    server.put(&format!("lake/t/{lake}-delete.parquet"), "PAR1");
    for (input, table) in [
        ("hive", "hive: is a table of Hive"),
        ("hive/delta_0000001_0000001_0000", "hive: is a table of Hive"),
        ("paimon", "paimon: is a table of Paimon"),
        ("paimon/bucket-0", "paimon: is a table of Paimon"),
        ("paimon/**/*.jsonl", "paimon: is a table of Paimon"),
        ("lake", "lake/t: is a table of DuckLake"),
        ("lake/t/*.parquet", "lake/t: is a table of DuckLake"),
    ] {
        run(&server, &sandbox, &format!("run s3://bucket/{input} --out o"))
            .failed_with(&[&format!("s3://bucket/{table}")])
            .hinted("write out the rows that are live");
    }
    assert_eq!(plan(&server, &sandbox, "s3://bucket/paimon/bucket-0/data-0.jsonl").0, 10);
}

#[test]
fn texts_and_objects_beside_rows_in_a_bucket_are_no_rows() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    server.put("in/train.jsonl", jsonl(&texts(40)));
    server.put("in/SHA256SUMS.txt", "0123  train.jsonl\n");
    server.put("in/notes.txt", "a note\n");
    server.put("in/manifest.json", "{\"files\": [{\"path\": \"train.jsonl\"}]}");
    server.put("in/about.json", "{\"homepage\": \"x\"}");
    server.put("in/node_modules/x/package.json", "{}");
    for input in ["s3://bucket/in", "s3://bucket/in/**/*"] {
        let (rows, said) = plan(&server, &sandbox, input);
        assert_eq!(rows, 40, "{said}");
        for told in [
            "2 files that describe other files were left out (manifest.json, SHA256SUMS.txt)",
            "1 JSON file of one object beside the rows was left out (about.json)",
            "1 text file beside the files of rows was left out (notes.txt)",
        ] {
            assert!(said.contains(told), "{input}: {told}: {said}");
        }
    }
    assert_eq!(plan(&server, &sandbox, "s3://bucket/in/notes.txt").0, 1);
}

#[test]
fn our_own_work_in_a_bucket_is_no_input() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let rows = jsonl(&texts(30));
    server.put("in/a.jsonl", &rows);
    run(&server, &sandbox, "embed s3://bucket/in/a.jsonl --out s3://bucket/in/work").succeeded();
    let record = "{\"files\": [\"kept/a.jsonl\", \"removed.parquet\"], \"sent\": {}}";
    server.put("in/killed/.semdedup-unfinished/run.json", record);
    server.put("in/killed/kept/a.jsonl", &rows);
    for input in ["s3://bucket/in", "s3://bucket/in/**/*", "s3://bucket/in/**/*.jsonl"] {
        let (count, said) = plan(&server, &sandbox, input);
        assert_eq!(count, 30, "{said}");
        assert!(said.contains("of a job that has not finished"), "{said}");
    }
    let (_, said) = plan(&server, &sandbox, "s3://bucket/in");
    assert!(said.contains("1 work directory of semdedup was left out (work)"), "{said}");
    run(&server, &sandbox, "run s3://bucket/in/killed/kept --out o")
        .failed_with(&["belongs to a result that a run has not finished writing"])
        .hinted("run the command of that run again");
}

#[test]
fn what_a_server_said_and_a_bucket_holds_is_named() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let denied = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>";
    for (said, what) in [
        (denied, "an error message of a store"),
        ("{\"error\": \"Repository not found\"}", "an error message in JSON"),
        ("Entry not found", "an error message, which a server answered"),
        ("<html><body>404</body></html>", "a web page (HTML)"),
    ] {
        for name in ["a.jsonl", "a.txt", "a.csv", "a.parquet", "a.arrow"] {
            server.put(&format!("in/{name}"), said);
            run(&server, &sandbox, &format!("run s3://bucket/in/{name} --out o"))
                .failed_with(&[name, what])
                .hinted("download the data again");
            sandbox.has_no_result("o");
        }
    }
}

#[test]
fn a_key_that_no_path_can_have_is_an_error_only_where_it_is_meant() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    server.put("in/a.jsonl", jsonl(&texts(30)));
    for key in ["in//b.csv", "in/deep//c.jsonl", "in/deep/../d.jsonl"] {
        server.list_odd(key);
    }
    for input in
        ["s3://bucket/in/*.jsonl", "s3://bucket/in/a*", "s3://bucket/*/a.jsonl", "s3://bucket/in/a.jsonl"]
    {
        let (rows, said) = plan(&server, &sandbox, input);
        assert_eq!(rows, 30, "{input}: {said}");
    }
    for (input, key) in [
        ("in/*", "in//b.csv"),
        ("in", "in//b.csv"),
        ("in/*/*/*.jsonl", "in/deep//c.jsonl"),
        ("in/d*", "in/deep//c.jsonl"),
        ("in/**/*.csv", "in//b.csv"),
    ] {
        let refused = run(&server, &sandbox, &format!("run s3://bucket/{input} --out o"));
        refused
            .failed_with(&["s3://bucket/in: there is an object whose key no path can have", key])
            .hinted("rename it");
    }
}
