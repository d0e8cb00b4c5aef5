//! The message of a step that signs slowly: it is filled in one moment, as often as signatures are lacking.

use std::{fmt, time::Duration};

use super::here::Here;
use crate::language::{DeferringSigner, Redrawn, SignatureRequest, Signatures};

/// The moment of a step that signs slowly, and what is signed by now.
#[derive(Clone)]
pub(super) struct Signing {
    wall: Duration,
    drawn: Vec<u8>,
    signatures: Signatures,
}

impl Signing {
    /// The moment is now.
    pub fn new(here: &Here<'_>) -> Self {
        Self {
            wall: here.wall,
            drawn: Vec::new(),
            signatures: Signatures::default(),
        }
    }

    /// Fills something in that moment. Returns what it came to, and the signatures that were lacking: with any, it came to nothing.
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

    /// These were made.
    pub fn add(&mut self, made: Vec<(SignatureRequest, Option<Vec<u8>>)>) {
        for (request, signature) in made {
            self.signatures.add(request, signature);
        }
    }
}

impl fmt::Debug for Signing {
    /// What was drawn may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.signatures.fmt(f)
    }
}
