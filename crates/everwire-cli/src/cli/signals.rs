//! The signals that end the process.

use std::io;

/// Listens for Ctrl-C and SIGTERM from its creation on. The usual effect of the signals is then
/// disabled.
pub struct Signals {
    #[cfg(unix)]
    interrupt: actix_rt::signal::unix::Signal,
    #[cfg(unix)]
    terminate: actix_rt::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Starts listening, inside a running runtime.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn new() -> io::Result<Self> {
        use actix_rt::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal, and returns its name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Nothing to prepare here.
    ///
    /// # Errors
    ///
    /// None.
    pub fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for Ctrl-C.
    pub async fn next(&mut self) -> &'static str {
        if actix_rt::signal::ctrl_c().await.is_err() {
            // Without signals, nothing is left to wait for.
            std::future::pending::<()>().await;
        }
        "ctrl-c"
    }
}
