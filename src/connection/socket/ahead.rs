//! Messages before the outbox, and what they wait for.

use crate::{
    connection::outbox::rate_limit::{BucketSet, Waiting},
    core::Message,
};

/// A message that is sent before the outbox.
#[derive(Debug)]
pub(super) enum Ahead {
    /// An answer to a message of the peer. It waits for nothing.
    Answer(Message),
    /// An opening message, or `Connect`'s data.
    Message(Message),
    /// The next step. Its text is rendered when its turn has come.
    Step(StepTurn),
    /// Subscription messages, one after the other: after all others here.
    Subscription(StepTurn),
}

/// What the turn of a step waits for.
#[derive(Debug)]
pub(super) enum StepTurn {
    /// The rate of the connection.
    Usual,
    /// Nothing: it has had its turn.
    Had,
    /// Buckets that are not only the connection's.
    Own(Box<OwnTurn>),
}

/// A step that waits for buckets that other messages do not wait for.
#[derive(Debug)]
pub(super) struct OwnTurn {
    pub buckets: BucketSet,
    pub waiting: Option<Waiting>,
}

/// What is sent next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The first message before the outbox.
    Ahead,
    /// A subscription message. `had`: it has had its turn at its own rate.
    Subscription {
        had: bool,
    },
    /// A caller's request.
    Request,
    Outbox,
}

impl StepTurn {
    /// `own`: the buckets that it waits for, if they are not only the connection's.
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
