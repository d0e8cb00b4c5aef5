//! Subscriptions: which keys are wanted, who wants them, and where each stands on a socket.

mod change;
mod holder;
mod refused;
mod state;
mod status;

pub use self::{
    change::SubscriptionChange,
    holder::Holder,
    refused::HoldRefused,
    state::SubscriptionState,
    status::{SubscriptionCounts, SubscriptionStatus},
};
