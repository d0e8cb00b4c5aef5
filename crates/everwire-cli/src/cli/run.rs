//! `everwire run`: the service, in the foreground.

use actix::System;
use clap::Args;

use super::{Failure, config_path::ConfigPath, signals::Signals};
use crate::service;

/// Run the service
///
/// Keeps the connections of the configuration up, logs what happens to them on standard output, and serves their
/// status over HTTP. Ctrl-C or SIGTERM sends what waits, closes all connections and ends; a second one ends at once.
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
            tracing::warn!(%file, line, %text, "the configuration may have a mistake");
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
    tracing::warn!(signal, "ended at once, without sending what waits");
    std::process::exit(1);
}
