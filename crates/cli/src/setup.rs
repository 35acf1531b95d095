//! Prepares the process before a command starts.

use semdedup::{Error, Result};

/// Raises the limit on open files as far as the system allows. Embeddings may be spread over
/// thousands of shards, and the usual soft limit is 1,024 or less.
///
/// A failure is ignored: opening one file too many reports it.
pub fn raise_open_file_limit() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
            // macOS reports no limit but refuses more than this.
            let most = if cfg!(target_os = "macos") { hard.min(10_240) } else { hard };
            let _ = setrlimit(Resource::RLIMIT_NOFILE, soft.max(most), hard);
        }
    }
}

/// Starts the thread pool with this many threads, or one per core.
///
/// # Errors
/// Fails if the system refuses to start the threads.
pub fn start_threads(threads: Option<u16>) -> Result<()> {
    let threads = threads.map_or(0, usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|error| {
        Error::usage(format!("cannot start the threads: {error}")).hint("try fewer with --threads")
    })
}
