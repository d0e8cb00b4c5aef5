//! The clock, randomness and other inputs of the steps before a dial.

use std::time::Duration;

use everwire_proto::dialogue::Here;

use super::{before::Before, body::MAX_BODY};
use crate::{
    chance, clock,
    settings::{ConnectionSettings, Reconnect},
    signer::RingSigner,
    transport::secrets::Secrets,
};

/// The inputs of the steps before a dial.
pub(super) struct Place<'a> {
    before: &'a Before,
    secrets: &'a Secrets,
    slow: Duration,
}

impl<'a> Place<'a> {
    pub fn new(before: &'a Before, settings: &ConnectionSettings, secrets: &'a Secrets) -> Self {
        let slow = match &settings.reconnect {
            Reconnect::Backoff(backoff) => backoff.max,
            Reconnect::Never => Duration::from_secs(30),
        };
        Self {
            before,
            secrets,
            slow,
        }
    }

    /// The inputs at this moment.
    pub fn here(&self) -> Here<'_> {
        let now = clock::now();
        let since_epoch = clock::wall_at(now).as_duration();
        Here {
            now,
            wall: since_epoch.try_into().unwrap_or_default(),
            random: &fill,
            signer: &RingSigner,
            name: self.before.name.as_str(),
            handover: self.before.handover,
            sequence: self.before.sequence,
            max_message: MAX_BODY,
            variables: self.secrets,
            slow: self.slow,
            backoff: None,
        }
    }
}

/// Fills the bytes with secure random numbers.
fn fill(bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(size_of::<u64>()) {
        let random = chance::next_u64().to_ne_bytes();
        chunk.copy_from_slice(&random[..chunk.len()]);
    }
}
