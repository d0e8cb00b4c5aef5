//! Why a dial failed or a socket was lost: one typed cause for the retry rule, the log, the status
//! and the events.

mod kind;
mod phase;
#[cfg(test)]
mod tests;
mod words;

use std::{borrow::Cow, time::Duration};

pub use self::{phase::Phase, words::code_in};
use crate::{
    decode::DecodeError,
    wire::{CloseFrame, Violation},
};

/// Why a dial failed or a socket was lost.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// A `${file:…}` could not be read.
    SecretMissing(String),
    /// A rendered URL, header or credential cannot be sent as it is.
    InvalidRequest(String),
    /// What was to be dialled must not be: see [`DialPolicy`](crate::settings::DialPolicy).
    Forbidden(String),
    /// The host name could not be resolved.
    Dns(String),
    /// The proxy could not be reached, or did not open the tunnel. What it answers is its own, and no word of the server's.
    Proxy {
        /// The HTTP status of its answer to CONNECT (RFC 9110 §9.3.6); `None` if it gave none, or speaks SOCKS.
        status: Option<u16>,
        /// What the `Retry-After` of that answer asked for (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
        /// Whether a SOCKS proxy wants other credentials, or its rules forbid the connection.
        denied: bool,
        /// What went wrong, and with which proxy.
        text: String,
    },
    /// The peer refused the TCP connection.
    Refused(String),
    /// The network has no way to the peer.
    Unreachable(String),
    /// The dial took longer than `connect_timeout`; it was in this phase.
    ConnectTimeout(Phase),
    /// Another error of the operating system while dialling.
    Tcp(String),
    /// The peer's certificate was not accepted by us, or ours, or the lack of one, by the peer.
    TlsCertificate(String),
    /// Another failure of the TLS handshake.
    Tls(String),
    /// The server answered the upgrade with another status than 101.
    HandshakeStatus {
        /// The HTTP status.
        status: u16,
        /// What `Retry-After` asked for (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
        /// The start of the refusal's body.
        text: String,
    },
    /// The answer to the upgrade breaks RFC 6455 §4.1, or HTTP itself.
    HandshakeInvalid(String),
    /// The server chose a subprotocol that was not offered, or none of those that were.
    Subprotocol(String),
    /// The server agreed to an extension that was not offered, or to an offer in a way that cannot be accepted.
    Extension(String),
    /// The server of the settings' URL sent the dial elsewhere, and it failed there. Kind, status and retry rule are those of that failure.
    Redirected {
        /// `host:port` of the last place that the dial was sent to.
        to: String,
        /// What happened there.
        cause: Box<Cause>,
    },
    /// The peer closed the WebSocket.
    Closed(CloseFrame),
    /// The TCP connection ended without a closing handshake.
    Eof,
    /// The TCP connection was reset, or another error of the operating system.
    Reset(String),
    /// No answer to a heartbeat within `heartbeat.timeout`.
    PongTimeout,
    /// Pongs came within `heartbeat.timeout`, and none with the payload of our ping (RFC 6455 §5.5.3).
    ForeignPongs,
    /// The peer sends messages, and answers no ping, while the confirmation of messages is awaited.
    FenceTimeout,
    /// The peer took none of our bytes within `heartbeat.timeout`.
    WriteTimeout,
    /// No byte of a data frame within `idle_timeout`.
    IdleTimeout,
    /// All names together use as much memory as they may, and the rest of a message was still to come.
    OutOfMemory,
    /// The peer broke the protocol or a limit.
    Protocol(Violation),
    /// A message is not what `decode` says.
    Decode(DecodeError),
    /// What is done before a dial failed, or was refused.
    Prepare {
        /// Which step and which call, what was answered after how long, and what decided.
        text: String,
        /// The HTTP status of the answer; `None` if there was none.
        status: Option<u16>,
        /// What the `Retry-After` of the answer asked for (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
        /// Whether asking again soon cannot help.
        is_refusal: bool,
        /// Whether the step says that asking again cannot help at all.
        gives_up: bool,
    },
    /// The peer refused what a step of the script asked for.
    ScriptRefused {
        /// Which step, what it expected, and what came.
        text: String,
        /// Whether the step says that asking again cannot help.
        gives_up: bool,
        /// Whether asking again soon may help: of a call, that the server was not able to answer it now.
        may_pass: bool,
        /// What the `Retry-After` of a call's answer asked for (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
    },
    /// A step of the script was not answered within its time: which, what it expected, and what came last.
    ScriptTimeout(String),
    /// A rule of the dialogue ends the socket.
    Rule {
        /// Which rule, and what it matched.
        text: String,
        /// Whether the rule says that there is no further attempt.
        gives_up: bool,
    },
    /// What was to be sent could not be made of its template.
    Template(String),
    /// The store cannot keep what was to be durable. No socket is lost for it.
    Store(String),
    /// Code of ours or of a subscriber panicked.
    Panic(String),
}

impl Cause {
    /// The peer refused what a step of the script asked for, and did not say when to ask again.
    pub fn script_refused(text: impl Into<String>, gives_up: bool) -> Self {
        Self::ScriptRefused {
            text: text.into(),
            gives_up,
            may_pass: false,
            retry_after: None,
        }
    }

    /// A proxy that gave no answer that counts.
    pub fn proxy(text: impl Into<String>) -> Self {
        Self::Proxy {
            status: None,
            retry_after: None,
            denied: false,
            text: text.into(),
        }
    }

    /// The HTTP status of the refusing answer: the server's to the upgrade, its proxy's to CONNECT,
    /// or that of a call before the dial.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::HandshakeStatus { status, .. } => Some(*status),
            Self::Redirected { cause, .. } => cause.status(),
            Self::Proxy { status, .. } | Self::Prepare { status, .. } => *status,
            _ => None,
        }
    }

    /// The status if it answers a dial: the one that settings such as `status:401` refer to.
    pub fn dial_status(&self) -> Option<u16> {
        match self {
            Self::Prepare { .. } => None,
            _ => self.status(),
        }
    }

    /// The close code for the peer when the socket is given up for this cause (RFC 6455 §7.4.1);
    /// `None`: nothing can, or need, be sent.
    pub fn close_code(&self) -> Option<u16> {
        match self {
            Self::Protocol(violation) => Some(violation.close_code()),
            Self::Decode(error) => Some(error.close_code()),
            Self::OutOfMemory => Some(1009),
            _ => None,
        }
    }

    /// The close reason for the peer when the socket is given up for this cause. For causes that
    /// quote the peer it is only the kind.
    pub fn close_reason(&self) -> Cow<'_, str> {
        match self {
            Self::ScriptRefused { .. }
            | Self::ScriptTimeout(_)
            | Self::Rule { .. }
            | Self::Template(_)
            | Self::Panic(_) => self.kind().into(),
            _ => self.text(),
        }
    }
}
