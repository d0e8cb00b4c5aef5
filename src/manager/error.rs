//! Why a manager, or a handle, did not do what it was asked for.

use crate::{
    connection::{ConnectionGone, InvalidClose},
    core::{ConnectionName, InvalidName},
    stored::StoreError,
};

/// Why a manager did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// `Manager::start` needs an actix system around it; `Manager::spawn` does not.
    #[error("no actix system is running on this thread; use Manager::spawn outside of one")]
    NoSystem,
    /// The operating system gave no thread.
    #[error("the thread of the actix system cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The store cannot be opened, and waiting does not help: another process has it, a later version has written it, or `state_dir` is
    /// no directory that this user can write to.
    #[error("the store cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// A connection, or the manager itself, is to do what this build was made without.
    #[error("{}{missing}", name.as_ref().map(|name| format!("the connection {name:?}: ")).unwrap_or_default())]
    FeatureMissing {
        /// Which connection; `None` for the manager.
        name: Option<ConnectionName>,
        /// What it lacks.
        #[source]
        missing: FeatureMissing,
    },
    /// A connection has a dialogue and a protocol.
    #[error("the connection {0:?}: {TwoConversations}")]
    TwoConversations(ConnectionName),
    /// The thread of the actix system ended before it was up.
    #[error("the actix system ended before it was up")]
    Ended,
}

/// Why a name was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The text is not a valid name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// It is to be durable, and the store cannot be opened for a reason that does not pass by itself, as in
    /// [`StartError::Store`].
    #[error("the store cannot be opened: {0}")]
    Store(String),
    /// It is to do what this build was made without.
    #[error(transparent)]
    FeatureMissing(#[from] FeatureMissing),
    /// It has a dialogue and a protocol.
    #[error(transparent)]
    TwoConversations(#[from] TwoConversations),
    /// A connection of this name exists.
    #[error("a connection named {0:?} exists already")]
    Duplicate(ConnectionName),
    /// All epochs of the token under which it was [placed](crate::Manager::open_placed) are used up.
    #[error("the connection {0:?} has used up the epochs of its token: it needs another token")]
    NoEpochLeft(ConnectionName),
    /// The manager shuts down.
    #[error("the manager is shut down")]
    ShutDown,
}

/// Why a name did not get new settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigureError {
    /// There is no such name.
    #[error(transparent)]
    Gone(#[from] ConnectionGone),
    /// It is to do what this build was made without.
    #[error(transparent)]
    FeatureMissing(#[from] FeatureMissing),
    /// It has a dialogue and a protocol.
    #[error(transparent)]
    TwoConversations(#[from] TwoConversations),
    /// It is to be durable, and the store cannot be opened, or holds messages of an earlier process that were not looked for when the
    /// name was opened.
    #[error("the store cannot be used: {0}")]
    Store(String),
}

/// Why a close did not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// The name is gone.
    #[error(transparent)]
    Gone(#[from] ConnectionGone),
    /// The code or the reason cannot be sent.
    #[error(transparent)]
    Invalid(#[from] InvalidClose),
}

/// Settings ask for something that needs a feature of everwire which this build lacks. Nothing was opened or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{key} needs the feature \"{feature}\", which this build of everwire lacks; {instead}, or build it with that feature"
)]
#[non_exhaustive]
pub struct FeatureMissing {
    /// The feature, as `Cargo.toml` names it.
    pub feature: &'static str,
    /// The key that asks for it.
    pub key: &'static str,
    /// What would be right without it.
    pub instead: &'static str,
}

/// A connection is led by a declared dialogue and by a protocol in code, and both would speak on its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a connection has either a dialogue or a protocol: set one of `dialogue` and `protocol` to None"
)]
#[non_exhaustive]
pub struct TwoConversations;
