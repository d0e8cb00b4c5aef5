//! What a writer may send besides its own queues: outbox messages at a rate, and pings.

use std::time::Instant;

use everwire_proto::dialogue::{ComposedSubscription, Ping};

use crate::{
    chance,
    connection::{
        outbox::{rate_limit::BucketSet, shared::Locked},
        state::{
            conversation::{LiveConversation, Surroundings},
            requests::Requests,
        },
    },
    core::{Beat, HeartbeatState, Message, Question},
    settings::{ConnectionSettings, Heartbeat},
};

/// What a writer may send besides its own queues.
pub(in crate::connection) struct Allowed<'a> {
    /// Whether it may take from the outbox.
    pub outbox: bool,
    /// The rate limit.
    pub buckets: Option<&'a BucketSet>,
    /// The heartbeat; `None` if there are no pings.
    pub pings: Option<Pings<'a>>,
    /// Renders the texts of steps and pings when their turn has come, with the context for that.
    pub conversation: Option<(&'a mut LiveConversation, Surroundings<'a>)>,
    /// Callers' requests, if there are any.
    pub requests: Option<&'a mut Requests>,
    /// Whether any message has been sent.
    pub has_spoken: bool,
}

/// The heartbeat of the current socket. A ping is made at the moment when it is encoded, so that
/// the bytes before it are known.
pub(in crate::connection) struct Pings<'a> {
    pub heartbeat: &'a mut HeartbeatState,
    pub settings: &'a ConnectionSettings,
    /// The heartbeat of the settings, with the times that the peer has named.
    pub kind: &'a Heartbeat,
    /// The interval has passed.
    pub beat_due: &'a mut bool,
    /// A ping is due though another one may be unanswered.
    pub last_due: &'a mut bool,
    pub now: Instant,
}

impl Allowed<'_> {
    /// The ping that is due by the interval, or before a close.
    pub fn next_beat(&mut self, locked: &Locked, position: u64) -> Option<Beat> {
        self.pings.as_mut()?.due(locked, position)
    }

    /// The text of the step whose turn has come; `None`: nothing is written.
    pub fn compose(&mut self) -> Option<Message> {
        let (conversation, here) = self.conversation.as_mut()?;
        conversation.compose(*here)
    }

    /// Whether a request waits and may be written: one more answer may be awaited.
    pub fn has_request(&self) -> bool {
        let requests = self.requests.as_ref();
        self.outbox && requests.is_some_and(|requests| requests.may_write(self.conversation()))
    }

    /// The message of the request whose turn has come; `None`: nothing is written.
    pub fn compose_request(&mut self) -> Option<Message> {
        let conversation = self.conversation.as_mut();
        let conversation = conversation.map(|(conversation, _)| &mut **conversation);
        self.requests.as_mut()?.compose(conversation)
    }

    /// The next subscription message; `None` if there is none.
    pub fn compose_subscription(&mut self) -> Option<ComposedSubscription> {
        let (conversation, here) = self.conversation.as_mut()?;
        conversation.compose_subscription(*here)
    }

    /// Whether the next subscription message may be written: one more answer may be awaited.
    pub fn has_place_for_subscription(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_none_or(LiveConversation::has_place_for_subscription)
    }

    /// Whether the next step may be written: one more answer may be awaited.
    pub fn has_place_for_step(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_none_or(LiveConversation::has_place_for_step)
    }

    /// Whether a ping may be written: one more answer may be awaited.
    pub fn has_place_for_ping(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_none_or(LiveConversation::has_place_for_ping)
    }

    fn conversation(&self) -> Option<&LiveConversation> {
        let conversation = self.conversation.as_ref();
        conversation.map(|(conversation, _)| &**conversation)
    }

    /// The text of a ping; `plain` is that of the settings. `None`: none can be sent, and the
    /// conversation reports why.
    pub fn ping(&mut self, plain: String) -> Option<String> {
        let Some((conversation, here)) = &mut self.conversation else {
            return Some(plain);
        };
        match conversation.ping(*here) {
            Ping::Plain => Some(plain),
            Ping::Text(text) => Some(text),
            Ping::Unfilled => None,
        }
    }
}

impl Pings<'_> {
    /// Whether a ping is due by the interval, or before a close.
    pub fn are_due(&self) -> bool {
        *self.beat_due || *self.last_due
    }

    /// That ping.
    fn due(&mut self, locked: &Locked, position: u64) -> Option<Beat> {
        let last = std::mem::take(self.last_due);
        if !std::mem::take(self.beat_due) && !last {
            return None;
        }
        let question = self.question(locked, position);
        let (heartbeat, random) = (self.kind, chance::next_u64());
        match last {
            true => self
                .heartbeat
                .last_beat(heartbeat, question, random, self.now),
            false => self.heartbeat.beat(heartbeat, question, random, self.now),
        }
    }

    /// A ping as a fence, if none is unanswered and this heartbeat can fence.
    pub fn fence(&mut self, locked: &Locked, position: u64) -> Option<Beat> {
        let heartbeat = self.kind;
        if self.heartbeat.is_waiting() || !heartbeat.can_fence() {
            return None;
        }
        let question = self.question(locked, position);
        self.heartbeat
            .beat(heartbeat, question, chance::next_u64(), self.now)
    }

    fn question(&self, locked: &Locked, position: u64) -> Question {
        Question {
            fence: locked.outbox.fence(),
            position,
            max_ahead: self.settings.outbox.bytes as u64,
            max_frame: self.settings.max_frame as u64,
        }
    }
}
