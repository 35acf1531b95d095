//! A model behind a server.

use super::support::Sandbox;

const SERVER: &str = "http://127.0.0.1:9/v1/embeddings#m";

#[track_caller]
fn refused(options: &str, words: &[&str]) {
    let sandbox = Sandbox::with_rows(20);
    let before = sandbox.files("");
    sandbox.semdedup(&format!("run data.jsonl --out out {options}")).failed_with(words);
    assert_eq!(sandbox.files(""), before, "a file was written");
}

#[test]
fn options_that_do_not_go_with_the_model_are_refused() {
    refused(&format!("--model {SERVER} --max-tokens 9"), &["--max-tokens", "server"]);
    for option in [
        "--server-batch 9",
        "--server-concurrency 9",
        "--server-timeout 9",
        "--server-attempts 9",
        "--server-fields {}",
        "--server-key-in-clear",
    ] {
        refused(option, &[option.split(' ').next().unwrap(), "--model"]);
    }
    for zero in ["--server-batch", "--server-concurrency", "--server-timeout", "--server-attempts"] {
        refused(&format!("--model {SERVER} {zero} 0"), &[zero]);
    }
    refused(&format!("--model {SERVER} --server-fields [1]"), &["--server-fields", "JSON object"]);
    refused(&format!("--model {SERVER} --server-fields {{\"input\":1}}"), &["`input`"]);
}

#[test]
fn an_invalid_address_is_refused() {
    refused("--model http://host/v1/embeddings", &["http://host/v1/embeddings", "names no model"]);
    refused("--model http://me:secret@host/#m", &["password"]);
}

#[test]
fn a_model_beside_embeddings_is_refused_because_none_would_be_used() {
    for given in ["--embedding-column emb", "--embeddings e.npy"] {
        for model in
            [&format!("--model {SERVER}"), "--model semdedup-text-v1", "--max-tokens 9", "--server-batch 3"]
        {
            let option = given.split(' ').next().unwrap();
            refused(&format!("{given} {model}"), &[model.split(' ').next().unwrap(), option]);
        }
    }
}

#[test]
fn a_key_is_not_sent_over_plain_http_and_never_shown() {
    let sandbox = Sandbox::with_rows(20);
    let mut command = sandbox.command("run data.jsonl --out out --model http://192.0.2.1/v1/embeddings#m");
    let said = super::support::Finished::from(command.env("SEMDEDUP_API_KEY", "sk-secret").output().unwrap());
    let said = said.failed_with(&["192.0.2.1", "plain http"]);
    assert!(!said.stderr.contains("sk-secret") && said.stderr.contains("--server-key-in-clear"), "{said:?}");
}

#[test]
fn an_unreachable_server_is_one_error_and_leaves_no_files() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    refused(&format!("--model http://{nobody}/v1/embeddings#m"), &[&nobody.to_string(), "4 attempts"]);
}
