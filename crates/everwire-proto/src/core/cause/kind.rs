//! The stable names of causes.

use super::Cause;

impl Cause {
    /// The values of [`kind`](Self::kind) that a socket can be lost for: the ones allowed in
    /// `give_up_on = ["cause:…"]`.
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
}
