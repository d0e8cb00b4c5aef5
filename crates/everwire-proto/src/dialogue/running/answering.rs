//! The verdict of a call's answer on a step.

use std::time::Duration;

use super::{MASKED, Outcome, Phase, Running};
use crate::{
    core::{Cause, repeats_itself},
    dialogue::{
        captures::{Caught, NotCaught, secrets_in},
        context::Context,
        refusal::{Asked, Refusal, refusal},
        reply::Reply,
        report::{self, CallText, Masked, Span},
        response::{Response, ResponseWorld, Unanswered},
        times::{self, Times},
    },
    language::{Secret, Step, World, json::Spans},
    settings::dialogue::{LONGEST, SHORTEST, ScriptStep, StepCall},
};

/// The verdict of an answer.
pub(in crate::dialogue) enum Judged<'s> {
    Passes(Caught),
    Refused(Refusal<'s>),
    /// Like [`Decision::Again`](super::Decision::Again).
    Again {
        after: Duration,
        wrong: Option<Option<String>>,
    },
}

impl Running {
    /// Whether its call was made, and has this number.
    pub fn calls(&self, number: u64) -> bool {
        self.phase == Phase::Calls && self.id == Some(number)
    }

    /// Its call was answered, or failed. Returns the outcome.
    pub fn answered(
        &mut self,
        step: &ScriptStep,
        call: &StepCall,
        answer: Result<Response, Unanswered>,
        times: &mut Times,
        cx: &mut Context<'_>,
    ) -> Outcome {
        let mut response = match answer {
            Ok(response) => response,
            Err(why) => return Outcome::Lost(self.unanswered(call, &why, cx)),
        };
        if let StepCall::Exec(_) = call {
            response.trim();
        }
        let asked = Asked::by(step, call);
        let (judged, captured) = self.judge(step, asked, &response, cx);
        let secrets = self.masked(captured, cx);
        self.tell_answer(step, asked, &response, &secrets, &judged, cx);
        match judged {
            Judged::Passes(caught) => Outcome::Passes(caught),
            Judged::Again { after, wrong } => {
                self.rest(step, after, wrong, times, cx);
                Outcome::Stays
            }
            Judged::Refused(why) => {
                Outcome::Lost(self.not_passed(step, asked, &why, &response, &secrets, cx))
            }
        }
    }

    /// The verdict of the answer, and what would be captured from it as a secret.
    fn judge<'s>(
        &self,
        step: &'s ScriptStep,
        asked: Asked<'s>,
        response: &Response,
        cx: &Context<'_>,
    ) -> (Judged<'s>, Vec<Secret>) {
        let mut spans = Spans::default();
        let text = std::str::from_utf8(&response.body).ok();
        let found = text.and_then(|text| cx.dialogue.pointers.find(text, &mut spans));
        let seen = Some((response, found.unwrap_or_default()));
        let world = ResponseWorld::new(cx.here, cx.captures, seen).with_id(self.id);
        let lets = Step::later(&world, &cx.dialogue.lets, &self.filled);
        let captured = secrets_in(&step.capture, &lets);
        let refused = refusal(asked, response, &lets);
        // The step's own conditions come before the defaults.
        let may_repeat = match refused {
            None => asked.expect.is_none(),
            Some(Refusal::NotExpected(_)) => true,
            Some(_) => false,
        };
        let repeats = may_repeat.then(|| again(step, response, &lets, cx));
        let judged = match (repeats.flatten(), refused) {
            (Some(again), _) => again,
            (None, Some(why)) => Judged::Refused(why),
            (None, None) => match cx.captures.catch_all(&step.capture, &lets) {
                Ok(caught) => Judged::Passes(caught),
                Err(NotCaught::Absent(capture) | NotCaught::TooLong(capture)) => {
                    let missing = report::missing(capture, &cx.dialogue.names, text);
                    Judged::Refused(Refusal::NotCaught(missing))
                }
            },
        };
        (judged, captured)
    }

    /// The loss after an answer that does not let the step pass.
    fn not_passed(
        &self,
        step: &ScriptStep,
        asked: Asked<'_>,
        why: &Refusal<'_>,
        response: &Response,
        secrets: &Masked,
        cx: &mut Context<'_>,
    ) -> Cause {
        let mut text = self.called(asked.call).to_string();
        text.push_str(&why.text(response, Span(self.age(cx.here.now))));
        match why {
            // A value that is missing at its place may be elsewhere in the text.
            Refusal::NotCaught(_) if step.is_secret() => text.push_str(MASKED),
            _ => report::show_body(&response.body, secrets, &mut text),
        }
        let gives_up = matches!(why, Refusal::GivesUp(_));
        let fails = matches!(why, Refusal::Fails(_));
        let status = response.status.filter(|_| asked.is_http());
        // Captures from before the dial are not accepted any more.
        let is_stale = fails || matches!(status, Some(401 | 403));
        if step.reads_prepared && is_stale && !gives_up {
            cx.out.push(Reply::Stale);
        }
        Cause::ScriptRefused {
            text,
            gives_up,
            may_pass: !gives_up && !fails && !status.is_some_and(repeats_itself),
            retry_after: response.retry_after.filter(|_| !gives_up),
        }
    }

    /// The loss without an answer.
    fn unanswered(&self, call: &StepCall, why: &Unanswered, cx: &mut Context<'_>) -> Cause {
        let secrets = self.masked(Vec::new(), cx);
        let mut shown = String::new();
        report::show_text_masked(&why.text, &secrets, &mut shown);
        let after = self.age(cx.here.now);
        self.tell_no_answer(&shown, after, cx);
        let text = format!(
            "{} has no answer after {}: {shown}",
            self.called(call),
            Span(after)
        );
        match why.is_refusal {
            true => Cause::script_refused(text, false),
            false => Cause::ScriptTimeout(text),
        }
    }

    /// The texts to mask in the answer: secrets of the call, captured ones, and those that would
    /// have been.
    fn masked(&self, captured: Vec<Secret>, cx: &Context<'_>) -> Masked {
        let all = self.secrets.iter().chain(&captured);
        let all = all.map(|secret| secret.expose().to_owned());
        Masked::all(all.chain(cx.captures.secrets()))
    }

    fn called<'s>(&self, call: &'s StepCall) -> CallText<'s> {
        CallText {
            place: self.place.to_string().into(),
            call,
        }
    }
}

/// Whether the step is repeated after this answer, and when: `again.after`, else `Retry-After`,
/// else `reconnect.max`.
fn again<'s>(
    step: &ScriptStep,
    response: &Response,
    world: &dyn World,
    cx: &Context<'_>,
) -> Option<Judged<'s>> {
    let again = step.again.as_ref().filter(|it| it.when.holds(world))?;
    let retry_after = response.retry_after;
    let usual = retry_after.map_or(cx.here.slow, |after| after.clamp(SHORTEST, LONGEST));
    let mut wrong = None;
    let after = match &again.after {
        None => usual,
        Some(after) => after.evaluate(world).ok().flatten().unwrap_or_else(|| {
            wrong = Some(times::filled(after, world));
            usual
        }),
    };
    Some(Judged::Again { after, wrong })
}
