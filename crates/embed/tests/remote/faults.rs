//! What a server can do wrong. Transient failures are retried, lasting ones are one error.

use std::io::Write;
use std::time::Duration;

use super::server::{Server, data, embed, expected, good, items, ok, reply};

const TEXTS: [&str; 2] = ["one", "two"];

/// Checks that two texts are embedded after a number of such answers, and returns the waits in
/// between.
#[track_caller]
fn passes(failures: usize, answer: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Vec<Duration> {
    let server =
        Server::answering(move |number, request| if number <= failures { answer() } else { good(request) });
    let (model, waits) = server.model();
    assert_eq!(embed(&model, &TEXTS).unwrap(), expected(&TEXTS));
    assert_eq!((server.asked().len(), waits.times().len()), (failures + 1, failures));
    waits.times()
}

/// Checks that such an answer is an error with these words, and that the request is not repeated.
#[track_caller]
fn lasts(words: &[&str], answer: impl Fn(&super::server::Request) -> Vec<u8> + Send + Sync + 'static) {
    stops(1, words, answer);
}

/// Checks that such an answer is an error with these words, although a text may be at fault: the
/// first text is asked for alone, then one that the server has embedded before.
#[track_caller]
fn stops_for_any_text(
    words: &[&str],
    answer: impl Fn(&super::server::Request) -> Vec<u8> + Send + Sync + 'static,
) {
    stops(3, words, answer);
}

/// Checks that such an answer is an error with these words after a number of requests.
#[track_caller]
fn stops(
    requests: usize,
    words: &[&str],
    answer: impl Fn(&super::server::Request) -> Vec<u8> + Send + Sync + 'static,
) {
    let server = Server::answering(move |_, request| answer(request));
    let (model, waits) = server.model();
    let error = embed(&model, &TEXTS).unwrap_err();
    let said = format!("{error} {}", error.hint());
    for word in words.iter().chain(&["http://127.0.0.1:", "/v1/embeddings: "]) {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    assert!(!error.to_string().contains('\n') && error.to_string().len() < 600, "{error}");
    assert!(!error.hint().is_empty());
    assert_eq!((server.asked().len(), waits.times().len()), (requests, 0), "{error}");
}

#[test]
fn a_busy_server_is_waited_for_as_long_as_it_asks() {
    let waits = passes(2, || reply("429 Too Many Requests", "Retry-After: 7\r\n", "{}"));
    assert_eq!(waits, [Duration::from_secs(7); 2]);
}

#[test]
fn a_date_to_wait_for_counts_from_the_date_of_the_answer() {
    let headers = "Date: Wed, 21 Oct 2015 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2015 07:30:05 GMT\r\n";
    let waits = passes(1, move || reply("503 Service Unavailable", headers, ""));
    assert_eq!(waits, [Duration::from_secs(125)]);
    let past = "Date: Wed, 21 Oct 2015 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2015 07:00:00 GMT\r\n";
    assert!(passes(1, move || reply("503 Service Unavailable", past, ""))[0] <= Duration::from_millis(500));
}

#[test]
fn a_failing_server_is_asked_again_after_longer_and_longer_times() {
    for status in ["502 Bad Gateway", "504 Gateway Timeout", "408 Request Timeout"] {
        let waits = passes(5, move || reply(status, "Retry-After: nonsense\r\n", "no"));
        assert!(waits.is_sorted() && waits[0] >= Duration::from_millis(250), "{waits:?}");
        assert!((Duration::from_secs(4)..=Duration::from_secs(8)).contains(&waits[4]), "{waits:?}");
    }
}

#[test]
fn a_cut_connection_is_asked_again() {
    // Before the first byte, in the head, in the body, and in a body of unknown length.
    for cut in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{\"data\": [",
        "HTTP/1.1 200 OK\r\n\r\n{\"data\": [{\"index\":",
    ] {
        passes(3, move || cut.as_bytes().to_vec());
    }
}

#[test]
fn a_server_that_stays_broken_is_one_error_with_its_words_and_a_way_out() {
    let server = Server::answering(|_, _| {
        reply("503 Service Unavailable", "", r#"{"error": {"message": "loading\nweights"}}"#)
    });
    let mut options = server.options();
    options.attempts = 5;
    let (model, waits) = server.model_with(options).unwrap();
    let error = embed(&model, &TEXTS).unwrap_err();
    assert!(error.to_string().ends_with("the server answered 503: loading weights (5 attempts)"), "{error}");
    assert!(error.hint().contains("same command line"), "{}", error.hint());
    assert_eq!((server.asked().len(), waits.times().len()), (5, 4));
    assert!(waits.reasons().iter().all(|why| why.contains("503: loading weights")), "{:?}", waits.reasons());
}

#[test]
fn a_server_that_asks_for_an_hour_is_not_waited_for() {
    lasts(&["429", "3600 s"], |_| reply("429 Too Many Requests", "Retry-After: 3600\r\n", "quota"));
}

#[test]
fn a_server_that_does_not_answer_in_time_is_asked_again_and_then_given_up() {
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let forever = std::sync::Mutex::new(receiver);
    let server = Server::writing(move |number, request, stream| {
        if number == 0 {
            stream.write_all(&good(request)).unwrap();
        } else {
            // Until the test ends and drops the sender.
            let _ = forever.lock().unwrap().recv();
        }
    });
    let mut options = server.options();
    (options.timeout, options.attempts) = (Duration::from_millis(300), 2);
    let (model, waits) = server.model_with(options).unwrap();
    let error = embed(&model, &TEXTS).unwrap_err();
    assert!(error.to_string().contains("too long to answer (2 attempts)"), "{error}");
    assert_eq!(waits.times().len(), 1);
    drop(sender);
}

#[test]
fn a_server_that_answers_byte_by_byte_is_given_up_in_time() {
    let (_sender, receiver) = std::sync::mpsc::channel::<()>();
    let never = std::sync::Mutex::new(receiver);
    let server = Server::writing(move |number, request, stream| {
        if number == 0 {
            stream.write_all(&good(request)).unwrap();
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        // As long as the client reads.
        while stream.write_all(b" ").is_ok() {
            let _ = never.lock().unwrap().recv_timeout(Duration::from_millis(5));
        }
    });
    let mut options = server.options();
    (options.timeout, options.attempts) = (Duration::from_millis(300), 1);
    let (model, _) = server.model_with(options).unwrap();
    let error = embed(&model, &TEXTS).unwrap_err();
    assert!(error.to_string().ends_with("too long to answer"), "{error}");
}

#[test]
fn what_the_server_refuses_is_not_asked_again_and_its_words_are_shown() {
    let bodies = [
        r#"{"error": {"message": "This model's maximum context length is 512 tokens", "type": "invalid"}}"#,
        r#"{"error": "This model's maximum context length is 512 tokens"}"#,
        r#"{"detail": "This model's maximum context length is 512 tokens"}"#,
        r#"{"object": "error", "message": "This model's maximum context length is 512 tokens"}"#,
        "This model's maximum context\r\nlength is 512 tokens",
    ];
    for body in bodies {
        stops_for_any_text(&["400: This model's maximum context length is 512 tokens"], move |_| {
            reply("400 Bad Request", "", body)
        });
    }
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found", "204 No Content"] {
        lasts(&[&status[..3]], move |_| reply(status, "", ""));
    }
    for status in ["413 Too Large", "422 Unprocessable"] {
        stops_for_any_text(&[&status[..3]], move |_| reply(status, "", ""));
    }
    stops_for_any_text(&["400: aaaa", "…"], |_| reply("400 Bad Request", "", "a".repeat(100_000)));
}

#[test]
fn answers_with_other_embeddings_than_were_asked_for_are_refused() {
    lasts(&["1 embeddings for 2 texts"], |request| data(items(request)[..1].to_vec()));
    lasts(&["3 embeddings for 2 texts"], |request| {
        data([items(request), items(request)[..1].to_vec()].concat())
    });
    lasts(&["two embeddings with the index 0", "--server-batch 1"], |request| {
        data(vec![items(request)[0].clone(); 2])
    });
    lasts(&["the index 2 for 2 texts", "from 0 or not at all; correct the server"], |request| {
        let mut items = items(request);
        items[0]["index"] = 2.into();
        data(items)
    });
    lasts(&["an index for 1 of 2 embeddings, but none for number 2"], |request| {
        let mut items = items(request);
        items[1].as_object_mut().unwrap().remove("index");
        data(items)
    });
    lasts(&["two embeddings with the index 0"], |request| {
        // Nobody can tell whether the first one is that of the first text.
        let mut items: Vec<_> = items(request).into_iter().rev().collect();
        items[0].as_object_mut().unwrap().remove("index");
        data(items)
    });
}

#[test]
fn answers_that_are_something_else_are_refused() {
    for other in ["<html>", "[]", "{\"data\": 3}", "{\"models\": []}", &"[".repeat(100_000)] {
        let other = other.to_owned();
        stops_for_any_text(&["no answer of an embedding server"], move |_| ok(other.clone()));
    }
}

#[test]
fn an_endless_answer_is_cut_off() {
    let server = Server::writing(|number, request, stream| {
        if number == 0 {
            stream.write_all(&good(request)).unwrap();
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        // Until the client stops reading.
        while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
    });
    let (model, waits) = server.model();
    let error = embed(&model, &TEXTS).unwrap_err();
    assert!(error.to_string().contains("more than 1049088 bytes"), "{error}");
    assert_eq!(waits.times().len(), 0);
}

#[test]
fn a_redirection_is_not_followed_because_texts_and_key_would_go_elsewhere() {
    let other = Server::good();
    let to = format!("Location: {}\r\n", other.url());
    lasts(&["307", &other.url()], move |_| reply("307 Temporary Redirect", &to, ""));
    assert_eq!(other.all_asked().len(), 0);
}

#[test]
fn after_a_failure_no_other_request_is_begun() {
    let server = Server::answering(|_, _| reply("400 Bad Request", "", "no"));
    let mut options = server.options();
    (options.batch, options.concurrency) = (1, 2);
    let (model, _) = server.model_with(options).unwrap();
    let texts: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    embed(&model, &texts).unwrap_err();
    // Two requests for each of the two threads, for a text and for the one that was embedded before,
    // and those that they had begun meanwhile.
    assert!(server.asked().len() <= 8, "{}", server.asked().len());
    // The model can still be used.
    assert!(embed(&model, &["a"]).unwrap_err().to_string().contains("400: no"));
}
