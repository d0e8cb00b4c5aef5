//! The plan or the result of a reload.

use utoipa::ToSchema;

/// The plan or the result of a reload.
#[derive(ToSchema)]
pub struct Reloaded {
    /// Whether it was done; false for a plan.
    done: bool,
    /// Names that do not change and keep their sockets.
    untouched: Vec<String>,
    /// Names whose new settings are applied to the current socket.
    applied: Vec<Changed>,
    /// Names that need a new socket.
    rotated: Vec<Changed>,
    /// Names that are opened.
    added: Vec<String>,
    /// Names that are closed and forgotten.
    removed: Vec<String>,
    /// Keys of `[service]` that change at once.
    service: Vec<String>,
    /// Keys of `[service]`, `nats` and `cluster`, that change with the next start of the process.
    restart: Vec<String>,
    /// Planned changes that failed.
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
