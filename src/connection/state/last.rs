//! What a name remembers about finished sockets and dials.

use std::time::Instant;

use crate::{
    connection::{LastClose, LastError, LastMessage},
    core::Cause,
    events::FailedDial,
    transport::DialError,
};

/// The last of each kind. Rare parts are boxed: an actor's memory comes in steps of 128 bytes.
#[derive(Default)]
pub(in crate::connection) struct Last {
    pub error: Option<Box<LastError>>,
    /// The failed dial, until it is published.
    pub failed_dial: Option<Box<FailedDial>>,
    pub close: Option<Box<LastClose>>,
    /// The peer's last message before a young socket ended, until another one has stayed.
    pub message: Option<Box<LastMessage>>,
    /// When the last frame of the last socket came, until the next one is ready.
    pub blind_since: Option<Instant>,
}

impl Last {
    /// Keeps the progress of a failed dial for the event of its end.
    pub fn note_failed(&mut self, error: DialError) -> Cause {
        self.failed_dial = Some(Box::new(FailedDial {
            phase: error.phase,
            timings: error.timings.into(),
        }));
        error.cause
    }
}
