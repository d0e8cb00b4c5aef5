//! Chooses what goes out next, and encodes it.

use std::{collections::VecDeque, io, num::NonZeroU64, task::Waker};

use bytes::BytesMut;

use super::{
    super::{
        ahead::{Ahead, Next, StepTurn},
        allowed::{Allowed, Pings},
        encoder::{Ended, Origin},
    },
    MAX_MESSAGES, Unwritten, Writer,
};
use crate::{
    connection::{
        arbiter::buffers::{WRITE, mask_key},
        outbox::{rate_limit::Waiting, shared::Locked},
    },
    core::{Beat, Message},
    wire::{Opcode, encode_close, encode_frame},
};

/// The result of one fill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled {
    pub messages: usize,
    /// Whether nothing more could go out now. Later messages wake the actor, or are seen before it
    /// rests.
    pub is_all: bool,
}

impl Writer {
    /// Encodes what goes out next, up to the buffer's size.
    pub(super) fn fill(
        &mut self,
        buffer: &mut BytesMut,
        locked: &mut Locked,
        allowed: &mut Allowed<'_>,
        waker: &Waker,
    ) -> io::Result<Filled> {
        let (mut messages, mut is_all) = (0, false);
        let mut waiting = self.waiting.take();
        // No interval passes within this turn.
        let mut beat_due = allowed.pings.as_ref().is_some_and(Pings::are_due);
        while buffer.len() < WRITE
            && self.encoder.compressed() < WRITE
            && !self.encoder.is_busy()
            && messages < MAX_MESSAGES
        {
            if self.closed {
                self.urgent.clear();
                is_all = true;
                break;
            }
            match self.urgent.pop_front() {
                Some((opcode, payload)) => {
                    allowed
                        .buckets
                        .inspect(|buckets| buckets.spend_for_control());
                    encode_frame(opcode, true, &payload, mask_key(), buffer);
                    continue;
                }
                // An idle socket keeps no memory for frames that it does not send.
                None if self.urgent.capacity() > 0 => self.urgent = VecDeque::new(),
                None => {}
            }
            // Before a heartbeat: a rule answers before it triggers a ping.
            if let Some(answer) = self.next_answer() {
                messages += 1;
                allowed.buckets.inspect(|buckets| buckets.spend());
                self.begin(&answer, Origin::Opening, buffer)?;
                continue;
            }
            if std::mem::take(&mut beat_due)
                && allowed.has_place_for_ping()
                && let Some(beat) = allowed.next_beat(locked, self.position(buffer))
            {
                self.ping(beat, allowed, buffer)?;
                continue;
            }
            if let Some(frame) = self.close.take() {
                encode_close(&frame, mask_key(), buffer);
                self.closed = true;
            }
            let next = match self.closed {
                true => None,
                false => self.next(messages == 0, locked, allowed, &mut waiting, waker),
            };
            let Some(next) = next else {
                is_all = true;
                break;
            };
            if next == Next::Ahead
                && let Some(ahead) = self.opening.pop_front()
            {
                messages += 1;
                self.begin_ahead(ahead, allowed, buffer)?;
                continue;
            }
            if let Next::Subscription { .. } = next {
                messages += self.begin_subscription(allowed, buffer)?;
                continue;
            }
            if next == Next::Request {
                self.last_was_request = true;
                if let Some(request) = allowed.compose_request() {
                    messages += 1;
                    self.begin(&request, Origin::Opening, buffer)?;
                }
                continue;
            }
            let Some(next) = locked.outbox.take() else {
                is_all = true;
                break;
            };
            messages += 1;
            self.last_was_request = false;
            self.begin(&next.message, Origin::Outbox(next.id), buffer)?;
        }
        allowed.has_spoken |= messages > 0;
        self.fence(buffer, locked, allowed)?;
        Ok(Filled { messages, is_all })
    }

    fn next_answer(&mut self) -> Option<Message> {
        if self.closed || !matches!(self.opening.front(), Some(Ahead::Answer(_))) {
            return None;
        }
        match self.opening.pop_front()? {
            Ahead::Answer(message) => Some(message),
            Ahead::Message(_) | Ahead::Step(_) | Ahead::Subscription(_) => None,
        }
    }

    fn begin_ahead(
        &mut self,
        ahead: Ahead,
        allowed: &mut Allowed<'_>,
        buffer: &mut BytesMut,
    ) -> io::Result<()> {
        match ahead {
            Ahead::Answer(message) | Ahead::Message(message) => {
                self.begin(&message, Origin::Opening, buffer)
            }
            Ahead::Step(_) => match allowed.compose() {
                Some(message) => self.begin(&message, Origin::Step, buffer),
                None => Ok(()),
            },
            // Its turn stays queued until it is over.
            Ahead::Subscription(_) => Ok(()),
        }
    }

    /// Encodes the next subscription message. Returns how many messages that was.
    fn begin_subscription(
        &mut self,
        allowed: &mut Allowed<'_>,
        buffer: &mut BytesMut,
    ) -> io::Result<usize> {
        let Some(said) = allowed.compose_subscription() else {
            self.forget_subscriptions();
            return Ok(0);
        };
        if !said.goes_on {
            self.forget_subscriptions();
        }
        match said.message {
            Some(message) => {
                self.begin(&message, Origin::Subscription, buffer)?;
                Ok(1)
            }
            None => Ok(0),
        }
    }

    /// A ping after the last message, if one is due there: nothing can come between the two.
    fn fence(
        &mut self,
        buffer: &mut BytesMut,
        locked: &Locked,
        allowed: &mut Allowed<'_>,
    ) -> io::Result<()> {
        let is_paced = self.waiting.is_some();
        if self.closed
            || self.encoder.is_busy()
            || !allowed.outbox
            || !allowed.has_place_for_ping()
            || !locked.wants_fence(is_paced)
        {
            return Ok(());
        }
        let position = self.position(buffer);
        let pings = allowed.pings.as_mut();
        match pings.and_then(|pings| pings.fence(locked, position)) {
            Some(beat) => self.ping(beat, allowed, buffer),
            None => Ok(()),
        }
    }

    fn ping(
        &mut self,
        beat: Beat,
        allowed: &mut Allowed<'_>,
        buffer: &mut BytesMut,
    ) -> io::Result<()> {
        let buckets = allowed.buckets;
        match beat {
            Beat::Ping(payload) => {
                buckets.inspect(|buckets| buckets.spend_for_control());
                encode_frame(Opcode::Ping, true, &payload, mask_key(), buffer);
            }
            Beat::Text(text) => {
                buckets.inspect(|buckets| buckets.spend());
                let Some(text) = allowed.ping(text) else {
                    return Ok(());
                };
                allowed.has_spoken = true;
                self.begin(&Message::text(text), Origin::Heartbeat, buffer)?;
            }
        }
        let end = NonZeroU64::new(self.position(buffer));
        self.ping_end = self.ping_end.or(end);
        Ok(())
    }

    /// The encoded position, with the bytes in `buffer`.
    fn position(&self, buffer: &BytesMut) -> u64 {
        self.encoded + buffer.len() as u64
    }

    /// The next message, if there is one and the rate allows it. `is_first`: it would be the first
    /// of this turn. `waiting`: the rate's last answer.
    fn next(
        &mut self,
        is_first: bool,
        locked: &Locked,
        allowed: &Allowed<'_>,
        waiting: &mut Option<Box<Waiting>>,
        waker: &Waker,
    ) -> Option<Next> {
        let is_step = matches!(self.opening.front(), Some(Ahead::Step(_)));
        self.step_lacks_place = is_step && !allowed.has_place_for_step();
        let next = match self.opening.front_mut() {
            None | Some(Ahead::Subscription(_)) => {
                self.behind_ahead(is_first, locked, allowed, waker)
            }
            // A step that waits for an answer does not hold the outbox back.
            Some(Ahead::Step(_)) if self.step_lacks_place => {
                self.behind_ahead(is_first, locked, allowed, waker)
            }
            Some(Ahead::Step(StepTurn::Had)) => return Some(Next::Ahead),
            Some(Ahead::Step(StepTurn::Own(turn))) => {
                // Once a turn, and not for each message that passes it.
                if is_first || turn.waiting.is_none() {
                    match turn.buckets.take(turn.waiting.take(), waker) {
                        Ok(()) => return Some(Next::Ahead),
                        Err(waiting) => turn.waiting = Some(waiting),
                    }
                }
                // A step with a rate of its own does not hold the outbox back.
                self.behind_ahead(is_first, locked, allowed, waker)
            }
            Some(Ahead::Answer(_) | Ahead::Message(_) | Ahead::Step(StepTurn::Usual)) => {
                Next::Ahead
            }
        };
        if next == (Next::Subscription { had: true }) {
            return Some(next);
        }
        if next == Next::Outbox && !allowed.outbox {
            return None;
        }
        let Some(buckets) = allowed.buckets else {
            return Some(next);
        };
        if next == Next::Outbox && locked.outbox.peek().is_none() {
            return None;
        }
        let before = waiting.take().map(|waiting| *waiting);
        self.waiting = buckets.take(before, waker).err().map(Box::new);
        self.waiting.is_none().then_some(next)
    }

    /// What follows the messages before the outbox: subscription messages first, then requests and
    /// outbox messages alternate.
    fn behind_ahead(
        &mut self,
        is_first: bool,
        locked: &Locked,
        allowed: &Allowed<'_>,
        waker: &Waker,
    ) -> Next {
        if let Some(next) = self.next_subscription(is_first, allowed, waker) {
            return next;
        }
        let yields = self.last_was_request && locked.outbox.peek().is_some();
        match allowed.has_request() && !yields {
            true => Next::Request,
            false => Next::Outbox,
        }
    }

    /// The next subscription message, if its own rate allows it.
    fn next_subscription(
        &mut self,
        is_first: bool,
        allowed: &Allowed<'_>,
        waker: &Waker,
    ) -> Option<Next> {
        let Some(Ahead::Subscription(turn)) = self.opening.back_mut() else {
            return None;
        };
        if !allowed.has_place_for_subscription() {
            return None;
        }
        match turn {
            StepTurn::Usual => Some(Next::Subscription { had: false }),
            StepTurn::Had => Some(Next::Subscription { had: true }),
            StepTurn::Own(turn) if is_first || turn.waiting.is_none() => {
                match turn.buckets.take(turn.waiting.take(), waker) {
                    Ok(()) => Some(Next::Subscription { had: true }),
                    Err(waiting) => {
                        turn.waiting = Some(waiting);
                        None
                    }
                }
            }
            StepTurn::Own(_) => None,
        }
    }

    /// Encodes the next piece of an unfinished message. Needs no lock.
    pub(super) fn go_on(&mut self, buffer: &mut BytesMut) -> io::Result<()> {
        let ended = self.encoder.go_on(buffer)?;
        self.mark(ended, buffer);
        Ok(())
    }

    fn begin(
        &mut self,
        message: &Message,
        origin: Origin,
        buffer: &mut BytesMut,
    ) -> io::Result<()> {
        let ended = self.encoder.begin(message, origin, buffer)?;
        self.mark(ended, buffer);
        Ok(())
    }

    fn mark(&mut self, ended: Option<Ended>, buffer: &BytesMut) {
        let Some(Ended { origin, len }) = ended else {
            return;
        };
        let message = match origin {
            Origin::Outbox(id) => Unwritten::Outbox(id),
            Origin::Opening => Unwritten::Opening(len as u64),
            Origin::Step => Unwritten::Step(len as u64),
            Origin::Subscription => Unwritten::Subscription(len as u64),
            Origin::Heartbeat => return,
        };
        let end = self.encoded + buffer.len() as u64;
        self.ends.push_back((end, message));
    }
}
