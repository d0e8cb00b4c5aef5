//! The text of a cause for an operator.

use std::{borrow::Cow, fmt};

use super::{super::displayable, Cause};

impl Cause {
    /// The text, if it may quote the server; with `any`, whatever text it has.
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
            | Self::Reset(text)
            | Self::Panic(text) => Some(text).filter(|_| any),
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
            | Self::Store(_) => None,
        }
    }

    /// One line for an operator, in [displayable](crate::core::is_displayable) characters.
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

/// Parts of an operator's text that look like code: a name in camel case, or the debug form of a
/// value.
///
/// For tests of such texts.
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
