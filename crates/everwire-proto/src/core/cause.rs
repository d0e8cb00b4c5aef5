//! Why a dial failed or a socket was lost: one typed cause, told alike to the retry rule, the log, the status and the events.

use std::{borrow::Cow, fmt, time::Duration};

use super::displayable;
use crate::{
    decode::DecodeError,
    wire::{CloseFrame, Violation},
};

/// The step of a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Waiting for the dial budget, and reading secrets.
    Prepare,
    /// Resolving the host name.
    Dns,
    /// Reaching the proxy, and having it open the tunnel.
    Proxy,
    /// Opening the TCP connection.
    Tcp,
    /// The TLS handshake.
    Tls,
    /// The upgrade request and its answer.
    Upgrade,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "prepare",
            Self::Dns => "dns",
            Self::Proxy => "proxy",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
        })
    }
}

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
    /// The values of [`kind`](Self::kind) that a socket can be lost for: what `give_up_on = ["cause:…"]` may name.
    pub const KINDS: [&str; 31] = [
        "secret_missing",
        "invalid_request",
        "forbidden",
        "dns",
        "proxy",
        "refused",
        "unreachable",
        "connect_timeout",
        "tcp",
        "tls_certificate",
        "tls",
        "handshake_status",
        "handshake_invalid",
        "subprotocol",
        "extension",
        "closed",
        "eof",
        "reset",
        "pong_timeout",
        "fence_timeout",
        "write_timeout",
        "idle_timeout",
        "memory",
        "protocol",
        "decode",
        "prepare",
        "script_refused",
        "script_timeout",
        "rule",
        "template",
        "panic",
    ];

    /// The text in which words of the server's may stand; with `any`, whatever text it has.
    pub fn foreign_text(&mut self, any: bool) -> Option<&mut String> {
        match self {
            Self::HandshakeStatus { text, .. }
            | Self::HandshakeInvalid(text)
            | Self::Subprotocol(text)
            | Self::Extension(text)
            | Self::Prepare { text, .. }
            | Self::ScriptRefused { text, .. }
            | Self::ScriptTimeout(text)
            | Self::Rule { text, .. }
            | Self::Template(text) => Some(text),
            Self::SecretMissing(text)
            | Self::InvalidRequest(text)
            | Self::Forbidden(text)
            | Self::Dns(text)
            | Self::Proxy { text, .. }
            | Self::Refused(text)
            | Self::Unreachable(text)
            | Self::Tcp(text)
            | Self::TlsCertificate(text)
            | Self::Tls(text)
            | Self::Reset(text) => Some(text).filter(|_| any),
            Self::ConnectTimeout(_)
            | Self::Redirected { .. }
            | Self::Closed(_)
            | Self::Eof
            | Self::PongTimeout
            | Self::ForeignPongs
            | Self::FenceTimeout
            | Self::WriteTimeout
            | Self::IdleTimeout
            | Self::OutOfMemory
            | Self::Protocol(_)
            | Self::Decode(_)
            | Self::Store(_)
            | Self::Panic(_) => None,
        }
    }

    /// The stable name of this kind of cause.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SecretMissing(_) => "secret_missing",
            Self::InvalidRequest(_) => "invalid_request",
            Self::Forbidden(_) => "forbidden",
            Self::Dns(_) => "dns",
            Self::Proxy { .. } => "proxy",
            Self::Refused(_) => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::ConnectTimeout(_) => "connect_timeout",
            Self::Tcp(_) => "tcp",
            Self::TlsCertificate(_) => "tls_certificate",
            Self::Tls(_) => "tls",
            Self::HandshakeStatus { .. } => "handshake_status",
            Self::HandshakeInvalid(_) => "handshake_invalid",
            Self::Subprotocol(_) => "subprotocol",
            Self::Extension(_) => "extension",
            Self::Redirected { cause, .. } => cause.kind(),
            Self::Closed(_) => "closed",
            Self::Eof => "eof",
            Self::Reset(_) => "reset",
            Self::PongTimeout | Self::ForeignPongs => "pong_timeout",
            Self::FenceTimeout => "fence_timeout",
            Self::WriteTimeout => "write_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::OutOfMemory => "memory",
            Self::Protocol(_) => "protocol",
            Self::Decode(_) => "decode",
            Self::Prepare { .. } => "prepare",
            Self::ScriptRefused { .. } => "script_refused",
            Self::ScriptTimeout(_) => "script_timeout",
            Self::Rule { .. } => "rule",
            Self::Template(_) => "template",
            Self::Store(_) => "store",
            Self::Panic(_) => "panic",
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

    /// The HTTP status of the answer that refused: the server's to the upgrade, its proxy's to CONNECT, or another server's to what is
    /// done before the dial.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::HandshakeStatus { status, .. } => Some(*status),
            Self::Redirected { cause, .. } => cause.status(),
            Self::Proxy { status, .. } | Self::Prepare { status, .. } => *status,
            _ => None,
        }
    }

    /// The same where it answers a dial: what words such as `status:401` in the settings are about.
    pub fn dial_status(&self) -> Option<u16> {
        match self {
            Self::Prepare { .. } => None,
            _ => self.status(),
        }
    }

    /// What the peer is told when the socket is given up for this (RFC 6455 §7.4.1); `None`: nothing can be told, or nothing need be.
    pub fn close_code(&self) -> Option<u16> {
        match self {
            Self::Protocol(violation) => Some(violation.close_code()),
            Self::Decode(error) => Some(error.close_code()),
            Self::OutOfMemory => Some(1009),
            _ => None,
        }
    }

    /// The reason that the peer is told when the socket is given up for this: of our own words for what it said only the kind.
    pub fn close_reason(&self) -> Cow<'_, str> {
        match self {
            Self::ScriptRefused { .. }
            | Self::ScriptTimeout(_)
            | Self::Rule { .. }
            | Self::Template(_) => self.kind().into(),
            _ => self.text(),
        }
    }

    /// What an operator reads: the reason in one line, of [displayable](super::is_displayable) characters.
    pub fn text(&self) -> Cow<'_, str> {
        match self.words() {
            Cow::Borrowed(text) => displayable(text),
            Cow::Owned(text) => displayable(&text).into_owned().into(),
        }
    }

    fn words(&self) -> Cow<'_, str> {
        match self {
            Self::SecretMissing(text)
            | Self::InvalidRequest(text)
            | Self::Forbidden(text)
            | Self::Dns(text)
            | Self::Proxy { text, .. }
            | Self::Refused(text)
            | Self::Unreachable(text)
            | Self::Tcp(text)
            | Self::TlsCertificate(text)
            | Self::Tls(text)
            | Self::HandshakeInvalid(text)
            | Self::Subprotocol(text)
            | Self::Extension(text)
            | Self::Reset(text)
            | Self::Prepare { text, .. }
            | Self::ScriptRefused { text, .. }
            | Self::ScriptTimeout(text)
            | Self::Rule { text, .. }
            | Self::Template(text)
            | Self::Store(text)
            | Self::Panic(text) => Cow::Borrowed(text),
            Self::ConnectTimeout(phase) => format!("timed out in phase {phase}").into(),
            Self::HandshakeStatus { status, text, .. } if text.is_empty() => {
                format!("the server answered {status} instead of 101").into()
            }
            Self::HandshakeStatus { status, text, .. } => {
                format!("the server answered {status} instead of 101: {text}").into()
            }
            Self::Redirected { to, cause } => {
                format!("after a redirect to {to}: {}", cause.text()).into()
            }
            Self::Closed(frame) => format!("the peer closed: {frame}").into(),
            Self::Eof => "the connection ended without a close frame".into(),
            Self::PongTimeout => "no answer to a heartbeat in time".into(),
            Self::ForeignPongs => {
                "pongs came, but none repeats the payload of our ping, as RFC 6455 §5.5.3 asks"
                    .into()
            }
            Self::FenceTimeout => "the peer sends, and answers no ping".into(),
            Self::WriteTimeout => "the peer took no bytes in time".into(),
            Self::IdleTimeout => "no byte of a message within idle_timeout".into(),
            Self::OutOfMemory => {
                "a message cannot be received: the memory that all connections may use (service.memory) is used up".into()
            }
            Self::Protocol(violation) => violation.to_string().into(),
            Self::Decode(error) => error.to_string().into(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.text())
    }
}

impl std::error::Error for Cause {}

/// What looks like code in a text that an operator reads: a name in camel case, or the form in which a value is debugged.
///
/// For the tests of those that make such texts.
#[doc(hidden)]
pub fn code_in(text: &str) -> Option<&str> {
    const NAMES: [&str; 10] = [
        "WebSocket",
        "subjectAltName",
        "ChaCha20",
        "http",
        "WebSockets",
        "SecWebSocket",
        "OpenSSL",
        "IPv4",
        "IPv6",
        "Poly1305",
    ];
    let is_camel = |word: &&str| {
        let mut letters = word.chars().zip(word.chars().skip(1));
        letters.any(|(first, next)| first.is_lowercase() && next.is_uppercase())
            && !NAMES.contains(word)
    };
    let debugged = [
        "Some(", "None", "Other(", "Error(", " { ", "::", "\\u{", "b\"",
    ];
    text.split(|c: char| !c.is_alphanumeric())
        .find(is_camel)
        .or_else(|| debugged.into_iter().find(|form| text.contains(form)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode::Format, wire::Opcode};

    /// One of each; a new one does not compile until it stands here, too.
    fn violations() -> Vec<Violation> {
        use Violation as V;
        let all = vec![
            V::ReservedBits(2),
            V::CompressionBit(Opcode::Continuation),
            V::ReservedOpcode(3),
            V::Masked,
            V::ControlFragmented(Opcode::Ping),
            V::ControlTooLong(Opcode::Close),
            V::LengthNotMinimal(1),
            V::LengthTopBit(1 << 63),
            V::ContinuationWithoutStart,
            V::MessageUnfinished(Opcode::Text),
            V::CloseTruncated,
            V::CloseCode(1005),
            V::CloseReasonNotUtf8,
            V::TextNotUtf8 { offset: 1 },
            V::DeflateInvalid,
            V::DeflateTruncated,
            V::FrameTooBig { len: 9, limit: 8 },
            V::MessageTooBig { len: 9, limit: 8 },
            V::TooManyFragments { limit: 8 },
            V::ControlFlood { limit: 8 },
        ];
        for violation in &all {
            match violation {
                V::ReservedBits(_) | V::CompressionBit(_) | V::ReservedOpcode(_) | V::Masked => {}
                V::ControlFragmented(_) | V::ControlTooLong(_) | V::LengthNotMinimal(_) => {}
                V::LengthTopBit(_) | V::ContinuationWithoutStart | V::MessageUnfinished(_) => {}
                V::CloseTruncated | V::CloseCode(_) | V::CloseReasonNotUtf8 => {}
                V::TextNotUtf8 { .. } | V::DeflateInvalid | V::DeflateTruncated => {}
                V::FrameTooBig { .. } | V::MessageTooBig { .. } => {}
                V::TooManyFragments { .. } | V::ControlFlood { .. } => {}
            }
        }
        all
    }

    /// One of each.
    fn undecoded() -> [DecodeError; 7] {
        let (format, len) = (Format::ZlibStream, 20);
        [
            DecodeError::Foreign { format, len },
            DecodeError::Invalid { format, len },
            DecodeError::Truncated { format, len },
            DecodeError::Trailing {
                format,
                len,
                extra: 3,
            },
            DecodeError::TooBig {
                format,
                len,
                limit: 8,
            },
            DecodeError::TooManyMembers { len, limit: 8 },
            DecodeError::StreamEnded { len },
        ]
    }

    fn causes() -> Vec<Cause> {
        let phases = [
            Phase::Prepare,
            Phase::Dns,
            Phase::Proxy,
            Phase::Tcp,
            Phase::Tls,
            Phase::Upgrade,
        ];
        let mut all = vec![
            Cause::HandshakeStatus {
                status: 503,
                retry_after: Some(Duration::from_secs(1)),
                text: String::new(),
            },
            Cause::HandshakeStatus {
                status: 503,
                retry_after: None,
                text: "later".into(),
            },
            Cause::Closed(CloseFrame::default()),
            Cause::Closed(CloseFrame::new(4000, "bye")),
            Cause::Eof,
            Cause::PongTimeout,
            Cause::ForeignPongs,
            Cause::FenceTimeout,
            Cause::WriteTimeout,
            Cause::IdleTimeout,
            Cause::OutOfMemory,
            Cause::Prepare {
                text: "step 1 of prepare: no".into(),
                status: Some(503),
                retry_after: None,
                is_refusal: false,
                gives_up: false,
            },
            Cause::ScriptRefused {
                text: "step 1 of open_script: no".into(),
                gives_up: true,
            },
            Cause::ScriptTimeout("step 1 of open_script: nothing came".into()),
            Cause::Rule {
                text: "rule 1 says reconnect".into(),
                gives_up: false,
            },
            Cause::Template("`${token}` is absent".into()),
        ];
        all.extend(phases.map(Cause::ConnectTimeout));
        all.extend(violations().into_iter().map(Cause::Protocol));
        all.extend(undecoded().map(Cause::Decode));
        all
    }

    #[test]
    fn no_cause_is_told_in_code() {
        for cause in causes() {
            let text = cause.to_string();
            assert_eq!(code_in(&text), None, "{text}");
        }
    }

    #[test]
    fn a_message_over_a_limit_names_the_key() {
        let frame = Violation::FrameTooBig { len: 9, limit: 8 };
        assert_eq!(
            frame.to_string(),
            "a frame of 9 bytes is longer than max_frame, which is 8"
        );
        let message = Violation::MessageTooBig { len: 9, limit: 8 };
        assert!(message.to_string().contains("longer than max_message"));
    }

    #[test]
    fn code_is_found() {
        for (text, found) in [
            (
                "corrupt message of type InvalidContentType",
                "InvalidContentType",
            ),
            ("Other(OtherError(CaUsedAsEndEntity))", "OtherError"),
            ("Some(3)", "Some("),
        ] {
            assert_eq!(code_in(text), Some(found));
        }
        assert_eq!(
            code_in("the answer has no Sec-WebSocket-Accept header"),
            None
        );
    }
}
