//! What goes out ahead of the outbox, and what it waits for.

use crate::{
    connection::outbox::rate_limit::{BucketSet, Waiting},
    core::Message,
};

/// What goes ahead of the outbox.
#[derive(Debug)]
pub(super) enum Ahead {
    /// An answer to what the peer has said: it waits for nothing.
    Answer(Message),
    /// An opening message, or `Connect`'s data.
    Message(Message),
    /// The next step, whose text is made when its turn has come.
    Step(StepTurn),
    /// What is said of subscriptions, one message after the other: behind all others.
    Subscription(StepTurn),
}

/// What the turn of a step waits for.
#[derive(Debug)]
pub(super) enum StepTurn {
    /// The rate of the connection.
    Usual,
    /// It has had its turn: for nothing.
    Had,
    /// These buckets, which are not the connection's alone.
    Own(Box<OwnTurn>),
}

/// A step that waits for buckets that other messages do not wait for.
#[derive(Debug)]
pub(super) struct OwnTurn {
    pub buckets: BucketSet,
    pub waiting: Option<Waiting>,
}

/// What goes out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The first of those that go ahead of the outbox.
    Ahead,
    /// What is said of subscriptions. `had`: it has had its turn at its own rate.
    Subscription {
        had: bool,
    },
    /// The request of a caller.
    Request,
    Outbox,
}

impl StepTurn {
    /// `own`: the buckets that it waits for, if they are not the connection's alone.
    pub fn of(own: Option<Box<BucketSet>>) -> Self {
        match own {
            None => Self::Usual,
            Some(buckets) => Self::Own(Box::new(OwnTurn {
                buckets: *buckets,
                waiting: None,
            })),
        }
    }
}
