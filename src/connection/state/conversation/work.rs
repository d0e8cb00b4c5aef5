//! Work done elsewhere for a conversation: slow signatures, and calls.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

use everwire_proto::{
    dialogue::{CallOwner, Response, Unanswered},
    language::SignatureRequest,
};
use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_local},
};

use crate::signer::{Made, sign};

/// Work done elsewhere for a conversation. Dropping it cancels it.
#[derive(Debug, Default)]
pub(in crate::connection::state) struct Work {
    /// The signatures for the current step.
    signing: Option<oneshot::Receiver<Made>>,
    calls: Vec<Calling>,
}

/// A call in flight.
#[derive(Debug)]
struct Calling {
    owner: CallOwner,
    task: JoinHandle<Result<Response, Unanswered>>,
}

/// A finished piece of work.
#[derive(Debug)]
pub(in crate::connection::state) enum Done {
    /// Signatures; `None`: they cannot be made.
    Signed(Option<Made>),
    /// A call was answered, or failed.
    Answered(CallOwner, Result<Response, Unanswered>),
}

impl Work {
    /// Starts these signatures.
    pub fn sign(&mut self, requests: Vec<SignatureRequest>) {
        self.signing = Some(sign(requests));
    }

    /// Starts this call. Must run where `spawn_local` works: on an arbiter.
    pub fn call(
        &mut self,
        owner: CallOwner,
        call: impl Future<Output = Result<Response, Unanswered>> + 'static,
    ) {
        let task = spawn_local(call);
        self.calls.push(Calling { owner, task });
    }

    /// Stops the work for steps of scripts.
    pub fn forget_steps(&mut self) {
        self.signing = None;
        let is_of_step = |calling: &Calling| matches!(calling.owner, CallOwner::Step(_));
        self.calls.retain(|calling| !is_of_step(calling));
    }

    /// Whether there is no work.
    pub fn is_over(&self) -> bool {
        self.signing.is_none() && self.calls.is_empty()
    }

    /// A finished piece of work, if any; otherwise registers the waker.
    pub fn poll(&mut self, cx: &mut TaskContext<'_>) -> Option<Done> {
        if let Some(signing) = &mut self.signing
            && let Poll::Ready(made) = Pin::new(signing).poll(cx)
        {
            self.signing = None;
            return Some(Done::Signed(made.ok()));
        }
        for at in 0..self.calls.len() {
            let calling = &mut self.calls[at];
            if let Poll::Ready(answer) = Pin::new(&mut calling.task).poll(cx) {
                let owner = self.calls.remove(at).owner;
                let answer = answer.unwrap_or_else(|error| Err(broken(error.is_panic())));
                return Some(Done::Answered(owner, answer));
            }
        }
        None
    }
}

/// The task of a call has ended without an answer.
fn broken(has_panicked: bool) -> Unanswered {
    let text = match has_panicked {
        true => "the call panicked",
        false => "the call was ended",
    };
    Unanswered {
        text: text.into(),
        is_refusal: false,
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.task.abort();
    }
}
