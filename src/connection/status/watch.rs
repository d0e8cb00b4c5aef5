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

/// A happening in the conversation of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Watched {
    /// When.
    #[serde(serialize_with = "time")]
    pub at: Timestamp,
    /// Whether it was on the successor's socket.
    pub successor: bool,
    /// How many happenings were dropped before it, because too many waited.
    pub missed: u64,
    /// What happened.
    #[serde(flatten)]
    pub happening: Happening,
}

/// The happenings in the conversation of a name, from the call on. Dropping it ends the watching.
///
/// [`Handle::watch`](crate::Handle::watch) makes it.
#[derive(Debug)]
pub struct Watch(mpsc::Receiver<Watched>);

/// The sending end.
#[derive(Debug)]
pub(crate) struct Watcher {
    sender: mpsc::Sender<Watched>,
    missed: u64,
    /// Whether its reports are about a successor.
    pub is_successor: bool,
}

/// The watcher has gone.
#[derive(Clone, Copy, Debug)]
pub(in crate::connection) struct Unwatched;

impl Watch {
    /// At most `capacity` happenings wait.
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

    /// The same, for a successor or not.
    pub(in crate::connection) fn beside(&self, is_successor: bool) -> Self {
        Self {
            sender: self.sender.clone(),
            missed: 0,
            is_successor,
        }
    }

    /// Reports a happening, or counts it as missed if there is no room.
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
