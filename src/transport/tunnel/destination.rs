//! The host that a proxy is asked to connect to.

use std::{fmt, net::SocketAddr};

/// A host and a port, in the form for CONNECT and for messages.
pub(super) enum Destination {
    /// A name for the proxy to resolve.
    Name(String, u16),
    /// An address that was resolved here or is in the URL.
    Address(SocketAddr),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}
