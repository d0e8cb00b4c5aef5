//! Who answers for the stream.

use std::time::Duration;

use async_nats::{
    datetime::DateTime,
    jetstream::stream::{Info, Stream},
};
use everwire_nats::BridgeError;
use tokio::time::timeout;

use super::place::STREAM;

/// How long one answer may take.
pub(super) const ANSWER: Duration = Duration::from_secs(2);
/// Who answers for a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leader {
    /// The server that leads it; `None` if it is on one server.
    name: Option<String>,
    /// Since when, if the server says it.
    since: Option<DateTime>,
    /// When the stream was made.
    pub made: DateTime,
}

impl Leader {
    pub fn of(info: &Info) -> Self {
        let cluster = info.cluster.as_ref();
        Self {
            name: cluster.and_then(|cluster| cluster.leader.clone()),
            since: cluster.and_then(|cluster| cluster.leader_since),
            made: info.created,
        }
    }
}

/// What the leader says of the stream.
pub(super) async fn info(stream: &Stream) -> Result<Info, BridgeError> {
    match timeout(ANSWER, stream.get_info()).await {
        Ok(Ok(info)) => Ok(info),
        Ok(Err(error)) => Err(BridgeError::Lost(error.to_string())),
        Err(_) => Err(silent()),
    }
}

/// The leader of the stream has changed: the log may have gone back.
pub(super) fn changed() -> BridgeError {
    BridgeError::Lost(format!("the stream {STREAM} has another leader"))
}

pub(super) fn silent() -> BridgeError {
    BridgeError::Silent(STREAM.into())
}
