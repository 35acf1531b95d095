//! Starts the server, announces its address and stops it.

use std::io::Error as IoError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use semdedup::{Error, Result};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::signals::ShutdownSignals;
use super::state::ServerState;
use super::{handlers, refusal};
use crate::args::serve::ServeArgs;
use crate::models::load_text;
use crate::output;
use crate::output_mode::OutputMode;

/// The time that running requests have to finish after a signal.
const SHUTDOWN_TIME: Duration = Duration::from_secs(10);

/// Serves a model until Ctrl-C or SIGTERM.
///
/// # Errors
/// Fails if the model cannot be loaded, the server cannot listen on the address, or the environment
/// variable of the key is not set.
pub fn serve(args: &ServeArgs, mode: OutputMode) -> Result<()> {
    let key = args.key_from_env.as_deref().map(key).transpose()?;
    let model = load_text(&args.model, mode.quiet)?;
    if key.is_none() && !args.listen.ip().is_loopback() && !mode.quiet {
        output::warning(
            &"anyone who can reach this machine can use the server; --key-from-env VARIABLE requires a key",
        );
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| cannot_listen(args.listen, &error))?;
    let served = runtime.block_on(listen(args.listen, ServerState::new(model, key), mode.json));
    // Embeddings that are still being computed have no reader any more.
    runtime.shutdown_background();
    served
}

/// Reads the key from an environment variable.
fn key(variable: &str) -> Result<String> {
    std::env::var(variable).ok().filter(|key| !key.is_empty()).ok_or_else(|| {
        Error::usage(format!("--key-from-env {variable}: this environment variable is not set or is empty"))
            .hint("set it, or leave the option out to serve without a key")
    })
}

fn cannot_listen(address: SocketAddr, error: &IoError) -> Error {
    Error::usage(format!("--listen {address}: {error}"))
        .hint("choose another address or port; port 0 takes any free port")
}

async fn listen(address: SocketAddr, state: ServerState, json: bool) -> Result<()> {
    let failed = |error| cannot_listen(address, &error);
    // Before the address is announced, so that whoever reads it can stop the server.
    let mut signals = ShutdownSignals::watch().map_err(failed)?;
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    output::print(&announcement(bound, state.model.name(), json))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, routes(state)).with_graceful_shutdown(async {
        // A dropped sender means the same.
        let _ = stopped.await;
    });
    let server = tokio::spawn(server.into_future());
    signals.next().await;
    let _ = stop.send(());
    // A second signal, or the end of this time, drops the requests that are still running.
    tokio::select! {
        _ = tokio::time::timeout(SHUTDOWN_TIME, server) => {}
        () = signals.next() => {}
    }
    Ok(())
}

fn routes(state: ServerState) -> Router {
    Router::new()
        .route("/v1/embeddings", post(handlers::embeddings))
        .route("/v1/models", get(handlers::models))
        .route("/health", get(handlers::health))
        .fallback(refusal::unknown_path)
        .method_not_allowed_fallback(refusal::unknown_method)
        .with_state(Arc::new(state))
}

/// Returns the line that says where the server listens, in the form that `--model` takes.
fn announcement(bound: SocketAddr, model: &str, json: bool) -> String {
    let url = format!("http://{bound}/v1/embeddings");
    if json {
        format!("{}\n", serde_json::json!({"url": url, "model": model}))
    } else {
        format!("{url}#{model}\n")
    }
}
