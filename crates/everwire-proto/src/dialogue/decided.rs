//! Reports about a step to a watcher.

use std::{slice, time::Duration};

use super::{
    captures::NotCaught,
    context::Context,
    happening::{Happening, Place, Verdict, captured, sending},
    refusal::{Asked, Refusal},
    report::{self, Masked},
    response::Response,
    running::{Decision, Judged, MASKED, Running},
};
use crate::{
    language::Expression,
    settings::dialogue::{Capture, ScriptStep},
};

impl Running {
    /// Reports what a message has decided.
    pub(super) fn tell(
        &self,
        step: &ScriptStep,
        expect: &Expression,
        decision: &Decision<'_>,
        cx: &mut Context<'_>,
    ) {
        let (at, after) = (self.place, self.age(cx.here.now));
        let (met, count) = (self.met(), step.count.get());
        let names = &cx.dialogue.names;
        let lacks = |capture: &Capture| Verdict::Lacks {
            capture: captured(slice::from_ref(capture), names).concat(),
        };
        let decided = match decision {
            _ if cx.trace.is_none() => return,
            Decision::Nothing => return,
            Decision::GiveUp(when) => ("give_up", *when, Verdict::Refuses),
            Decision::Fail(when) => ("fail", *when, Verdict::Refuses),
            Decision::Expected => ("expect", expect, Verdict::Counts { met, count }),
            Decision::Passed(_) => {
                let captures = captured(&step.capture, names);
                ("expect", expect, Verdict::Passes { captures })
            }
            Decision::Incomplete(NotCaught::Absent(capture) | NotCaught::TooLong(capture)) => {
                ("expect", expect, lacks(capture))
            }
            Decision::Again { after, .. } => {
                let when = step.again.as_ref().map_or(expect, |again| &again.when);
                ("again", when, Verdict::Repeats { wait: *after })
            }
        };
        let (key, expression, verdict) = decided;
        cx.tell(|dialogue| Happening::Decided {
            place: Place::of(at, dialogue),
            key,
            expression: report::clipped(expression.as_str()),
            after,
            verdict,
        });
    }

    /// Reports the answer to its call, and what that has decided.
    pub(super) fn tell_answer(
        &self,
        step: &ScriptStep,
        asked: Asked<'_>,
        response: &Response,
        secrets: &Masked,
        judged: &Judged<'_>,
        cx: &mut Context<'_>,
    ) {
        if cx.trace.is_none() {
            return;
        }
        let after = self.age(cx.here.now);
        let mut text = String::new();
        match step.is_secret() {
            true => text.push_str(MASKED),
            false => report::show_body(&response.body, secrets, &mut text),
        }
        cx.tell(|dialogue| Happening::Answered {
            place: Place::of(self.place, dialogue),
            status: response.status,
            text,
            bytes: response.body.len(),
            after,
        });
        let expected = ("expect", report::clipped(asked.expected()));
        let ((key, expression), verdict) = match judged {
            Judged::Passes(_) => {
                let captures = captured(&step.capture, &cx.dialogue.names);
                (expected, Verdict::Passes { captures })
            }
            Judged::Refused(Refusal::NotExpected(_)) => (expected, Verdict::Misses),
            Judged::Refused(Refusal::NotCaught(what)) => {
                let capture = what.clone();
                (expected, Verdict::Lacks { capture })
            }
            Judged::Refused(Refusal::GivesUp(when)) => (
                ("give_up", report::clipped(when.as_str())),
                Verdict::Refuses,
            ),
            Judged::Refused(Refusal::Fails(when)) => {
                (("fail", report::clipped(when.as_str())), Verdict::Refuses)
            }
            Judged::Again { after, .. } => {
                let when = step.again.as_ref().map_or("", |again| again.when.as_str());
                let verdict = Verdict::Repeats { wait: *after };
                (("again", report::clipped(when)), verdict)
            }
        };
        cx.tell(|dialogue| Happening::Decided {
            place: Place::of(self.place, dialogue),
            key,
            expression,
            after,
            verdict,
        });
    }

    /// Reports that its call has no answer.
    pub(super) fn tell_no_answer(&self, why: &str, after: Duration, cx: &mut Context<'_>) {
        cx.tell(|dialogue| Happening::Unanswered {
            place: Place::of(self.place, dialogue),
            text: why.to_owned(),
            after,
        });
    }

    /// Reports that the kernel has its message.
    pub(super) fn tell_sent(&self, step: &ScriptStep, cx: &mut Context<'_>) {
        cx.tell(|dialogue| Happening::Sent {
            place: Place::of(self.place, dialogue),
            send: step.send.as_ref().map(sending),
        });
    }
}
