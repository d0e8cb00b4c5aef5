//! Events of a conversation's steps: when they may begin, when their turn has come, and their
//! results.

use std::time::Instant;

use super::{
    call::CallOwner,
    conversation::Conversation,
    here::Here,
    parts::Parts,
    periodic::Lost,
    place::StepList,
    reply::Reply,
    report,
    response::{Response, Unanswered},
};
use crate::{
    core::{Cause, Message},
    language::SignatureRequest,
    settings::dialogue::ScriptStep,
};

impl Conversation {
    /// The name is ready on this socket, the current one: periodic steps run from now on.
    pub fn ready(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        let mut parts = self.parts(here, out);
        if let Some(beside) = parts.beside.filter(|_| parts.script.has_passed())
            && beside.periodic.ready(parts.times, &mut parts.cx) == Err(Lost)
        {
            parts.script.end();
        }
    }

    /// We have sent a message other than a control frame: an idle step waits longer.
    pub fn said(&mut self, now: Instant) {
        if let Some(beside) = &mut self.beside {
            beside.periodic.said(now);
        }
    }

    /// The message of the step whose turn to be written has come. It takes its number now. `None`:
    /// nothing is written. `out` then has the call, if the step makes one, or the loss, if a
    /// template cannot be rendered.
    pub fn compose(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) -> Option<Message> {
        self.parts(here, out).compose()
    }

    /// The signatures of [`Reply::Sign`] were made: the result of each request. The step is
    /// composed again, for the time at which its turn came.
    pub fn signed(
        &mut self,
        made: Vec<(SignatureRequest, Option<Vec<u8>>)>,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) {
        let mut parts = self.parts(here, out);
        if !parts.script.is_live() {
            return;
        }
        let Parts {
            script, beside, cx, ..
        } = &mut parts;
        let running = match script.step_mut() {
            Some(running) => Some(running),
            None => beside.as_mut().and_then(|beside| beside.step_mut()),
        };
        let Some(running) = running else {
            return;
        };
        running.signed(made, cx);
        let step = running.place.step(cx.dialogue);
        if step.is_some_and(ScriptStep::calls_at_once) {
            parts.compose();
        }
    }

    /// The call of a [`Reply::Call`] was answered, or failed. No effect if it is not awaited any
    /// more.
    pub fn answered(
        &mut self,
        owner: CallOwner,
        answer: Result<Response, Unanswered>,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) {
        let mut parts = self.parts(here, out);
        if !parts.script.is_live() {
            return;
        }
        match owner {
            CallOwner::Prepare => {}
            CallOwner::Step(number) => parts.answered(number, answer),
            CallOwner::Subscription(number) => {
                if let Some(subscriptions) = &mut parts.subscriptions {
                    subscriptions.answered(number, answer, &mut parts.cx);
                }
            }
        }
        parts.refresh();
    }

    /// The kernel has the message of the step: its `within` starts now. A step without expectations
    /// has passed.
    pub fn written(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        let mut parts = self.parts(here, out);
        if !parts.script.is_live() {
            return;
        }
        match parts.beside.as_deref_mut() {
            Some(beside) if parts.script.has_passed() => {
                match beside.close_script.step().is_some() {
                    true => beside.close_script.written(&mut parts.cx),
                    false => {
                        if beside.periodic.written(&mut parts.cx) == Err(Lost) {
                            parts.script.end();
                        }
                    }
                }
            }
            _ => parts.script.written(&mut parts.cx),
        }
        parts.refresh();
    }

    /// Whether there are messages before our close frame: there is a close script, and the name was
    /// ready on this socket.
    pub fn has_close_script(&self) -> bool {
        !self.dialogue.close_script.is_empty() && self.has_passed()
    }

    /// We are about to close the socket. No more periodic steps run. `true` if they did until now.
    pub fn closing(&mut self, now: Instant) -> bool {
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.end();
        }
        let beside = self.beside.as_mut();
        beside.is_some_and(|beside| beside.periodic.stop(now))
    }

    /// Begins the close script; a [`Reply::MayClose`] follows.
    pub fn begin_close_script(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        self.closing(here.now);
        let mut parts = self.parts(here, out);
        match parts.beside.filter(|_| parts.script.has_passed()) {
            Some(beside) => beside
                .close_script
                .begin(StepList::CloseScript, &mut parts.cx),
            None => parts.cx.out.push(Reply::MayClose),
        }
    }

    /// Our close frame goes out now. If the close script has not passed, that is published; if it
    /// has not begun, only if it `was_due`.
    pub fn closes(&mut self, was_due: bool, here: &Here<'_>, out: &mut Vec<Reply>) {
        let has_close_script = self.has_close_script();
        let parts = self.parts(here, out);
        let Some(beside) = parts.beside.filter(|_| has_close_script) else {
            return;
        };
        let cause = match beside.close_script.step() {
            Some(running) => {
                let step = running.place.step(parts.cx.dialogue);
                step.map(|step| running.cut_off(step))
            }
            None if beside.close_script.is_open() || !was_due => None,
            None => Some(Cause::ScriptTimeout(report::NOT_BEGUN.into())),
        };
        beside.close_script.end();
        parts.cx.out.extend(cause.map(Reply::Error));
    }
}
