//! Problems in JSON.

use utoipa::ToSchema;

use super::words::{ProblemFate, Reason};

/// A problem with a request, or with its answer (RFC 9457).
#[derive(ToSchema)]
pub struct Problem {
    /// Always "about:blank".
    r#type: String,
    /// The phrase of the status.
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, and what would be right.
    detail: String,
    /// For a message: its id, if it was accepted.
    #[schema(nullable = false)]
    id: Option<u64>,
    /// For a message: the epoch in which it was accepted.
    #[schema(nullable = false)]
    epoch: Option<u32>,
    /// For a message: its fate; "rejected" if it was not accepted. For a request also "failed",
    /// "not_sent" or "unanswered".
    #[schema(nullable = false)]
    fate: Option<ProblemFate>,
    /// For a message that was not accepted: the reason. For a change: "not_stored" if it was made
    /// but is not on disk; "store_outage" if the store cannot be opened, so that its content is
    /// unknown; "feature_missing" if it needs a feature that this build lacks. For a subscription
    /// that was not accepted: "other_item", "full", "too_long" or "no_subscribe". In a cluster:
    /// "moved" if no node has the connection open now, "node_away" if its node was not asked,
    /// "node_silent" if it was asked and gave no answer, "not_in_log" if the log of the cluster has
    /// not taken the change, "cluster" if nodes cannot do it.
    #[schema(nullable = false)]
    reason: Option<Reason>,
    /// The cause: "memory" if `service.memory` is used up; for a client of the raw bridge without a
    /// socket, an object with `kind` and `text`.
    #[schema(nullable = false)]
    cause: Option<serde_json::Value>,
    /// For "moved": the node that has the connection; null if none does.
    node: Option<String>,
    /// For "feature_missing": the feature.
    #[schema(nullable = false)]
    feature: Option<String>,
    /// For "feature_missing": the key of the settings that needs it.
    #[schema(nullable = false)]
    key: Option<String>,
    /// For a request that the peer has refused: its answer, if that is a text.
    #[schema(nullable = false)]
    text: Option<String>,
    /// For a request that the peer has refused: its answer, if that is a binary message.
    #[schema(nullable = false)]
    base64: Option<String>,
    /// For settings: all errors.
    #[schema(nullable = false)]
    errors: Option<Vec<KeyError>>,
    /// For settings: the number of further errors.
    #[schema(nullable = false)]
    omitted: Option<usize>,
    /// For JSON: the line, from 1.
    #[schema(nullable = false)]
    line: Option<usize>,
    /// For JSON: the column, from 1.
    #[schema(nullable = false)]
    column: Option<usize>,
}

/// An error in a key of settings.
#[derive(ToSchema)]
pub struct KeyError {
    /// The position of the key, as a JSON pointer (RFC 6901).
    pointer: String,
    message: String,
    /// What would be right.
    #[schema(required)]
    help: Option<String>,
}
