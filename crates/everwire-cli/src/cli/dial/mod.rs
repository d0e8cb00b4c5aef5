//! `everwire dial`: a conversation over a socket that comes back, with no service.

mod course;
mod input;
mod settings;

use std::{
    io::{self, IsTerminal},
    pin::pin,
    time::Duration,
};

use actix::System;
use clap::{Args, ValueHint};
use everwire::{
    Delivery, EventKind, Events, Handle, Manager, Message, Pattern, State, Status, Update,
};
use futures::{StreamExt, future::OptionFuture};
use serde_json::Value;

use self::course::{Course, End};
use super::{Failure, event_line, input::Lines, output, parse, signals::Signals, stderr, words};
use crate::{service, terminal};

/// How long the closing handshake may take; its own limit is `close_timeout`.
const CLOSE: Duration = Duration::from_secs(10);
/// How many events may wait while standard output is slow.
const EVENTS: usize = 65_536;

/// Talk to a WebSocket server; no service is needed
///
/// Each line of standard input is a text message, sent in order, and kept while the socket is down. Messages are printed on standard
/// output, a line each; what happens to the socket on standard error. The end of the input closes the socket when all is sent, Ctrl-C
/// at once. It fails when a message was not sent or is in doubt, when the peer's last word is a complaint, and when the input is over
/// and no dial has succeeded.
#[derive(Debug, Args)]
pub struct Dial {
    /// Where to; variables as in a configuration: wss://host/?key=${KEY}
    #[arg(value_hint = ValueHint::Url)]
    url: String,

    /// The only message; - is standard input
    #[arg(
        default_value = "-",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    data: String,

    /// A header of the upgrade request, as in 'Authorization: Bearer ${file:token}'; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = settings::header)]
    headers: Vec<(String, String)>,

    /// A subprotocol to offer; may be repeated
    #[arg(short, long = "subprotocol", value_name = "NAME")]
    subprotocols: Vec<String>,

    /// Any key of a connection, as in heartbeat.interval="5s" or reconnect="never"; may be repeated
    #[arg(long = "set", value_name = "KEY=TOML")]
    keys: Vec<String>,

    /// Go on after the end of the input, until Ctrl-C
    #[arg(long)]
    keep_open: bool,

    /// After the end of the input, wait until as many messages have come as were sent; fail when that takes longer
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "10s", value_parser = parse::duration, conflicts_with = "keep_open")]
    linger: Option<Duration>,

    /// Print all events as JSON lines on standard output
    #[arg(long)]
    json: bool,

    /// Do not tell what happens to the socket
    #[arg(short, long)]
    quiet: bool,
}

impl Dial {
    /// Talks until the end of the input, a signal, or the connection's failure.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the connection gives up, or a message cannot be sent or may not have arrived.
    pub fn execute(self) -> Result<(), Failure> {
        let (settings, connection) =
            settings::of(&self.url, &self.headers, &self.subprotocols, &self.keys)?;
        System::new().block_on(async {
            let mut signals = Signals::new().map_err(Failure::Signals)?;
            let manager = Manager::start(settings).map_err(service::Error::Manager)?;
            let delivery = Delivery::default().events(EVENTS);
            let events = manager.subscribe(Pattern::all(), delivery);
            let handle = manager
                .open(settings::NAME, connection)
                .map_err(service::Error::Open)?;
            let ended = self.talk(&handle, events, &mut signals).await;
            manager.shutdown(CLOSE).await;
            ended
        })
    }

    async fn talk(
        &self,
        handle: &Handle,
        mut events: Events,
        signals: &mut Signals,
    ) -> Result<(), Failure> {
        let lines = match &*self.data {
            "-" => Lines::of_stdin()?,
            line => Lines::only(line.to_owned()),
        };
        let mut course = Course::default();
        let mut input = pin!(input::send(handle, lines));
        let mut writing = OptionFuture::default();
        let patience = self.linger.unwrap_or_default();
        let mut lingering = pin!(tokio::time::sleep(patience));
        loop {
            tokio::select! {
                Some(update) = events.next() => {
                    self.print(&update)?;
                    course.hear(&update)?;
                }
                sent = &mut input, if course.is_reading() => writing = course.read(sent?),
                _fate = &mut writing, if course.is_writing() => {
                    course.written();
                    lingering.as_mut().reset(tokio::time::Instant::now() + patience);
                }
                () = &mut lingering, if self.linger.is_some() && course.is_written() => {
                    return Err(course.unanswered(patience));
                }
                _signal = signals.next() => break,
            }
            if !self.keep_open && course.is_over(self.linger.is_some())? {
                break;
            }
        }
        let closed = tokio::time::timeout(CLOSE, self.close(handle, events));
        closed
            .await
            .unwrap_or_else(|_| Err(Failure::Undone("the peer does not answer the close".into())))
    }

    /// Says goodbye, tells what comes until the peer has said it too, and judges what became of the messages.
    async fn close(&self, handle: &Handle, mut events: Events) -> Result<(), Failure> {
        let mut end = End::begins(&status(handle).await?);
        let asked = handle.close(1000, "").await;
        asked.map_err(|error| Failure::Undone(error.to_string()))?;
        while let Some(update) = events.next().await {
            self.print(&update)?;
            if let Some(EventKind::Closed(report)) = update.kind() {
                end.hear(report);
                // It may be the end of a socket that was lost while we asked.
                if status(handle).await?.state == State::Closed {
                    break;
                }
            }
        }
        end.judge(&status(handle).await?)
    }

    fn print(&self, update: &Update) -> Result<(), Failure> {
        let json = || serde_json::to_value(update).map_err(|error| Failure::Output(error.into()));
        match update.message() {
            _ if self.json => output::print_json(&json()?.to_string()),
            Some((_, message)) => output::print_raw(&shown(message)),
            _ if self.quiet => Ok(()),
            _ => {
                let mut event = json()?;
                // There is but one name.
                event["name"] = Value::Null;
                let is_colored = terminal::is_colored(&io::stderr());
                stderr::complain(&event_line::of(&event, is_colored));
                Ok(())
            }
        }
    }
}

async fn status(handle: &Handle) -> Result<Status, Failure> {
    let status = handle.status().await;
    status.map_err(|gone| Failure::Undone(gone.to_string()))
}

/// A pipe gets a text as it is; on a terminal it must not move the cursor.
fn shown(message: &Message) -> String {
    match message.as_text() {
        Some(text) if io::stdout().is_terminal() => words::printable(text),
        Some(text) => text.to_owned(),
        None => event_line::binary(message.payload()),
    }
}
