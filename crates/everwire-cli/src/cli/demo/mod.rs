//! `everwire demo`: shows everwire with a misbehaving peer, without a network.

mod board;
mod draw;
mod keys;
mod plain;
mod screen;
mod stage;
mod words;

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use actix::System;
use clap::Args;
use everwire::{Delivery, Pattern, hub::Kinds};
use jiff::SignedDuration;

use self::stage::Stage;
use super::{Failure, signals::Signals};

/// Show everwire at work; no network is needed
///
/// Starts an embedded server that misbehaves in every way, fourteen named connections to it, and the service with its page. A terminal
/// shows them live; a pipe gets a line for each event, and a summary every two seconds.
#[derive(Debug, Args)]
pub struct Demo {
    /// End after this time, such as 10s or 2m [default: at Ctrl-C]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    end_after: Option<Duration>,

    /// Write plain lines also on a terminal
    #[arg(long)]
    plain: bool,

    /// Print the events as JSON lines
    #[arg(long)]
    json: bool,
}

impl Demo {
    /// Runs until a key, a signal or the end of `--for`.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it cannot start or cannot write its output.
    pub fn execute(self) -> Result<(), Failure> {
        System::new().block_on(async {
            let signals = Signals::new().map_err(Failure::Signals)?;
            let stage = Stage::set()?;
            // Messages are only shown as rates.
            let kinds = Kinds::default().without("message");
            let delivery = Delivery::default().kinds(kinds);
            let events = stage.manager().subscribe(Pattern::all(), delivery);
            stage.open()?;
            let stop = end(signals, self.end_after);
            let shown = if self.json {
                plain::json_lines(events, stop).await
            } else if self.plain || !io::stdout().is_terminal() {
                plain::lines(&stage, events, stop).await
            } else {
                screen::show(&stage, events, stop).await
            };
            stage.strike().await;
            shown
        })
    }
}

async fn end(mut signals: Signals, end_after: Option<Duration>) {
    let deadline = async {
        match end_after {
            Some(end_after) => tokio::time::sleep(end_after).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = deadline => {}
        _ = signals.next() => {}
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "write a duration such as 500ms, 10s or 2m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_and_is_more_than_zero() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "10", "-1s", "0s", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
