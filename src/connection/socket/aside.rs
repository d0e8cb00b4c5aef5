//! A socket that waits beside the current one: it sends its opening messages and receives, but
//! takes nothing from the outbox.

use std::{
    task::{Context as TaskContext, Poll},
    time::Instant,
};

use super::{MAX_FRAMES, Socket, allowed::Allowed, heard::Heard, reader::read_error, weight};
use crate::{
    connection::state::{ActorState, conversation::surroundings},
    core::{Cause, Message},
    wire::{Incoming, Opcode},
};

impl Socket {
    /// One step of a waiting socket: sends the opening messages, answers pings, and holds incoming
    /// messages. `true` once the opening messages are out.
    pub fn poll_aside(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> Result<bool, Cause> {
        self.follow_wishes(act, now);
        let hears = self.hear_aside(act, now, cx);
        self.keep_last(act);
        hears?;
        self.write_aside(act, now, cx)?;
        Ok(self.has_spoken())
    }

    fn hear_aside(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> Result<(), Cause> {
        self.write_aside(act, now, cx)?;
        let mut turn = 0;
        while turn < MAX_FRAMES
            && !act.inbound.deduplication.holds_enough()
            && !self.has_too_many_answers_aside()
        {
            let Poll::Ready(incoming) = self.reader.poll_next(&mut self.stream, now, cx)? else {
                break;
            };
            self.alive = now;
            let Some(incoming) = incoming else {
                turn += 1;
                continue;
            };
            self.deadlines.heard(now);
            turn += 1 + weight(&incoming);
            match incoming {
                Incoming::Text(text) => self.hold(act, Message::Text(text), now)?,
                Incoming::Binary(bytes) => self.hold(act, Message::Binary(bytes), now)?,
                Incoming::Ping(payload) => self.writer.control(Opcode::Pong, payload),
                Incoming::Pong(_) => {}
                Incoming::Close(frame) => {
                    return Err(Cause::Closed(self.sent.taken_out_of(frame)));
                }
            }
        }
        if turn >= MAX_FRAMES {
            cx.waker().wake_by_ref();
        }
        Ok(())
    }

    /// Whether the opening messages are out.
    pub fn has_spoken(&self) -> bool {
        self.writer.messages_ahead() == 0 && self.writer.is_idle() && self.has_passed_aside()
    }

    /// Writes everything except outbox messages.
    fn write_aside(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> Result<(), Cause> {
        loop {
            let here = surroundings!(self, act, now);
            let early = self.early.as_deref_mut();
            let aside = early.and_then(|early| early.aside.as_deref_mut());
            let mut allowed = Allowed {
                outbox: false,
                buckets: act.buckets.as_deref(),
                pings: None,
                conversation: aside.map(|conversation| (conversation, here)),
                requests: None,
                has_spoken: false,
            };
            let written = self
                .writer
                .poll_write(&mut self.stream, &act.outbox, &mut allowed, cx);
            self.publish_openings(act);
            if let Poll::Ready(Err(error)) = written {
                return Err(read_error(&error));
            }
            let ahead = self.writer.messages_ahead();
            let subscribes = self.writer.has_subscription();
            self.go_on_aside(act, now)?;
            self.hears_work_aside(act, now, cx)?;
            let has_more = self.writer.messages_ahead() > ahead
                || (self.writer.has_subscription() && !subscribes);
            // A written step may be followed by another one.
            if written.is_pending() || !has_more {
                return Ok(());
            }
        }
    }

    fn hold(&mut self, act: &mut ActorState, message: Message, now: Instant) -> Result<(), Cause> {
        self.note(act, &message);
        match self.hear_beside(act, &message, now)? {
            (Heard::Message(key), number) => act.hold(message, number, key),
            (Heard::Own(key), number) => act.receive_own(message, number, key),
            (Heard::Hidden, number) => act.count_unheard(&message, number),
        }
        Ok(())
    }
}
