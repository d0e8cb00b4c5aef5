//! What rules do, some of it later.

use std::time::Instant;

use super::reply::Reply;
use crate::{core::Cause, settings::dialogue::RuleAction};

/// What a rule does.
#[derive(Debug)]
pub(super) struct Act {
    pub action: RuleAction,
    /// The URL of the next dial.
    pub url: Option<String>,
    /// What an operator reads, if the socket is lost for it.
    pub text: String,
}

/// What rules do later: of each rule one thing at a time.
#[derive(Debug, Default)]
pub(super) struct Delayed(Vec<(Instant, usize, Act)>);

impl Act {
    /// Does it. Returns whether the socket is lost.
    pub fn perform(self, out: &mut Vec<Reply>) -> bool {
        let Self { action, url, text } = self;
        match action {
            RuleAction::Beat => out.push(Reply::Beat),
            RuleAction::Rotate => out.push(Reply::Rotate { url }),
            RuleAction::Reconnect | RuleAction::GiveUp => {
                let gives_up = action == RuleAction::GiveUp;
                out.extend(url.map(Reply::NextUrl));
                out.push(Reply::Lose(Cause::Rule { text, gives_up }));
                return true;
            }
        }
        false
    }
}

impl Delayed {
    /// A rule is to act at this time; if it is to act already, nothing more.
    pub fn push(&mut self, at: Instant, rule: usize, act: Act) {
        if !self.is_pending(rule) {
            self.0.push((at, rule, act));
        }
    }

    /// Whether a rule is to act.
    pub fn is_pending(&self, rule: usize) -> bool {
        self.0.iter().any(|(_, other, _)| *other == rule)
    }

    /// When the first is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.iter().map(|(at, ..)| *at).min()
    }

    /// Does what is due, in the order of the times. Returns whether the socket is lost.
    pub fn perform_due(&mut self, now: Instant, out: &mut Vec<Reply>) -> bool {
        while let Some(next) = (0..self.0.len()).min_by_key(|at| self.0[*at].0)
            && self.0[next].0 <= now
        {
            let (_, _, act) = self.0.remove(next);
            if act.perform(out) {
                return true;
            }
        }
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        false
    }
}
