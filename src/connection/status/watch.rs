//! Watching the conversation of a name.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use everwire_proto::dialogue::Happening;
use futures::Stream;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::events::rfc3339;

/// Something that has happened in the conversation of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Watched {
    /// When.
    #[serde(serialize_with = "time")]
    pub at: Timestamp,
    /// Whether it was on a socket that is made ready beside the one that serves.
    pub successor: bool,
    /// How much was left out before it, since too much waited for whoever watches.
    pub missed: u64,
    /// What.
    #[serde(flatten)]
    pub happening: Happening,
}

/// What happens in the conversation of a name, from when it was asked for. Dropping it ends the watching.
///
/// [`Handle::watch`](crate::Handle::watch) makes it.
#[derive(Debug)]
pub struct Watch(mpsc::Receiver<Watched>);

/// Where it is told.
#[derive(Debug)]
pub(crate) struct Watcher {
    sender: mpsc::Sender<Watched>,
    missed: u64,
    /// Whether what it is told is of a successor.
    pub is_successor: bool,
}

/// Nobody watches any more.
#[derive(Clone, Copy, Debug)]
pub(in crate::connection) struct Unwatched;

impl Watch {
    /// At most so much waits.
    pub(crate) fn new(capacity: usize) -> (Self, Watcher) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let watcher = Watcher {
            sender,
            missed: 0,
            is_successor: false,
        };
        (Self(receiver), watcher)
    }
}

impl Watcher {
    /// The same for a successor.
    pub(in crate::connection) fn of_successor(&self) -> Self {
        self.beside(true)
    }

    /// The same, told of something else: of a successor, or not.
    pub(in crate::connection) fn beside(&self, is_successor: bool) -> Self {
        Self {
            sender: self.sender.clone(),
            missed: 0,
            is_successor,
        }
    }

    /// Tells it, or counts that there was no room.
    pub(in crate::connection) fn tell(
        &mut self,
        happening: Happening,
        at: Timestamp,
    ) -> Result<(), Unwatched> {
        let watched = Watched {
            at,
            successor: self.is_successor,
            missed: self.missed,
            happening,
        };
        match self.sender.try_send(watched) {
            Ok(()) => self.missed = 0,
            Err(TrySendError::Full(_)) => self.missed += 1,
            Err(TrySendError::Closed(_)) => return Err(Unwatched),
        }
        Ok(())
    }
}

impl Stream for Watch {
    type Item = Watched;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Watched>> {
        self.0.poll_recv(cx)
    }
}

fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}
