//! The parts of a conversation, and how messages and timers reach them.

use super::{
    beside::Beside,
    context::Context,
    periodic::Lost,
    response::{Response, Unanswered},
    rules::Rules,
    script::{Script, Scripted},
    subscriptions::Subscriptions,
    surroundings::Seen,
    times::Times,
};
use crate::core::Message;

/// The parts of a conversation, and their context.
pub(super) struct Parts<'c> {
    pub script: &'c mut Script,
    pub times: &'c mut Times,
    pub rules: &'c mut Rules,
    pub beside: Option<&'c mut Beside>,
    pub subscriptions: Option<&'c mut Subscriptions>,
    pub cx: Context<'c>,
}

impl Parts<'_> {
    /// The message of the step whose turn has come.
    pub fn compose(&mut self) -> Option<Message> {
        let Self {
            script, beside, cx, ..
        } = self;
        match beside {
            _ if !script.is_live() => None,
            Some(beside) if script.has_passed() => match beside.close_script.step().is_some() {
                true => beside.close_script.compose(cx),
                false => beside.periodic.compose(cx).unwrap_or_else(|Lost| {
                    script.end();
                    None
                }),
            },
            _ => script.compose(cx),
        }
    }

    /// The call of the step with this number was answered, or failed.
    pub fn answered(&mut self, number: u64, answer: Result<Response, Unanswered>) {
        let Self {
            script,
            times,
            beside,
            cx,
            ..
        } = self;
        match beside {
            Some(beside) if script.has_passed() => match beside.close_script.step().is_some() {
                true => beside.close_script.answered(number, answer, times, cx),
                false => {
                    if beside.periodic.answered(number, answer, times, cx) == Err(Lost) {
                        script.end();
                    }
                }
            },
            _ => script.answered(number, answer, times, cx),
        }
    }

    /// The current step checks a message.
    pub fn step_hears(&mut self, seen: Seen<'_>) -> Scripted {
        let Self {
            script,
            times,
            beside,
            cx,
            ..
        } = self;
        let given_up = beside
            .as_mut()
            .and_then(|beside| beside.periodic.answers_given_up(seen, times, cx));
        if let Some(scripted) = given_up {
            return scripted;
        }
        match beside {
            Some(beside) if script.has_passed() => match beside.close_script.step().is_some() {
                true => beside.close_script.message(seen, times, cx),
                false => {
                    let (scripted, kept) = beside.periodic.message(seen, times, cx);
                    if kept == Err(Lost) {
                        script.end();
                    }
                    scripted
                }
            },
            _ => script.message(seen, times, cx),
        }
    }

    /// Handles due deadlines of a step.
    pub fn step_timer(&mut self) {
        let Self {
            script,
            beside,
            subscriptions,
            cx,
            ..
        } = self;
        script.timer(cx);
        if let Some(subscriptions) = subscriptions {
            subscriptions.timer(cx);
        }
        if let Some(beside) = beside {
            beside.close_script.timer(cx);
            if beside.periodic.timer(cx) == Err(Lost) {
                script.end();
            }
        }
    }

    /// Captures may have changed, and with them durations.
    pub fn refresh(&mut self) {
        if let Some(subscriptions) = &mut self.subscriptions
            && self.script.has_passed()
        {
            subscriptions.go_on(&mut self.cx);
        }
        if self.times.refresh(&mut self.cx)
            && let Some(beside) = &mut self.beside
        {
            beside.periodic.refresh(self.times, &mut self.cx);
        }
    }
}
