//! The HTTP client that servers of models and the hub are asked with.

use std::error::Error;
use std::sync::Arc;

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;

/// Begins a client. It repeats no request and follows no redirection, because another host would
/// get the texts and the key; its callers decide about both.
pub(crate) fn client(tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .user_agent(concat!("semdedup/", env!("CARGO_PKG_VERSION")))
}

/// Returns a TLS configuration that trusts the certificates that this machine trusts.
pub(crate) fn with_certificates() -> Result<ClientConfig, rustls::Error> {
    Ok(tls()?.with_platform_verifier()?.with_no_client_auth())
}

/// Returns a TLS configuration for plain http. It trusts no certificate, and so looks for none.
pub(crate) fn without_certificates() -> Result<ClientConfig, rustls::Error> {
    Ok(tls()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn tls() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
}

/// Returns an error and its causes in one line, because the outermost error says the least. URLs
/// are left out: they may hold a password, and the caller names the place.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = match error.downcast_ref::<reqwest::Error>() {
            Some(_) => String::new(),
            None => error.to_string(),
        };
        if !text.is_empty() && !said.iter().any(|said| said.contains(&text)) {
            said.push(text);
        }
        next = error.source();
    }
    if said.is_empty() { error.to_string() } else { said.join(": ") }
}
