//! Requests of callers: each is written under a number of ours, and what answers it goes back under the number that the caller gave.
//!
//! [`RequestQueue`] has the callers, whatever socket there is; `InFlight` has what awaits an answer on one socket.

mod answered;
mod expected;
mod in_flight;
mod message;
mod places;
mod queue;
mod stage;
#[cfg(test)]
mod tests;

pub use self::{
    answered::Answered,
    expected::ExpectedValue,
    message::{InvalidRequest, MAX_OWN, NumberedRequest},
    queue::{Bounds, Ended, RequestQueue, Ticket, TooMany, Waiting},
};
pub(super) use self::{in_flight::InFlight, message::read_number, stage::hear};
