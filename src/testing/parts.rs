//! The parts of a script.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;

use super::frame;
use crate::core::Message;

/// How the peer ends or blocks a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A TCP reset. Unsent data is lost.
    Reset,
    /// A TCP FIN without a Close frame.
    Fin,
    /// The TCP connection stays open, but the peer no longer reads or answers. The peer holds the
    /// socket until it is kicked again or stopped.
    Freeze,
    /// A Close frame with this code, then the closing handshake of RFC 6455 §7.1.
    Close(u16),
}

/// Which subprotocol the peer names in its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subprotocol {
    /// The first that the client offers, if any.
    #[default]
    First,
    /// The second that the client offers, if there are two.
    Second,
    /// None.
    None,
    /// This one, even if the client did not offer it.
    Named(String),
}

/// How the peer answers Ping frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pongs {
    /// With a Pong that has the same payload.
    #[default]
    Answer,
    /// Not at all. Messages are still read and answered.
    Ignore,
    /// With a Pong that has another payload.
    Wrong,
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    Upgrade(Upgrade),
    Status { status: u16, body: String },
    HangUp(How),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Upgrade {
    pub(super) subprotocol: Subprotocol,
    pub(super) wrong_accept: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    None,
    Echo,
    TextHeartbeat,
    Fragments(usize),
    With(ReplyFn),
}

#[derive(Clone)]
pub(super) struct ReplyFn(pub(super) Arc<Answering>);

type Answering = dyn Fn(&Message) -> Vec<Message> + Send + Sync;

impl fmt::Debug for ReplyFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyFn")
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Message),
    Raw(Bytes),
    Wait(Duration),
    AwaitMessages(u64),
    Feed { every: Duration, count: Option<u64> },
    Flood { bytes: Bytes, count: u64 },
    Close { code: Option<u16>, reason: String },
    End(How),
}

/// The opcode of a message's first frame.
pub(super) fn opcode(message: &Message) -> u8 {
    match message {
        Message::Text(_) => frame::TEXT,
        Message::Binary(_) => frame::BINARY,
    }
}
