//! What the kernel still holds when a socket ends.

use std::{
    task::{Context as TaskContext, Poll, Waker},
    time::Instant,
};

use super::{FRAME_WEIGHT, Socket, reader::Reader, weight};
use crate::{connection::state::ActorState, core::Message, wire::Incoming};

/// So many bytes are read at most of what the kernel still holds when a socket is lost: more than it has room for. All that is decompressed of
/// it has no more either: a few bytes may be megabytes, and all is looked at in one turn.
const LAST_BYTES: u64 = 64 << 20;

/// What is left of that.
struct Last {
    /// Where in the socket's bytes it ends.
    end: u64,
    /// How many bytes of messages may still come.
    messages: u64,
}

impl Last {
    fn begin(reader: &Reader) -> Self {
        Self {
            end: reader.received() + LAST_BYTES,
            messages: LAST_BYTES,
        }
    }

    fn is_left(&self, reader: &Reader) -> bool {
        reader.received() < self.end && self.messages > 0
    }

    /// Counts what has come. What is no message has been looked at, too.
    fn count(&mut self, came: Option<&Incoming>) {
        let frames = came.map_or(1, weight);
        let bytes = (frames * FRAME_WEIGHT) as u64;
        self.messages = self.messages.saturating_sub(bytes);
    }
}

impl Socket {
    /// Before a loss is judged: reads what the kernel holds to its end, in this turn and whether or not a subscriber keeps us from
    /// reading. Pongs and the close frame count in any case; messages are delivered unless we are kept from it, and answered by nothing.
    pub fn read_to_end(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        act.mute(now);
        // Answers that waited keep us from it no more.
        let paused = self.deadlines.is_paused() && self.is_paused(act, now, cx);
        let before = act.counters.received.messages;
        let mut last = Last::begin(&self.reader);
        while act.life.may_read() && last.is_left(&self.reader) {
            let next = self.reader.poll_next(&mut self.stream, now, cx);
            if let Poll::Ready(Ok(came)) = &next {
                last.count(came.as_ref());
            }
            match next {
                Poll::Ready(Ok(Some(Incoming::Text(text)))) if paused => {
                    // Nobody is told it: however clean the end is, that is a gap.
                    act.last.blind_since.get_or_insert(self.alive);
                    self.note(act, &Message::Text(text));
                }
                Poll::Ready(Ok(Some(Incoming::Binary(bytes)))) if paused => {
                    // Nobody is told it: however clean the end is, that is a gap.
                    act.last.blind_since.get_or_insert(self.alive);
                    self.note(act, &Message::Binary(bytes));
                }
                Poll::Ready(Ok(None)) => self.alive = now,
                Poll::Ready(Ok(Some(incoming))) => {
                    self.alive = now;
                    self.incoming(act, incoming, now);
                }
                Poll::Ready(Err(_)) | Poll::Pending => break,
            }
        }
        self.note_heard(act, before, now);
    }

    /// The socket is gone: what the kernel, or the TLS session, has whole counts as written, since the peer may have it. A pong that
    /// lies in our kernel still confirms.
    pub fn settle_on_close(&mut self, act: &mut ActorState, now: Instant) {
        self.writer.settle_on_close();
        self.publish_openings(act);
        self.record_written(act);
        self.take_last_answers(act, now);
        // Of sockets that were never ready nobody has heard enough.
        act.last.blind_since.get_or_insert(self.alive);
    }

    /// The answers to our pings among what the kernel still holds; all else is lost with the socket.
    fn take_last_answers(&mut self, act: &mut ActorState, now: Instant) {
        let mut cx = TaskContext::from_waker(Waker::noop());
        let mut last = Last::begin(&self.reader);
        while act.beats.state.is_waiting() && last.is_left(&self.reader) {
            let settings = &act.settings.heartbeat;
            let next = self.reader.poll_next(&mut self.stream, now, &mut cx);
            if let Poll::Ready(Ok(came)) = &next {
                last.count(came.as_ref());
            }
            let fence = match next {
                Poll::Ready(Ok(Some(Incoming::Pong(payload)))) => {
                    act.beats.state.pong(settings, &payload, now)
                }
                // Where an expression says what an answer is, the plain text of the settings is none.
                Poll::Ready(Ok(Some(Incoming::Text(text)))) if !act.matches_pongs() => {
                    act.beats.state.text(settings, &text, now).flatten()
                }
                Poll::Ready(Ok(_)) => None,
                Poll::Ready(Err(_)) | Poll::Pending => return,
            };
            if let Some(fence) = fence {
                act.confirmed(fence);
            }
        }
    }
}
