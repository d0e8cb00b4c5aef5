//! What a conversation is told of its steps: when they may begin, when their turn has come, and what became of them.

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
    /// The name is ready on this socket, which serves: periodic steps are taken from now on.
    pub fn ready(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        let mut parts = self.parts(here, out);
        if let Some(beside) = parts.beside.filter(|_| parts.script.has_passed())
            && beside.periodic.ready(parts.times, &mut parts.cx) == Err(Lost)
        {
            parts.script.end();
        }
    }

    /// A message went out that is no control frame: an idle step waits longer.
    pub fn said(&mut self, now: Instant) {
        if let Some(beside) = &mut self.beside {
            beside.periodic.said(now);
        }
    }

    /// The message of the step whose turn to be written has come. It draws its number now. `None`: nothing is to be written. `out` has
    /// the call then, if the step makes one, or the loss, if a template cannot be filled.
    pub fn compose(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) -> Option<Message> {
        self.parts(here, out).compose()
    }

    /// The signatures of [`Reply::Sign`] are made: what each request has come to. Its step is composed again, in the moment in which its
    /// turn had come.
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

    /// The call of a [`Reply::Call`] was answered, or cannot be. One that is not awaited any more changes nothing.
    pub fn answered(
        &mut self,
        owner: CallOwner,
        answer: Result<Response, Unanswered>,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) {
        let CallOwner::Step(number) = owner else {
            return;
        };
        let mut parts = self.parts(here, out);
        if !parts.script.is_live() {
            return;
        }
        parts.answered(number, answer);
        parts.refresh();
    }

    /// The kernel has the message of the step: its `within` runs from now on. A step that expects nothing has passed.
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

    /// Whether something is to be said before our close frame: there is a close script, and the name was ready on this socket.
    pub fn has_close_script(&self) -> bool {
        !self.dialogue.close_script.is_empty() && self.script.has_passed()
    }

    /// The socket is to be closed by us. No periodic step is taken any more. Returns whether they were until now.
    pub fn closing(&mut self, now: Instant) -> bool {
        let beside = self.beside.as_mut();
        beside.is_some_and(|beside| beside.periodic.stop(now))
    }

    /// The close script begins; behind it comes a [`Reply::MayClose`].
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

    /// Our close frame goes out now. A close script that has not passed is told; where it has not begun, only if it `was_due`.
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
