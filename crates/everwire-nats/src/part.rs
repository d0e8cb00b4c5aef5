//! The two directions of a bridge.

use std::fmt;

use serde::Serialize;

/// A direction of the bridge, with its own connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// From sockets to the stream.
    In,
    /// From the queue to sockets.
    Out,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::In => "nats.in",
            Self::Out => "nats.out",
        })
    }
}
