//! The requests, and the order of the answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use semdedup_embed::{EmbedStats, TextModel};
use serde_json::json;

use super::server::{Server, data, embed, expected, good, items};

#[test]
fn every_text_gets_its_embedding_and_no_request_has_more_texts_than_allowed() {
    let server = Server::good();
    let mut options = server.options();
    options.batch = 10;
    let (model, _) = server.model_with(options).unwrap();
    assert_eq!(model.dim(), 4);
    let texts: Vec<String> = (0..95).map(|number| format!("text {number} ünï")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(embed(&model, &texts).unwrap(), expected(&texts));
    let sizes: Vec<usize> = server.asked().iter().map(|request| request.texts().len()).collect();
    assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (10, 95));
    assert!(sizes.iter().all(|&size| size <= 10), "{sizes:?}");
}

#[test]
fn a_request_is_what_the_servers_document() {
    let server = Server::good();
    let (model, _) = server.model();
    embed(&model, &["a text"]).unwrap();
    let request = &server.asked()[0];
    assert!(request.head.starts_with("POST /v1/embeddings HTTP/1.1\r\n"), "{}", request.head);
    assert!(request.head.to_lowercase().contains("content-type: application/json\r\n"), "{}", request.head);
    assert!(!request.head.to_lowercase().contains("authorization"), "{}", request.head);
    let body = json!({"model": "some/model", "input": ["a text"], "encoding_format": "float"});
    assert_eq!(request.body, body);
}

#[test]
fn embeddings_are_put_in_order_by_their_index() {
    let server = Server::answering(|_, request| data(items(request).into_iter().rev().collect()));
    let (model, _) = server.model();
    let texts = ["one", "two", "three", "four"];
    assert_eq!(embed(&model, &texts).unwrap(), expected(&texts));
}

#[test]
fn embeddings_in_base64_are_the_same() {
    let server = Server::answering(|_, request| {
        use base64::Engine;
        let mut items = items(request);
        for (item, text) in items.iter_mut().zip(request.texts()) {
            let bytes: Vec<u8> =
                super::server::embedding(&text).iter().flat_map(|x| x.to_le_bytes()).collect();
            item["embedding"] = json!(base64::prelude::BASE64_STANDARD.encode(bytes));
        }
        data(items)
    });
    let (model, _) = server.model();
    assert_eq!(embed(&model, &["one", "two"]).unwrap(), expected(&["one", "two"]));
}

#[test]
fn empty_texts_get_zeros_and_are_not_sent_and_equal_ones_are_sent_once() {
    let server = Server::good();
    let (model, _) = server.model();
    let texts = ["", "same", "other", "same", "", "same"];
    let mut out = vec![f32::NAN; 24];
    let stats = model.embed(&texts, &mut out).unwrap();
    assert_eq!(out, expected(&texts));
    assert_eq!(stats, EmbedStats { tokens: 6, ..EmbedStats::default() });
    assert_eq!(server.asked().iter().map(|request| request.texts()).collect::<Vec<_>>(), [["same", "other"]]);
    assert_eq!(embed(&model, &["", ""]).unwrap(), [0.0; 8]);
    assert!(embed(&model, &[]).unwrap().is_empty());
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_huge_text_goes_by_itself() {
    let server = Server::good();
    let (model, _) = server.model();
    let huge = "x".repeat(600 << 10);
    let texts = ["a", huge.as_str(), "b", "c"];
    assert_eq!(embed(&model, &texts).unwrap(), expected(&texts));
    let mut sizes: Vec<usize> = server.asked().iter().map(|request| request.texts().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 2]);
}

#[test]
fn as_many_requests_as_allowed_are_on_their_way_and_never_more_whoever_calls() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (Arc::clone(&now), Arc::clone(&most));
    // The first three answers wait for each other. With fewer requests at a time the test would
    // hang until the timeout.
    let three = Barrier::new(3);
    let server = Server::answering(move |number, request| {
        highest.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        if number <= 3 {
            three.wait();
        }
        counted.fetch_sub(1, Ordering::SeqCst);
        good(request)
    });
    let mut options = server.options();
    (options.batch, options.concurrency) = (1, 3);
    let (model, _) = server.model_with(options).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let model = &model;
            scope.spawn(move || {
                let texts: Vec<String> = (0..20).map(|number| format!("text {number} of {caller}")).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                assert_eq!(embed(model, &texts).unwrap(), expected(&texts));
            });
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 3);
}
