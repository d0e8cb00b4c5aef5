//! Messages with slow signatures: rendered for one fixed time, again for each round of missing
//! signatures.

use std::{fmt, time::Duration};

use super::here::Here;
use crate::language::{DeferringSigner, Redrawn, SignatureRequest, Signatures};

/// The fixed time of a step with slow signatures, and the signatures so far.
#[derive(Clone)]
pub(super) struct Signing {
    wall: Duration,
    drawn: Vec<u8>,
    signatures: Signatures,
}

impl Signing {
    /// For the current time.
    pub fn new(here: &Here<'_>) -> Self {
        Self {
            wall: here.wall,
            drawn: Vec::new(),
            signatures: Signatures::default(),
        }
    }

    /// Renders something for that time. Returns the result and the missing signatures; with any,
    /// there is no usable result.
    pub fn fill<T>(
        &mut self,
        here: &Here<'_>,
        fill: impl FnOnce(&Here<'_>) -> T,
    ) -> (T, Vec<SignatureRequest>) {
        let signer = DeferringSigner::new(here.signer, &mut self.signatures);
        let random = Redrawn::new(here.random, &mut self.drawn);
        let filled = fill(&Here {
            wall: self.wall,
            signer: &signer,
            random: &random,
            ..*here
        });
        (filled, signer.into_lacking())
    }

    /// Adds finished signatures.
    pub fn add(&mut self, made: Vec<(SignatureRequest, Option<Vec<u8>>)>) {
        for (request, signature) in made {
            self.signatures.add(request, signature);
        }
    }
}

impl fmt::Debug for Signing {
    /// Random values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.signatures.fmt(f)
    }
}
