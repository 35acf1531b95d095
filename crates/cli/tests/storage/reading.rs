//! Inputs in a store: objects, prefixes and patterns, in every format, also over connections that
//! are cut.

use std::io::{Read, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;

use super::server::Server;
use super::support::{Finished, Random, Sandbox, csv, gzip, jsonl, npy_f32, parquet, texts, zstd};

/// Writes files of each format under `in/`, in the store and on the disk.
fn both(server: &Server, sandbox: &Sandbox) {
    let text = |from: usize, count: usize| texts(from + count)[from..].to_vec();
    let files: [(&str, Vec<u8>); 9] = [
        ("a.jsonl", jsonl(&text(0, 9000)).into_bytes()),
        ("b.jsonl.gz", gzip(jsonl(&text(100, 4000)))),
        ("c.csv.zst", zstd(csv(&text(200, 3000)))),
        ("c2.csv", csv(&text(250, 300)).replace(',', ";").into_bytes()),
        ("deep/d.parquet", parquet(&text(300, 20_000))),
        ("deep/e.txt", text(400, 500).join("\n").into_bytes()),
        ("deep/empty.txt", Vec::new()),
        ("f.json", json_list(&text(500, 2000))),
        ("g.arrow", arrow(&text(600, 3000))),
    ];
    for (name, bytes) in files {
        let name = format!("in/{name}");
        server.put(&name, &bytes);
        sandbox.write(&name, &bytes);
    }
    server.put("in/notes.md5", "not a file of rows");
    server.put("in/.hidden/x.jsonl", "not json");
}

/// Returns a JSON list with an object for each text.
pub fn json_list(texts: &[String]) -> Vec<u8> {
    format!("[{}]", jsonl(texts).trim_end().replace('\n', ",\n")).into_bytes()
}

/// Returns an Arrow IPC file of these texts.
pub fn arrow(texts: &[String]) -> Vec<u8> {
    let ids: ArrayRef = Arc::new((0..texts.len() as i64).collect::<Int64Array>());
    let texts: ArrayRef = Arc::new(texts.iter().map(Some).collect::<StringArray>());
    let batch = RecordBatch::try_from_iter([("id", ids), ("text", texts)]).unwrap();
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

pub fn run(server: &Server, sandbox: &Sandbox, typed: &str) -> Finished {
    Finished::from(server.command(sandbox, typed).output().unwrap())
}

#[test]
fn files_in_a_store_give_what_the_same_files_on_the_disk_give() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    both(&server, &sandbox);
    sandbox.semdedup("run in --out local").succeeded();
    run(&server, &sandbox, "run s3://bucket/in/ --out remote").succeeded();
    assert!(sandbox.result("remote") == sandbox.result("local"));

    sandbox.semdedup("run in/*.jsonl* in/deep/e.txt --out local-2").succeeded();
    run(&server, &sandbox, "run s3://bucket/in/*.jsonl* s3://bucket/in/deep/e.txt --out remote-2")
        .succeeded();
    assert!(sandbox.result("remote-2") == sandbox.result("local-2"));
}

#[test]
fn a_folder_of_texts_in_a_store_has_one_row_per_file() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    for (number, text) in texts(300).iter().enumerate() {
        let name = format!("notes/{}/{number:03}.md", number % 7);
        server.put(&name, text);
        sandbox.write(&name, text);
    }
    sandbox.semdedup("run notes --out local").succeeded();
    server.cut(true);
    run(&server, &sandbox, "run s3://bucket/notes --out remote").succeeded();
    assert!(sandbox.result("remote") == sandbox.result("local"));
    run(&server, &sandbox, "run s3://bucket/notes --out s3://bucket/out").succeeded();
    assert!(server.result("out") == sandbox.result("local"));
}

#[test]
fn a_prefix_of_images_with_labels_is_a_folder_of_images() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let files = [
        ("images/0.jpg", "an image"),
        ("images/1.jpg", "another"),
        ("labels/0.txt", "0 0.5 0.5 0.1 0.1\n"),
        ("labels/1.txt", "0 0.5 0.5 0.1 0.1\n"),
        ("train.csv", "file,label\nimages/0.jpg,cat\nimages/1.jpg,dog\n"),
        ("LICENSE.txt", "Permission is granted\n"),
    ];
    files.iter().for_each(|(name, content)| server.put(&format!("set/{name}"), content));
    for input in ["s3://bucket/set", "s3://bucket/set/**/*"] {
        let plan = run(&server, &sandbox, &format!("run {input} --out o --dry-run --json")).succeeded();
        assert_eq!(plan.json()["rows"], 2, "{plan:?}");
        assert!(plan.stderr.contains("3 files beside the images"), "{}", plan.stderr);
        assert!(plan.stderr.contains("1 document beside the data"), "{}", plan.stderr);
    }
    server.put("set/rows.jsonl", "{\"text\": \"a\"}\n");
    let asked = run(&server, &sandbox, "run s3://bucket/set --out o --dry-run");
    let hint = "such as 's3://bucket/set/*.jsonl'";
    assert!(asked.failed_with(&["1 file of rows (rows.jsonl)"]).stderr.contains(hint));
}

#[test]
fn cut_connections_change_nothing() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    both(&server, &sandbox);
    sandbox.semdedup("run in --out local").succeeded();
    server.cut(true);
    let mut attempt = 0;
    while server.cuts() < 20 {
        attempt += 1;
        run(&server, &sandbox, &format!("run s3://bucket/in --out remote-{attempt}")).succeeded();
        assert!(sandbox.result(&format!("remote-{attempt}")) == sandbox.result("local"));
        assert!(attempt < 20, "only {} connections were cut", server.cuts());
    }
}

#[test]
fn embeddings_in_a_store_are_read_in_place() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let values: Vec<f32> =
        (0..9000 * 64u64).map(|i| ((i * 7919 % 104_729) as f32 / 52_364.0) - 1.0).collect();
    for (folder, rows) in [(0, 0..4000), (1, 4000..9000)] {
        let rows_of = values[rows.start * 64..rows.end * 64].to_vec();
        let (data, npy) = (jsonl(&texts(9000)[rows]), npy_f32(&rows_of, 64));
        for (name, bytes) in [("m", data.as_bytes()), ("e", npy.as_slice())] {
            let extension = if name == "m" { "jsonl" } else { "npy" };
            let name = format!("laion/{name}_{folder}.{extension}");
            server.put(&name, bytes);
            sandbox.write(&name, bytes);
        }
    }
    sandbox.semdedup("run laion/m_*.jsonl --embeddings laion/e_*.npy --out local").succeeded();
    server.cut(true);
    let typed = "run s3://bucket/laion/m_*.jsonl --embeddings s3://bucket/laion/e_*.npy --out remote";
    run(&server, &sandbox, typed).succeeded();
    assert!(sandbox.result("remote") == sandbox.result("local"));
}

#[test]
fn files_are_read_from_a_web_server_and_by_file_urls() {
    let (server, sandbox) = (Server::open_to_all(), Sandbox::new());
    both(&server, &sandbox);
    sandbox.semdedup("run in/a.jsonl in/deep/d.parquet --out local").succeeded();
    let at = format!("http://{}/bucket/in", server.address());
    run(&server, &sandbox, &format!("run {at}/a.jsonl {at}/deep/d.parquet --out web")).succeeded();
    assert!(sandbox.result("web") == sandbox.result("local"));
    let here = format!("file://{}", sandbox.path("in").display());
    let out = format!("file://{}", sandbox.path("by-url").display());
    run(&server, &sandbox, &format!("run {here}/a.jsonl {here}/deep/d.parquet --out {out}")).succeeded();
    assert!(sandbox.result("by-url") == sandbox.result("local"));
}

#[test]
fn a_file_of_a_data_set_on_the_hub_is_read_and_a_folder_is_refused_with_the_way_to_download_it() {
    let (server, sandbox) = (Server::open_to_all(), Sandbox::with_rows(60));
    server.put("datasets/owner/set/resolve/v1/data/a b.jsonl", jsonl(&texts(60)));
    let hub = |typed: &[&str]| {
        let mut command = server.command(&sandbox, "run --out web");
        command.args(typed).env("HF_ENDPOINT", format!("http://{}/bucket/", server.address()));
        Finished::from(command.output().unwrap())
    };
    sandbox.semdedup("run data.jsonl --out local").succeeded();
    hub(&["hf://datasets/owner/set@v1/data/a b.jsonl"]).succeeded();
    let kept = |out: &str, name: &str| sandbox.result(out).remove(name).unwrap();
    assert!(kept("web", "kept/a b.jsonl") == kept("local", "kept/data.jsonl"));
    hub(&["hf://datasets/owner/set/data/*.parquet"])
        .failed_with(&["single files"])
        .hinted("hf download owner/set --repo-type dataset --local-dir set");
}

#[test]
fn only_the_needed_columns_of_a_parquet_file_are_fetched() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let (mut random, texts) = (Random(3), texts(2000));
    let noise = |_: &String| (0..4000).map(|_| char::from(33 + random.below(90) as u8)).collect::<String>();
    let other: ArrayRef = Arc::new(texts.iter().map(noise).map(Some).collect::<StringArray>());
    let text: ArrayRef = Arc::new(texts.iter().map(Some).collect::<StringArray>());
    let batch = RecordBatch::try_from_iter([("a", other.clone()), ("text", text), ("z", other)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let file = writer.into_inner().unwrap();
    server.put("wide.parquet", &file);
    let plan =
        run(&server, &sandbox, "run s3://bucket/wide.parquet --text-column text --out out --dry-run --json");
    assert_eq!(plan.succeeded().json()["rows"], 2000);
    assert!(server.carried() < file.len() / 2, "{} bytes of {}", server.carried(), file.len());
}

#[test]
fn unusual_characters_in_patterns_and_keys_stand_for_themselves() {
    let (server, sandbox) = (Server::new(), Sandbox::with_rows(10));
    let rows = |typed: &str, out: usize| {
        run(&server, &sandbox, &format!("run {typed} --out out-{out} --json")).succeeded().json()["rows_in"]
            .clone()
    };
    for (number, folder) in ["a~b", "c#d", "100%", "{x}", "größe"].into_iter().enumerate() {
        server.put(&format!("in/{folder}/part-1.jsonl"), jsonl(&texts(40)));
        assert_eq!(rows(&format!("s3://bucket/in/{folder}/part-*.jsonl"), number), 40, "{folder}");
    }
    server.put("odd/a[1].jsonl", jsonl(&texts(20)));
    server.put("odd/a1.jsonl", jsonl(&texts(30)));
    assert_eq!(rows("s3://bucket/odd/a[1].jsonl", 10), 20, "an object with this name takes precedence");
    assert_eq!(rows("s3://bucket/odd/a[0-9].jsonl", 11), 30);
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error_even_beside_other_inputs() {
    let (server, sandbox) = (Server::new(), Sandbox::with_rows(10));
    server.put("in/a.jsonl", jsonl(&texts(10)));
    for pattern in ["s3://bucket/in/none-*.jsonl", "none-*.jsonl"] {
        let typed = format!("run data.jsonl s3://bucket/in/a.jsonl {pattern} --out out");
        run(&server, &sandbox, &typed).failed_with(&[pattern, "no file to read"]);
    }
    sandbox.has_no_result("out");
}

#[test]
fn hidden_objects_results_and_tables_in_a_store_are_told_of_as_on_the_disk() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let rows = jsonl(&texts(40));
    for name in ["in/part-0.jsonl", "in/_temporary/0/part-1.jsonl", "in/_old/a.jsonl", "in/_day=1/b.jsonl"] {
        server.put(name, &rows);
    }
    server.put("in/_SUCCESS", "");
    server.put("in/e.zarr/zarr.json", "{}");
    server.put("in/out/summary.json", "{\"scores_fingerprint\": \"x\"}");
    server.put("in/out/removed.parquet", "x");
    server.put("in/out/kept/part-0.jsonl", &rows);
    for input in ["s3://bucket/in", "s3://bucket/in/**/*", "s3://bucket/in/**/*.jsonl"] {
        let plan = run(&server, &sandbox, &format!("run {input} --out o --dry-run --json")).succeeded();
        assert_eq!(plan.json()["rows"], 80, "{plan:?}");
        for told in [
            "1 file of a job that has not finished was left out (_temporary/0/part-1.jsonl)",
            "begins with `_`, or in such a folder, was left out (_old/a.jsonl)",
            "1 folder with the result of an earlier run was left out (out)",
        ] {
            assert!(plan.stderr.contains(told), "{input}: {}", plan.stderr);
        }
    }
    let named = run(&server, &sandbox, "run s3://bucket/in/_old --out o --dry-run --json").succeeded();
    assert_eq!(named.json()["rows"], 40);
    server.put("delta/_delta_log/00000000000000000000.json", "{}");
    server.put("delta/day=1/a.jsonl", &rows);
    for input in ["s3://bucket/delta", "s3://bucket/delta/*/*.jsonl"] {
        let typed = format!("run {input} --out o");
        run(&server, &sandbox, &typed)
            .failed_with(&["s3://bucket/delta: is a table of Delta Lake"])
            .hinted("deltalake");
    }
    run(&server, &sandbox, "run s3://bucket/delta/day=1/a.jsonl --out o --dry-run").succeeded();
}

#[test]
fn objects_that_are_something_else_than_their_names_say_are_named() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n";
    for name in ["a.csv", "a.txt", "a.jsonl.gz", "a.parquet", "a.arrow", "a.tar", "a.avro"] {
        server.put(&format!("in/{name}"), pointer);
        let typed = format!("run s3://bucket/in/{name} --out o");
        run(&server, &sandbox, &typed).failed_with(&[name, "is a Git LFS pointer"]).hinted("git lfs pull");
        sandbox.has_no_result("o");
    }
    server.put("in/a.orc", b"ORC\x0a\x06");
    run(&server, &sandbox, "run s3://bucket/in/a.orc --out o")
        .failed_with(&["is an ORC file"])
        .hinted("pyarrow.orc");
}

/// Starts a web server that gives this answer to every request, and returns its address.
fn answering(answer: &'static str) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn a_web_server_that_does_not_tell_sizes_is_named() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    for answer in [
        "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nConnection: close\r\n\r\n",
    ] {
        let typed = format!("run http://{}/a.jsonl --out o", answering(answer));
        run(&server, &sandbox, &typed)
            .failed_with(&["/a.jsonl: the server does not say how large the file is"])
            .hinted("download the file first");
    }
}

#[test]
fn a_compressed_object_whose_name_does_not_say_so_is_named() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    server.put("in/a.jsonl", b"\x1f\x8b\x08\0\0\0\0\0\0\x03");
    run(&server, &sandbox, "run s3://bucket/in/a.jsonl --out o")
        .failed_with(&["in/a.jsonl: is gzip data, and its name does not end with .gz"])
        .hinted("download it");
}
