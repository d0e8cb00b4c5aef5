//! Rules: what a message, or a loss, brings about.

use std::time::Duration;

use super::{Capture, Sending, need::need_of};
use crate::{
    language::{Expression, MessageTemplate, Need},
    settings::GiveUpRule,
};

/// A rule. The first that matches acts: it captures, clears, sends, and then does something. It takes nothing away.
#[derive(Clone, Debug, PartialEq)]
pub struct DialogueRule {
    /// What it matches.
    pub trigger: Trigger,
    /// What is answered.
    pub send: Option<Sending>,
    /// What the answer waits for; `None`: for nothing.
    pub after: Option<AnswerAfter>,
    /// Whether subscribers see the message.
    pub deliver: bool,
    /// What is kept of the message.
    pub capture: Vec<Capture>,
    /// The captures that are forgotten.
    pub clear: Vec<u16>,
    /// What is done.
    pub action: Option<RuleAction>,
    /// The URL of the next dial, and of that one only.
    pub url: Option<MessageTemplate>,
    /// How long it waits before that is done.
    pub delay: Option<RuleDelay>,
}

/// What a rule matches.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// A message for which this holds.
    Message(Expression),
    /// A loss, or a dial that failed, of one of these kinds.
    Loss(Vec<GiveUpRule>),
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// A successor is made ready before the socket is closed.
    Rotate,
    /// The socket is closed, and the name dials again.
    Reconnect,
    /// The name fails.
    GiveUp,
    /// The heartbeat's ping is sent at once.
    Beat,
}

/// What the answer of a rule waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerAfter {
    /// The message that it answers is in the durable history.
    Stored,
}

/// How long a rule waits: a time between these is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleDelay {
    /// At least so long.
    pub min: Duration,
    /// At most so long.
    pub max: Duration,
}

impl DialogueRule {
    /// The rule that does nothing, for what this matches.
    pub fn new(trigger: Trigger) -> Self {
        Self {
            trigger,
            send: None,
            after: None,
            deliver: true,
            capture: Vec::new(),
            clear: Vec::new(),
            action: None,
            url: None,
            delay: None,
        }
    }

    /// Its expressions.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let when = match &self.trigger {
            Trigger::Message(when) => Some(when),
            Trigger::Loss(_) => None,
        };
        let captures = self.capture.iter().flat_map(Capture::expressions);
        when.into_iter().chain(captures)
    }

    /// What must stand in a message so that this may match it.
    pub fn need(&self) -> Need {
        let send = self.send.as_ref().is_some_and(Sending::looks_into_message);
        let url = self
            .url
            .as_ref()
            .is_some_and(MessageTemplate::looks_into_message);
        let capture = self.capture.iter().any(Capture::looks_into_message);
        match &self.trigger {
            Trigger::Message(when) => need_of(when, send || url || capture),
            Trigger::Loss(_) => Need::Nothing,
        }
    }

    /// Whether it may match a message in which nothing stands that it [needs](Self::need).
    pub fn hears_all(&self) -> bool {
        match &self.trigger {
            Trigger::Message(when) => !when.fails_without_needles(),
            Trigger::Loss(_) => false,
        }
    }
}

impl RuleAction {
    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Reconnect => "reconnect",
            Self::GiveUp => "give_up",
            Self::Beat => "beat",
        }
    }
}

impl RuleDelay {
    /// A time between both ends. `random` is any number.
    pub fn draw(self, random: u64) -> Duration {
        let span = self.max.saturating_sub(self.min);
        let share = random as f64 / u64::MAX as f64;
        self.min + span.mul_f64(share.clamp(0.0, 1.0))
    }
}
