//! The requests of a name: the waiting callers, and what is written next.

use std::sync::Arc;

use everwire_proto::{
    dialogue::{RequestQueue, Waiting},
    settings::dialogue::MAX_IN_FLIGHT,
};
use tokio::sync::oneshot;

use super::conversation::LiveConversation;
use crate::{
    connection::RequestError,
    core::Message,
    memory::{Charge, MemoryBudget, MemoryUse},
};

/// Receives the answer to a request.
pub(in crate::connection) type PendingAnswer = oneshot::Receiver<Result<Message, RequestError>>;

/// Who waits for it.
pub(in crate::connection) type Caller = oneshot::Sender<Result<Message, RequestError>>;

/// The requests of a name, with their callers. Exists only while there are some.
pub(in crate::connection) struct Requests {
    pub(super) queue: RequestQueue<Caller>,
    /// The memory of requests that wait to be written.
    pub(super) charge: Charge,
    /// Whether the close script, and the close frame, wait for answers on the current socket.
    pub(super) close_waits: bool,
    /// Answers that arrived in this turn: their callers are woken together, at its end. Otherwise
    /// each would be woken separately.
    pub(super) answers: Vec<(Caller, Result<Message, RequestError>)>,
}

impl Requests {
    pub(super) fn new(memory: &Arc<MemoryBudget>) -> Self {
        Self {
            queue: RequestQueue::default(),
            charge: Charge::new(memory, MemoryUse::Outboxes),
            close_waits: false,
            answers: Vec::new(),
        }
    }

    /// Drops unwritten requests whose callers have gone.
    pub fn forget_gone(&mut self) {
        while self.queue.next_caller().is_some_and(Caller::is_closed) {
            self.queue.skip();
        }
        self.count_memory();
    }

    /// Whether one waits and may be written: one more answer may be awaited.
    pub fn may_write(&self, conversation: Option<&LiveConversation>) -> bool {
        let has_place = conversation.is_none_or(|conversation| conversation.has_place());
        has_place
            && self.queue.in_flight() < MAX_IN_FLIGHT.get() as usize
            && self.queue.next().is_some()
    }

    /// The message of the request whose turn has come; `None`: nothing is written.
    pub fn compose(&mut self, conversation: Option<&mut LiveConversation>) -> Option<Message> {
        let (ticket, waiting) = self.queue.next()?;
        let (number, message) = match (waiting, conversation) {
            (Waiting::Plain(message, _), _) => (None, message.clone()),
            (Waiting::Numbered(request), Some(talk)) if talk.numbers_requests() => {
                let (number, message) = talk.compose_request(ticket, request)?;
                (Some(number), message)
            }
            // The settings have changed: no answer would be found.
            (Waiting::Numbered(_), _) => {
                answer(self.queue.skip(), Err(RequestError::NothingExpected));
                return None;
            }
        };
        self.queue.write(ticket, number);
        self.count_memory();
        Some(message)
    }

    pub(super) fn count_memory(&mut self) {
        self.charge.follow(self.queue.bytes());
    }
}

/// Answers the caller, if it is still there.
pub(in crate::connection) fn answer(
    caller: Option<Caller>,
    outcome: Result<Message, RequestError>,
) {
    if let Some(caller) = caller {
        let _gone = caller.send(outcome);
    }
}
