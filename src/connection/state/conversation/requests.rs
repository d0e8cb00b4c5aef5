//! The requests of callers in a conversation: they are numbered, and have places beside steps and heartbeats.

use everwire_proto::dialogue::{Conversation, NumberedRequest, Ticket};

use super::{LiveConversation, engine::Engine};
use crate::core::Message;

impl LiveConversation {
    /// Whether the settings say how requests are numbered.
    pub fn numbers_requests(&self) -> bool {
        self.numbering().is_some_and(Conversation::numbers_requests)
    }

    /// The request whose turn to be written has come, with its number; `None`: it has none here.
    pub fn compose_request(
        &mut self,
        ticket: Ticket,
        request: &NumberedRequest,
    ) -> Option<(u64, Message)> {
        match &mut self.engine {
            Engine::Declared(conversation) => Some(conversation.compose_request(ticket, request)),
            Engine::Custom(_) => None,
        }
    }

    /// Nobody waits for the answer to the request with this number any more.
    pub fn forget_request(&mut self, number: u64) {
        if let Engine::Declared(conversation) = &mut self.engine {
            conversation.forget_request(number);
        }
    }

    /// Whether a request may be written, as far as others go that await an answer.
    pub fn has_place(&self) -> bool {
        self.numbering().is_none_or(Conversation::has_place)
    }

    /// Whether the step whose turn has come may be written, as far as those go.
    pub fn has_place_for_step(&self) -> bool {
        self.numbering()
            .is_none_or(Conversation::has_place_for_step)
    }

    /// Whether a ping may be written, as far as those go.
    pub fn has_place_for_ping(&self) -> bool {
        self.numbering()
            .is_none_or(Conversation::has_place_for_ping)
    }

    /// What numbers requests: a declared dialogue. A protocol in code may number what it sends as it likes.
    fn numbering(&self) -> Option<&Conversation> {
        match &self.engine {
            Engine::Declared(conversation) => Some(conversation),
            Engine::Custom(_) => None,
        }
    }
}
