//! Incoming messages: deduplication after a rotation, and the peer's own numbers.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use crate::{
    core::{Deduplication, Observed, Sequence},
    events::{Gap, GapReason},
};

/// The state of a name's incoming messages.
#[derive(Default)]
pub(in crate::connection) struct Inbound {
    /// The deduplication between two sockets of a rotation.
    pub deduplication: Deduplication,
    /// The peer's own numbers, if `sequence` says how to read them.
    numbers: Option<Box<Sequence>>,
}

impl Inbound {
    /// The last numbers of the peer.
    pub fn marks(&self) -> Sequence {
        self.numbers.as_deref().cloned().unwrap_or_default()
    }

    /// The last number of the only stream.
    pub fn last_number(&self) -> Option<u64> {
        self.numbers.as_ref()?.last()
    }

    /// The rule for reading numbers has changed.
    pub fn forget_numbers(&mut self) {
        self.numbers = None;
    }

    /// The numbers of a new socket may start over.
    pub fn begin_numbers(&mut self) {
        if let Some(numbers) = &mut self.numbers {
            numbers.begin_socket();
        }
    }

    /// A message has this number. Returns the hole or repetition that it shows. `has_streams`: the
    /// peer numbers several streams.
    pub fn observe(&mut self, stream: Cow<'_, str>, number: u64, has_streams: bool) -> Option<Gap> {
        let numbers = self.numbers.get_or_insert_default();
        let (reason, last, missing) = match numbers.observe(&stream, number) {
            Observed::First | Observed::Next => return None,
            Observed::Hole { expected, missing } => {
                (GapReason::Hole, expected.saturating_sub(1), Some(missing))
            }
            Observed::Double { last } => (GapReason::Double, last, None),
            Observed::Restart { last } => (GapReason::Restart, last, None),
        };
        Some(Gap {
            reason,
            blind: Duration::ZERO,
            stream: has_streams.then(|| stream.into_owned()),
            peer_seq: Some(last),
            next: Some(number),
            missing,
        })
    }

    /// The gap of a time without a socket.
    pub fn blind(&self, since: Instant, now: Instant) -> Gap {
        Gap {
            reason: GapReason::Reconnect,
            blind: now.saturating_duration_since(since),
            stream: None,
            peer_seq: self.numbers.as_ref().and_then(|numbers| numbers.last()),
            next: None,
            missing: None,
        }
    }
}
