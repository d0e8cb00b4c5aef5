//! The conversation's part in callers' requests.

use super::{message::NumberedRequest, queue::Ticket};
use crate::{
    core::Message,
    dialogue::{Conversation, parts::Parts, reply::Reply, surroundings::Seen},
};

impl Conversation {
    /// Whether it numbers requests: the settings say how.
    pub fn numbers_requests(&self) -> bool {
        self.dialogue.request.is_some()
    }

    /// The request whose turn to be written has come. It takes its number now, under which an
    /// answer is awaited until [`forget_request`](Self::forget_request), or until the socket is
    /// lost.
    pub fn compose_request(&mut self, ticket: Ticket, request: &NumberedRequest) -> (u64, Message) {
        let number = self.ids.next();
        self.ids.take();
        if let Some(beside) = &mut self.beside {
            beside.requests.ask(number, ticket, request);
        }
        (number, Message::text(request.numbered(number)))
    }

    /// Nobody waits for the answer to this request any more.
    pub fn forget_request(&mut self, number: u64) {
        if let Some(beside) = &mut self.beside {
            beside.requests.forget(number);
        }
    }

    /// How many requests await an answer on this socket.
    pub fn requests_in_flight(&self) -> usize {
        let beside = self.beside.as_ref();
        beside.map_or(0, |beside| beside.requests.len())
    }
}

/// If a message answers a request, answers it. `true` if it does.
pub(in crate::dialogue) fn hear(parts: &mut Parts<'_>, seen: Seen<'_>) -> bool {
    let Parts { beside, cx, .. } = parts;
    let requests = beside.as_mut().map(|beside| &mut beside.requests);
    let Some(answered) = requests.and_then(|requests| requests.hear(seen, cx)) else {
        return false;
    };
    cx.out.push(Reply::Answered(Box::new(answered)));
    true
}
