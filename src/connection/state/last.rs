//! What a name remembers of sockets and dials that are over.

use std::time::Instant;

use crate::{
    connection::{LastClose, LastError, LastMessage},
    core::Cause,
    events::FailedDial,
    transport::DialError,
};

/// The last of each kind. What is seldom there is boxed: an actor's memory comes in steps of 128 bytes.
#[derive(Default)]
pub(in crate::connection) struct Last {
    pub error: Option<Box<LastError>>,
    /// The dial that failed just now, until that is told.
    pub failed_dial: Option<Box<FailedDial>>,
    pub close: Option<Box<LastClose>>,
    /// What the peer said last before a young socket ended, until another one has stayed.
    pub message: Option<Box<LastMessage>>,
    /// When the last frame of the last socket came, until the next one is ready.
    pub blind_since: Option<Instant>,
}

impl Last {
    /// Keeps how far a dial came for the event that tells of its end.
    pub fn note_failed(&mut self, error: DialError) -> Cause {
        self.failed_dial = Some(Box::new(FailedDial {
            phase: error.phase,
            timings: error.timings.into(),
        }));
        error.cause
    }
}
