//! The actions of rules, some of them delayed.

use std::time::Instant;

use super::{context::Context, happening::Happening, reply::Reply};
use crate::{core::Cause, settings::dialogue::RuleAction};

/// The action of a rule.
#[derive(Debug)]
pub(super) struct Act {
    pub action: RuleAction,
    /// The URL of the next dial.
    pub url: Option<String>,
    /// The text for an operator, if the socket is lost by it.
    pub text: String,
}

/// Delayed actions: at most one for each rule.
#[derive(Debug, Default)]
pub(super) struct Delayed(Vec<(Instant, usize, Act)>);

impl Act {
    /// Performs it. `true` if the socket is lost.
    pub fn perform(self, cx: &mut Context<'_>) -> bool {
        let Self { action, url, text } = self;
        match action {
            RuleAction::Beat => cx.out.push(Reply::Beat),
            RuleAction::Rotate => cx.out.push(Reply::Rotate { url }),
            RuleAction::Reconnect | RuleAction::GiveUp => {
                let gives_up = action == RuleAction::GiveUp;
                cx.out.extend(url.map(Reply::NextUrl));
                cx.lose(Cause::Rule { text, gives_up });
                return true;
            }
        }
        false
    }
}

impl Delayed {
    /// Delays an action of a rule. No effect if the rule has one already.
    pub fn push(&mut self, at: Instant, rule: usize, act: Act) {
        if !self.is_pending(rule) {
            self.0.push((at, rule, act));
        }
    }

    /// Whether a rule has a delayed action.
    pub fn is_pending(&self, rule: usize) -> bool {
        self.0.iter().any(|(_, other, _)| *other == rule)
    }

    /// When the first is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.iter().map(|(at, ..)| *at).min()
    }

    /// Performs due actions, in order. `true` if the socket is lost.
    pub fn perform_due(&mut self, cx: &mut Context<'_>) -> bool {
        let now = cx.here.now;
        while let Some(next) = (0..self.0.len()).min_by_key(|at| self.0[*at].0)
            && self.0[next].0 <= now
        {
            let (_, at, act) = self.0.remove(next);
            cx.tell(|_| Happening::Acted {
                rule: at + 1,
                action: act.action.as_str(),
            });
            if act.perform(cx) {
                return true;
            }
        }
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        false
    }
}
