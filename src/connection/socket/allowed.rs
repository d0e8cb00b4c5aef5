//! What a writer may send besides what it was given: from the outbox, how fast, and pings behind it.

use std::{sync::Arc, time::Instant};

use crate::{
    chance,
    connection::outbox::{rate_limit::TokenBucket, shared::Locked},
    core::{Beat, HeartbeatState, Question},
    settings::ConnectionSettings,
};

/// What a writer may send besides what it was given.
#[derive(Debug)]
pub(in crate::connection) struct Allowed<'a> {
    /// Whether it may take from the outbox.
    pub outbox: bool,
    /// How fast.
    pub bucket: Option<&'a Arc<TokenBucket>>,
    /// The pings that go out behind what is encoded; `None` where there are none.
    pub pings: Option<Pings<'a>>,
}

/// The heartbeat of the socket that serves: a ping is made in the moment in which it is encoded, so that it is known what is ahead
/// of it.
#[derive(Debug)]
pub(in crate::connection) struct Pings<'a> {
    pub heartbeat: &'a mut HeartbeatState,
    pub settings: &'a ConnectionSettings,
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
        let (heartbeat, random) = (&self.settings.heartbeat, chance::next_u64());
        match last {
            true => self
                .heartbeat
                .last_beat(heartbeat, question, random, self.now),
            false => self.heartbeat.beat(heartbeat, question, random, self.now),
        }
    }

    /// A ping that is a fence, if none is unanswered and this heartbeat can fence.
    pub fn fence(&mut self, locked: &Locked, position: u64) -> Option<Beat> {
        let heartbeat = &self.settings.heartbeat;
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
