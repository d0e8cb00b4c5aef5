//! The last message of a young socket.

use std::time::Instant;

use super::Socket;
use crate::{
    connection::{state::ActorState, status::last_message::LastMessage},
    core::Message,
};

impl Socket {
    /// Notes a message that may be the last one. If another message is known to follow, it is
    /// skipped: a clone costs more than the check.
    #[inline]
    pub(super) fn note(&mut self, act: &ActorState, message: &Message) {
        if self.early.is_some() {
            self.note_early(act, message);
        }
    }

    fn note_early(&mut self, act: &ActorState, message: &Message) {
        // A following message may be the answer to a text heartbeat, which is not an application
        // message.
        let may_be_last = || act.settings.heartbeat.is_text() || !self.reader.has_next();
        if let Some(early) = &mut self.early
            && may_be_last()
        {
            early.note(message);
        }
    }

    /// Keeps the start of the last message of this read.
    pub(super) fn keep_last(&mut self, act: &mut ActorState) {
        if let Some(early) = &mut self.early
            && early.has_latest()
        {
            let at = act.wall();
            early.keep(at, act.conversation());
        }
    }

    /// Whether the end of the socket's youth is known: then there is a deadline for it.
    pub(super) fn has_known_age(&self) -> bool {
        let early = self.early.as_ref();
        early.is_none_or(|early| early.until().is_some())
    }

    /// When the socket is not young any more, drops its last message, and that of the previous
    /// socket.
    pub(super) fn watch_age(&mut self, act: &mut ActorState, now: Instant) {
        let ready = act.reported.ready;
        if let Some(early) = &mut self.early
            && early.is_over(ready, now)
        {
            self.early = None;
            act.last.message = None;
        }
    }

    /// The peer's last message if the socket was young. Call it when the socket is gone.
    pub fn last_message(&mut self, act: &mut ActorState) -> Option<Box<LastMessage>> {
        self.keep_last(act);
        let start = self.early.take()?.into_start()?;
        Some(Box::new(start.shown(|text| self.sent.masked(text))))
    }
}
