//! Bytes that the kernel still holds when a socket ends.

use std::{
    task::{Context as TaskContext, Poll, Waker},
    time::Instant,
};

use super::{FRAME_WEIGHT, Socket, reader::Reader, weight};
use crate::{connection::state::ActorState, core::Message, wire::Incoming};

/// How many bytes are read of those that the kernel still holds when a socket is lost: more than it
/// has room for. Decompressed messages are limited to the same, since a few bytes may become
/// megabytes, and all is handled in one turn.
const LAST_BYTES: u64 = 64 << 20;

/// The remaining limits.
struct Last {
    /// The stream position at which the limit ends.
    end: u64,
    /// How many message bytes may still come.
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

    /// Counts incoming data. `None` costs a look, too.
    fn count(&mut self, came: Option<&Incoming>) {
        let frames = came.map_or(1, weight);
        let bytes = (frames * FRAME_WEIGHT) as u64;
        self.messages = self.messages.saturating_sub(bytes);
    }
}

impl Socket {
    /// Reads all that the kernel holds before a loss is judged, within this turn, even if a
    /// subscriber pauses the reading. Pongs and the close frame always count. Messages are
    /// delivered unless the reading is paused, and are not answered.
    pub fn read_to_end(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        act.mute(now);
        // Waiting answers do not stop the reading any more.
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
                    // Nobody gets this message, so there is a gap, however clean the end is.
                    act.last.blind_since.get_or_insert(self.alive);
                    self.note(act, &Message::Text(text));
                }
                Poll::Ready(Ok(Some(Incoming::Binary(bytes)))) if paused => {
                    // Nobody gets this message, so there is a gap, however clean the end is.
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

    /// When it is dropped, the kernel discards what it has not sent, and resets the connection.
    pub fn reset_on_drop(&self) {
        self.stream.reset_on_drop();
    }

    /// The socket is gone. Messages that the kernel or the TLS session has taken as a whole count
    /// as written, since the peer may have them. A pong in our kernel still confirms.
    pub fn settle_on_close(&mut self, act: &mut ActorState, now: Instant) {
        self.writer.settle_on_close();
        self.publish_openings(act);
        self.record_written(act);
        self.take_last_answers(act, now);
        // Messages on a socket that was never ready count as missed.
        act.last.blind_since.get_or_insert(self.alive);
    }

    /// Handles the answers to our pings among the kernel's bytes; everything else is lost with the
    /// socket.
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
                // If an expression defines the answer, the plain text of the settings is not one.
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
