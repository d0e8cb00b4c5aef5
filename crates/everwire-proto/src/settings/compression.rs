//! permessage-deflate, as it is wished for.

use crate::wire::deflate::{Level, Offer, WindowBits};

/// `compression`: what is offered (RFC 7692 §7.1), and which messages are compressed if the server agrees.
///
/// Under context takeover each direction keeps its window for as long as the socket is up, from its first compressed
/// message on; `docs/decisions.md` says what that costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// The largest window of ours; the server may ask for a smaller one. With a window of 8 bits nothing can be compressed,
    /// and messages go out as they are.
    pub client_max_window_bits: WindowBits,
    /// The largest window of the server's. Below 15 a server that does not agree is refused.
    pub server_max_window_bits: WindowBits,
    /// Whether each message of ours is compressed on its own.
    pub client_no_context_takeover: bool,
    /// Whether the server must compress each message on its own. A server that does not agree is refused.
    pub server_no_context_takeover: bool,
    /// How hard to try.
    pub level: Level,
    /// Shorter messages are sent as they are, in bytes; and so are empty ones.
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
    /// What is offered to the server.
    pub fn offer(&self) -> Offer {
        Offer {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: self.server_max_window_bits,
            client_max_window_bits: Some(self.client_max_window_bits),
        }
    }
}
