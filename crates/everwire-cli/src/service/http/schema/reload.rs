//! What a reload does, or has done.

use utoipa::ToSchema;

/// What a reload does, or has done.
#[derive(ToSchema)]
pub struct Reloaded {
    /// Whether it was done; a plan is not.
    done: bool,
    /// Names for which nothing changes: they keep their sockets.
    untouched: Vec<String>,
    /// Names whose new settings are applied to the socket that serves.
    applied: Vec<Changed>,
    /// Names that need another socket.
    rotated: Vec<Changed>,
    /// Names that are opened.
    added: Vec<String>,
    /// Names that are closed and forgotten.
    removed: Vec<String>,
    /// Keys of `[service]` that change at once.
    service: Vec<String>,
    /// Keys of `[service]`, and `nats`, that change with the next start of the process.
    restart: Vec<String>,
    /// What was planned and could not be done.
    failed: Vec<NotChanged>,
}

/// A name and the keys that change.
#[derive(ToSchema)]
pub struct Changed {
    name: String,
    keys: Vec<String>,
}

/// A name that could not be changed as planned.
#[derive(ToSchema)]
pub struct NotChanged {
    name: String,
    reason: String,
}
