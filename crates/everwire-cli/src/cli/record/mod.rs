//! `everwire record`: records the messages of a server in a file that `rehearse --from` plays back.

mod masking;
mod recorder;

use std::{fs::File, io, path::PathBuf, time::Duration};

use actix::System;
use clap::{Args, ValueHint};
use everwire::{Delivery, Manager, Pattern};
use tokio::time::Instant;

use self::{masking::Masking, recorder::Recorder};
use super::{Failure, config_path::ConfigOption, dial, parse, signals::Signals, stderr};
use crate::service;

/// The most events that may wait while the file is slow.
const WAITING: usize = 65_536;
/// The time limit for the close at the end.
const CLOSE: Duration = Duration::from_secs(10);

/// Record what a server sends to a connection of a configuration
///
/// This command dials the connection itself, with the credentials of the connection, and reconnects as the service would. Each message, and
/// each decision of the dialogue, is a JSON line with its time. Secrets are masked before they are written: the values of variables and
/// files, and all captures that are secret. Ctrl-C, or --for, ends the recording. `everwire rehearse --from` plays it back.
#[derive(Debug, Args)]
pub struct Record {
    /// The name of the connection
    #[arg(value_name = "NAME")]
    name: String,

    /// The file to write; it must not exist yet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    #[command(flatten)]
    config: ConfigOption,

    /// End after this time
    #[arg(long = "for", value_name = "DURATION", value_parser = parse::duration)]
    time: Option<Duration>,
}

impl Record {
    /// Records until a signal, the end of the time, or the name's failure.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the configuration is invalid, the file cannot be written, or the name gives
    /// up.
    pub fn execute(self) -> Result<(), Failure> {
        let dial::settings::Target {
            name,
            settings,
            mut connection,
        } = dial::settings::named(&self.name, self.config.path())?;
        connection.enabled = false;
        let dialogue = connection.dialogue.get_or_insert_default().clone();
        let masking = Masking::new(&connection, &dialogue);
        let file = File::create_new(&self.out).map_err(|error| self.unwritten(&error))?;
        System::new().block_on(async {
            let mut signals = Signals::new().map_err(Failure::Signals)?;
            let manager = Manager::start(settings).map_err(service::Error::Manager)?;
            let delivery = Delivery::default().events(WAITING);
            let events = manager.subscribe(Pattern::all(), delivery);
            let handle = manager.open(&*name, connection);
            let handle = handle.map_err(service::Error::Open)?;
            let gone = |gone: everwire::ConnectionGone| Failure::Undone(gone.to_string());
            let watch = handle.watch(WAITING).await.map_err(gone)?;
            let watch =
                watch.ok_or_else(|| Failure::Undone("the connection has no dialogue".into()))?;
            let recorder = Recorder::begin(file, &name, masking);
            let mut recorder = recorder.map_err(|error| self.unwritten(&error))?;
            let end = self.time.map(|time| Instant::now() + time);
            let recorded = recorder
                .record(&handle, events, watch, &mut signals, end)
                .await;
            manager.shutdown(CLOSE).await;
            recorded.map_err(|error| self.unwritten(&error))?;
            let lines = recorder.lines;
            stderr::complain(&format!("{lines} lines in {}", self.out.display()));
            match recorder.failed {
                None => Ok(()),
                Some(cause) => Err(Failure::Undone(format!("gave up: {cause}"))),
            }
        })
    }

    fn unwritten(&self, error: &io::Error) -> Failure {
        Failure::Undone(format!("cannot write {}: {error}", self.out.display()))
    }
}
