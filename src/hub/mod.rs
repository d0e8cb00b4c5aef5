//! Delivers events to subscribers: each has a pattern, a bound, and a rule for being too slow.

mod amount;
mod batch;
mod callback;
mod delivery;
mod guard;
mod history;
mod json;
mod kinds;
mod lease;
mod listener;
mod listeners;
mod mailbox;
mod new_events;
mod past;
mod queue;
mod reading;
mod recent_events;
mod registry;
mod run;
mod stream;
mod subscribe;
mod subscription_keys;
#[cfg(test)]
mod tests;
mod turn;
mod updates;

pub use self::{
    batch::Batch,
    delivery::{Delivery, Overflow},
    guard::SubscriptionGuard,
    json::JsonUpdate,
    kinds::{Kinds, UnknownKind},
    mailbox::{Delivered, Subscriber},
    stream::Events,
    subscription_keys::SubscriptionKeys,
    updates::Updates,
};
pub(crate) use self::{
    history::{History, UnstoredHistory},
    listeners::Listeners,
    mailbox::{Mailbox, mailbox},
    new_events::NewEvents,
    past::HasHistory,
    queue::Room,
    registry::{HistoryRef, Hub},
    turn::end_turns,
};
