//! Errors of stores: each is one line with a hint, and none shows a secret.

use super::reading::{arrow, json_list};
use super::server::{KEY, SECRET, Server};
use super::support::{Finished, Sandbox, jsonl, parquet, texts};

fn run(server: &Server, sandbox: &Sandbox, typed: &str) -> Finished {
    let said = Finished::from(server.command(sandbox, typed).output().unwrap());
    assert!(!said.stderr.contains(SECRET) && !said.stdout.contains(SECRET), "{said:#?}");
    said
}

#[test]
fn missing_objects_and_buckets_are_reported_as_missing() {
    let (server, sandbox) = (Server::new(), Sandbox::with_rows(10));
    server.put("in/a.bin", "x");
    let input = |typed: &str| run(&server, &sandbox, &format!("run {typed} --out out"));
    input("s3://bucket/none.jsonl").failed_with(&["s3://bucket/none.jsonl", "no such object"]);
    input("s3://bucket/none/").failed_with(&["s3://bucket/none", "no such object"]);
    input("s3://nobucket/a.jsonl").failed_with(&["s3://nobucket", "no such bucket"]);
    input("s3://bucket/in/").failed_with(&["no file to read"]);
    input("s3://bucket/in/a.bin").failed_with(&["unknown extension"]);
    input("ftp://host/a.jsonl").failed_with(&["ftp://"]);
    run(&server, &sandbox, "run data.jsonl --out s3://nobucket/out")
        .failed_with(&["s3://nobucket", "no such bucket"]);
    run(&server, &sandbox, "run data.jsonl --out http://127.0.0.1:1/out").failed_with(&["cannot be written"]);
    sandbox.has_no_result("out");
}

#[test]
fn wrong_credentials_and_unreachable_servers_are_named() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    server.put("a.jsonl", jsonl(&texts(10)));
    let said = |name: &str, value: &str| {
        let mut command = server.command(&sandbox, "run s3://bucket/a.jsonl --out out");
        Finished::from(command.env(name, value).output().unwrap())
    };
    for (name, value) in [("AWS_SECRET_ACCESS_KEY", "another"), ("AWS_ACCESS_KEY_ID", "nobody")] {
        let said = said(name, value).failed_with(&["s3://bucket/a.jsonl", "permission denied"]);
        assert!(
            said.stderr.contains("AWS_ACCESS_KEY_ID") && !said.stderr.contains(SECRET),
            "{}",
            said.stderr
        );
    }
    let mut command = server.command(&sandbox, "run s3://bucket/a.jsonl --out out");
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let none = Finished::from(command.output().unwrap()).failed_with(&["s3://bucket", "no credentials"]);
    assert!(none.stderr.contains("AWS_ACCESS_KEY_ID"), "{}", none.stderr);
    run(&server, &sandbox, "run az://container/a.jsonl --out out")
        .failed_with(&["az://container", "no credentials"]);
    let said_of = said("AWS_SESSION_TOKEN", "token\n").failed_with(&["s3://bucket", "AWS_SESSION_TOKEN"]);
    assert!(said_of.stderr.contains("line end"), "{}", said_of.stderr);
    // Nothing listens on port 1.
    let said = said("AWS_ENDPOINT_URL", "http://127.0.0.1:1").failed_with(&["s3://bucket/a.jsonl"]);
    assert!(said.stderr.contains("AWS_ENDPOINT_URL"), "{}", said.stderr);
}

#[test]
fn an_object_that_changed_since_it_was_read_is_an_error() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let versions = |count: usize| {
        [("a.jsonl", jsonl(&texts(count)).into_bytes()), ("b.parquet", parquet(&texts(count)))]
    };
    for ((name, old), (_, new)) in versions(500).into_iter().zip(versions(501)) {
        server.put(name, old);
        let typed = format!("run s3://bucket/{name} --out s3://bucket/out-{name}");
        run(&server, &sandbox, &typed).succeeded();
        let before = server.result(&format!("out-{name}"));
        server.put(name, new);
        let show = format!("show s3://bucket/out-{name}");
        run(&server, &sandbox, &show).failed_with(&[name, "changed since it was read"]);
        // The same command line now has another input, and must not replace the first result.
        run(&server, &sandbox, &typed).failed_with(&["holds another result"]);
        assert!(server.result(&format!("out-{name}")) == before);
    }
}

#[test]
fn secrets_are_never_written() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    server.put("a.jsonl", jsonl(&texts(200)));
    run(&server, &sandbox, "run s3://bucket/a.jsonl --out s3://bucket/out").succeeded();
    for (name, bytes) in server.objects("out") {
        for secret in [KEY, SECRET] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{name}");
        }
    }
}

#[test]
fn a_secret_in_a_url_is_refused_and_never_shown() {
    let (server, sandbox) = (Server::new(), Sandbox::with_rows(10));
    for typed in [
        format!("run https://me:{SECRET}@host/a.jsonl --out out"),
        format!("run data.jsonl --out s3://{KEY}:{SECRET}@bucket/out"),
        format!("run s3://bucket/a.jsonl?X-Amz-Signature={SECRET} --out out"),
        format!("sweep az://container/out?sv=1&sig={SECRET}"),
        format!("cluster gs://bucket/e.npy?X-Goog-Signature={SECRET} --out out"),
    ] {
        run(&server, &sandbox, &typed).failed_with(&["is not taken"]);
    }
    sandbox.has_no_result("out");
}

#[test]
fn a_refused_request_is_not_reported_as_a_damaged_file() {
    let (server, sandbox) = (Server::new(), Sandbox::new());
    let files = [
        ("a.parquet", parquet(&texts(500)), 1000),
        ("b.arrow", arrow(&texts(500)), 1000),
        // One refusal leaves only the beginning of the file unknown.
        ("c.json", json_list(&texts(500)), 1),
    ];
    for (name, bytes, times) in files {
        server.put(name, bytes);
        server.forbid(name, times);
        let typed = format!("run s3://bucket/{name} --out out");
        run(&server, &sandbox, &typed).failed_with(&[name, "permission denied"]);
        sandbox.has_no_result("out");
        server.forbid(name, 0);
        run(&server, &sandbox, &format!("run s3://bucket/{name} --out out-{name}")).succeeded();
    }
}
