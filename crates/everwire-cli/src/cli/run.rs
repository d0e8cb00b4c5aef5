//! `everwire run`: the service, in the foreground.

use actix::System;
use clap::Args;

use super::{Failure, config_path::ConfigPath, signals::Signals};
use crate::service;

/// Run the service
///
/// Keeps the connections of the configuration up, logs their events on standard output, and serves
/// their status over HTTP. Ctrl-C and SIGTERM send what waits, close all connections and end the
/// service; a second signal ends it at once.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    config: ConfigPath,
}

impl Run {
    /// Runs until a signal.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service cannot start.
    pub fn execute(self) -> Result<(), Failure> {
        let config = self.config.path().to_owned();
        let mut settings = self.config.load()?;
        settings.service.remember = true;
        service::log::start(&settings.service.log);
        for warning in &settings.warnings {
            let (file, line, text) = (&warning.file, warning.line, &warning.message);
            tracing::warn!(%file, line, %text, "the configuration looks wrong");
        }
        let listener = service::http::bind(settings.service.listen)?;
        System::new().block_on(async {
            let mut signals = Signals::new().map_err(Failure::Signals)?;
            let stop = async move {
                let signal = signals.next().await;
                actix::spawn(end_at_once(signals));
                signal
            };
            service::serve(settings, listener, Some(config), stop).await?;
            Ok(())
        })
    }
}

/// A second signal means that the user does not want to wait for the drain.
async fn end_at_once(mut signals: Signals) {
    let signal = signals.next().await;
    tracing::warn!(signal, "ended without waiting for the drain");
    std::process::exit(1);
}
