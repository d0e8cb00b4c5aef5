//! A socket's part in the steps of its conversation beside the open script: periodic steps, the
//! close script, and work done elsewhere.

use std::{sync::Arc, task::Context as TaskContext, time::Instant};

use everwire_proto::dialogue::Call;

use super::{Socket, aside_conversation::aside_mut, redaction::Sent};
use crate::{
    connection::{
        dialer::CallOutcome,
        state::{
            ActorState,
            conversation::{LiveConversation, surroundings},
            policy,
        },
    },
    core::Cause,
    transport::CallFor,
};

impl Socket {
    /// The name is ready on this socket, the current one.
    pub(super) fn begin_periodic(&mut self, act: &mut ActorState, now: Instant) {
        let here = match act.serving {
            Some(_) => surroundings!(self, act, now),
            None => return,
        };
        if let Some(serving) = &mut act.serving {
            serving.conversation.ready(here);
        }
        self.carry_out(act, now);
    }

    /// Begins the close script on the current socket.
    pub fn begin_close_script(&mut self, act: &mut ActorState, now: Instant) {
        self.end_periodic(act, now);
        if act.close_waits_for_answers() {
            return;
        }
        let here = surroundings!(self, act, now);
        match &mut act.serving {
            Some(serving) => serving.conversation.begin_close_script(here),
            None => return self.may_close(act, now),
        }
        self.carry_out(act, now);
    }

    /// Our close frame goes out. If the close script was not sent, that is published.
    pub fn end_close_script(&mut self, act: &mut ActorState, now: Instant) {
        let here = match act.serving {
            Some(_) => surroundings!(self, act, now),
            None => return,
        };
        // The old socket of a rotation may be left without a close script.
        let was_due = !act.life.is_handing_over() && !act.life.is_replacing();
        if let Some(serving) = &mut act.serving {
            serving.conversation.closes(was_due, here);
        }
        self.carry_out(act, now);
    }

    /// Sends no more periodic steps: the current socket is about to be closed.
    pub(super) fn end_periodic(&mut self, act: &mut ActorState, now: Instant) {
        self.writer.forget_subscriptions();
        if let Some(serving) = &mut act.serving
            && serving.conversation.closing(now)
        {
            self.writer.forget_steps();
        }
    }

    pub(super) fn may_close(&mut self, act: &mut ActorState, now: Instant) {
        act.life
            .close_script_over(policy(&act.settings), now, &mut act.effects);
    }

    /// Takes the results of work done elsewhere. `true` if there were any.
    pub(super) fn hears_work(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> bool {
        if !act.is_waiting_for_work() {
            return false;
        }
        let here = surroundings!(self, act, now);
        let is_done = match &mut act.serving {
            Some(serving) => serving.conversation.poll_work(here, cx),
            None => false,
        };
        if is_done {
            self.carry_out(act, now);
        }
        is_done
    }

    /// The same beside the current socket.
    pub(super) fn hears_work_aside(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> Result<bool, Cause> {
        if !self.aside().is_some_and(LiveConversation::is_waiting) {
            return Ok(false);
        }
        let here = surroundings!(self, act, now);
        let aside = aside_mut(&mut self.early);
        let is_done = aside.is_some_and(|aside| aside.poll_work(here, cx));
        if is_done {
            self.carry_out_aside(act)?;
        }
        Ok(is_done)
    }
}

impl Sent {
    /// Prepares a call of the conversation on this socket.
    pub(super) fn call(&self, act: &ActorState, call: Call) -> CallOutcome {
        let of = CallFor {
            settings: Arc::clone(self.settings()),
            owner: act.outbox.owner(),
            secrets: self.secrets().clone(),
        };
        act.process.dialer.call(call, of)
    }
}
