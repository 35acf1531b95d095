//! Connects to the stores that the environment configures.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::ClientConfigKey;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ClientOptions, HeaderMap, HeaderValue, ObjectStore, RetryConfig};
use reqwest::header::AUTHORIZATION;

use crate::error::{ErrorKind, Result};
use crate::storage::errors::StoreError;
use crate::storage::hub;
use crate::storage::kind::Kind;
use crate::storage::list_answers::Connector;

/// The retries of a failed request, 0.2 to 10 seconds apart: about half a minute in all.
const RETRIES: usize = 8;
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(200),
        max_backoff: Duration::from_secs(10),
        base: 2.0,
    },
    max_retries: RETRIES,
    retry_timeout: Duration::from_secs(120),
};

/// The time without a byte after which a connection has failed.
const READ_TIMEOUT: &str = "30s";

/// The time that a whole transfer may take: as good as no limit.
const WHOLE_TIMEOUT: &str = "1day";

/// Returns a new client of a bucket or web server. `root` is its URL without a path.
pub(super) fn connect(kind: Kind, root: &str) -> Result<Arc<dyn ObjectStore>> {
    let built = match kind {
        Kind::Amazon => amazon(root),
        Kind::Google => google(root),
        Kind::Azure => azure(root),
        Kind::Http => web(root),
    };
    Ok(built.map_err(|error| StoreError::of(ErrorKind::Usage, root, &error))?)
}

/// Returns our time limits, without those that the environment sets.
fn timeouts(prefix: &str) -> impl Iterator<Item = (ClientConfigKey, &'static str)> {
    let unset = move |name: &str| std::env::var_os(format!("{prefix}_{name}")).is_none();
    let whole = unset("TIMEOUT").then_some((ClientConfigKey::Timeout, WHOLE_TIMEOUT));
    let read = unset("READ_TIMEOUT").then_some((ClientConfigKey::ReadTimeout, READ_TIMEOUT));
    whole.into_iter().chain(read)
}

/// Whether the environment names an endpoint without encryption. If it does, we allow it.
fn names_plain_http(variables: &[&str]) -> bool {
    variables.iter().any(|name| std::env::var(name).is_ok_and(|value| value.starts_with("http://")))
}

fn amazon(root: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder =
        AmazonS3Builder::from_env().with_url(root).with_retry(RETRY).with_http_connector(Connector);
    for (key, value) in timeouts("AWS") {
        builder = builder.with_config(AmazonS3ConfigKey::Client(key), value);
    }
    if names_plain_http(&["AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]) {
        builder = builder.with_allow_http(true);
    }
    if !names_credentials(&builder) && !is_instance() {
        return Err(missing_credentials());
    }
    // A variable that was read from a file may end in a line end, on which the client would panic.
    let named = std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value));
    for (name, value) in named.filter(|(name, _)| name.starts_with("AWS_")) {
        if value.to_string_lossy().contains(char::is_control) {
            let source = format!("{name} has a line end or another control character in it").into();
            return Err(object_store::Error::Generic { store: "S3", source });
        }
    }
    Ok(Arc::new(builder.build()?))
}

/// Whether the environment has credentials or names their place.
fn names_credentials(builder: &AmazonS3Builder) -> bool {
    let has = |key| builder.get_config_value(&key).is_some_and(|value| !value.is_empty());
    let anonymous = builder.get_config_value(&AmazonS3ConfigKey::SkipSignature);
    anonymous
        .is_some_and(|value| !["", "0", "false", "off", "no"].contains(&value.to_ascii_lowercase().as_str()))
        || [
            AmazonS3ConfigKey::AccessKeyId,
            AmazonS3ConfigKey::SecretAccessKey,
            AmazonS3ConfigKey::WebIdentityTokenFile,
            AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
            AmazonS3ConfigKey::ContainerCredentialsFullUri,
            AmazonS3ConfigKey::MetadataEndpoint,
        ]
        .into_iter()
        .any(has)
}

/// Whether this is a machine of Amazon, which serves credentials at a fixed address. On other
/// machines nothing answers there, so that half a minute of retries would be wasted.
fn is_instance() -> bool {
    let address = SocketAddr::from(([169, 254, 169, 254], 80));
    TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok()
}

fn missing_credentials() -> object_store::Error {
    object_store::Error::Generic { store: "S3", source: "Missing access key".into() }
}

fn google(root: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder =
        GoogleCloudStorageBuilder::from_env().with_url(root).with_retry(RETRY).with_http_connector(Connector);
    for (key, value) in timeouts("GOOGLE") {
        builder = builder.with_config(GoogleConfigKey::Client(key), value);
    }
    if names_plain_http(&["GOOGLE_BASE_URL"]) {
        builder = builder.with_config(GoogleConfigKey::Client(ClientConfigKey::AllowHttp), "true");
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(root: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder =
        MicrosoftAzureBuilder::from_env().with_url(root).with_retry(RETRY).with_http_connector(Connector);
    for (key, value) in timeouts("AZURE") {
        builder = builder.with_config(AzureConfigKey::Client(key), value);
    }
    if names_plain_http(&["AZURE_ENDPOINT", "AZURE_STORAGE_ENDPOINT"]) {
        builder = builder.with_allow_http(true);
    }
    Ok(Arc::new(builder.build()?))
}

fn web(root: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let headers = ClientOptions::new().with_default_headers(hub_token(
        &hub::endpoint(),
        std::env::var("HF_TOKEN").ok(),
        root,
    ));
    let mut builder = HttpBuilder::new().with_url(root).with_client_options(headers).with_retry(RETRY);
    for (key, value) in timeouts("SEMDEDUP_HTTP") {
        builder = builder.with_config(key, value);
    }
    Ok(Arc::new(builder.with_config(ClientConfigKey::AllowHttp, "true").build()?))
}

/// Returns the header with the token for gated data sets, if the server is the Hugging Face hub. A
/// redirection to another server drops it.
fn hub_token(endpoint: &str, token: Option<String>, root: &str) -> HeaderMap {
    let is_hub = format!("{endpoint}/").starts_with(&format!("{root}/"));
    let token = token.filter(|token| is_hub && !token.is_empty());
    let value = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
    let secret = value.map(|mut value| {
        value.set_sensitive(true);
        (AUTHORIZATION, value)
    });
    HeaderMap::from_iter(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_hub_alone() {
        let has_token =
            |endpoint: &str, root: &str| !hub_token(endpoint, Some("secret".to_owned()), root).is_empty();
        assert!(has_token("https://huggingface.co", "https://huggingface.co"));
        assert!(has_token("https://mirror/hub", "https://mirror"));
        assert!(!has_token("https://huggingface.co", "https://host"));
        assert!(!has_token("https://huggingface.co.host", "https://huggingface.co"));
        assert!(!has_token("https://huggingface.co", "http://huggingface.co"));
    }
}
