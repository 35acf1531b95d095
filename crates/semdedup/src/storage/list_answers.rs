//! Reads the lists that stores answer with before their client does.

use std::future::Future;
use std::pin::Pin;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

use crate::storage::odd_keys::taken_out;

/// Connects the client of a store so that one key that no path can have does not cost the list.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Lists(ReqwestConnector::default().connect(options)?)))
    }
}

#[derive(Debug)]
struct Lists(HttpClient);

impl HttpService for Lists {
    // What the macro `async_trait` makes of an async function.
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let query = request.uri().query().unwrap_or_default();
        let is_list = query.split('&').any(|part| ["list-type=2", "comp=list"].contains(&part));
        Box::pin(async move {
            let response = self.0.execute(request).await?;
            if !is_list || !response.status().is_success() {
                return Ok(response);
            }
            let (parts, body) = response.into_parts();
            let bytes = body.bytes().await?;
            let rest = std::str::from_utf8(&bytes).ok().and_then(taken_out);
            Ok(HttpResponse::from_parts(parts, rest.map_or_else(|| bytes.into(), Into::into)))
        })
    }
}
