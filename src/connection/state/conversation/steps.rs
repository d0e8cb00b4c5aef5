//! The steps of a conversation: what they are told, and signatures that take long.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll},
    time::Instant,
};

use everwire_proto::{
    dialogue::{Progress, Reply},
    language::SignatureRequest,
};

use super::{
    LiveConversation, Surroundings,
    engine::{Engine, led},
};
use crate::{
    core::{Cause, Message},
    settings::RateSettings,
    signer::sign,
};

impl LiveConversation {
    /// Where the script stands.
    pub fn step(&self) -> Option<Progress<'_>> {
        self.engine.declared()?.step()
    }

    /// What a protocol says that it waits for, and since when.
    pub fn awaited(&self) -> Option<(&str, Instant)> {
        match &self.engine {
            Engine::Declared(_) => None,
            Engine::Custom(it) => it.step(),
        }
    }

    /// The name is ready on its socket.
    pub fn ready(&mut self, at: Surroundings<'_>) {
        let here = at.here(self.is_handover);
        led!(&mut self.engine, it => it.ready(&here, &mut self.replies));
    }

    /// The kernel has that step.
    pub fn written(&mut self, at: Surroundings<'_>) {
        let here = at.here(self.is_handover);
        led!(&mut self.engine, it => it.written(&here, &mut self.replies));
    }

    /// The text of the step whose turn to be written has come.
    pub fn compose(&mut self, at: Surroundings<'_>) -> Option<Message> {
        let here = at.here(self.is_handover);
        led!(&mut self.engine, it => it.compose(&here, &mut self.replies))
    }

    /// A message of ours went out.
    pub fn said(&mut self, now: Instant) {
        match &mut self.engine {
            Engine::Declared(it) => it.said(now),
            Engine::Custom(it) => it.said(now, &mut self.replies),
        }
    }

    /// The buckets that the step on its way waits for besides the connection's.
    pub fn step_rates(&self) -> &[RateSettings] {
        self.step().map_or(&[], |progress| &progress.step.rate)
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
                if let Some(declared) = self.engine.declared_mut() {
                    declared.signed(made, &here, &mut self.replies);
                }
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
        let stops = led!(&mut self.engine, it => it.closing(now));
        if stops {
            self.signing = None;
        }
        stops
    }

    /// Whether something is to be said before our close frame.
    pub fn has_close_script(&self) -> bool {
        match &self.engine {
            Engine::Declared(it) => it.has_close_script(),
            Engine::Custom(it) => it.has_goodbye(),
        }
    }

    /// That is to be said now.
    pub fn begin_close_script(&mut self, at: Surroundings<'_>) {
        let (here, out) = (at.here(self.is_handover), &mut self.replies);
        match &mut self.engine {
            Engine::Declared(it) => it.begin_close_script(&here, out),
            Engine::Custom(it) => it.begin_goodbye(&here, out),
        }
    }

    /// Our close frame goes out. `was_due`: whether something was to be said before it.
    pub fn closes(&mut self, was_due: bool, at: Surroundings<'_>) {
        self.signing = None;
        let (here, out) = (at.here(self.is_handover), &mut self.replies);
        match &mut self.engine {
            Engine::Declared(it) => it.closes(was_due, &here, out),
            Engine::Custom(it) => it.closes(was_due, out),
        }
    }
}
