//! Live subscriptions in JSON.

use serde_json::Value;
use utoipa::ToSchema;

/// Some subscriptions of a connection.
#[derive(ToSchema)]
pub struct Subscriptions {
    subscriptions: Vec<Subscription>,
    /// The start of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// A subscription.
#[derive(ToSchema)]
pub struct Subscription {
    key: String,
    state: SubscriptionState,
    /// The start of the peer's text when it refused or ended it, masked; or what was wrong.
    #[schema(nullable = false)]
    text: Option<String>,
    /// `file`: the settings of the connection; `api`; `ws:NUMBER`: a client of `/v1/ws`.
    #[schema(examples("api", "ws:17"))]
    holders: Vec<String>,
    /// The item as it was written, with its templates not filled.
    item: Value,
    /// The number of messages that belong to it.
    routed: u64,
}

/// The state of a subscription on the current socket. Without a socket, all are wanted.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// It waits for a socket, or for its turn.
    Wanted,
    /// The request was sent.
    Sent,
    /// The peer has accepted it.
    Active,
    /// The peer has refused it.
    Refused,
    /// The peer has not answered in time.
    Unanswered,
    /// The peer has ended it.
    Ended,
}

/// The number of subscriptions in each state.
#[derive(ToSchema)]
pub struct SubscriptionCounts {
    wanted: usize,
    sent: usize,
    active: usize,
    refused: usize,
    unanswered: usize,
    ended: usize,
}

/// The item, and the keys of `subscribe` that differ from the settings.
#[derive(ToSchema)]
pub struct Wish {
    /// The default is the key itself, or the item in the settings. Its strings are templates.
    #[schema(required = false)]
    item: Value,
}
