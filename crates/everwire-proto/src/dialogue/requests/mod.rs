//! Callers' requests: each is written under our number, and its answer goes back with the caller's
//! number.
//!
//! [`RequestQueue`] holds the callers, across sockets; `InFlight` holds what awaits an answer on
//! one socket.

mod answered;
mod expected;
mod in_flight;
mod message;
mod ordered;
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
