//! Texts that a server cannot embed: they are found and named, and the others are embedded.

use std::sync::atomic::{AtomicUsize, Ordering};

use semdedup_embed::{EmbeddedTexts, ModelError, RemoteModel, TextModel};

use super::server::{Request, Server, data, embed, embedding, expected, good, items, ok, reply};

fn embed_each(model: &RemoteModel, texts: &[&str]) -> Result<(Vec<f32>, EmbeddedTexts), ModelError> {
    let mut out = vec![f32::NAN; texts.len() * model.dim()];
    model.embed_each(texts, &mut out).map(|found| (out, found))
}

/// Starts a server that answers requests with the text `bad` with the results of `answer`, and all
/// others correctly.
fn refusing(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::answering(move |_, request| match request.texts().iter().any(|text| text == "bad") {
        true => answer(request),
        false => good(request),
    })
}

/// Checks that the texts `bad` are refused with a reason that has these words, and returns the
/// reason.
#[track_caller]
fn refuses(words: &[&str], answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> String {
    let server = refusing(answer);
    let (model, _) = server.model();
    let texts = ["one", "two", "bad", "three", "", "bad", "four"];
    let (rows, found) = embed_each(&model, &texts).unwrap();
    assert_eq!(found.refused.iter().map(|text| text.index).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(found.refused[0].reason, found.refused[1].reason);
    let reason = found.refused[0].reason.clone();
    for word in words {
        assert!(reason.contains(word), "`{word}` is not in: {reason}");
    }
    assert!(!reason.contains('\n') && reason.chars().count() <= 601, "{reason}");
    for (index, (text, row)) in texts.iter().zip(rows.chunks_exact(4)).enumerate() {
        let wanted = if *text == "bad" { vec![0.0; 4] } else { expected(&[text]) };
        assert_eq!(row, wanted, "{index}");
    }
    let error = embed(&model, &texts).unwrap_err();
    assert!(error.to_string().contains("`bad`") && error.to_string().contains(&reason), "{error}");
    reason
}

/// Returns an answer in which the text `bad` has this JSON for an embedding.
fn with(values: &'static str) -> impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static {
    move |request| {
        let item = |(index, text): (usize, String)| {
            let own = if text == "bad" { values.to_owned() } else { format!("{:?}", embedding(&text)) };
            format!(r#"{{"index": {index}, "embedding": {own}}}"#)
        };
        let items: Vec<String> = request.texts().into_iter().enumerate().map(item).collect();
        ok(format!(r#"{{"data": [{}]}}"#, items.join(", ")))
    }
}

#[test]
fn a_text_that_the_server_refuses_is_found_and_the_reason_has_the_servers_words() {
    let long = r#"{"error": {"message": "maximum context length is 512 tokens\nyou requested 600"}}"#;
    let reason = refuses(&[], move |_| reply("400 Bad Request", "", long));
    assert_eq!(reason, "the server answered 400: maximum context length is 512 tokens you requested 600");
    refuses(&["413: `inputs` must have less"], |_| {
        reply("413 Payload Too Large", "", r#"{"error": "`inputs` must have less than 512 tokens"}"#)
    });
    refuses(&["422"], |_| reply("422 Unprocessable Entity", "", ""));
    refuses(&["400: aaaa", "…"], |_| reply("400 Bad Request", "", "a".repeat(100_000)));
}

#[test]
fn an_error_within_an_answer_is_shown_in_its_words() {
    let failed = r#"{"error": {"message": "cannot encode this input", "code": 400}}"#;
    refuses(&["200 with an error: cannot encode this input"], move |_| ok(failed));
    refuses(&["200 with an error: no"], |_| ok(r#"{"error": "no", "data": null}"#));
    let busy = AtomicUsize::new(0);
    let server = Server::answering(move |_, request| match busy.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => ok(r#"{"error": {"message": "model is loading", "code": 503}}"#),
        _ => good(request),
    });
    let (model, waits) = server.model();
    assert_eq!(embed(&model, &["one"]).unwrap(), expected(&["one"]));
    assert!(waits.reasons().iter().all(|why| why.contains("model is loading")), "{:?}", waits.reasons());
    assert_eq!(waits.times().len(), 2, "a server that is loading is waited for");
}

#[test]
fn a_text_whose_embedding_cannot_be_compared_is_refused() {
    for (words, values) in [
        ("NaN", "[1, 2, 3, NaN]"),
        ("null", "[1, 2, 3, null]"),
        ("null", "null"),
        ("out of range", "[1, 2, 3, 1e39]"),
        ("\"4\"", "[1, 2, 3, \"4\"]"),
        ("base64", "\"AAA\""),
        ("3 numbers instead of 4", "[1, 2, 3]"),
        ("5 numbers instead of 4", "[1, 2, 3, 4, 5]"),
        ("0 numbers instead of 4", "[]"),
        ("not finite", "\"AACAfwAAAAAAAAAAAAAAAA==\""),
        ("zeros", "[0, 0, 0, -0.0]"),
    ] {
        refuses(&[words], with(values));
    }
}

#[test]
fn a_text_for_which_the_server_fails_is_asked_for_again_and_then_refused() {
    let server = refusing(|_| {
        reply("500 Internal Server Error", "", r#"{"error": {"message": "unsupported value: NaN"}}"#)
    });
    let (model, waits) = server.model();
    let (_, found) = embed_each(&model, &["one", "two", "bad", "three"]).unwrap();
    assert_eq!(found.refused.len(), 1);
    assert_eq!(found.refused[0].reason, "the server answered 500: unsupported value: NaN");
    // Twice for four texts and for the two, five times for the one.
    assert_eq!(waits.times().len(), 1 + 1 + 4);
    let last: Vec<Vec<String>> = server.asked().iter().map(Request::texts).collect();
    assert!(last.contains(&vec!["semdedup".to_owned()]), "the server was checked: {last:?}");
}

#[test]
fn a_server_that_stumbles_over_a_text_costs_no_row() {
    let failures = AtomicUsize::new(0);
    let server = refusing(move |request| match failures.fetch_add(1, Ordering::Relaxed) {
        0..6 => reply("500 Internal Server Error", "", "out of memory"),
        _ => good(request),
    });
    let (model, _) = server.model();
    let texts = ["one", "bad", "two"];
    let (rows, found) = embed_each(&model, &texts).unwrap();
    assert_eq!((rows, found.refused.len()), (expected(&texts), 0));
}

#[test]
fn a_server_that_fails_for_every_text_is_an_error() {
    let server = Server::answering(|_, _| reply("500 Internal Server Error", "", "out of memory"));
    let (model, _) = server.model();
    let error = embed_each(&model, &["one", "two"]).unwrap_err();
    assert!(error.to_string().ends_with("500: out of memory (8 attempts)"), "{error}");
    assert!(error.hint().contains("same command line"), "{}", error.hint());
}

#[test]
fn a_batch_that_is_too_large_is_divided() {
    let server = Server::answering(|_, request| match request.texts().len() {
        0..=8 => good(request),
        _ => reply("422 Unprocessable Entity", "", "batch size 32 > maximum allowed batch size 8"),
    });
    let (model, _) = server.model();
    let texts: Vec<String> = (0..64).map(|number| format!("text {number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (rows, found) = embed_each(&model, &texts).unwrap();
    assert_eq!((rows, found.refused.len()), (expected(&texts), 0));
}

#[test]
fn a_blank_text_that_the_server_refuses_gets_zeros_like_an_empty_one() {
    let server =
        Server::answering(|_, request| match request.texts().iter().any(|text| text.trim().is_empty()) {
            true => reply("400 Bad Request", "", "input cannot be an empty string"),
            false => good(request),
        });
    let (model, _) = server.model();
    let (rows, found) = embed_each(&model, &["one", " \t", "two"]).unwrap();
    assert_eq!((rows, found.refused.len()), (expected(&["one", "", "two"]), 0));
}

#[test]
fn embeddings_without_an_index_are_in_the_order_of_the_texts() {
    let without = |numbers: Vec<usize>| {
        move |_: usize, request: &Request| {
            let mut items = items(request);
            for &number in numbers.iter().filter(|&&number| number < request.texts().len()) {
                items[number].as_object_mut().unwrap().remove("index");
            }
            data(items)
        }
    };
    let texts = ["one", "two", "three"];
    // Some services leave out whatever is zero.
    for numbers in [vec![0, 1, 2], vec![0]] {
        let server = Server::answering(without(numbers));
        let (model, _) = server.model();
        assert_eq!(embed(&model, &texts).unwrap(), expected(&texts));
    }
}
