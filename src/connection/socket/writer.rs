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

/// The most waiting pongs: as many as a turn can ask for. Beyond that an older one may be skipped
/// for a newer one (RFC 6455 §5.5.3).
const MAX_PONGS: usize = 128;

/// The most messages that one turn encodes.
const MAX_MESSAGES: usize = 128;

/// This many compressed bytes count as another message.
const COMPRESSED_WEIGHT: usize = 8 << 10;

/// A message that is encoded but not with the kernel yet.
#[derive(Clone, Copy, Debug)]
enum Unwritten {
    /// An outbox message, with its id.
    Outbox(u64),
    /// An opening message, with its length.
    Opening(u64),
    /// A step of the script, with its length.
    Step(u64),
    /// A subscription message, with its length.
    Subscription(u64),
}

/// The writing half of one socket.
#[derive(Debug, Default)]
pub(in crate::connection) struct Writer {
    /// Control frames, before all messages that are not encoded yet.
    urgent: VecDeque<(Opcode, Bytes)>,
    /// Our own messages before the outbox. They wait for the rate like outbox messages.
    opening: VecDeque<Ahead>,
    encoder: Encoder,
    /// Encoded bytes that the kernel did not take.
    pending: BytesMut,
    /// The total of encoded bytes.
    encoded: u64,
    /// Unwritten messages, with the encoded position at which each ends.
    ends: VecDeque<(u64, Unwritten)>,
    /// The last message that the kernel has as a whole, until the outbox is updated.
    written: Option<u64>,
    /// The opening messages that it has as a whole, until they are counted.
    openings_written: Traffic,
    /// The encoded position at which the unwritten ping ends. No ping is empty.
    ping_end: Option<NonZeroU64>,
    /// Whether the kernel has a whole ping that was not reported yet.
    ping_written: bool,
    /// Whether it has a whole step that was not reported yet.
    step_written: bool,
    /// How many whole subscription messages it has that were not reported yet.
    subscriptions_written: u16,
    /// Over TLS: bytes given to the session and not flushed.
    unflushed: bool,
    close: Option<Box<CloseFrame>>,
    closed: bool,
    /// Whether the next step waits for the answers to other messages.
    step_lacks_place: bool,
    /// Whether the last message after those before the outbox was a request: requests and messages
    /// alternate.
    last_was_request: bool,
    /// The next message waits for the rate.
    waiting: Option<Box<Waiting>>,
}

impl Writer {
    /// Compresses messages with `compressor`.
    pub fn new(compressor: Option<Compressor>) -> Self {
        Self {
            encoder: Encoder::new(compressor),
            ..Self::default()
        }
    }

    /// Queues a pong: before the messages that are not encoded yet.
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

    /// Queues a message of ours: before the outbox, and before a step that waits for a rate of its
    /// own.
    pub fn message(&mut self, message: Message) {
        let is_own = |ahead: &Ahead| matches!(ahead, Ahead::Step(StepTurn::Own(_)));
        let ahead = self.messages_ahead();
        let last = ahead.checked_sub(1).and_then(|last| self.opening.get(last));
        let at = ahead - usize::from(last.is_some_and(is_own));
        self.opening.insert(at, Ahead::Message(message));
    }

    /// Queues the next step after the messages that are there. `own`: its buckets, if they are not
    /// only the connection's.
    pub fn step(&mut self, own: Option<Box<BucketSet>>) {
        let at = self.messages_ahead();
        self.opening.insert(at, Ahead::Step(StepTurn::of(own)));
    }

    /// Queues a step that has had its turn, and whose text can be rendered only now: after the
    /// answers.
    pub fn step_now(&mut self) {
        self.opening
            .insert(self.answers(), Ahead::Step(StepTurn::Had));
    }

    /// Queues subscription messages: after everything else before the outbox.
    pub fn subscription(&mut self, turn: StepTurn) {
        self.forget_subscriptions();
        self.opening.push_back(Ahead::Subscription(turn));
    }

    /// Drops the subscription messages.
    pub fn forget_subscriptions(&mut self) {
        if self.has_subscription() {
            self.opening.pop_back();
        }
    }

    /// Whether subscription messages wait.
    pub fn has_subscription(&self) -> bool {
        matches!(self.opening.back(), Some(Ahead::Subscription(_)))
    }

    /// How many whole subscription messages the kernel has; reset by this call.
    pub fn take_subscriptions_written(&mut self) -> u16 {
        std::mem::take(&mut self.subscriptions_written)
    }

    /// Drops waiting steps, and does not report the written ones.
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

    /// The name is ready: frees the queues before the outbox, which are rarely used from now on.
    pub fn release_queues(&mut self) {
        if self.opening.is_empty() {
            self.opening = VecDeque::new();
        }
        if self.ends.is_empty() {
            self.ends = VecDeque::new();
        }
    }

    /// Queues an answer to the peer: after other answers, and before everything else.
    pub fn answer(&mut self, message: Message) {
        self.opening.insert(self.answers(), Ahead::Answer(message));
    }

    /// How many answers are not encoded yet.
    pub fn answers(&self) -> usize {
        let is_answer = |ahead: &&Ahead| matches!(ahead, Ahead::Answer(_));
        self.opening.iter().take_while(is_answer).count()
    }

    /// Whether the kernel has a whole step; reset by this call.
    pub fn take_step_written(&mut self) -> bool {
        std::mem::take(&mut self.step_written)
    }

    /// How many of our own messages are not encoded yet, without subscription messages.
    pub fn messages_ahead(&self) -> usize {
        self.opening.len() - usize::from(self.has_subscription())
    }

    /// Whether no message of ours waits to be encoded, except a step that waits for a rate of its
    /// own, or for answers.
    pub fn has_none_ahead(&self) -> bool {
        self.messages_ahead() == 0 || self.step_lacks_place || self.step_waiting().is_some()
    }

    /// Queues the Close frame: the last frame of this socket, after the current message and the
    /// waiting control frames.
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

    /// The stream is gone. Messages that a TLS session took as a whole may have been sent, flushed
    /// or not, so they count as written.
    pub fn settle_on_close(&mut self) {
        self.note_accepted();
    }

    /// The last message that the kernel has as a whole; reset by this call. The outbox must be
    /// updated in the same turn.
    pub fn take_written(&mut self) -> Option<u64> {
        self.written.take()
    }

    /// The opening messages that the kernel has as a whole; reset by this call.
    pub fn take_openings(&mut self) -> Traffic {
        std::mem::take(&mut self.openings_written)
    }

    /// Whether the kernel has the whole last ping; reset by this call.
    pub fn take_ping_written(&mut self) -> bool {
        std::mem::take(&mut self.ping_written)
    }

    /// Whether the kernel has everything that this writer was given.
    pub fn is_idle(&self) -> bool {
        self.messages_ahead() == 0 && self.is_flushed()
    }

    /// The same, except for a step that waits for a rate of its own.
    pub fn is_flushed(&self) -> bool {
        self.pending.is_empty()
            && self.urgent.is_empty()
            && self.has_none_ahead()
            && !self.encoder.is_busy()
            && self.close.is_none()
            && !self.unflushed
    }

    /// When to ask the rate limit again about the next message.
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

    /// What a step waits for that other messages do not wait for.
    fn step_waiting(&self) -> Option<&Waiting> {
        match self.opening.front()? {
            Ahead::Step(StepTurn::Own(turn)) => turn.waiting.as_ref(),
            Ahead::Step(StepTurn::Usual | StepTurn::Had)
            | Ahead::Answer(_)
            | Ahead::Message(_)
            | Ahead::Subscription(_) => None,
        }
    }

    /// Whether the rate held the next message back at the last check.
    pub fn is_held_back(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether the rate holds the next message back.
    pub fn is_paced(&self, now: Instant) -> bool {
        let waits = |waiting: &Waiting| waiting.until().is_none_or(|until| until > now);
        self.waiting.as_deref().is_some_and(waits)
    }
}
