//! A request: a message with an answer.

use std::time::Duration;

use everwire_proto::dialogue::{ExpectedValue, InvalidRequest};

use super::ConnectionGone;
use crate::core::{JsonPointer, Message, Rejected};

/// A message that the peer answers. The caller gets exactly its own answer.
///
/// If the settings of the name say how requests are answered (`request`), the message is enough:
/// everwire replaces the caller's number by its own, so any number of callers may choose the same.
/// Otherwise the request itself names a value that its answer has at one place. The first later
/// message with that value is its answer, and one message answers one request.
///
/// A request is written once, before waiting outbox messages, and never again. If the socket is
/// lost before the answer, the request is [in doubt](RequestError::InDoubt).
///
/// ```
/// use std::time::Duration;
/// use everwire::{Request, core::JsonPointer};
///
/// let ping = Request::new(r#"{"op":"ping","id":7}"#)
///     .expecting(JsonPointer::new("/id")?, "7")
///     .within(Duration::from_secs(5));
/// # let _ = ping;
/// # Ok::<(), everwire::core::InvalidPointer>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The message. If the settings number requests, it is JSON with a number or a text at their
    /// `id`.
    pub message: Message,
    /// The value that marks the answer; `None`: the settings say how to find it.
    pub expected: Option<ExpectedValue>,
    /// How long the caller waits after the request was accepted; `None`: as the settings say, or
    /// [`WITHIN`](Self::WITHIN).
    pub within: Option<Duration>,
}

impl Request {
    /// How long a caller waits if neither it nor the settings say so.
    pub const WITHIN: Duration = Duration::from_secs(10);

    /// A request whose answer the settings of the name know how to find.
    pub fn new(message: impl Into<Message>) -> Self {
        Self {
            message: message.into(),
            expected: None,
            within: None,
        }
    }

    /// Sets the value that its answer has at `json`: a text, a number, or `true`, `false`, `null`.
    #[must_use]
    pub fn expecting(self, json: JsonPointer, equals: impl Into<Box<str>>) -> Self {
        let expected = Some(ExpectedValue::new(json, equals));
        Self { expected, ..self }
    }

    /// Sets how long the caller waits after the request was accepted.
    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        let within = Some(within);
        Self { within, ..self }
    }
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It was not accepted: nothing was sent.
    #[error("{0}")]
    Rejected(#[from] Rejected),
    /// It has no number that could be replaced: nothing was sent.
    #[error("{0}")]
    Invalid(#[from] InvalidRequest),
    /// The settings of the name do not say what answers a request, and the request does not either: nothing was sent.
    #[error(
        "nothing says which message is the answer: name a value, or write `request` into the settings of the connection"
    )]
    NothingExpected,
    /// The settings of the name say what answers a request, and the request does, too: nothing was sent.
    #[error(
        "`request` in the connection's settings says which message is the answer: leave out the value"
    )]
    ExpectedBySettings,
    /// The peer has refused it, with this answer.
    #[error("the peer has refused the request")]
    Failed(Message),
    /// Its time was over before it was written: the peer does not have it.
    #[error("the request was not sent in time")]
    NotSent,
    /// It was written, and nothing has answered it in time.
    #[error("the request was sent, and not answered in time")]
    Unanswered,
    /// It was written, and the socket was lost before an answer came: the peer may have it.
    #[error("the request is in doubt: the socket was lost before the answer came")]
    InDoubt,
    /// The name was closed, removed, or gave up before it was written: the peer does not have it.
    #[error("the request was cancelled before it was sent")]
    Cancelled,
    /// There is no such connection, or its actor is gone.
    #[error("{0}")]
    Gone(#[from] ConnectionGone),
}
