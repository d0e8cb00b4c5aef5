//! Why a message is refused before it is accepted.

/// A message that was not accepted: it has no id, and nothing further happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// The outbox has no room, and `when_full = "reject"`.
    #[error("the outbox is full")]
    Full,
    /// There is no memory for it: all connections together use up what `service.memory` allows.
    #[error("the outbox is full: all connections together have used up service.memory")]
    NoMemory,
    /// The name was closed by hand, removed, or gave up.
    #[error("the connection is closed")]
    Closed,
    /// The message is longer than `max_message`, or than the whole outbox.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The name is durable, and the store cannot write at present, or cannot be opened: a full disk, for example.
    #[error("the message cannot be kept: the store cannot write")]
    NotStored,
    /// The name keeps no socket of its own: `sessions_only` is set.
    #[error(
        "the connection has no socket of its own: sessions_only is set; send over a session of the raw bridge"
    )]
    SessionsOnly,
    /// The payload was to be text, and is not UTF-8.
    #[error("the payload is not UTF-8")]
    NotText,
}

/// A message longer than what may ever be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message has {len} bytes, at most {limit} are allowed")]
pub struct TooLarge {
    /// Its length, in bytes.
    pub len: usize,
    /// What is allowed, in bytes.
    pub limit: usize,
}
