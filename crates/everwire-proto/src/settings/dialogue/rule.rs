//! Rules: reactions to a message or a loss.

use std::time::Duration;

use super::{Capture, Sending, need::need_of};
use crate::{
    language::{Expression, MessageTemplate, Need},
    settings::GiveUpRule,
};

/// A rule. The first that matches acts: it captures, clears, sends, and then runs its action.
/// Others still see the message.
#[derive(Clone, Debug, PartialEq)]
pub struct DialogueRule {
    /// What it matches.
    pub trigger: Trigger,
    /// The answer.
    pub send: Option<Sending>,
    /// What the answer waits for; `None`: nothing.
    pub after: Option<AnswerAfter>,
    /// Whether subscribers get the message.
    pub deliver: bool,
    /// Captures from the message.
    pub capture: Vec<Capture>,
    /// Captures that are cleared.
    pub clear: Vec<u16>,
    /// The action.
    pub action: Option<RuleAction>,
    /// The URL of the next dial, and only of that one.
    pub url: Option<MessageTemplate>,
    /// The delay before the action.
    pub delay: Option<RuleDelay>,
}

/// What a rule matches.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// A message for which this is true.
    Message(Expression),
    /// A loss, or a failed dial, of one of these kinds.
    Loss(Vec<GiveUpRule>),
}

/// The action of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// Makes a successor ready before the socket is closed.
    Rotate,
    /// Closes the socket, and dials again.
    Reconnect,
    /// The name fails.
    GiveUp,
    /// Sends the heartbeat's ping at once.
    Beat,
}

/// What the answer of a rule waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerAfter {
    /// The answered message is in the durable history.
    Stored,
}

/// The delay of a rule: a random time in this range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleDelay {
    /// The shortest delay.
    pub min: Duration,
    /// The longest delay.
    pub max: Duration,
}

impl DialogueRule {
    /// A rule for this trigger that does nothing.
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

    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let when = match &self.trigger {
            Trigger::Message(when) => Some(when),
            Trigger::Loss(_) => None,
        };
        let captures = self.capture.iter().flat_map(Capture::expressions);
        when.into_iter().chain(captures)
    }

    /// What a message must contain so that this can match it.
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

    /// Whether a message can match even without what the rule [needs](Self::need).
    pub fn hears_all(&self) -> bool {
        match &self.trigger {
            Trigger::Message(when) => !when.fails_without_needles(),
            Trigger::Loss(_) => false,
        }
    }
}

impl RuleAction {
    /// Its word in settings.
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
    /// A time in the range. `random` may be any number.
    pub fn draw(self, random: u64) -> Duration {
        let span = self.max.saturating_sub(self.min);
        let share = random as f64 / u64::MAX as f64;
        self.min + span.mul_f64(share.clamp(0.0, 1.0))
    }
}
