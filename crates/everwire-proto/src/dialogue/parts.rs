//! The parts of a conversation, and which of them a message or a time concerns.

use super::{
    beside::Beside,
    context::Context,
    periodic::Lost,
    rules::Rules,
    script::{Script, Scripted},
    subscriptions::{self, Subscriptions},
    surroundings::Seen,
    times::Times,
};

/// The parts of a conversation, and what they work with.
pub(super) struct Parts<'c> {
    pub script: &'c mut Script,
    pub times: &'c mut Times,
    pub rules: &'c mut Rules,
    pub beside: Option<&'c mut Beside>,
    pub subscriptions: Option<&'c mut Subscriptions>,
    pub cx: Context<'c>,
}

impl Parts<'_> {
    /// The step that is on its way looks at a message.
    pub fn step_hears(&mut self, seen: Seen<'_>) -> Scripted {
        let Self {
            script,
            times,
            beside,
            cx,
            ..
        } = self;
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

    /// Does what a step is due for.
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

    /// Captures may have other values: what is made of them may, too.
    pub fn refresh(&mut self) {
        subscriptions::go_on(self);
        if self.times.refresh(&mut self.cx)
            && let Some(beside) = &mut self.beside
        {
            beside.periodic.refresh(self.times, &mut self.cx);
        }
    }
}
