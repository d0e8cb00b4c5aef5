//! The writing half of a socket: what goes out next, and how much of it the kernel has.

mod fill;
mod flow;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, num::NonZeroU64, time::Instant};

use bytes::{Bytes, BytesMut};

use super::{
    ahead::{Ahead, StepTurn},
    encoder::{Compressor, Encoder},
};
use crate::{
    connection::{
        Traffic,
        outbox::rate_limit::{BucketSet, Waiting},
    },
    core::Message,
    wire::{CloseFrame, Opcode},
};

/// Pongs that may wait: as many as a turn can ask for. Beyond that an older one need not be sent when a newer one is
/// (RFC 6455 §5.5.3).
const MAX_PONGS: usize = 128;

/// Messages that are encoded in one turn.
const MAX_MESSAGES: usize = 128;

/// So many compressed bytes weigh as much as a message in a turn.
const COMPRESSED_WEIGHT: usize = 8 << 10;

/// A message of the application that is encoded, and not with the kernel yet.
#[derive(Clone, Copy, Debug)]
enum Unwritten {
    /// One of the outbox, by its id.
    Outbox(u64),
    /// One that goes ahead of the outbox, by its length.
    Opening(u64),
    /// A step of the script, by its length.
    Step(u64),
    /// What is said of subscriptions, by its length.
    Subscription(u64),
}

/// The writing half of one socket.
#[derive(Debug, Default)]
pub(in crate::connection) struct Writer {
    /// Control frames, ahead of all messages that are not encoded yet.
    urgent: VecDeque<(Opcode, Bytes)>,
    /// Messages of ours ahead of the outbox, which wait for the rate as those of the outbox do.
    opening: VecDeque<Ahead>,
    encoder: Encoder,
    /// Encoded bytes that the kernel did not take.
    pending: BytesMut,
    /// Encoded bytes in all.
    encoded: u64,
    /// Where the messages that are not written yet end, by encoded bytes, and what they are.
    ends: VecDeque<(u64, Unwritten)>,
    /// The last message that the kernel has whole, until the outbox is told.
    written: Option<u64>,
    /// The opening messages that it has whole, until they are counted.
    openings_written: Traffic,
    /// Where the ping ends, by encoded bytes, that the kernel has not whole. No ping is empty.
    ping_end: Option<NonZeroU64>,
    /// Whether the kernel has a ping whole that was not asked for yet.
    ping_written: bool,
    /// Whether it has a step of the script whole that was not asked for yet.
    step_written: bool,
    /// So many messages of subscriptions it has whole that were not asked for yet.
    subscriptions_written: u16,
    /// Over TLS: bytes given to the session and not flushed.
    unflushed: bool,
    close: Option<Box<CloseFrame>>,
    closed: bool,
    /// Whether the next step has to wait for the answers to other messages.
    step_lacks_place: bool,
    /// Whether the last message that did not go ahead of the outbox was a request: they take turns.
    last_was_request: bool,
    /// The next message has to wait for the rate.
    waiting: Option<Box<Waiting>>,
}

impl Writer {
    /// Compresses what is worth it with `compressor`.
    pub fn new(compressor: Option<Compressor>) -> Self {
        Self {
            encoder: Encoder::new(compressor),
            ..Self::default()
        }
    }

    /// A Pong: ahead of the messages that are not encoded yet.
    pub fn control(&mut self, opcode: Opcode, payload: Bytes) {
        let pongs = |(opcode, _): &(Opcode, Bytes)| *opcode == Opcode::Pong;
        if opcode == Opcode::Pong
            && self.urgent.iter().filter(|urgent| pongs(urgent)).count() >= MAX_PONGS
        {
            let oldest = self.urgent.iter().position(pongs);
            oldest.map(|at| self.urgent.remove(at));
        }
        self.urgent.push_back((opcode, payload));
    }

    /// A message of ours: ahead of the outbox, and of a step that waits for a rate of its own.
    pub fn message(&mut self, message: Message) {
        let is_own = |ahead: &Ahead| matches!(ahead, Ahead::Step(StepTurn::Own(_)));
        let ahead = self.messages_ahead();
        let last = ahead.checked_sub(1).and_then(|last| self.opening.get(last));
        let at = ahead - usize::from(last.is_some_and(is_own));
        self.opening.insert(at, Ahead::Message(message));
    }

    /// The next step, behind the messages that are there. `own`: the buckets that it waits for, if they are not the connection's alone.
    pub fn step(&mut self, own: Option<Box<BucketSet>>) {
        let at = self.messages_ahead();
        self.opening.insert(at, Ahead::Step(StepTurn::of(own)));
    }

    /// A step that has had its turn, and whose text can be made only now: behind the answers.
    pub fn step_now(&mut self) {
        self.opening
            .insert(self.answers(), Ahead::Step(StepTurn::Had));
    }

    /// Something is to be said of subscriptions, when this turn comes: behind all that goes ahead of the outbox.
    pub fn subscription(&mut self, turn: StepTurn) {
        self.forget_subscriptions();
        self.opening.push_back(Ahead::Subscription(turn));
    }

    /// Nothing is said of subscriptions any more.
    pub fn forget_subscriptions(&mut self) {
        if self.has_subscription() {
            self.opening.pop_back();
        }
    }

    /// Whether something is to be said of subscriptions.
    pub fn has_subscription(&self) -> bool {
        matches!(self.opening.back(), Some(Ahead::Subscription(_)))
    }

    /// How many messages of subscriptions the kernel has whole, if that was not asked for since it has them.
    pub fn take_subscriptions_written(&mut self) -> u16 {
        std::mem::take(&mut self.subscriptions_written)
    }

    /// No step is awaited any more: one whose turn has not come is not written, and what became of another one is not told.
    pub fn forget_steps(&mut self) {
        self.opening
            .retain(|ahead| !matches!(ahead, Ahead::Step(_)));
        self.step_lacks_place = false;
        for (_, message) in &mut self.ends {
            if let Unwritten::Step(len) = *message {
                *message = Unwritten::Opening(len);
            }
        }
        self.step_written = false;
    }

    /// The name is ready: nothing goes ahead of the outbox any more, mostly, and the room for it is given back.
    pub fn release_queues(&mut self) {
        if self.opening.is_empty() {
            self.opening = VecDeque::new();
        }
        if self.ends.is_empty() {
            self.ends = VecDeque::new();
        }
    }

    /// An answer to what the peer has said: behind other answers, and ahead of all else.
    pub fn answer(&mut self, message: Message) {
        self.opening.insert(self.answers(), Ahead::Answer(message));
    }

    /// How many answers have not been encoded yet.
    pub fn answers(&self) -> usize {
        let is_answer = |ahead: &&Ahead| matches!(ahead, Ahead::Answer(_));
        self.opening.iter().take_while(is_answer).count()
    }

    /// Whether the kernel has a step of the script whole, if that was not asked for since it has it.
    pub fn take_step_written(&mut self) -> bool {
        std::mem::take(&mut self.step_written)
    }

    /// How many of our own messages have not been encoded yet. What is said of subscriptions is behind them, and does not count.
    pub fn messages_ahead(&self) -> usize {
        self.opening.len() - usize::from(self.has_subscription())
    }

    /// Whether none of our own messages waits to be encoded, but for a step that waits for a rate of its own, or for answers.
    pub fn has_none_ahead(&self) -> bool {
        self.messages_ahead() == 0 || self.step_lacks_place || self.step_waiting().is_some()
    }

    /// The Close frame: the last frame of this socket, behind the message that is being written and the control frames
    /// that wait.
    pub fn close(&mut self, frame: CloseFrame) {
        if !self.closed && self.close.is_none() {
            self.opening.clear();
            self.close = Some(Box::new(frame));
        }
    }

    /// Whether encoded bytes wait for the kernel.
    pub fn is_blocked(&self) -> bool {
        !self.pending.is_empty() || self.unflushed
    }

    /// How many bytes the kernel, or the TLS session, has taken.
    pub fn accepted(&self) -> u64 {
        self.encoded - self.pending.len() as u64
    }

    /// The stream is gone. Messages that a TLS session took whole may have left it, flushed or not: they count as written.
    pub fn settle_on_close(&mut self) {
        self.note_accepted();
    }

    /// The last message that the kernel has whole, if that was not asked for since it has it. The outbox is to be told in the
    /// same turn.
    pub fn take_written(&mut self) -> Option<u64> {
        self.written.take()
    }

    /// The opening messages that the kernel has whole, if they were not asked for since it has them.
    pub fn take_openings(&mut self) -> Traffic {
        std::mem::take(&mut self.openings_written)
    }

    /// Whether the kernel has the last ping whole, if that was not asked for since it has it.
    pub fn take_ping_written(&mut self) -> bool {
        std::mem::take(&mut self.ping_written)
    }

    /// Whether the kernel has all that was given to this writer.
    pub fn is_idle(&self) -> bool {
        self.messages_ahead() == 0 && self.is_flushed()
    }

    /// The same, but for a step that waits for another rate than messages do.
    pub fn is_flushed(&self) -> bool {
        self.pending.is_empty()
            && self.urgent.is_empty()
            && self.has_none_ahead()
            && !self.encoder.is_busy()
            && self.close.is_none()
            && !self.unflushed
    }

    /// When to ask whether the next message may go out, if the rate keeps it waiting.
    pub fn paced_until(&self) -> Option<Instant> {
        let usual = self.waiting.as_deref();
        let step = self.step_waiting();
        let subscription = match self.opening.back() {
            Some(Ahead::Subscription(StepTurn::Own(turn))) => turn.waiting.as_ref(),
            _ => None,
        };
        let waiting = usual.into_iter().chain(step).chain(subscription);
        waiting.filter_map(Waiting::until).min()
    }

    /// What keeps a step waiting that other messages do not wait for.
    fn step_waiting(&self) -> Option<&Waiting> {
        match self.opening.front()? {
            Ahead::Step(StepTurn::Own(turn)) => turn.waiting.as_ref(),
            Ahead::Step(StepTurn::Usual | StepTurn::Had)
            | Ahead::Answer(_)
            | Ahead::Message(_)
            | Ahead::Subscription(_) => None,
        }
    }

    /// Whether the rate kept the next message waiting when that was asked last.
    pub fn is_held_back(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether the rate keeps the next message waiting.
    pub fn is_paced(&self, now: Instant) -> bool {
        let waits = |waiting: &Waiting| waiting.until().is_none_or(|until| until > now);
        self.waiting.as_deref().is_some_and(waits)
    }
}
