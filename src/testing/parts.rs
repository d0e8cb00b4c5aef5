//! What a script is made of.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;

use super::frame;
use crate::core::Message;

/// How the peer ends a connection, or worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A TCP reset; what was not sent yet is lost.
    Reset,
    /// A TCP FIN with no Close frame before it.
    Fin,
    /// The TCP connection stays open, and nothing is read or answered any more.
    /// The peer holds such a socket until it is kicked again or stopped.
    Freeze,
    /// A Close frame with this code, then the closing handshake of RFC 6455 §7.1.
    Close(u16),
}

/// Which subprotocol the peer names in its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subprotocol {
    /// The client's first, if it offers any.
    #[default]
    First,
    /// The client's second, if it offers two.
    Second,
    /// None, whatever the client offers.
    None,
    /// This one, offered or not.
    Named(String),
}

/// How the peer answers Ping frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pongs {
    /// With a Pong of the same payload.
    #[default]
    Answer,
    /// Not at all; messages are still read and answered.
    Ignore,
    /// With a Pong of another payload.
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
