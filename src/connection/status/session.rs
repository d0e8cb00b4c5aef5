//! The status of a session.

use std::{fmt, net::SocketAddr};

use jiff::Timestamp;
use serde::Serialize;

use crate::events::{Traffic, rfc3339};

/// The state of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SessionState {
    /// It waits for the dial budget, or dials.
    Connecting,
    /// Its socket is up.
    Open,
    /// The closing handshake is under way.
    Closing,
}

/// The status of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SessionStatus {
    /// Counts the sessions of the name in this life of its actor, from 1.
    pub id: u64,
    /// Its state.
    pub state: SessionState,
    /// Since when.
    #[serde(serialize_with = "time")]
    pub since: Timestamp,
    /// The client, from [`SessionSettings`](crate::connection::SessionSettings).
    pub client: Option<String>,
    /// The address that answered: the peer's, or its proxy's. `None` before that.
    pub peer: Option<SocketAddr>,
    /// Messages of the client that were encoded for the peer.
    pub sent: Traffic,
    /// Messages of the peer that were handed to the client.
    pub received: Traffic,
}

fn time<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Closing => "closing",
        })
    }
}
