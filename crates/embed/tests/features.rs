//! Builds without a feature: the same calls compile, and their errors name the feature.
#![allow(clippy::unwrap_used)]

use semdedup_embed::ServerAddress;

#[test]
fn the_address_of_a_server_is_recognized_in_every_build() {
    assert!(ServerAddress::is_one("HTTP://host/v1/embeddings#model"));
    assert!(!ServerAddress::is_one("./http"));
}

#[cfg(not(feature = "transformers"))]
#[test]
fn a_pretrained_model_is_an_error_that_names_the_missing_feature() {
    let error = semdedup_embed::load("org/name", &semdedup_embed::LoadOptions::default());
    let error = error.err().unwrap();
    assert!(error.to_string().starts_with("org/name: "), "{error}");
    assert!(error.to_string().contains("`transformers`"), "{error}");
    assert!(error.hint().contains("--features transformers"), "{}", error.hint());
}

#[cfg(not(feature = "server"))]
#[test]
fn a_server_is_an_error_that_names_the_missing_feature_and_shows_no_password() {
    let error = ServerAddress::parse("http://user:secret@host/v1?key=secret#model").unwrap_err();
    assert!(error.to_string().contains("`server`"), "{error}");
    assert!(error.hint().contains("--features server"), "{}", error.hint());
    assert!(!error.to_string().contains("secret"), "{error}");
}
