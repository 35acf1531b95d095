//! The signals that stop the server.

use std::io::Result;

use tokio::sync::mpsc;

/// Receives Ctrl-C and SIGTERM.
pub struct ShutdownSignals(mpsc::Receiver<()>);

impl ShutdownSignals {
    /// Starts to watch for the signals.
    ///
    /// # Errors
    /// Fails if the system does not allow it.
    #[cfg(unix)]
    pub fn watch() -> Result<Self> {
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

    /// Starts to watch for Ctrl-C.
    ///
    /// # Errors
    /// Never fails here; it does on Unix.
    #[cfg(not(unix))]
    pub fn watch() -> Result<Self> {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).await.is_ok() {}
        });
        Ok(Self(receiver))
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}
