//! The verdict of a message on a step.

use std::time::Duration;

use super::{MASKED, Phase, Running};
use crate::{
    core::{Cause, later},
    dialogue::{
        captures::{self, Caught, NotCaught},
        context::Context,
        reply::Reply,
        report,
        surroundings::Seen,
        times::{self, Key, Times},
    },
    language::{Expression, Secret, Step},
    settings::dialogue::ScriptStep,
};

/// The outcome of a message.
pub(in crate::dialogue) enum Outcome {
    /// The step continues.
    Stays,
    /// The step has passed.
    Passes(Caught),
    /// The socket is lost.
    Lost(Cause),
}

/// How a step has used a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialogue) enum Usage {
    /// Not at all: it decides nothing.
    None,
    /// The step is repeated, or was refused.
    Decides,
    /// It is the expected message.
    Taken,
}

/// The verdict of a message.
pub(in crate::dialogue) enum Decision<'d> {
    Nothing,
    GiveUp(&'d Expression),
    Fail(&'d Expression),
    Expected,
    Passed(Caught),
    Incomplete(NotCaught<'d>),
    Again {
        after: Duration,
        /// The invalid duration; `None` inside if there was no value.
        wrong: Option<Option<String>>,
    },
}

impl Running {
    /// A message has come. Returns the outcome, and how the message was used.
    pub fn message(
        &mut self,
        step: &ScriptStep,
        expect: &Expression,
        seen: Seen<'_>,
        times: &mut Times,
        cx: &mut Context<'_>,
    ) -> (Outcome, Usage) {
        let decision = self.decide(step, expect, seen, cx);
        if step.is_secret() && !matches!(decision, Decision::Passed(_)) {
            let secrets = self.secrets_in(step, seen, cx);
            cx.captures.remember_seen(secrets);
        }
        self.tell(step, expect, &decision, cx);
        let outcome = match decision {
            Decision::Expected => return (Outcome::Stays, Usage::Taken),
            Decision::Passed(caught) => return (Outcome::Passes(caught), Usage::Taken),
            Decision::Incomplete(what) => {
                let shown = match step.is_secret() {
                    true => MASKED.into(),
                    false => cx.shown(seen),
                };
                let (told, after) = (self.told(step), self.age(cx.here.now));
                let text = report::not_caught(told, what, &cx.dialogue.names, after, &shown);
                return (
                    Outcome::Lost(Cause::script_refused(text, false)),
                    Usage::Taken,
                );
            }
            Decision::GiveUp(when) => self.refused(step, true, when, seen, cx),
            Decision::Fail(when) => self.refused(step, false, when, seen, cx),
            Decision::Again { after, wrong } => {
                self.rest(step, after, wrong, times, cx);
                Outcome::Stays
            }
            Decision::Nothing => {
                self.last.clear();
                match step.is_secret() {
                    true => self.last.push_str(MASKED),
                    false => report::show(seen.message, cx.captures, &mut self.last),
                }
                return (Outcome::Stays, Usage::None);
            }
        };
        (outcome, Usage::Decides)
    }

    /// What the step would capture from a message as a secret: subscribers do not get it, whatever
    /// the verdict.
    fn secrets_in(&self, step: &ScriptStep, seen: Seen<'_>, cx: &Context<'_>) -> Vec<Secret> {
        let world = cx.world(Some(seen), self.id);
        let lets = Step::later(&world, &cx.dialogue.lets, &self.filled);
        captures::secrets_in(&step.capture, &lets)
    }

    fn refused(
        &self,
        step: &ScriptStep,
        gives_up: bool,
        when: &Expression,
        seen: Seen<'_>,
        cx: &mut Context<'_>,
    ) -> Outcome {
        let key = match gives_up {
            true => "give_up",
            false => "fail",
        };
        if step.reads_prepared && !gives_up {
            cx.out.push(Reply::Stale);
        }
        let (told, after) = (self.told(step), self.age(cx.here.now));
        let text = report::refused(told, (key, when), after, &cx.shown(seen));
        Outcome::Lost(Cause::script_refused(text, gives_up))
    }

    /// Repeats the step after this time.
    pub(super) fn rest(
        &mut self,
        step: &ScriptStep,
        after: Duration,
        wrong: Option<Option<String>>,
        times: &mut Times,
        cx: &mut Context<'_>,
    ) {
        self.since = cx.here.now;
        self.phase = Phase::Rests {
            until: later(cx.here.now, after),
        };
        let template = step.again.as_ref().and_then(|again| again.after.as_ref());
        if let (Some(wrong), Some(template)) = (wrong, template) {
            times.tell(Key::Again(self.place), template, wrong, Some(after), cx);
        }
    }

    /// The verdict of a message.
    fn decide<'d>(
        &mut self,
        step: &'d ScriptStep,
        expect: &'d Expression,
        seen: Seen<'_>,
        cx: &Context<'_>,
    ) -> Decision<'d> {
        let world = cx.world(Some(seen), self.id);
        let lets = Step::later(&world, &cx.dialogue.lets, &self.filled);
        if let Some(when) = step.give_up.as_ref().filter(|when| when.holds(&lets)) {
            return Decision::GiveUp(when);
        }
        if let Some(when) = step.fail.as_ref().filter(|when| when.holds(&lets)) {
            return Decision::Fail(when);
        }
        if expect.holds(&lets) {
            self.met = self.met.saturating_add(1);
            if self.met < step.count.get() {
                return Decision::Expected;
            }
            let caught = cx.captures.catch_all(&step.capture, &lets);
            return caught.map_or_else(Decision::Incomplete, Decision::Passed);
        }
        let Some(again) = step.again.as_ref().filter(|again| again.when.holds(&lets)) else {
            return Decision::Nothing;
        };
        let mut wrong = None;
        let after = match &again.after {
            None => cx.here.slow,
            Some(after) => after.evaluate(&lets).ok().flatten().unwrap_or_else(|| {
                wrong = Some(times::filled(after, &lets));
                cx.here.slow
            }),
        };
        Decision::Again { after, wrong }
    }
}

/// Whether a step reads messages as JSON.
pub(in crate::dialogue) fn looks_into_messages(step: &ScriptStep) -> bool {
    let conditions = [&step.expect, &step.fail, &step.give_up];
    let again = step.again.as_ref();
    conditions
        .into_iter()
        .flatten()
        .any(Expression::looks_into_message)
        || again.is_some_and(|again| {
            let after = again.after.as_ref();
            again.when.looks_into_message()
                || after.is_some_and(|after| after.0.looks_into_message())
        })
        || step
            .capture
            .iter()
            .any(|capture| capture.looks_into_message())
}
