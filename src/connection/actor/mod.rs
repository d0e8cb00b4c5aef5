//! What the actor of a name is told, and how it answers.

pub(super) mod forward;
mod handlers;
pub(super) mod messages;
pub(super) mod store_outage;
