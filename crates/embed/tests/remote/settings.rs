//! Addresses, keys, fields, names and fingerprints.

use std::net::TcpListener;

use semdedup_embed::{RemoteModel, ServerAddress, ServerKey, TextModel};
use serde_json::json;

use super::server::{Server, data, embed, expected, good, items, ok, reply};

const SECRET: &str = "sk-very-secret";

fn address(typed: &str) -> ServerAddress {
    ServerAddress::parse(typed).unwrap()
}

#[test]
fn an_address_without_a_model_or_with_a_password_is_refused() {
    for (typed, word) in [
        ("http://host/v1/embeddings", "http://host/v1/embeddings names no model"),
        ("http://host/v1/embeddings# ", "names no model"),
        ("http://#name", "not a URL"),
        ("ftp://host/#name", "`ftp://` is not a server's"),
        ("http://user:secret@host/#name", "user or a password"),
    ] {
        let error = ServerAddress::parse(typed).unwrap_err();
        assert!(error.to_string().contains(word) && !error.to_string().contains("secret"), "{error}");
        assert!(!error.hint().is_empty());
    }
    for (typed, is_one) in [
        ("HTTP://h/#m", true),
        ("https://h", true),
        ("wordllama", false),
        ("./http", false),
        ("s3://b", false),
    ] {
        assert_eq!(ServerAddress::is_one(typed), is_one, "{typed}");
    }
}

#[test]
fn an_address_is_shown_without_its_query_where_some_services_want_a_key() {
    assert_eq!(address("http://host/e?api-key=secret#a/b#c").to_string(), "http://host/e#a/b#c");
}

#[test]
fn a_server_that_is_not_there_is_an_error_soon() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::good();
    let mut options = server.options();
    options.address = address(&format!("http://{nobody}/v1/embeddings#m"));
    let error = server.model_with(options).err().unwrap();
    assert!(error.to_string().contains("refused") && error.to_string().contains("(4 attempts)"), "{error}");
    assert!(error.to_string().contains(&nobody.to_string()), "{error}");
}

#[test]
fn https_to_a_server_that_does_not_speak_it_is_an_error() {
    let server = Server::good();
    let mut options = server.options();
    options.address = address(&server.url().replace("http://", "https://"));
    assert!(server.model_with(options).is_err());
    assert_eq!(server.all_asked().len(), 0);
}

#[test]
fn a_first_answer_without_numbers_is_refused() {
    for values in ["[]".to_owned(), format!("{:?}", vec![0; 65_537])] {
        let server = Server::writing(move |_, _, stream| {
            use std::io::Write;
            let body = format!(r#"{{"data": [{{"index": 0, "embedding": {values}}}]}}"#);
            let _ = stream.write_all(&ok(body));
        });
        let error = server.model_with(server.options()).err().unwrap();
        assert!(error.to_string().contains("dimension") && error.to_string().contains("65536"), "{error}");
    }
}

#[test]
fn the_key_is_sent_and_shown_nowhere() {
    let server = Server::answering(|number, request| match number {
        1 => good(request),
        _ => reply("401 Unauthorized", "", format!("bad key {SECRET}, get one")),
    });
    let mut options = server.options();
    let without_key = server.model_with(options.clone()).unwrap().0.fingerprint();
    options.key = Some(ServerKey::new(SECRET).unwrap());
    let (model, _) = server.model_with(options.clone()).unwrap();
    let error = embed(&model, &["a"]).unwrap_err();
    let head = server.asked().pop().unwrap().head;
    assert!(head.to_lowercase().contains(&format!("authorization: bearer {SECRET}\r\n")), "{head}");
    assert!(error.to_string().ends_with("401: bad key ***, get one"), "{error}");
    assert!(error.hint().contains("SEMDEDUP_API_KEY"));
    assert_eq!(model.fingerprint(), without_key);
    assert!(!format!("{options:?} {}", model.name()).contains("secret"));
}

#[test]
fn whatever_a_server_says_of_the_key_is_not_shown() {
    for answer in [
        ok(format!("{{\"data\": \"your key is {SECRET}\"}}")),
        reply("302 Found", &format!("Location: http://elsewhere/?k={SECRET}\r\n"), ""),
        reply("400 Bad Request", "", format!("{}{SECRET}", "x".repeat(290))),
    ] {
        let server = Server::answering(
            move |number, request| if number == 0 { good(request) } else { answer.clone() },
        );
        let mut options = server.options();
        options.key = Some(ServerKey::new(SECRET).unwrap());
        let error = embed(&server.model_with(options).unwrap().0, &["text"]).unwrap_err().to_string();
        assert!(!error.contains(&SECRET[..6]) && error.chars().count() < 800, "{error}");
    }
}

#[test]
fn tokens_that_a_server_counts_wrongly_cost_nothing() {
    for usage in ["{\"prompt_tokens\": 18446744073709551615}", "{\"prompt_tokens\": -1.5}", "\"none\"", "7"] {
        let usage: serde_json::Value = serde_json::from_str(usage).unwrap();
        let answer = move |items| json!({"data": items, "usage": usage}).to_string();
        let server = Server::answering(move |_, request| ok(answer(items(request))));
        let (model, _) = server.model();
        assert_eq!(embed(&model, &["one", "two"]).unwrap(), expected(&["one", "two"]));
    }
}

#[test]
fn a_key_is_not_sent_over_plain_http_to_another_machine_unless_asked_for() {
    let server = Server::good();
    let mut options = server.options();
    options.key = Some(ServerKey::new(SECRET).unwrap());
    for host in ["192.0.2.1", "example.invalid", "localhost.example.invalid", "[2001:db8::1]"] {
        options.address = address(&format!("http://{host}/v1/embeddings#m"));
        let error = RemoteModel::connect(options.clone()).err().unwrap();
        assert!(error.to_string().contains("plain http") && !error.to_string().contains(SECRET), "{error}");
    }
    options.address = address(&server.url());
    options.key_in_clear = true;
    assert!(server.model_with(options).is_ok());
}

#[test]
fn the_key_of_openai_is_for_openai_alone() {
    let find = |typed: &str, set: &[(&str, &str)]| {
        let environment =
            |name: &str| set.iter().find_map(|(known, value)| (*known == name).then(|| (*value).to_owned()));
        ServerKey::find(&address(typed), environment).unwrap().is_some()
    };
    let openai = "https://api.openai.com/v1/embeddings#m";
    for other in [
        "https://example.com/#m",
        "http://localhost/#m",
        "https://notopenai.com/#m",
        "http://api.openai.com/#m",
    ] {
        assert!(!find(other, &[("OPENAI_API_KEY", "k")]), "{other}");
        assert!(find(other, &[("SEMDEDUP_API_KEY", "k")]), "{other}");
    }
    assert!(find(openai, &[("OPENAI_API_KEY", "k")]) && find(openai, &[("SEMDEDUP_API_KEY", "k")]));
    assert!(!find(openai, &[]) && !find(openai, &[("OPENAI_API_KEY", "")]));
    for bad in ["", "two words", "line\n", "ü"] {
        let error = ServerKey::new(bad).unwrap_err();
        assert!(bad.is_empty() || !error.to_string().contains(bad), "{error}");
    }
}

#[test]
fn fields_are_sent_and_those_of_the_program_are_not_for_the_user() {
    let server = Server::good();
    let mut options = server.options();
    options.fields = json!({"dimensions": 4, "encoding_format": "base64"}).as_object().unwrap().clone();
    let (model, _) = server.model_with(options.clone()).unwrap();
    embed(&model, &["a"]).unwrap();
    let body = &server.asked()[0].body;
    assert_eq!((&body["dimensions"], &body["encoding_format"]), (&json!(4), &json!("base64")));
    for name in ["model", "input"] {
        options.fields = json!({name: "x"}).as_object().unwrap().clone();
        assert!(server.model_with(options.clone()).err().unwrap().to_string().contains(name));
    }
}

#[test]
fn the_fingerprint_changes_with_whatever_changes_the_embeddings() {
    let server = Server::good();
    let longer = Server::writing(|_, request, stream| {
        use std::io::Write;
        let mut items = items(request);
        items[0]["embedding"] = json!([1, 2, 3, 4, 5]);
        let _ = stream.write_all(&data(items));
    });
    let options = server.options();
    let fingerprint = |fields: &str, model: &str| {
        let mut options = options.clone();
        options.fields = serde_json::from_str(fields).unwrap();
        options.address = address(&server.url().replace("some/model", model));
        server.model_with(options).unwrap().0.fingerprint()
    };
    let different = [
        fingerprint("{}", "a"),
        fingerprint("{}", "b"),
        fingerprint(r#"{"x": 1, "y": 2}"#, "a"),
        fingerprint(r#"{"x": 1, "y": 3}"#, "a"),
        longer.model().0.fingerprint(),
    ];
    for (place, one) in different.iter().enumerate() {
        assert!(!different[place + 1..].contains(one), "{one}");
    }
    assert_eq!(fingerprint(r#"{"y": 2, "x": 1}"#, "a"), different[2]);
    // The size and the number of requests change nothing.
    let mut options = options.clone();
    (options.batch, options.concurrency, options.attempts) = (3, 1, 1);
    let (model, _) = server.model_with(options).unwrap();
    assert_eq!(model.fingerprint(), server.model().0.fingerprint());
    assert_eq!(model.name(), server.url());
}
