//! Publishes received messages to the stream, or writes them into the spool.

use std::{collections::HashMap, path::Path, time::Duration};

use async_nats::StatusCode;
use everwire::{ConnectionName, Manager, Message, config::NatsInSettings, events::Stamp};
use tokio::time::Instant;

use super::{
    link::{Change, InLink, Up},
    spooling::Spooling,
};
use crate::{
    ack::Ack,
    error::BridgeError,
    header,
    lanes::{Action, DropReason, Entry, LaneId, Lanes, Limits, Place, Taken},
    report::{Observer, Report},
    spool::SpoolError,
    status::Shared,
    subject::{name_in, subject_of},
};

/// How many messages are sent before other tasks get a turn.
const BURST: usize = 512;
/// A stream that acknowledges nothing for this time, after messages were sent, is given up.
const SILENCE: Duration = Duration::from_secs(12);
/// The interval between reports of dropped messages.
const DROPS: Duration = Duration::from_secs(5);
/// The lanes and their spool.
pub(super) struct Publisher {
    manager: Manager,
    prefix: String,
    stream: String,
    lanes: Lanes,
    spool: Spooling,
    status: Shared,
    observer: Observer,
    published: u64,
    redelivered: u64,
    /// The time since when the stream owes an answer of any kind.
    owed_since: Option<Instant>,
    /// Dropped messages that were not reported yet.
    dropped: HashMap<(ConnectionName, DropReason), u64>,
    told_dropped: Option<Instant>,
}

impl Publisher {
    pub fn new(
        manager: Manager,
        settings: &NatsInSettings,
        folder: &Path,
        status: Shared,
        observer: Observer,
    ) -> Result<Self, SpoolError> {
        let spool = Spooling::open(folder, settings.spool, observer.clone())?;
        let mut lanes = Lanes::new(Limits::default());
        for (name, count, last) in spool.names()? {
            lanes.recall(name, count, last);
        }
        Ok(Self {
            manager,
            prefix: settings.subject.clone(),
            stream: settings.stream.name.clone(),
            lanes,
            spool,
            status,
            observer,
            published: 0,
            redelivered: 0,
            owed_since: None,
            dropped: HashMap::new(),
            told_dropped: None,
        })
    }

    /// Handles a received message.
    pub fn hear(&mut self, stamp: Stamp, message: Message) {
        let entry = Entry {
            place: Place {
                epoch: stamp.epoch,
                seq: stamp.seq,
            },
            previous: None,
            at: stamp.at,
            cursor: stamp.cursor,
            subscription: stamp.subscription,
            // Otherwise a short message would keep the whole read buffer alive.
            message: message.to_own_memory(),
            gap: 0,
            is_spooled: false,
            was_published: false,
            was_refused: false,
        };
        let has_spool = self.spool.has_room(&entry);
        if let Taken::Spool(lane, entry) = self.lanes.push(&stamp.name, entry, has_spool) {
            self.spool.hold(lane, stamp.name, entry, &mut self.lanes);
        }
    }

    /// The name was removed.
    pub fn removed(&mut self, name: &ConnectionName) {
        self.lanes.removed(name);
    }

    /// Messages of unknown names were missed.
    pub fn lagged(&mut self) {
        self.lanes.lagged();
        self.observer.tell(Report::Lagged);
    }

    /// The connection was lost.
    pub fn disconnected(&mut self) {
        self.owed_since = None;
        self.redelivered += self.lanes.in_flight() as u64;
        self.lanes.disconnected();
    }

    /// Handles a change of the link.
    pub fn changed(&mut self, change: Change, link: &mut InLink) {
        let now = std::time::Instant::now();
        match change {
            Change::Up(window) => {
                self.owed_since = None;
                self.lanes.connected(window);
            }
            Change::Down => self.disconnected(),
            Change::Last(lane, last) => {
                self.owed_since = None;
                self.lanes.answered(lane, last, now);
            }
            Change::Silent(lane) => {
                let text = "the stream does not say which message it has last";
                self.lanes.answered(lane, Err(text.to_owned()), now);
            }
            Change::Denied(subject, text) => {
                // There are no published messages on other subjects.
                if let Ok(name) = name_in(&self.prefix, &subject) {
                    self.lanes.denied(&name, &text, now);
                }
            }
            Change::Answer(answer) => {
                if let Some((lane, number)) = link.up().and_then(|up| up.answered(&answer.subject))
                {
                    self.owed_since = None;
                    if answer.status == Some(StatusCode::NO_RESPONDERS) {
                        link.give_up(BridgeError::StreamGone(self.stream.clone()));
                        return self.disconnected();
                    }
                    self.acked(lane, number, &answer.payload);
                }
            }
        }
    }

    fn acked(&mut self, lane: LaneId, number: u64, answer: &[u8]) {
        let ack = Ack::parse(answer);
        if let Ack::Stored { .. } = ack {
            self.published += 1;
        }
        self.lanes
            .acked(lane, number, ack, std::time::Instant::now());
    }

    /// Performs all possible actions.
    pub async fn pump(&mut self, link: &mut InLink) {
        let now = std::time::Instant::now();
        let mut left = BURST;
        while left > 0 {
            let Some(action) = self.lanes.next(now) else {
                break;
            };
            left -= 1;
            match action {
                Action::Ask(lane, name) => match link.up() {
                    Some(up) => {
                        self.owed_since.get_or_insert_with(Instant::now);
                        up.ask(lane, &self.prefix, &name);
                    }
                    None => break,
                },
                Action::Publish {
                    lane,
                    number,
                    expect,
                    gap,
                    name,
                    entry,
                } => {
                    let Some(up) = link.up() else { break };
                    let subject = subject_of(&self.prefix, &name);
                    let headers = header::headers(&name, &entry, gap, expect);
                    let payload = entry.message.payload().clone();
                    let reply = up.reply(lane, number);
                    match publish(up, subject, reply, headers, payload).await {
                        Published::Yes => {
                            self.owed_since.get_or_insert_with(Instant::now);
                        }
                        Published::TooLarge => {
                            self.lanes.acked(lane, number, Ack::TooLarge, now);
                        }
                        Published::No(error) => {
                            link.give_up(error);
                            self.disconnected();
                        }
                    }
                }
                other => {
                    // Dropped messages count as well: they can be more frequent than sent ones, and
                    // must not pile up.
                    left += usize::from(!matches!(other, Action::Load(..)));
                    self.act(other, now);
                }
            }
        }
    }

    fn act(&mut self, action: Action, now: std::time::Instant) {
        match action {
            Action::Load(lane, name, behind) => {
                self.spool.load(lane, &name, behind, &mut self.lanes, now);
            }
            Action::Forget(name, through, count) => self.spool.forget(name, through, count),
            Action::Dropped(name, count, reason) => self.dropped(name, count, reason),
            Action::Raise(name, epoch) => {
                self.manager.raise_epoch(&name, epoch);
                self.observer
                    .tell(Report::EpochRaised { name, above: epoch });
            }
            Action::Refused(name, text) => {
                // A stream that refuses one message refuses all messages in flight.
                if self.status.refused(&name, &text) {
                    self.observer.tell(Report::Refused { name, text });
                }
            }
            // These need a connection.
            Action::Ask(..) | Action::Publish { .. } => {}
        }
    }

    fn dropped(&mut self, name: ConnectionName, count: u64, reason: DropReason) {
        self.status.update(|status| {
            *status.inbound.dropped.entry(reason.as_str()).or_default() += count;
        });
        *self.dropped.entry((name, reason)).or_default() += count;
    }

    /// Reports the first drop of a name at once, and further drops after an interval.
    fn tell_dropped(&mut self) {
        if self.dropped.is_empty() || self.told_dropped.is_some_and(|at| at.elapsed() < DROPS) {
            return;
        }
        self.told_dropped = Some(Instant::now());
        for ((name, reason), count) in std::mem::take(&mut self.dropped) {
            let reason = reason.as_str();
            self.observer.tell(Report::Dropped {
                name,
                count,
                reason,
            });
        }
    }

    /// Performs regular checks.
    pub fn tick(&mut self) {
        self.tell_dropped();
        self.lanes.tick(std::time::Instant::now());
        self.spool.tick(&mut self.lanes);
    }

    /// Writes the messages of all lanes into the spool, for the next process. Returns how many it
    /// has.
    pub fn keep(&mut self) -> u64 {
        self.spool.keep(&mut self.lanes)
    }

    /// The reason to give up the connection: nothing is acknowledged on it.
    pub fn silence(&self) -> Option<BridgeError> {
        let is_silent = self
            .owed_since
            .is_some_and(|since| since.elapsed() > SILENCE);
        is_silent.then(|| BridgeError::Silent(self.stream.clone()))
    }

    /// The number of unacknowledged messages.
    pub fn pending(&self) -> u64 {
        self.lanes.pending()
    }

    /// The same for one name.
    pub fn pending_of(&self, name: &ConnectionName) -> u64 {
        self.lanes.pending_of(name)
    }

    /// Updates the status.
    pub fn show(&self, status: &Shared) {
        let pending = self.lanes.pending();
        status.update(|status| {
            let inbound = &mut status.inbound;
            inbound.published = self.published;
            inbound.redelivered = self.redelivered;
            inbound.pending = pending;
            inbound.spool_messages = self.spool.messages();
            inbound.spool_bytes = self.spool.bytes();
            if pending == 0 {
                inbound.refused.clear();
            }
        });
    }
}

enum Published {
    Yes,
    TooLarge,
    No(BridgeError),
}

async fn publish(
    up: &Up,
    subject: String,
    reply: String,
    headers: async_nats::HeaderMap,
    payload: bytes::Bytes,
) -> Published {
    let client = up.client();
    let publishing = client.publish_with_reply_and_headers(subject, reply, headers, payload);
    match publishing.await {
        Ok(()) => Published::Yes,
        Err(error) => match error.kind() {
            async_nats::client::PublishErrorKind::MaxPayloadExceeded => Published::TooLarge,
            _ => Published::No(BridgeError::Lost(error.to_string())),
        },
    }
}
