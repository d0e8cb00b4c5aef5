//! Reading the log from its leader, while that stays the same.
//!
//! Nothing here rests on a consumer: making one needs more of the servers than reading does, and one
//! that is on another server than the leader can be silent for long.

use std::{collections::VecDeque, time::Duration};

use async_nats::{
    Subscriber,
    datetime::DateTime,
    jetstream::{
        ErrorCode,
        stream::{Info, RawMessageErrorKind, Stream},
    },
};
use bytes::Bytes;
use everwire_nats::{
    BridgeError,
    connection::{Connection, Happened},
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    leader::{ANSWER, Leader, changed, info, silent},
    place::{Arrived, STREAM, SUBJECT},
};

/// The leader is asked at least this often.
const BETWEEN_ASKS: Duration = Duration::from_secs(1);
/// After a record was heard of, the leader is asked so soon, and again until it has it.
const AFTER_HINT: Duration = Duration::from_millis(20);
/// So often.
const HINTS: u32 = 5;
/// So many records are read at once, and so many of them are asked for at a time.
const BATCH: u64 = 512;
const AT_A_TIME: usize = 32;

/// A stream that can be read from a place.
pub(super) struct Begun {
    pub stream: Stream,
    pub leader: Leader,
    /// The number of the record that comes next.
    pub next: u64,
    /// The number of the last record that the stream had.
    pub last: u64,
    pub answers: Subscriber,
    /// What others append is heard of here, before or after it is stored.
    pub hints: Subscriber,
    /// Answers arrive on subjects below this.
    pub inbox: String,
    pub differences: Vec<String>,
}

/// The log, while nothing speaks against it.
pub(super) struct Reading {
    connection: Connection,
    begun: Begun,
    /// The number of the last record that the leader has.
    last: u64,
    /// Records that have arrived and do not count yet.
    arrived: VecDeque<Arrived>,
    /// The leader is asked, and these many of `arrived` had arrived before.
    asking: Option<(usize, Asking)>,
    next_ask: Instant,
    /// How often it is asked soon.
    hints: u32,
    reading: Option<Batch>,
    /// Whether the end of the log was told.
    is_caught_up: bool,
    appended: u64,
}

type Asking = BoxFuture<'static, Result<Info, BridgeError>>;
type Batch = BoxFuture<'static, Result<Vec<Arrived>, NotRead>>;

/// Why a record was not read.
enum NotRead {
    /// It is not there: records before this one are missing.
    Missing(u64),
    Failed(BridgeError),
}

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
            last: begun.last,
            begun,
            arrived: VecDeque::new(),
            asking: None,
            next_ask: Instant::now(),
            hints: 0,
            reading: None,
            is_caught_up: false,
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
            self.read();
            let (is_asked, is_read) = (self.asking.is_some(), self.reading.is_some());
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
                batch = batch(&mut self.reading), if is_read => {
                    self.reading = None;
                    match batch {
                        Ok(records) => self.arrived.extend(records),
                        Err(NotRead::Missing(next)) => return Told::Hole(next),
                        Err(NotRead::Failed(error)) => return Told::Lost(error),
                    }
                }
                Some(_) = self.begun.hints.next() => {
                    self.hints = HINTS;
                    self.next_ask = self.next_ask.min(Instant::now() + AFTER_HINT);
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

    /// Appends a record. Why it could not be sent: it is longer than the server takes, or the client
    /// has no room for it.
    pub fn append(&mut self, bytes: Bytes) -> Option<String> {
        self.appended += 1;
        let reply = format!("{}.{}", self.begun.inbox, self.appended);
        let (client, length) = (&self.connection.client, bytes.len());
        let publishing = client.publish_with_reply(SUBJECT, reply, bytes);
        match publishing.now_or_never() {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(format!("{length} bytes cannot be sent: {error}")),
            None => Some("the client has no room for it".into()),
        }
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
        if self.asking.is_some() || !is_due {
            return;
        }
        let stream = self.begun.stream.clone();
        let asking = async move { info(&stream).await };
        self.asking = Some((self.arrived.len(), asking.boxed()));
        self.hints = self.hints.saturating_sub(1);
        let wait = match self.hints {
            0 => BETWEEN_ASKS,
            left => AFTER_HINT * (HINTS - left + 1),
        };
        self.next_ask = now + wait;
    }

    /// Reads what the leader has and is not read, when all before counts.
    fn read(&mut self) {
        let next = self.next_number();
        if self.reading.is_some() || !self.arrived.is_empty() || next > self.last {
            return;
        }
        let numbers = next..=self.last.min(next.saturating_add(BATCH - 1));
        let stream = self.begun.stream.clone();
        let reading = stream::iter(numbers)
            .map(move |number| record(stream.clone(), number))
            .buffered(AT_A_TIME);
        self.reading = Some(reading.try_collect().boxed());
    }

    /// The leader has answered: what had arrived before counts, if it is the same.
    fn answered(&mut self, covered: usize, info: Result<Info, BridgeError>) -> Option<Told> {
        let info = match info {
            Ok(info) => info,
            Err(error) => return Some(Told::Lost(error)),
        };
        let state = &info.state;
        if Leader::of(&info) != self.begun.leader || state.last_sequence < self.last {
            return Some(Told::Lost(changed()));
        }
        self.last = state.last_sequence;
        let records: Vec<Arrived> = self.arrived.drain(..covered).collect();
        if let Some(last) = records.last() {
            self.begun.next = last.number + 1;
            return Some(Told::Records(records));
        }
        let is_behind = state.messages > 0 && state.first_sequence > self.next_number();
        is_behind.then_some(Told::Hole(state.first_sequence))
    }

    /// Whether all counts that the log had when it was opened.
    fn is_at_end(&self) -> bool {
        self.arrived.is_empty() && self.begun.next > self.begun.last
    }

    /// The number of the record that comes behind what has arrived.
    fn next_number(&self) -> u64 {
        let arrived = self.arrived.back();
        arrived.map_or(self.begun.next, |last| last.number + 1)
    }
}

/// The answer of the leader that is asked.
async fn answer(asking: &mut Option<(usize, Asking)>) -> Result<Info, BridgeError> {
    match asking {
        Some((_, asking)) => asking.await,
        None => std::future::pending().await,
    }
}

/// The records that are read.
async fn batch(reading: &mut Option<Batch>) -> Result<Vec<Arrived>, NotRead> {
    match reading {
        Some(reading) => reading.await,
        None => std::future::pending().await,
    }
}

/// Reads a record from the leader.
async fn record(stream: Stream, number: u64) -> Result<Arrived, NotRead> {
    let read = timeout(ANSWER, stream.get_raw_message(number)).await;
    let read = read.map_err(|_| NotRead::Failed(silent()))?;
    let found = read.map_err(|error| match error.kind() {
        RawMessageErrorKind::NoMessageFound => NotRead::Missing(number + 1),
        RawMessageErrorKind::JetStream(error)
            if error.error_code() == ErrorCode::NO_MESSAGE_FOUND =>
        {
            NotRead::Missing(number + 1)
        }
        _ => NotRead::Failed(BridgeError::Lost(error.to_string())),
    })?;
    Ok(Arrived {
        number,
        at: found.time,
        bytes: found.payload,
    })
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
