//! Subscriptions: the wanted keys, their holders, and their states on a socket.

mod asks;
mod change;
mod composing;
mod continued;
mod ears;
mod entry;
mod forms;
mod hearing;
mod holder;
mod holders;
mod http;
mod keys;
mod listening;
mod names;
mod on_socket;
mod refused;
mod routes;
mod seeing;
mod shown;
mod stage;
mod state;
mod status;
mod timing;
mod turns;
mod wishes;
mod world;

pub use self::{
    change::SubscriptionChange,
    holder::{Holder, InvalidHolder},
    refused::HoldRefused,
    shown::AwaitedSubscriptions,
    stage::ComposedSubscription,
    state::SubscriptionState,
    status::{SubscriptionCounts, SubscriptionStatus},
};
pub(super) use self::{
    hearing::{Expected, Told},
    keys::Subscriptions,
};
