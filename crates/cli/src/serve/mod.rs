//! An embedding server: OpenAI's `POST /v1/embeddings`, answered by a model of ours.
//!
//! `listen` is the life of the server, `answer` what it says to one request, `refusal` how it says no. Requests are read and
//! answered on the runtime's threads, embeddings are made on others, so that a long request delays no short one's `/health`.

mod answer;
mod refusal;

use std::io::Error as IoError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use semdedup::models::TextModel;
use semdedup::{Error, Result};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::args::ServeArgs;
use crate::output;

/// How long requests that are under way may take once the server is to end.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// Requests that are worked on at a time, for each thread.
const REQUESTS_A_THREAD: usize = 2;
/// Kibibytes of bodies that are read or wait at a time; a slow body keeps no other from being read until there are so many.
const BODIES: usize = 512 << 10;

/// What every request needs.
struct Shared {
    model: Box<dyn TextModel>,
    /// Nobody is asked for a key where there is none.
    key: Option<String>,
    room: Arc<Semaphore>,
    /// Kibibytes of bodies that are read at a time.
    bodies: Arc<Semaphore>,
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// A model that cannot be loaded, an address that cannot be listened at, a key that is not there.
pub fn serve(args: &ServeArgs, json: bool, quiet: bool) -> Result<()> {
    let key = args.key_from_env.as_deref().map(key).transpose()?;
    let model = args.model.load_text(quiet)?;
    if key.is_none() && !args.listen.ip().is_loopback() && !quiet {
        output::warning(&"anybody who reaches this machine can ask; --key-from-env VARIABLE asks for a key");
    }
    let room = Arc::new(Semaphore::new(REQUESTS_A_THREAD * rayon::current_num_threads()));
    let bodies = Arc::new(Semaphore::new(BODIES));
    let runtime = tokio::runtime::Runtime::new().map_err(|error| failed(args.listen, &error))?;
    let served = runtime.block_on(listen(args.listen, Shared { model, key, room, bodies }, json));
    // Without waiting for embeddings that nobody will get.
    runtime.shutdown_background();
    served
}

fn key(variable: &str) -> Result<String> {
    std::env::var(variable).ok().filter(|key| !key.is_empty()).ok_or_else(|| {
        Error::usage(format!(
            "--key-from-env {variable}: there is no such environment variable, or it is empty"
        ))
        .hint("set it, or leave the option out to ask for no key")
    })
}

fn failed(address: SocketAddr, error: &IoError) -> Error {
    Error::usage(format!("--listen {address}: {error}"))
        .hint("choose another address or port; port 0 takes any that is free")
}

async fn listen(address: SocketAddr, shared: Shared, json: bool) -> Result<()> {
    let failed = |error| failed(address, &error);
    // Before anybody is told that it is there, so that whoever is told can end it.
    let mut ends = Ends::watch().map_err(failed)?;
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    output::print(&announcement(bound, shared.model.name(), json))?;
    let routes = Router::new()
        .route("/v1/embeddings", post(answer::embeddings))
        .route("/v1/models", get(answer::models))
        .route("/health", get(answer::health))
        .fallback(refusal::no_such_path)
        .method_not_allowed_fallback(refusal::no_such_method)
        .with_state(Arc::new(shared));
    let (end, ended) = oneshot::channel::<()>();
    let server = axum::serve(listener, routes).with_graceful_shutdown(async {
        // If the sender has gone, it is the end as well.
        let _ = ended.await;
    });
    let server = tokio::spawn(server.into_future());
    ends.next().await;
    let _ = end.send(());
    // Whoever has not got an answer by then, or when the signal comes again, gets none.
    tokio::select! {
        _ = tokio::time::timeout(LAST_REQUESTS, server) => {}
        () = ends.next() => {}
    }
    Ok(())
}

/// The line that says where the server is, as `--model` takes it.
fn announcement(bound: SocketAddr, model: &str, json: bool) -> String {
    let url = format!("http://{bound}/v1/embeddings");
    if json {
        format!("{}\n", serde_json::json!({"url": url, "model": model}))
    } else {
        format!("{url}#{model}\n")
    }
}

/// The signals that end the server.
struct Ends(mpsc::Receiver<()>);

impl Ends {
    #[cfg(unix)]
    fn watch() -> std::result::Result<Self, IoError> {
        use tokio::signal::unix::{SignalKind, signal};
        let (sender, receiver) = mpsc::channel(1);
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let (sender, mut signal) = (sender.clone(), signal(kind)?);
            tokio::spawn(
                async move { while signal.recv().await.is_some() && sender.send(()).await.is_ok() {} },
            );
        }
        Ok(Self(receiver))
    }

    #[cfg(not(unix))]
    fn watch() -> std::result::Result<Self, IoError> {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).await.is_ok() {}
        });
        Ok(Self(receiver))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
