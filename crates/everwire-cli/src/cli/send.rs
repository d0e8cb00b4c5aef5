//! `everwire send`: sends messages to a connection of a running service.

use std::time::Duration;

use actix::System;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use everwire::ConnectionName;
use serde_json::Value;

use super::{
    Failure,
    client::{Answer, ApiArgs, Client, Error, Request},
    input, output, parse, stderr, words,
};

/// The first and the longest delay before a full outbox is tried again.
const FULL_WAIT: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Send messages to a connection of a running service
///
/// Without DATA, or with -, each line of standard input is a message: everwire send feed < lines.txt. With --whole or --binary the whole
/// input is one message. A line is sent when the line before it has reached the fate of --wait; while the outbox is full, nothing is sent.
/// Each accepted message is printed with its id and its fate.
#[derive(Debug, Args)]
pub struct Send {
    /// The name of the connection
    #[arg(value_parser = parse::name)]
    name: ConnectionName,

    /// The message; - is standard input
    #[arg(
        default_value = "-",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    data: String,

    /// The fate to wait for
    #[arg(long, value_enum, value_name = "FATE", default_value_t = Wait::Queued)]
    wait: Wait,

    /// How long to wait for it, at most 5m
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse::duration)]
    timeout: Duration,

    /// Send a binary message; the whole standard input is one message
    #[arg(long)]
    binary: bool,

    /// Send the whole standard input as one text message, unchanged: with its line ends and NULs
    #[arg(long)]
    whole: bool,

    /// Print a JSON line for each message
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wait {
    /// The message is in the outbox
    Queued,
    /// The message was handed to the kernel
    Written,
    /// The server has the message: it answered a ping that was sent after it
    Confirmed,
}

impl Send {
    /// Sends them.
    ///
    /// # Errors
    ///
    /// [`Failure`] at the first message that does not reach the requested fate.
    pub fn execute(self) -> Result<(), Failure> {
        System::new().block_on(async {
            let client = self.api.client()?;
            match (&*self.data, self.binary || self.whole) {
                ("-", false) => self.lines(&client).await,
                ("-", true) => self.one(&client, input::whole()?).await,
                _ => self.one(&client, self.data.clone().into()).await,
            }
        })
    }

    async fn one(&self, client: &Client, data: Bytes) -> Result<(), Failure> {
        let answer = client.ask(self.request(data)).await?;
        self.print(&answer)
    }

    async fn lines(&self, client: &Client) -> Result<(), Failure> {
        let mut lines = input::Lines::of_stdin()?;
        let mut number = 0_u64;
        while let Some(line) = lines.next().await? {
            number += 1;
            let sent = self.when_not_full(client, line).await;
            let told = sent
                .map_err(Failure::from)
                .and_then(|answer| self.print(&answer));
            if let Err(failure) = told {
                if matches!(failure, Failure::Api(_) | Failure::Undone(_)) {
                    stderr::complain(&format!(
                        "line {number} was not sent as asked, nor any after it"
                    ));
                }
                return Err(failure);
            }
        }
        Ok(())
    }

    /// A refused message was not accepted, so repeating the request sends no duplicate.
    async fn when_not_full(&self, client: &Client, data: Bytes) -> Result<Answer, Error> {
        let (mut wait, longest) = FULL_WAIT;
        loop {
            match client.ask(self.request(data.clone())).await {
                Err(error) if error.status() == Some(429) => {
                    if wait == FULL_WAIT.0 {
                        stderr::complain(&format!("the outbox of {} is full, waiting", self.name));
                    }
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(longest);
                }
                other => return other,
            }
        }
    }

    fn request(&self, data: Bytes) -> Request {
        let content_type = match self.binary {
            true => "application/octet-stream",
            false => "text/plain; charset=utf-8",
        };
        Request::post(&["connections", self.name.as_str(), "send"])
            .query("wait", self.wait.as_str())
            .query("timeout", format!("{}ms", self.timeout.as_millis()))
            .body(content_type, data)
            .patience(self.timeout)
    }

    fn print(&self, answer: &Answer) -> Result<(), Failure> {
        let sent = &answer.body;
        if self.json {
            output::print_json(&sent.to_string())?;
        } else {
            let fate = sent["fate"].as_str().unwrap_or_default();
            output::print(&format!("{} {fate}", sent["id"]))?;
        }
        match answer.status {
            202 => Err(Failure::Undone(self.late(sent))),
            _ => Ok(()),
        }
    }

    fn late(&self, sent: &Value) -> String {
        let (id, fate) = (&sent["id"], sent["fate"].as_str().unwrap_or_default());
        format!(
            "message {id} is not {} within {}; it is {fate}, and `everwire fate {} {id}` shows what becomes of it",
            self.wait.as_str(),
            words::limit(self.timeout),
            self.name
        )
    }
}

impl Wait {
    fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Written => "written",
            Self::Confirmed => "confirmed",
        }
    }
}
