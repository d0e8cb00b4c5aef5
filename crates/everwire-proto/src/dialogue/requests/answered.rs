//! What has answered a request.

use super::queue::Ticket;
use crate::core::Message;

/// A request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Which request.
    pub ticket: Ticket,
    /// The answer, with the number that the caller gave.
    pub message: Message,
    /// Whether the answer is a refusal: the settings' `fail` holds for it.
    pub is_failure: bool,
}
