//! The answer to a request.

use super::queue::Ticket;
use crate::core::Message;

/// A request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The request.
    pub ticket: Ticket,
    /// The answer, with the caller's number.
    pub message: Message,
    /// Whether the answer is a refusal: the settings' `fail` is true for it.
    pub is_failure: bool,
}
