//! Live subscriptions, as they are told and asked for.

use serde_json::Value;
use utoipa::ToSchema;

/// Some subscriptions of a connection.
#[derive(ToSchema)]
pub struct Subscriptions {
    subscriptions: Vec<Subscription>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// A subscription.
#[derive(ToSchema)]
pub struct Subscription {
    key: String,
    state: SubscriptionState,
    /// What the peer said when it refused or ended it, its start, masked; or what was wrong.
    #[schema(nullable = false)]
    text: Option<String>,
    /// `file`: the settings of the connection; `api`; `ws:NUMBER`: a client of `/v1/ws`.
    #[schema(examples("api", "ws:17"))]
    holders: Vec<String>,
    /// The item as it was written, its templates not filled.
    item: Value,
    /// How many messages were found to belong to it.
    routed: u64,
}

/// Where a subscription stands on the socket that serves. Without a socket each is wanted.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// It waits for a socket, or for its turn there.
    Wanted,
    /// The peer was asked.
    Sent,
    /// The peer has taken it.
    Active,
    /// The peer has refused it.
    Refused,
    /// The peer has not answered in time.
    Unanswered,
    /// The peer has ended it.
    Ended,
}

/// How many subscriptions stand where.
#[derive(ToSchema)]
pub struct SubscriptionCounts {
    wanted: usize,
    sent: usize,
    active: usize,
    refused: usize,
    unanswered: usize,
    ended: usize,
}

/// What is asked for: the item, and the keys of `subscribe` that are not to be those of the settings.
#[derive(ToSchema)]
pub struct Wish {
    /// The key itself by default, or what the settings say of it. Its strings are templates.
    #[schema(required = false)]
    item: Value,
}
