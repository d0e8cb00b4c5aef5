//! Who hears what happens: subscribers by pattern, each bounded, each with its own way of being too slow.

mod delivery;
mod guard;
mod history;
mod kinds;
mod listeners;
mod past;
mod queue;
mod reading;
mod recent_events;
mod registry;
mod stream;
mod subscribe;
mod subscriber;
#[cfg(test)]
mod tests;

pub use self::{
    delivery::{Delivery, Overflow},
    guard::SubscriptionGuard,
    kinds::{Kinds, UnknownKind},
    stream::Events,
};
pub(crate) use self::{
    history::History,
    listeners::Listeners,
    past::HasHistory,
    registry::{HistoryRef, Hub},
};
