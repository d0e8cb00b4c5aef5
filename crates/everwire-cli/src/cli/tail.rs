//! `everwire tail`: prints the events of a running service live.

use std::{io, time::Duration};

use actix::System;
use awc::http::header::{self, HeaderName, HeaderValue};
use clap::Args;
use everwire::{Pattern, hub::Kinds};
use futures::StreamExt;
use serde_json::Value;

use super::{
    Failure,
    client::{ApiArgs, Client, Error, Reader, Request, Stream},
    event_line, output, parse,
    signals::Signals,
    stderr,
};
use crate::terminal;

/// The first and the longest delay before the service is asked again.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// The service writes a comment every 15 s. After this time of silence, it counts as gone.
const SILENCE: Duration = Duration::from_secs(60);

/// Follow the events of the connections of a running service
///
/// Ends with Ctrl-C. When the service goes away, the events go on from where they broke off: no event is missed that the service still
/// has, and a `lagged` line stands for those that it no longer has.
#[derive(Debug, Args)]
pub struct Tail {
    /// Which connections; * stands for any characters, a comma separates alternatives
    #[arg(default_value = "*", value_parser = parse::pattern)]
    pattern: Pattern,

    /// Only events of these types, as in message,closed
    #[arg(long, value_name = "TYPES", value_parser = types)]
    types: Option<String>,

    /// Only the messages and the events of this subscription; may be repeated
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    subscription: Vec<String>,

    /// Begin after the event with this cursor; without it, begin now
    #[arg(long, value_name = "CURSOR")]
    since: Option<String>,

    /// Print each event as a JSON line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

/// Escapes a key for the parameter with comma-separated keys.
fn escaped(key: &str) -> String {
    key.replace('\\', r"\\").replace(',', r"\,")
}

fn types(text: &str) -> Result<String, String> {
    let known = Kinds::parse(text).map_err(|error| error.to_string());
    known.map(|_| text.to_owned())
}

impl Tail {
    /// Follows the events until a signal.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer at first, or refuses.
    pub fn execute(self) -> Result<(), Failure> {
        System::new().block_on(async {
            let mut signals = Signals::new().map_err(Failure::Signals)?;
            let client = self.api.client()?;
            tokio::select! {
                ended = self.follow(&client) => ended,
                _signal = signals.next() => Ok(()),
            }
        })
    }

    async fn follow(&self, client: &Client) -> Result<(), Failure> {
        let mut last = None;
        let mut stream = self.ask(client, None).await?;
        loop {
            let why = self.until_broken(&mut stream, &mut last).await?;
            let missed = match last.is_some() || self.since.is_some() {
                true => "",
                false => "; there was no event to resume from, so events in between are not shown",
            };
            stderr::complain(&format!("{why}; asking again{missed}"));
            stream = self.again(client, last.as_deref()).await?;
            stderr::complain("the service is back");
        }
    }

    /// Retries until there is an answer, which may be a refusal.
    async fn again(&self, client: &Client, last: Option<&str>) -> Result<Stream, Error> {
        let (mut wait, longest) = RETRY;
        loop {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(longest);
            match self.ask(client, last).await {
                Err(error) if error.may_pass() => {}
                answer => return answer,
            }
        }
    }

    async fn ask(&self, client: &Client, last: Option<&str>) -> Result<Stream, Error> {
        let mut request = Request::get(&["events"])
            .query("match", self.pattern.to_string())
            .maybe("types", self.types.as_deref())
            .maybe("since", self.since.as_deref())
            .header(
                header::ACCEPT,
                HeaderValue::from_static("text/event-stream"),
            );
        for key in &self.subscription {
            request = request.query("subscription", escaped(key));
        }
        if let Some(last) = last.and_then(|last| HeaderValue::try_from(last).ok()) {
            request = request.header(HeaderName::from_static("last-event-id"), last);
        }
        client.stream(request).await
    }

    /// Prints events until the stream ends. Returns why it ended.
    async fn until_broken(
        &self,
        stream: &mut Stream,
        last: &mut Option<String>,
    ) -> Result<String, Failure> {
        let mut reader = Reader::default();
        loop {
            let bytes = match tokio::time::timeout(SILENCE, stream.next()).await {
                Ok(Some(Ok(bytes))) => bytes,
                Ok(Some(Err(error))) => return Ok(format!("the events broke off: {error}")),
                Ok(None) => return Ok("the service ended the events".into()),
                Err(_) => return Ok("the service is silent".into()),
            };
            if let Err(error) = reader.push(&bytes) {
                return Ok(error.to_string());
            }
            while let Some(event) = reader.next() {
                self.print(&event)?;
            }
            if let Some(id) = reader.last_id() {
                *last = Some(id.to_owned());
            }
        }
    }

    fn print(&self, event: &str) -> Result<(), Failure> {
        if self.json {
            return output::print_json(event);
        }
        let read: Value =
            serde_json::from_str(event).map_err(|error| Error::Answer(error.to_string()))?;
        output::print(&event_line::of(&read, terminal::is_colored(&io::stdout())))
    }
}
