//! The requests of callers in a conversation: they are numbered, and have places beside steps and heartbeats.

use everwire_proto::dialogue::{NumberedRequest, Ticket};

use super::LiveConversation;
use crate::core::Message;

impl LiveConversation {
    /// Whether the settings say how requests are numbered.
    pub fn numbers_requests(&self) -> bool {
        self.engine.numbers_requests()
    }

    /// The request whose turn to be written has come, with its number.
    pub fn compose_request(&mut self, ticket: Ticket, request: &NumberedRequest) -> (u64, Message) {
        self.engine.compose_request(ticket, request)
    }

    /// Nobody waits for the answer to the request with this number any more.
    pub fn forget_request(&mut self, number: u64) {
        self.engine.forget_request(number);
    }

    /// Whether a request may be written, as far as others go that await an answer.
    pub fn has_place(&self) -> bool {
        self.engine.has_place()
    }

    /// Whether the step whose turn has come may be written, as far as those go.
    pub fn has_place_for_step(&self) -> bool {
        self.engine.has_place_for_step()
    }

    /// Whether a ping may be written, as far as those go.
    pub fn has_place_for_ping(&self) -> bool {
        self.engine.has_place_for_ping()
    }
}
