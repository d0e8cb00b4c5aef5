//! The result of the negotiation.

use serde::Serialize;

use super::WindowBits;

/// The parameters of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Agreed {
    /// Whether the server compresses each message on its own.
    pub server_no_context_takeover: bool,
    /// Whether we compress each message on our own.
    pub client_no_context_takeover: bool,
    /// The largest window that the server uses.
    pub server_max_window_bits: WindowBits,
    /// The largest window that we may use.
    pub client_max_window_bits: WindowBits,
}
