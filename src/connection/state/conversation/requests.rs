//! Callers' requests in a conversation: their numbers, and their share of the answers that may be
//! awaited.

use everwire_proto::dialogue::{Conversation, NumberedRequest, Ticket};

use super::{LiveConversation, engine::Engine};
use crate::core::Message;

impl LiveConversation {
    /// Whether the settings number requests.
    pub fn numbers_requests(&self) -> bool {
        self.numbering().is_some_and(Conversation::numbers_requests)
    }

    /// The request whose turn to be written has come, with its number; `None`: it cannot be written
    /// here.
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

    /// Nobody waits for the answer to this request any more.
    pub fn forget_request(&mut self, number: u64) {
        if let Engine::Declared(conversation) = &mut self.engine {
            conversation.forget_request(number);
        }
    }

    /// Whether a request may be written: one more answer may be awaited.
    pub fn has_place(&self) -> bool {
        self.numbering().is_none_or(Conversation::has_place)
    }

    /// Whether the current step may be written: one more answer may be awaited.
    pub fn has_place_for_step(&self) -> bool {
        self.numbering()
            .is_none_or(Conversation::has_place_for_step)
    }

    /// Whether a ping may be written: one more answer may be awaited.
    pub fn has_place_for_ping(&self) -> bool {
        self.numbering()
            .is_none_or(Conversation::has_place_for_ping)
    }

    /// Only a declared dialogue numbers requests. A protocol in code numbers its messages itself.
    fn numbering(&self) -> Option<&Conversation> {
        match &self.engine {
            Engine::Declared(conversation) => Some(conversation),
            Engine::Custom(_) => None,
        }
    }
}
