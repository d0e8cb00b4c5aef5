//! Where the log is, and how far it was read.

use std::sync::Arc;

use async_nats::datetime::DateTime;
use bytes::Bytes;
use everwire::config::NatsSettings;

/// The stream.
pub(super) const STREAM: &str = "EVERWIRE_PLACES";
/// Its only subject.
pub(super) const SUBJECT: &str = "everwire.places";

/// Where the log is.
#[derive(Clone, Debug)]
pub(crate) struct LogSettings {
    /// The servers.
    pub nats: Arc<NatsSettings>,
    /// On how many servers the stream is kept, if this node makes it.
    pub replicas: u8,
}

/// How far the log was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The last record that was read since the reading began; `None` if none was.
    pub last: Option<Arrived>,
    /// Where the reading begins: records below are not needed. 0: at the first that is there.
    pub from: u64,
    /// When the stream was made that was read.
    pub made: Option<DateTime>,
}

/// A record as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrived {
    pub number: u64,
    pub at: DateTime,
    pub bytes: Bytes,
}
