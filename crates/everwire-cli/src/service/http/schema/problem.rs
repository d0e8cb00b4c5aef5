//! What is wrong, as it is told.

use utoipa::ToSchema;

use super::words::{ProblemFate, Reason};

/// What is wrong with a request, or with answering it (RFC 9457).
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
    /// Of a message: its id, if it was accepted.
    #[schema(nullable = false)]
    id: Option<u64>,
    /// Of a message: the epoch in which it was accepted.
    #[schema(nullable = false)]
    epoch: Option<u32>,
    /// Of a message: what became of it; "rejected" if it was not accepted. Of a request besides: "failed", "not_sent", "unanswered".
    #[schema(nullable = false)]
    fate: Option<ProblemFate>,
    /// Of a message that was not accepted: why. Of a change: "not_stored" if it was made, and is not on disk;
    /// "store_outage" if the store cannot be opened, so that it is not known what there is;
    /// "feature_missing" if it needs what this build was made without. Of a subscription that is not taken on:
    /// "other_item", "full", "too_long" or "no_subscribe".
    #[schema(nullable = false)]
    reason: Option<Reason>,
    /// What is behind it: "memory" if `service.memory` is used up; of a client of the raw bridge that gets no socket an object with
    /// `kind` and `text`.
    #[schema(nullable = false)]
    cause: Option<serde_json::Value>,
    /// Of "feature_missing": the feature.
    #[schema(nullable = false)]
    feature: Option<String>,
    /// Of "feature_missing": the key of the settings that needs it.
    #[schema(nullable = false)]
    key: Option<String>,
    /// Of a request that the peer has refused: its answer, if that is a text.
    #[schema(nullable = false)]
    text: Option<String>,
    /// Of a request that the peer has refused: its answer, if that is a binary message.
    #[schema(nullable = false)]
    base64: Option<String>,
    /// Of settings: all that is wrong.
    #[schema(nullable = false)]
    errors: Option<Vec<KeyError>>,
    /// Of settings: how much more is wrong.
    #[schema(nullable = false)]
    omitted: Option<usize>,
    /// Of JSON: the line, from 1.
    #[schema(nullable = false)]
    line: Option<usize>,
    /// Of JSON: the column, from 1.
    #[schema(nullable = false)]
    column: Option<usize>,
}

/// What is wrong with a key of settings.
#[derive(ToSchema)]
pub struct KeyError {
    /// Where the key stands, as a JSON pointer (RFC 6901).
    pointer: String,
    message: String,
    /// What would be right.
    #[schema(required)]
    help: Option<String>,
}
