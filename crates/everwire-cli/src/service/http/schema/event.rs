//! What happens, as it is told.

use utoipa::ToSchema;

/// Something that happened to a connection. There are more members, by `type`.
#[derive(ToSchema)]
pub struct Event {
    #[schema(examples("message", "ready", "closed", "retrying"))]
    r#type: String,
    #[schema(nullable = false)]
    name: Option<String>,
    #[schema(nullable = false)]
    epoch: Option<u32>,
    /// Counts the connection's events within the epoch, without holes.
    #[schema(nullable = false)]
    seq: Option<u64>,
    /// Positions a reader over all names.
    #[schema(nullable = false)]
    cursor: Option<String>,
    #[schema(format = DateTime)]
    at: String,
    /// Of a message the key of the subscription that it belongs to, where the settings say how that is found.
    #[schema(nullable = false)]
    subscription: Option<String>,
}
