//! What the peer says while its socket is young. Some servers say only in the message before their close why they close: Home
//! Assistant's `auth_invalid`, the `stream:error` of XMPP.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::{
    connection::{state::conversation::LiveConversation, status::last_message::Start},
    core::Message,
    transport::PreparedDial,
};

/// A socket is young until it has been ready for so long.
const YOUTH: Duration = Duration::from_secs(5);

/// The peer's last message, as long as the socket is young.
#[derive(Default)]
pub(super) struct Early {
    /// When the socket is young no more; `None`: it was not ready yet.
    until: Option<Instant>,
    /// The last message of what is being read.
    latest: Option<Message>,
    /// The start of the last message of what was read before.
    start: Option<Start>,
    /// The conversation, as long as another socket serves: it is in here since few sockets have one, and all of those are young. The
    /// conversation of the one that serves is the name's.
    pub aside: Option<Box<LiveConversation>>,
    /// What was done before the dial, until its conversation begins.
    pub prepared: Option<Box<PreparedDial>>,
}

impl Early {
    /// Of a socket that has come up behind what was done before its dial.
    pub fn of(prepared: Option<Box<PreparedDial>>) -> Self {
        Self {
            prepared,
            ..Self::default()
        }
    }

    /// When the socket is young no more, if that is known.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }

    /// A message that may be the last one.
    pub fn note(&mut self, message: &Message) {
        self.latest = Some(message.clone());
    }

    /// Whether there is a message of what is being read.
    pub fn has_latest(&self) -> bool {
        self.latest.is_some()
    }

    /// Copies the start of the last message, which came `at` that time: the message itself holds all that was read with it. What its
    /// conversation keeps secret is not copied; `serving` is that of the socket that serves.
    pub fn keep(&mut self, at: Timestamp, serving: Option<&LiveConversation>) {
        if let Some(message) = self.latest.take() {
            let conversation = self.aside.as_deref().or(serving);
            let masked = conversation.and_then(|conversation| conversation.masked(&message));
            self.start = Some(Start::of(&message, masked, at));
        }
    }

    /// The socket is, or is not yet, ready: whether it is young no more.
    pub fn is_over(&mut self, ready: bool, now: Instant) -> bool {
        if self.until.is_none() && ready {
            self.until = Some(now + YOUTH);
            return false;
        }
        self.until.is_some_and(|until| until <= now)
    }

    /// The start of what the peer said last.
    pub fn into_start(self) -> Option<Start> {
        self.start
    }
}
