//! The two directions of a bridge.

use std::fmt;

use serde::Serialize;

/// A direction of the bridge, with a connection of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What comes in and is published.
    In,
    /// What is taken from the queue and sent.
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
