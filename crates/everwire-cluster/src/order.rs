//! What a caller asks of the cluster's thread.

use std::time::Duration;

use everwire::ConnectionName;
use everwire_proto::placement::{BootId, Command, Labels, Places, ShardId};
use tokio::sync::oneshot;

/// A request to the thread.
#[derive(Debug)]
pub(crate) enum Order {
    /// All names of a shard are closed.
    Given(ShardId),
    /// All names of a boot that has ended are abandoned.
    Abandoned,
    /// Names ask for these labels.
    Wants(Labels),
    /// A shard has so many names.
    HasNames(ShardId, u32),
    /// Append until it is so.
    Change(Change, oneshot::Sender<Result<(), ChangeError>>),
    /// Leave the cluster within this time.
    Leave(Duration, oneshot::Sender<()>),
}

/// A change of the cluster's state that a caller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A node gives away what it has.
    Drain(Box<str>),
    /// A name is closed by hand.
    Close(ConnectionName),
    /// A name is no longer closed by hand.
    Open(ConnectionName),
}

/// Why the cluster's state was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such node.
    #[error("there is no node {0:?} in the cluster")]
    NoNode(Box<str>),
    /// This node has not joined.
    #[error("this node has not joined the cluster, so it cannot change anything")]
    NotJoined,
    /// The record was not seen in the log in time.
    #[error("the log did not take the change in time: it may still come")]
    NotInTime,
    /// The state has no room for it.
    #[error("the cluster has no room for the change: {0}")]
    Refused(String),
    /// The cluster's thread has ended.
    #[error("this node has left the cluster")]
    Left,
}

impl Change {
    /// Whether the state is already as it asks for.
    pub fn is_so(&self, places: &Places) -> Result<bool, ChangeError> {
        match self {
            Self::Drain(node) => places
                .boots()
                .find(|(_, boot)| boot.node == *node)
                .map(|(_, boot)| boot.drains)
                .ok_or_else(|| ChangeError::NoNode(node.clone())),
            Self::Close(name) => Ok(places.is_closed(name)),
            Self::Open(name) => Ok(!places.is_closed(name)),
        }
    }

    /// The record that asks for it; `by` is this node's boot.
    pub fn command(&self, by: BootId, places: &Places) -> Option<Command> {
        Some(match self {
            Self::Drain(node) => {
                let mut boots = places.boots();
                let (boot, _) = boots.find(|(_, boot)| boot.node == *node)?;
                Command::Drain { boot }
            }
            Self::Close(name) => Command::Close {
                boot: by,
                name: name.clone(),
            },
            Self::Open(name) => Command::Open {
                boot: by,
                name: name.clone(),
            },
        })
    }
}
