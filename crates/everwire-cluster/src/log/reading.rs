//! Reading the log while its leader stays the same.

use std::{collections::VecDeque, time::Duration};

use async_nats::{
    Subscriber,
    datetime::DateTime,
    jetstream::{
        self,
        consumer::push,
        stream::{Info, Stream},
    },
};
use bytes::Bytes;
use everwire_nats::{
    BridgeError,
    connection::{Connection, Happened},
};
use futures::{FutureExt, StreamExt, future::BoxFuture};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    leader::{ANSWER, Leader, changed, info},
    place::{Arrived, STREAM, SUBJECT},
};

/// The leader is asked at least this often.
const BETWEEN_ASKS: Duration = Duration::from_secs(1);
/// So many records wait for the leader's answer, at most.
const MOST_ARRIVED: usize = 4096;
/// A record that the leader has and that has not arrived after this time is lost on its way.
const LONGEST_WAY: Duration = Duration::from_secs(5);

/// The log, while nothing speaks against it.
pub(super) struct Reading {
    connection: Connection,
    begun: Begun,
    /// Records that have arrived and do not count yet.
    arrived: VecDeque<Arrived>,
    /// The leader is asked, and these many of `arrived` had arrived before.
    asking: Option<(usize, Asking)>,
    next_ask: Instant,
    /// Whether the end of the log was told.
    is_caught_up: bool,
    /// Since when the leader has records that have not arrived.
    lags_since: Option<Instant>,
    appended: u64,
}

/// A stream that can be read from a place.
pub(super) struct Begun {
    pub stream: Stream,
    pub leader: Leader,
    /// The number of its last record.
    pub last: u64,
    pub messages: push::Messages,
    /// The number of the record that comes next; `None` if it is not known before it comes.
    pub next: Option<u64>,
    pub answers: Subscriber,
    /// Answers arrive on subjects below this.
    pub inbox: String,
    pub differences: Vec<String>,
}

type Asking = BoxFuture<'static, Result<Info, BridgeError>>;

/// What has happened.
pub(super) enum Told {
    /// The next records.
    Records(Vec<Arrived>),
    /// All records are read that the log had when it was opened.
    CaughtUp,
    /// Records are missing before this one.
    Hole(u64),
    /// A record was not taken.
    Refused(String),
    /// It cannot be read any more.
    Lost(BridgeError),
}

impl Reading {
    pub fn new(connection: Connection, begun: Begun) -> Self {
        Self {
            connection,
            begun,
            arrived: VecDeque::new(),
            asking: None,
            next_ask: Instant::now(),
            is_caught_up: false,
            lags_since: None,
            appended: 0,
        }
    }

    pub fn server(&self) -> String {
        self.connection.server()
    }

    pub fn made(&self) -> DateTime {
        self.begun.leader.made
    }

    pub fn differences(&self) -> Vec<String> {
        self.begun.differences.clone()
    }

    /// What happens next. It may be dropped and asked for again.
    pub async fn next(&mut self) -> Told {
        loop {
            if self.is_at_end() && !std::mem::replace(&mut self.is_caught_up, true) {
                return Told::CaughtUp;
            }
            self.ask();
            let has_room = self.arrived.len() < MOST_ARRIVED;
            let is_asked = self.asking.is_some();
            tokio::select! {
                happened = self.connection.happened() => return match happened {
                    Happened::Lost(error) => Told::Lost(error),
                    Happened::Denied(denied) if denied.subject.starts_with('$') => {
                        Told::Lost(BridgeError::Refused(denied.text))
                    }
                    Happened::Denied(denied) => Told::Refused(denied.text),
                },
                info = answer(&mut self.asking), if is_asked => {
                    let covered = self.asking.take().map_or(0, |(covered, _)| covered);
                    if let Some(told) = self.answered(covered, info) {
                        return told;
                    }
                }
                message = self.begun.messages.next(), if has_room => {
                    if let Some(told) = self.heard(message) {
                        return told;
                    }
                }
                Some(answer) = self.begun.answers.next() => {
                    if let Some(text) = refusal(&answer) {
                        return Told::Refused(text);
                    }
                }
                () = sleep_until(self.next_ask), if !is_asked => {}
            }
        }
    }

    /// Appends a record, unless the client has no room for it.
    pub fn append(&mut self, bytes: Bytes) {
        self.appended += 1;
        let reply = format!("{}.{}", self.begun.inbox, self.appended);
        let publishing = self
            .connection
            .client
            .publish_with_reply(SUBJECT, reply, bytes);
        // It is appended again if it is not read.
        let _no_room = publishing.now_or_never();
    }

    /// Deletes the records below this one. If that fails, it is done at the next snapshot.
    pub fn purge(&self, below: u64) {
        let purging = self.begun.stream.purge().sequence(below).into_future();
        tokio::spawn(timeout(ANSWER, purging));
    }

    pub async fn flush(&self) {
        // Nobody waits for it longer than for an answer.
        let _late = timeout(ANSWER, self.connection.client.flush()).await;
    }

    /// Asks the leader: it is time, or records wait for it.
    fn ask(&mut self) {
        let now = Instant::now();
        let is_due = now >= self.next_ask || !self.arrived.is_empty();
        if self.asking.is_none() && is_due {
            let stream: Stream = self.begun.stream.clone();
            let asking = async move { info(&stream).await };
            self.asking = Some((self.arrived.len(), Box::pin(asking)));
            self.next_ask = now + BETWEEN_ASKS;
        }
    }

    /// The leader has answered: what had arrived before counts, if it is the same.
    fn answered(&mut self, covered: usize, info: Result<Info, BridgeError>) -> Option<Told> {
        let info = match info {
            Ok(info) => info,
            Err(error) => return Some(Told::Lost(error)),
        };
        if Leader::of(&info) != self.begun.leader {
            return Some(Told::Lost(changed()));
        }
        let last = info.state.last_sequence;
        if self.lags(last) {
            let text = format!("a record of {STREAM} did not arrive");
            return Some(Told::Lost(BridgeError::Lost(text)));
        }
        let records: Vec<Arrived> = self.arrived.drain(..covered).collect();
        (!records.is_empty()).then_some(Told::Records(records))
    }

    /// Whether all counts that the log had when it was opened.
    fn is_at_end(&self) -> bool {
        self.arrived.is_empty() && self.read() >= self.begun.last
    }

    /// Whether the leader has had a record for too long that has not arrived.
    fn lags(&mut self, last: u64) -> bool {
        let now = Instant::now();
        if last <= self.read() {
            self.lags_since = None;
            return false;
        }
        let since = *self.lags_since.get_or_insert(now);
        now.duration_since(since) > LONGEST_WAY
    }

    /// The number of the last record that has arrived.
    fn read(&self) -> u64 {
        self.begun.next.map_or(0, |next| next.saturating_sub(1))
    }

    fn heard(
        &mut self,
        message: Option<Result<jetstream::Message, push::MessagesError>>,
    ) -> Option<Told> {
        let lost = |text: String| Some(Told::Lost(BridgeError::Lost(text)));
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) => return lost(error.to_string()),
            None => return lost("the client has ended".into()),
        };
        let (number, at) = match message.info() {
            Ok(info) => (info.stream_sequence, info.published),
            Err(error) => return lost(error.to_string()),
        };
        if self.begun.next.is_some_and(|next| next != number) {
            return Some(Told::Hole(number));
        }
        self.begun.next = Some(number + 1);
        self.lags_since = None;
        self.arrived.push_back(Arrived {
            number,
            at,
            bytes: message.message.payload,
        });
        None
    }
}

/// The answer of the leader that is asked.
async fn answer(asking: &mut Option<(usize, Asking)>) -> Result<Info, BridgeError> {
    match asking {
        Some((_, asking)) => asking.await,
        None => std::future::pending().await,
    }
}

/// Why the stream did not take a record, if that is what the answer says.
fn refusal(answer: &async_nats::Message) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        error: Option<Refusal>,
    }
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        description: String,
    }
    if answer.status.is_some() {
        return Some(format!("nobody takes records for {STREAM}"));
    }
    let answer: Answer = serde_json::from_slice(&answer.payload).ok()?;
    answer.error.map(|error| error.description)
}
