//! The offer of a client (RFC 7692 §7.1).

use std::fmt;

use super::{
    CLIENT_MAX_WINDOW_BITS, CLIENT_NO_CONTEXT_TAKEOVER, NAME, SERVER_MAX_WINDOW_BITS,
    SERVER_NO_CONTEXT_TAKEOVER, WindowBits,
};

/// A client's offer. `Display` gives the element of `Sec-WebSocket-Extensions`.
///
/// ```
/// use everwire_proto::wire::deflate::Offer;
///
/// assert_eq!(Offer::default().to_string(), "permessage-deflate; client_max_window_bits");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Demands that the server compresses each message on its own (§7.1.1.1).
    pub server_no_context_takeover: bool,
    /// States that we compress each message on its own (§7.1.1.2).
    pub client_no_context_takeover: bool,
    /// The largest window that the server may use (§7.1.2.1); 15 demands nothing.
    pub server_max_window_bits: WindowBits,
    /// Our largest window (§7.1.2.2), which the server may make smaller. `None`: it may not.
    pub client_max_window_bits: Option<WindowBits>,
}

impl Default for Offer {
    /// Demands nothing, and lets the server choose our window.
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: WindowBits::MAX,
            client_max_window_bits: Some(WindowBits::MAX),
        }
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            write!(f, "; {SERVER_NO_CONTEXT_TAKEOVER}")?;
        }
        if self.client_no_context_takeover {
            write!(f, "; {CLIENT_NO_CONTEXT_TAKEOVER}")?;
        }
        if self.server_max_window_bits < WindowBits::MAX {
            write!(
                f,
                "; {SERVER_MAX_WINDOW_BITS}={}",
                self.server_max_window_bits
            )?;
        }
        match self.client_max_window_bits {
            None => Ok(()),
            Some(WindowBits::MAX) => write!(f, "; {CLIENT_MAX_WINDOW_BITS}"),
            Some(bits) => write!(f, "; {CLIENT_MAX_WINDOW_BITS}={bits}"),
        }
    }
}
