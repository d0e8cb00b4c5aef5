//! The steps of a conversation: what they are told, and signatures that take long.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll},
    time::Instant,
};

use everwire_proto::{dialogue::Reply, language::SignatureRequest};

use super::{LiveConversation, Surroundings};
use crate::{
    core::{Cause, Message},
    settings::RateSettings,
    signer::sign,
};

impl LiveConversation {
    /// The name is ready on its socket.
    pub fn ready(&mut self, at: Surroundings<'_>) {
        self.engine
            .ready(&at.here(self.is_handover), &mut self.replies);
    }

    /// The kernel has that step.
    pub fn written(&mut self, at: Surroundings<'_>) {
        self.engine
            .written(&at.here(self.is_handover), &mut self.replies);
    }

    /// The text of the step whose turn to be written has come.
    pub fn compose(&mut self, at: Surroundings<'_>) -> Option<Message> {
        self.engine
            .compose(&at.here(self.is_handover), &mut self.replies)
    }

    /// A message of ours went out.
    pub fn said(&mut self, now: Instant) {
        self.engine.said(now);
    }

    /// The buckets that the step on its way waits for besides the connection's.
    pub fn step_rates(&self) -> &[RateSettings] {
        self.engine
            .step()
            .map_or(&[], |progress| &progress.step.rate)
    }

    /// The signatures are to be made that a step lacks.
    pub fn sign(&mut self, requests: Vec<SignatureRequest>) {
        self.signing = Some(sign(requests));
    }

    /// Whether a step waits for signatures.
    pub fn is_signing(&self) -> bool {
        self.signing.is_some()
    }

    /// Takes the signatures, once they are made; until then the waker is to be called. Returns whether they are there.
    pub fn poll_signing(&mut self, at: Surroundings<'_>, cx: &mut TaskContext<'_>) -> bool {
        let Some(signing) = &mut self.signing else {
            return false;
        };
        let Poll::Ready(made) = Pin::new(signing).poll(cx) else {
            return false;
        };
        self.signing = None;
        match made {
            Ok(made) => {
                let here = at.here(self.is_handover);
                self.engine.signed(made, &here, &mut self.replies);
            }
            // The thread is gone, and with it what the step waits for.
            Err(_) => {
                let cause = Cause::Panic("a signature could not be made".into());
                self.replies.push(Reply::Lose(cause));
            }
        }
        true
    }

    /// Its socket is to be closed by us. Returns whether periodic steps were taken until now.
    pub fn closing(&mut self, now: Instant) -> bool {
        let stops = self.engine.closing(now);
        if stops {
            self.signing = None;
        }
        stops
    }

    /// Whether something is to be said before our close frame.
    pub fn has_close_script(&self) -> bool {
        self.engine.has_close_script()
    }

    /// That is to be said now.
    pub fn begin_close_script(&mut self, at: Surroundings<'_>) {
        self.engine
            .begin_close_script(&at.here(self.is_handover), &mut self.replies);
    }

    /// Our close frame goes out. `was_due`: whether something was to be said before it.
    pub fn closes(&mut self, was_due: bool, at: Surroundings<'_>) {
        self.signing = None;
        self.engine
            .closes(was_due, &at.here(self.is_handover), &mut self.replies);
    }
}
