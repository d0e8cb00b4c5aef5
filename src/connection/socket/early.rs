//! What the peer says while its socket is young. Some servers say only in the message before their close why they close: Home
//! Assistant's `auth_invalid`, the `stream:error` of XMPP.

use std::time::{Duration, Instant};

use super::Socket;
use crate::{
    connection::{
        state::Name,
        status::last_message::{LastMessage, Start},
    },
    core::Message,
};

/// A socket is young until it has been ready for so long.
const YOUTH: Duration = Duration::from_secs(5);

/// The peer's last message, as long as the socket is young.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// When the socket is young no more; `None`: it was not ready yet.
    until: Option<Instant>,
    /// The last message of what is being read.
    latest: Option<Message>,
    /// The start of the last message of what was read before.
    start: Option<Start>,
}

impl Early {
    /// When the socket is young no more, if that is known.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }
}

impl Socket {
    /// Notes a message that may be the last one. One that another follows is not: a clone costs more than the look.
    pub(super) fn note(&mut self, act: &Name, message: &Message) {
        // What follows may be an answer to a text heartbeat, which is no message of the application.
        let may_be_last = || act.settings.heartbeat.is_text() || !self.reader.has_next();
        if let Some(early) = &mut self.early
            && may_be_last()
        {
            early.latest = Some(message.clone());
        }
    }

    /// Copies the start of the last message: the message itself holds all that was read with it.
    pub(super) fn keep_last(&mut self, act: &mut Name) {
        if let Some(early) = &mut self.early
            && let Some(message) = early.latest.take()
        {
            early.start = Some(Start::of(&message, act.wall()));
        }
    }

    /// Lets go of what the peer said when the socket has stayed, and of what it had said on the one before.
    pub(super) fn watch_age(&mut self, act: &mut Name, now: Instant) {
        let Some(early) = &mut self.early else {
            return;
        };
        match early.until {
            None if act.record.ready => early.until = Some(now + YOUTH),
            Some(until) if until <= now => {
                self.early = None;
                act.record.last_message = None;
            }
            None | Some(_) => {}
        }
    }

    /// What the peer said last, if the socket was young. Asked when the socket is gone.
    pub fn last_message(&mut self, act: &mut Name) -> Option<Box<LastMessage>> {
        self.keep_last(act);
        let start = self.early.take()?.start?;
        Some(Box::new(start.told(|text| self.sent.masked(text))))
    }
}
