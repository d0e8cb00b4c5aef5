//! What whoever watches is told of a step.

use std::slice;

use super::{
    captures::NotCaught,
    context::Context,
    happening::{Happening, Place, Verdict, captured, sending},
    report,
    running::{Decision, Running},
};
use crate::{
    language::Expression,
    settings::dialogue::{Capture, ScriptStep},
};

impl Running {
    /// Tells what a message has decided.
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

    /// Tells that the kernel has its message.
    pub(super) fn tell_sent(&self, step: &ScriptStep, cx: &mut Context<'_>) {
        cx.tell(|dialogue| Happening::Sent {
            place: Place::of(self.place, dialogue),
            send: step.send.as_ref().map(sending),
        });
    }
}
