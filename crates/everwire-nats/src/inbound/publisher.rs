//! What is heard goes to the stream, or into the spool.

use std::{path::Path, time::Duration};

use async_nats::{Message as Answer, StatusCode};
use everwire::{ConnectionName, Manager, Message, config::NatsInSettings, events::Stamp};
use tokio::time::Instant;

use super::link::{Change, InLink, Up};
use crate::{
    ack::Ack,
    error::BridgeError,
    header,
    lanes::{Action, DropReason, Entry, LaneId, Lanes, Limits, Place, Taken},
    report::{Observer, Report},
    spool::{Spool, SpoolError},
    status::Shared,
    subject::subject_of,
};

/// So many messages go out before others have their turn.
const BURST: usize = 512;
/// A stream that acknowledges nothing for so long, of what it was sent, is given up.
const SILENCE: Duration = Duration::from_secs(12);
/// Rows that are not needed any more are deleted together.
const FORGET: usize = 256;

/// The lanes, their spool, and what becomes of both.
pub(super) struct Publisher {
    manager: Manager,
    prefix: String,
    stream: String,
    lanes: Lanes,
    spool: Spool,
    /// The spool has held something since it was given back to the disk.
    has_spooled: bool,
    status: Shared,
    observer: Observer,
    published: u64,
    redelivered: u64,
    /// When the last acknowledgement came, or the first message without one went out.
    heard_at: Instant,
    /// Rows that are not needed any more.
    forget: Vec<(ConnectionName, Place)>,
}

impl Publisher {
    pub fn new(
        manager: Manager,
        settings: &NatsInSettings,
        folder: &Path,
        status: Shared,
        observer: Observer,
    ) -> Result<Self, SpoolError> {
        let spool = Spool::open(folder, settings.spool)?;
        let mut lanes = Lanes::new(Limits::default());
        for (name, rows) in spool.names()? {
            lanes.recall(name, rows);
        }
        Ok(Self {
            manager,
            prefix: settings.subject.clone(),
            stream: settings.stream.name.clone(),
            lanes,
            has_spooled: spool.messages() > 0,
            spool,
            status,
            observer,
            published: 0,
            redelivered: 0,
            heard_at: Instant::now(),
            forget: Vec::new(),
        })
    }

    /// A message came in. What is to go into the spool is added to `spooled`.
    pub fn hear(
        &mut self,
        stamp: Stamp,
        message: Message,
        spooled: &mut Vec<(LaneId, ConnectionName, Entry)>,
    ) {
        let entry = Entry {
            place: Place {
                epoch: stamp.epoch,
                seq: stamp.seq,
            },
            previous: None,
            at: stamp.at,
            cursor: stamp.cursor.to_string().into(),
            subscription: stamp.subscription,
            // Else a short message would keep the whole read that it came with.
            message: message.to_own_memory(),
            gap: 0,
            is_spooled: false,
            was_published: false,
            was_refused: false,
        };
        let waits: usize = spooled.iter().map(|(_, _, entry)| entry.cost()).sum();
        let has_spool = self.spool.has_room((waits + entry.cost()) as u64);
        if let Taken::Spool(lane, entry) = self.lanes.push(&stamp.name, entry, has_spool) {
            spooled.push((lane, stamp.name, entry));
        }
    }

    /// Writes into the spool what was found to belong there.
    pub fn spool(&mut self, spooled: Vec<(LaneId, ConnectionName, Entry)>) {
        if spooled.is_empty() {
            return;
        }
        let lanes: Vec<LaneId> = spooled.iter().map(|(lane, ..)| *lane).collect();
        let rows = spooled.into_iter().map(|(_, name, entry)| (name, entry));
        let written = self.spool.put(&rows.collect::<Vec<_>>());
        self.has_spooled = true;
        for lane in lanes {
            match written {
                Ok(()) => self.lanes.spooled(lane),
                Err(_) => self.lanes.not_spooled(lane, 1),
            }
        }
        if let Err(error) = written {
            self.observer.tell(Report::Spool(error));
        }
    }

    /// The name is gone.
    pub fn removed(&mut self, name: &ConnectionName) {
        self.lanes.removed(name);
    }

    /// Messages of nobody knows which names were missed.
    pub fn lagged(&mut self) {
        self.lanes.lagged();
        self.observer.tell(Report::Lagged);
    }

    /// The connection is lost.
    pub fn disconnected(&mut self) {
        self.redelivered += self.lanes.in_flight() as u64;
        self.lanes.disconnected();
    }

    /// Something has changed on the way to the servers.
    pub fn changed(&mut self, change: Change, link: &mut InLink) {
        let now = std::time::Instant::now();
        match change {
            Change::Up(window) => {
                self.heard_at = Instant::now();
                self.lanes.connected(window);
            }
            Change::Down => self.disconnected(),
            Change::Last(lane, last) => self.lanes.answered(lane, last, now),
            Change::Answer(answer) => {
                if let Some((lane, number)) = link.up().and_then(|up| up.answered(&answer.subject))
                {
                    self.heard_at = Instant::now();
                    self.acked(lane, number, &answer);
                }
            }
        }
    }

    fn acked(&mut self, lane: LaneId, number: u64, answer: &Answer) {
        let ack = match answer.status {
            Some(StatusCode::NO_RESPONDERS) => Ack::NoResponders,
            _ => Ack::parse(&answer.payload),
        };
        if let Ack::Stored { .. } = ack {
            self.published += 1;
        }
        self.lanes
            .acked(lane, number, ack, std::time::Instant::now());
    }

    /// Does what can be done.
    pub async fn pump(&mut self, link: &mut InLink) {
        let now = std::time::Instant::now();
        for _ in 0..BURST {
            let Some(action) = self.lanes.next(now) else {
                break;
            };
            match action {
                Action::Ask(lane, name) => match link.up() {
                    Some(up) => up.ask(lane, &self.prefix, &name),
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
                        Published::Yes => {}
                        Published::TooLarge => {
                            self.lanes.acked(lane, number, Ack::TooLarge, now);
                        }
                        Published::No(error) => {
                            link.give_up(error);
                            self.disconnected();
                        }
                    }
                }
                other => self.act(other, now),
            }
        }
    }

    fn act(&mut self, action: Action, now: std::time::Instant) {
        match action {
            Action::Load(lane, name, behind) => {
                let rows = self.spool.load(&name, behind);
                let rows = rows.map_err(|error| self.observer.tell(Report::Spool(error)));
                self.lanes.loaded(lane, rows.ok(), now);
            }
            Action::Forget(name, through) => {
                self.forget.push((name, through));
                if self.forget.len() >= FORGET {
                    self.delete_forgotten();
                }
            }
            Action::Dropped(name, count, reason) => self.dropped(name, count, reason),
            Action::Raise(name, epoch) => {
                self.manager.raise_epoch(&name, epoch);
                self.observer
                    .tell(Report::EpochRaised { name, above: epoch });
            }
            Action::Refused(name, text) => {
                self.status.refused(&name, &text);
                self.observer.tell(Report::Refused { name, text });
            }
            // These need the connection.
            Action::Ask(..) | Action::Publish { .. } => {}
        }
    }

    fn dropped(&mut self, name: ConnectionName, count: u64, reason: DropReason) {
        self.status.update(|status| {
            *status.inbound.dropped.entry(reason.as_str()).or_default() += count;
        });
        self.observer.tell(Report::Dropped {
            name,
            count,
            reason: reason.as_str(),
        });
    }

    fn delete_forgotten(&mut self) {
        for (name, through) in std::mem::take(&mut self.forget) {
            if let Err(error) = self.spool.forget(&name, through) {
                self.observer.tell(Report::Spool(error));
            }
        }
        if self.spool.messages() == 0 && self.has_spooled {
            self.has_spooled = false;
            self.spool.shrink();
        }
    }

    /// Looks for what is due.
    pub fn tick(&mut self) {
        self.lanes.tick(std::time::Instant::now());
        if !self.forget.is_empty() {
            self.delete_forgotten();
        }
        if self.lanes.in_flight() == 0 {
            self.heard_at = Instant::now();
        }
    }

    /// Why the connection is given up: nothing is acknowledged on it.
    pub fn silence(&self) -> Option<BridgeError> {
        let is_silent = self.lanes.in_flight() > 0 && self.heard_at.elapsed() > SILENCE;
        is_silent.then(|| BridgeError::Silent(self.stream.clone()))
    }

    /// Messages that are not acknowledged.
    pub fn pending(&self) -> u64 {
        self.lanes.pending()
    }

    /// The same of one name.
    pub fn pending_of(&self, name: &ConnectionName) -> u64 {
        self.lanes.pending_of(name)
    }

    /// Writes what is in memory into the spool, for the next process. How much the spool holds.
    pub fn keep(&mut self) -> u64 {
        self.delete_forgotten();
        let rows = self.lanes.drain();
        if let Err(error) = self.spool.put(&rows) {
            self.observer.tell(Report::Spool(error));
        }
        self.spool.messages()
    }

    /// Shows how it is doing.
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
