//! The environment of a rehearsal.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use crate::{
    dialogue::here::{Here, Variables},
    language::{Random, Signer, Variable},
};

/// The environment of a rehearsal.
#[derive(Clone)]
pub(super) struct World<'s> {
    pub signer: &'s dyn Signer,
    pub name: String,
    pub now: Instant,
    pub wall: Duration,
    pub drawn: Cell<u64>,
    /// Whether the next socket, and whether this one, is dialled at a URL that the peer has named.
    pub dials_named: bool,
    pub is_handover: bool,
    pub max_message: usize,
}

impl World<'_> {
    pub fn here(&self) -> Here<'_> {
        Here {
            now: self.now,
            wall: self.wall,
            random: self,
            signer: self.signer,
            name: &self.name,
            handover: self.is_handover,
            sequence: None,
            max_message: self.max_message,
            variables: self,
            slow: Duration::from_secs(30),
            backoff: None,
        }
    }

    pub fn reach(&mut self, now: Instant) {
        self.wall += now.saturating_duration_since(self.now);
        self.now = self.now.max(now);
    }
}

impl Random for World<'_> {
    /// Bytes of a sequence (Knuth's multiplier) that is the same in each rehearsal.
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let next = self.drawn.get().wrapping_mul(6_364_136_223_846_793_005);
            self.drawn.set(next.wrapping_add(1));
            *byte = self.drawn.get().to_be_bytes()[0];
        }
    }
}

impl Variables for World<'_> {
    fn get(&self, _: Variable<'_>) -> Option<&str> {
        None
    }
}
