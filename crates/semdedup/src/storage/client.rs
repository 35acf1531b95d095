//! Makes one client for each bucket, configured by the environment.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

use object_store::ObjectStore;
use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};
#[cfg(not(feature = "cloud"))]
use crate::storage::absent::connect;
#[cfg(feature = "cloud")]
use crate::storage::connect::connect;
use crate::storage::kind::Kind;

/// Returns the threads that wait for the network, which start at the first URL.
fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        // An error only means that another part of the program has already set one.
        #[cfg(feature = "cloud")]
        let _ = rustls::crypto::ring::default_provider().install_default();
        Builder::new_multi_thread().worker_threads(2).thread_name("storage").enable_all().build()
    });
    runtime
        .as_ref()
        .map_err(|error| Error::usage(format!("cannot start the threads of the network: {error}")))
}

/// Starts a task on the network threads.
pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    runtime()?.spawn(work);
    Ok(())
}

/// Runs a task on the network threads and waits for its result. The caller may be any thread, even
/// one of another runtime.
pub(super) fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T> {
    let (done, result) = mpsc::sync_channel(1);
    spawn(async move {
        // An error means that nobody waits for the result any more.
        let _ = done.send(work.await);
    })?;
    result.recv().map_err(|_| Error::usage("a thread of the network failed"))
}

/// Returns the client of a bucket or web server. `root` is its URL without a path.
pub(super) fn store(kind: Kind, root: &str) -> Result<Arc<dyn ObjectStore>> {
    static STORES: OnceLock<Mutex<HashMap<String, Arc<dyn ObjectStore>>>> = OnceLock::new();
    let mut stores = STORES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(store) = stores.get(root) {
        return Ok(store.clone());
    }
    runtime()?;
    let store = connect(kind, root)?;
    stores.insert(root.to_owned(), store.clone());
    Ok(store)
}
