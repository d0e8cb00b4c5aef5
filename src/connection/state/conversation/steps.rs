//! The steps of a conversation, and the work done elsewhere for them.

use std::{task::Context as TaskContext, time::Instant};

use everwire_proto::{
    dialogue::{CallOwner, Progress, Reply, Response, Unanswered},
    language::SignatureRequest,
};

use super::{
    LiveConversation, Surroundings,
    engine::{Engine, led},
    work::Done,
};
use crate::{
    core::{Cause, Message},
    settings::RateSettings,
};

impl LiveConversation {
    /// The progress of the script.
    pub fn step(&self) -> Option<Progress<'_>> {
        self.engine.declared()?.step()
    }

    /// What a protocol says it waits for, and since when.
    pub fn awaited(&self) -> Option<(&str, Instant)> {
        match &self.engine {
            Engine::Declared(_) => None,
            Engine::Custom(it) => it.step(),
        }
    }

    /// The name is ready on its socket.
    pub fn ready(&mut self, at: Surroundings<'_>) {
        let here = at.here(self.is_handover());
        led!(&mut self.engine, it => it.ready(&here, &mut self.replies.open()));
    }

    /// The kernel has the step.
    pub fn written(&mut self, at: Surroundings<'_>) {
        let here = at.here(self.is_handover());
        led!(&mut self.engine, it => it.written(&here, &mut self.replies.open()));
    }

    /// The text of the step whose turn to be written has come.
    pub fn compose(&mut self, at: Surroundings<'_>) -> Option<Message> {
        let here = at.here(self.is_handover());
        led!(&mut self.engine, it => it.compose(&here, &mut self.replies.open()))
    }

    /// A message of ours was sent.
    pub fn said(&mut self, now: Instant) {
        match &mut self.engine {
            Engine::Declared(it) => it.said(now),
            Engine::Custom(it) => it.said(now, &mut self.replies.open()),
        }
    }

    /// Whether the current step makes a call.
    pub fn calls(&self) -> bool {
        self.step()
            .is_some_and(|progress| progress.step.call.is_some())
    }

    /// The rates that the current step waits for besides the connection's.
    pub fn step_rates(&self) -> &[RateSettings] {
        self.step().map_or(&[], |progress| &progress.step.rate)
    }

    /// Starts the signatures that a step needs.
    pub fn sign(&mut self, requests: Vec<SignatureRequest>) {
        self.seldom.more_work().sign(requests);
    }

    /// Starts a call.
    pub fn call(
        &mut self,
        owner: CallOwner,
        call: impl Future<Output = Result<Response, Unanswered>> + 'static,
    ) {
        self.seldom.more_work().call(owner, call);
    }

    /// Whether it waits for work done elsewhere.
    pub fn is_waiting(&self) -> bool {
        self.seldom.has_work()
    }

    /// Takes results of work done elsewhere, or registers the waker. `true` if there were any.
    pub fn poll_work(&mut self, at: Surroundings<'_>, cx: &mut TaskContext<'_>) -> bool {
        let Some(work) = self.seldom.work_mut() else {
            return false;
        };
        let Some(done) = work.poll(cx) else {
            return false;
        };
        if work.is_over() {
            self.seldom.set_work(None);
        }
        let here = at.here(self.is_handover());
        let declared = self.engine.declared_mut();
        match (done, declared) {
            (Done::Signed(Some(made)), Some(declared)) => {
                declared.signed(made, &here, &mut self.replies.open());
            }
            (Done::Answered(owner, answer), Some(declared)) => {
                declared.answered(owner, answer, &here, &mut self.replies.open());
            }
            // The thread is gone, so the step will get no result.
            (Done::Signed(None), _) => {
                let cause = Cause::Panic("a signature could not be made".into());
                self.replies.open().push(Reply::Lose(cause));
            }
            (Done::Signed(_) | Done::Answered(..), None) => {}
        }
        true
    }

    /// Stops the work for the current step.
    fn forget_step(&mut self) {
        if let Some(work) = self.seldom.work_mut() {
            work.forget_steps();
            if work.is_over() {
                self.seldom.set_work(None);
            }
        }
    }

    /// We are about to close its socket. `true` if periodic steps were sent until now.
    pub fn closing(&mut self, now: Instant) -> bool {
        let stops = led!(&mut self.engine, it => it.closing(now));
        if stops {
            self.forget_step();
        }
        stops
    }

    /// Whether there is a close script.
    pub fn has_close_script(&self) -> bool {
        match &self.engine {
            Engine::Declared(it) => it.has_close_script(),
            Engine::Custom(it) => it.has_goodbye(),
        }
    }

    /// Begins the close script.
    pub fn begin_close_script(&mut self, at: Surroundings<'_>) {
        let (here, mut out) = (at.here(self.is_handover()), self.replies.open());
        match &mut self.engine {
            Engine::Declared(it) => it.begin_close_script(&here, &mut out),
            Engine::Custom(it) => it.begin_goodbye(&here, &mut out),
        }
    }

    /// Our close frame goes out. `was_due`: whether a close script was due before it.
    pub fn closes(&mut self, was_due: bool, at: Surroundings<'_>) {
        self.forget_step();
        let (here, mut out) = (at.here(self.is_handover()), self.replies.open());
        match &mut self.engine {
            Engine::Declared(it) => it.closes(was_due, &here, &mut out),
            Engine::Custom(it) => it.closes(was_due, &mut out),
        }
    }
}
