//! Messages of a young socket. Some servers explain a close only in the message before it: Home
//! Assistant's `auth_invalid`, the `stream:error` of XMPP.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::{
    connection::{state::conversation::LiveConversation, status::last_message::Start},
    core::Message,
    transport::PreparedDial,
};

/// A socket is young until it has been ready for this long.
const YOUTH: Duration = Duration::from_secs(5);

/// The peer's last message, as long as the socket is young.
#[derive(Default)]
pub(super) struct Early {
    /// When the socket stops being young; `None`: it was not ready yet.
    until: Option<Instant>,
    /// The last message of the current read.
    latest: Option<Message>,
    /// The start of the last message of earlier reads.
    start: Option<Start>,
    /// The conversation, while another socket is the current one. It is here because few sockets
    /// have one, and all of those are young. The conversation of the current socket is in the name.
    pub aside: Option<Box<LiveConversation>>,
    /// The result of the preparation, until its conversation begins.
    pub prepared: Option<Box<PreparedDial>>,
}

impl Early {
    /// For a socket that was dialled after this preparation.
    pub fn of(prepared: Option<Box<PreparedDial>>) -> Self {
        Self {
            prepared,
            ..Self::default()
        }
    }

    /// When the socket stops being young, if that is known.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Notes a message that may be the last one.
    pub fn note(&mut self, message: &Message) {
        self.latest = Some(message.clone());
    }

    /// Whether the current read has brought a message.
    pub fn has_latest(&self) -> bool {
        self.latest.is_some()
    }

    /// Copies the start of the last message, which came `at` that time, since the message itself
    /// would keep the whole read in memory. Secrets of its conversation are masked; `serving` is
    /// the conversation of the current socket.
    pub fn keep(&mut self, at: Timestamp, serving: Option<&LiveConversation>) {
        if let Some(message) = self.latest.take() {
            let conversation = self.aside.as_deref().or(serving);
            let masked = conversation.and_then(|conversation| conversation.masked(&message));
            self.start = Some(Start::of(&message, masked, at));
        }
    }

    /// Whether the socket is not young any more; `ready`: whether it is ready.
    pub fn is_over(&mut self, ready: bool, now: Instant) -> bool {
        if self.until.is_none() && ready {
            self.until = Some(now + YOUTH);
            return false;
        }
        self.until.is_some_and(|until| until <= now)
    }

    /// The start of the peer's last message.
    pub fn into_start(self) -> Option<Start> {
        self.start
    }
}
