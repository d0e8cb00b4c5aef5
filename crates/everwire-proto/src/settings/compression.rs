//! The settings of permessage-deflate.

use crate::wire::deflate::{Level, Offer, WindowBits};

/// `compression`: the offer (RFC 7692 §7.1), and which messages are compressed if the server
/// agrees.
///
/// With context takeover each direction keeps its window while the socket is up, from its first
/// compressed message on; `docs/decisions.md` says what that costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Our largest window; the server may ask for a smaller one. A window of 8 bits cannot be used,
    /// and messages are then sent uncompressed.
    pub client_max_window_bits: WindowBits,
    /// The server's largest window. Below 15, a server that does not agree is refused.
    pub server_max_window_bits: WindowBits,
    /// Whether we compress each message on its own.
    pub client_no_context_takeover: bool,
    /// Whether the server must compress each message on its own. A server that does not agree is refused.
    pub server_no_context_takeover: bool,
    /// The compression level.
    pub level: Level,
    /// Messages that are shorter, in bytes, or empty are sent uncompressed.
    pub min_size: usize,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            client_max_window_bits: WindowBits::MAX,
            server_max_window_bits: WindowBits::MAX,
            client_no_context_takeover: false,
            server_no_context_takeover: false,
            level: Level::default(),
            min_size: 1 << 10,
        }
    }
}

impl Compression {
    /// The offer to the server.
    pub fn offer(&self) -> Offer {
        Offer {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: self.server_max_window_bits,
            client_max_window_bits: Some(self.client_max_window_bits),
        }
    }
}
