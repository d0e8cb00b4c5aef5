//! What a writer may send besides what it was given: from the outbox, how fast, and pings behind it.

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

/// What a writer may send besides what it was given.
pub(in crate::connection) struct Allowed<'a> {
    /// Whether it may take from the outbox.
    pub outbox: bool,
    /// How fast.
    pub buckets: Option<&'a BucketSet>,
    /// The pings that go out behind what is encoded; `None` where there are none.
    pub pings: Option<Pings<'a>>,
    /// What makes the texts of steps and pings when their turn has come, and where.
    pub conversation: Option<(&'a mut LiveConversation, Surroundings<'a>)>,
    /// The requests of callers, where there are any.
    pub requests: Option<&'a mut Requests>,
    /// Whether a message has gone out, of whatever kind.
    pub has_spoken: bool,
}

/// The heartbeat of the socket that serves: a ping is made in the moment in which it is encoded, so that it is known what is ahead
/// of it.
pub(in crate::connection) struct Pings<'a> {
    pub heartbeat: &'a mut HeartbeatState,
    pub settings: &'a ConnectionSettings,
    /// That of the settings, with the times that the peer has named.
    pub kind: &'a Heartbeat,
    /// The interval has passed.
    pub beat_due: &'a mut bool,
    /// A ping is due though another one may be unanswered.
    pub last_due: &'a mut bool,
    pub now: Instant,
}

impl Allowed<'_> {
    /// The ping that is due by the interval or ahead of a close, if there is one.
    pub fn next_beat(&mut self, locked: &Locked, position: u64) -> Option<Beat> {
        self.pings.as_mut()?.due(locked, position)
    }

    /// The text of the step whose turn has come; `None`: nothing is to be written.
    pub fn compose(&mut self) -> Option<Message> {
        let (conversation, here) = self.conversation.as_mut()?;
        conversation.compose(*here)
    }

    /// Whether a request may be written: one waits, and may await an answer.
    pub fn has_request(&self) -> bool {
        let requests = self.requests.as_ref();
        self.outbox && requests.is_some_and(|requests| requests.may_write(self.conversation()))
    }

    /// The message of the request whose turn has come; `None`: nothing is to be written.
    pub fn compose_request(&mut self) -> Option<Message> {
        let conversation = self.conversation.as_mut();
        let conversation = conversation.map(|(conversation, _)| &mut **conversation);
        self.requests.as_mut()?.compose(conversation)
    }

    /// What is said of subscriptions next; `None`: nothing.
    pub fn compose_subscription(&mut self) -> Option<ComposedSubscription> {
        let (conversation, here) = self.conversation.as_mut()?;
        conversation.compose_subscription(*here)
    }

    /// Whether what is said of subscriptions next may await an answer.
    pub fn has_place_for_subscription(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_none_or(LiveConversation::has_place_for_subscription)
    }

    /// Whether the next step may await an answer.
    pub fn has_place_for_step(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_none_or(LiveConversation::has_place_for_step)
    }

    /// Whether a ping may await an answer.
    pub fn has_place_for_ping(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_none_or(LiveConversation::has_place_for_ping)
    }

    fn conversation(&self) -> Option<&LiveConversation> {
        let conversation = self.conversation.as_ref();
        conversation.map(|(conversation, _)| &**conversation)
    }

    /// The text of a ping, which the settings give as this; `None`: none can be sent, and the conversation says why.
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
    /// Whether a ping is due by the interval, or ahead of a close.
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

    /// A ping that is a fence, if none is unanswered and this heartbeat can fence.
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
