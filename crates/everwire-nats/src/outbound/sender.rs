//! From the queue to the names, and from fates back to the queue.

use std::{collections::HashSet, time::Instant};

use async_nats::HeaderMap;
use bytes::Bytes;
use everwire::{
    ConnectionName, Manager, SendError,
    config::{NatsAck, NatsOutSettings},
};

use super::{
    answers::Answers,
    content::Content,
    link::{Change, Found, OutLink},
    receipts::{Receipts, Settled},
    unfinished::{Known, Unfinished},
    verdict::{self, Refusal, Verdict},
    ways::Ways,
};
use crate::{
    error::BridgeError,
    queue::{Action, Delivered, Item, Limits, Queues, REST},
    report::{Observer, Report},
    status::Shared,
    subject::name_in,
};

/// How many messages are sent before other tasks get a turn.
const BURST: usize = 512;

/// The queues of all names, and the receipts of messages in flight.
pub(super) struct Sender {
    manager: Manager,
    settings: NatsOutSettings,
    queues: Queues<Content>,
    receipts: Receipts,
    ways: Ways,
    answers: Answers,
    unfinished: Unfinished,
    /// The number of streams so far under this name. Sequence numbers of an earlier one are
    /// invalid.
    stream: u64,
    ends: bool,
    observer: Observer,
    sent: u64,
    refused: u64,
    read_again: u64,
    told_refusals: HashSet<(ConnectionName, &'static str)>,
}

impl Sender {
    pub fn new(
        manager: Manager,
        settings: NatsOutSettings,
        own_subjects: Vec<String>,
        observer: Observer,
    ) -> Self {
        Self {
            manager,
            settings,
            queues: Queues::new(Limits::default()),
            receipts: Receipts::default(),
            ways: Ways::default(),
            answers: Answers::new(own_subjects, observer.clone()),
            unfinished: Unfinished::default(),
            stream: 0,
            ends: false,
            observer,
            sent: 0,
            refused: 0,
            read_again: 0,
            told_refusals: HashSet::new(),
        }
    }

    /// Sends nothing more. Messages that are cancelled stay in the queue.
    pub fn ending(&mut self) {
        self.ends = true;
    }

    /// The next message with its fate.
    pub async fn settled(&mut self) -> Settled {
        self.receipts.next().await
    }

    /// Whether ends of messages are still being reported to the queue.
    pub fn has_unfinished(&self, link: &mut OutLink) -> bool {
        !self.unfinished.is_empty() && link.up().is_some()
    }

    /// Handles a change of the link.
    pub fn changed(&mut self, change: Change, link: &mut OutLink) {
        match change {
            Change::Up(is_empty) => {
                self.unfinished.begin(is_empty);
                if let Some(up) = link.up() {
                    self.answers.up(up);
                }
            }
            Change::Down => self.queues.disconnected(),
            Change::Delivered(messages) => {
                for message in messages {
                    self.delivered(message, link);
                    // Then the next consumer delivers this one again, and all later ones.
                    if link.up().is_none() {
                        break;
                    }
                }
            }
            Change::Heard(message) => {
                if let Some(up) = link.up() {
                    self.answers.heard(&message, up);
                }
            }
            Change::Read(name, found) => self.read(&name, found, link),
            Change::Finished(sequence, Ok(())) => {
                self.unfinished.finished(sequence);
            }
            Change::Unanswered(subject) => self.answers.denied(subject),
            // The next consumer delivers it again, and then it is ended again.
            Change::Finished(_, Err(text)) => {
                let text = format!("the end of a message was not acknowledged: {text}");
                link.give_up(BridgeError::Lost(text));
                self.queues.disconnected();
            }
        }
    }

    fn delivered(&mut self, message: async_nats::jetstream::Message, link: &mut OutLink) {
        let Ok(info) = message.info() else {
            return;
        };
        let sequence = info.stream_sequence;
        let stored = info.published.unix_timestamp_nanos();
        let ack = message.reply.as_ref().map(ToString::to_string);
        match self.unfinished.delivered(sequence, stored) {
            Known::No => {}
            Known::Ended { is_refused } => {
                if let Some(up) = link.up() {
                    up.finish(sequence, ack, is_refused);
                }
                return;
            }
            Known::OtherStream => return self.begin_anew(link),
        }
        let message = &message.message;
        let content = self.content(
            sequence,
            &message.subject,
            message.headers.as_ref(),
            &message.payload,
            link,
        );
        let item = item(sequence, stored, ack, content);
        match name_in(&self.settings.subject, &message.subject) {
            Ok(name) => {
                if self.queues.delivered(&name, item) == Delivered::OtherStream {
                    self.begin_anew(link);
                }
            }
            Err(error) => {
                let text = format!("{error}");
                self.refuse(None, &item, "unknown_name", &text, link);
            }
        }
    }

    /// What a message of the queue says, and who is answered.
    fn content(
        &self,
        sequence: u64,
        subject: &str,
        headers: Option<&HeaderMap>,
        payload: &Bytes,
        link: &mut OutLink,
    ) -> Content {
        let is_heard = link.up().is_some_and(|up| up.has_heard(sequence));
        Content::new(subject, headers, payload, is_heard, &self.answers)
    }

    /// Sequence numbers have lost their meaning: the next consumer delivers the remaining messages.
    /// Messages in flight have left the old stream, and their fates cannot be reported.
    fn begin_anew(&mut self, link: &mut OutLink) {
        self.stream += 1;
        self.queues = Queues::new(Limits::default());
        self.unfinished = Unfinished::default();
        link.give_up(BridgeError::StreamGone(self.settings.stream.name.clone()));
    }

    fn read(&mut self, name: &ConnectionName, found: Found, link: &mut OutLink) {
        let message = match found {
            Ok(Some(message)) => message,
            Ok(None) => return self.queues.read(name, Ok(None)),
            Err(_) => return self.queues.read(name, Err(())),
        };
        self.read_again += 1;
        let (sequence, stored) = (message.sequence, message.time.unix_timestamp_nanos());
        let headers = Some(&message.headers);
        let content = self.content(sequence, &message.subject, headers, &message.payload, link);
        let item = item(sequence, stored, None, content);
        self.queues.read(name, Ok(Some(item)));
        if let Known::Ended { is_refused } = self.unfinished.known(sequence, stored) {
            self.queues.settled(name, sequence);
            if let Some(up) = link.up() {
                up.finish(sequence, None, is_refused);
            }
        }
    }

    /// Performs all possible actions.
    pub fn pump(&mut self, link: &mut OutLink) {
        if self.ends {
            return;
        }
        for _ in 0..BURST {
            let Some(action) = self.queues.next(Instant::now()) else {
                break;
            };
            match action {
                Action::Read(name, from) => match link.up() {
                    Some(up) => up.read(&self.settings.subject, name, from),
                    None => self.queues.read(&name, Err(())),
                },
                Action::Send(name, item) => self.send(name, item, link),
            }
        }
    }

    fn send(&mut self, name: ConnectionName, item: Item<Content>, link: &mut OutLink) {
        let Some(handle) = self
            .manager
            .find(&name)
            .filter(|_| self.settings.names.matches(&name))
        else {
            let text = "no connection of this name is bridged";
            return self.refuse(Some(&name), &item, "unknown_name", text, link);
        };
        let Some(way) = self.ways.of(&name, &self.manager, self.settings.ack) else {
            return self.refuse(
                Some(&name),
                &item,
                "unknown_name",
                "the connection is gone",
                link,
            );
        };
        let confirms = self.settings.ack == NatsAck::Confirmed;
        if confirms && !way.can_fence {
            let text = "its heartbeat confirms nothing: with ack = \"written\" it can be sent to";
            return self.refuse(Some(&name), &item, "no_fence", text, link);
        }
        self.queues.set_depth(&name, way.depth);
        let message = match item.content.message() {
            Ok(message) => message,
            Err(text) => return self.refuse(Some(&name), &item, "not_text", text, link),
        };
        let sent = match way.is_durable {
            // An earlier process may have stored it without learning its fate.
            true => {
                let stream = &self.settings.stream.name;
                let key = format!("nats/{stream}/{}/{}", item.sequence, item.stored);
                handle
                    .send_once(key, message)
                    .map_err(|error| error.to_string())
            }
            false => match handle.send(message) {
                Ok(receipt) => Ok(receipt),
                Err(error) => return self.rejected(&name, &item, &error, link),
            },
        };
        match sent {
            Ok(receipt) => {
                let ack = self.settings.ack;
                self.receipts
                    .watch(name, item.sequence, self.stream, receipt, ack);
            }
            // A full outbox or a failing store: both are temporary.
            Err(_) => self
                .queues
                .waits(&name, item.sequence, Instant::now() + REST),
        }
    }

    fn rejected(
        &mut self,
        name: &ConnectionName,
        item: &Item<Content>,
        error: &SendError,
        link: &mut OutLink,
    ) {
        match Refusal::of(error) {
            Refusal::Never(reason) => {
                self.refuse(Some(name), item, reason, &error.to_string(), link);
            }
            Refusal::Later(rest) => {
                self.queues
                    .waits(name, item.sequence, Instant::now() + rest);
            }
        }
    }

    /// A message has its fate.
    pub fn end(&mut self, settled: Settled, link: &mut OutLink) {
        if settled.stream != self.stream {
            return;
        }
        let (name, sequence) = (&settled.name, settled.sequence);
        let problem = match Verdict::of(settled.fate, self.settings.ack, self.ends) {
            Verdict::Stays => return,
            Verdict::GoesAgain => return self.queues.waits(name, sequence, Instant::now()),
            Verdict::Leaves(problem) => problem,
        };
        let Some(item) = self.queues.settled(name, sequence) else {
            return;
        };
        match problem {
            None => self.sent += 1,
            Some(_) => self.refused += 1,
        }
        let answer = verdict::answer(&self.settings.stream.name, &settled, problem);
        self.finish(&item, &answer, false, link);
    }

    /// Ends a message that can never be sent.
    fn refuse(
        &mut self,
        name: Option<&ConnectionName>,
        item: &Item<Content>,
        reason: &'static str,
        text: &str,
        link: &mut OutLink,
    ) {
        self.refused += 1;
        if let Some(name) = name {
            self.queues.settled(name, item.sequence);
            // A queue may have many of them.
            if self.told_refusals.len() < 1024 && self.told_refusals.insert((name.clone(), reason))
            {
                self.observer.tell(Report::NotSent {
                    name: name.clone(),
                    reason,
                    text: text.to_owned(),
                });
            }
        }
        let stream = &self.settings.stream.name;
        let answer = verdict::refusal(stream, item.sequence, reason, text);
        self.finish(item, &answer, true, link);
    }

    fn finish(
        &mut self,
        item: &Item<Content>,
        answer: &serde_json::Value,
        is_refused: bool,
        link: &mut OutLink,
    ) {
        self.unfinished
            .ended(item.sequence, item.stored, is_refused);
        let answer = answer.to_string().into_bytes();
        let mut up = link.up();
        if let Some(up) = &mut up {
            up.finish(item.sequence, item.ack.clone(), is_refused);
        }
        self.answers
            .send(&item.content.asked, &answer, up.as_deref());
    }

    /// Performs regular checks.
    pub fn tick(&mut self) {
        let now = Instant::now();
        self.queues.tick(now);
        self.answers.tick(now);
        self.ways.tick();
    }

    /// Updates the status.
    pub fn show(&self, status: &Shared) {
        status.update(|status| {
            let outbound = &mut status.outbound;
            outbound.sent = self.sent;
            outbound.refused = self.refused;
            outbound.held = self.queues.held() as u64;
            outbound.read_again = self.read_again;
            outbound.names_behind = self.queues.behind() as u64;
        });
    }
}

fn item(sequence: u64, stored: i128, ack: Option<String>, content: Content) -> Item<Content> {
    let bytes = content.len();
    Item {
        sequence,
        stored,
        bytes,
        ack,
        content,
    }
}
