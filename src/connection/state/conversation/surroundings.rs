//! The context of a conversation.

use std::time::{Duration, Instant};

use everwire_proto::dialogue::Here;
use jiff::Timestamp;

use crate::{
    chance,
    core::ConnectionName,
    settings::{ConnectionSettings, Reconnect},
    signer::RingSigner,
    transport::Secrets,
};

/// The context of a conversation.
#[derive(Clone, Copy)]
pub(in crate::connection) struct Surroundings<'a> {
    pub name: &'a ConnectionName,
    pub settings: &'a ConnectionSettings,
    pub secrets: &'a Secrets,
    /// The last of the peer's own numbers.
    pub sequence: Option<u64>,
    pub wall: Timestamp,
    pub now: Instant,
}

/// The context of a socket's conversation. A macro, because it borrows single fields, so that the
/// conversation can be borrowed too.
macro_rules! surroundings {
    ($socket:expr, $act:expr, $now:expr) => {{
        let wall = $act.wall();
        $crate::connection::state::conversation::Surroundings {
            name: &$act.name,
            settings: &$act.settings,
            secrets: $socket.sent.secrets(),
            sequence: $act.inbound.last_number(),
            wall,
            now: $now,
        }
    }};
}
pub(in crate::connection) use surroundings;

impl Surroundings<'_> {
    pub(in crate::connection::state) fn here(&self, is_handover: bool) -> Here<'_> {
        let since_epoch = self.wall.as_duration();
        Here {
            now: self.now,
            wall: since_epoch.try_into().unwrap_or_default(),
            random: &fill,
            signer: &RingSigner,
            name: self.name.as_str(),
            handover: is_handover,
            sequence: self.sequence,
            max_message: self.settings.max_message,
            variables: self.secrets,
            slow: match &self.settings.reconnect {
                Reconnect::Backoff(backoff) => backoff.max,
                Reconnect::Never => Duration::from_secs(30),
            },
            backoff: match &self.settings.reconnect {
                Reconnect::Backoff(backoff) => Some(backoff),
                Reconnect::Never => None,
            },
        }
    }
}

/// Unpredictable random bytes.
fn fill(bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(size_of::<u64>()) {
        let random = chance::next_u64().to_ne_bytes();
        chunk.copy_from_slice(&random[..chunk.len()]);
    }
}
