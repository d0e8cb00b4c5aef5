//! What can be wrong with a bridge.

use std::path::PathBuf;

use everwire::config::SecretMissing;

/// Why a bridge does not carry messages now. It goes on trying, but for [`BridgeError::Panicked`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// No server answers.
    #[error("no NATS server answers: {0}")]
    Unreachable(String),
    /// The servers do not accept the credentials.
    #[error("the NATS servers refuse the credentials: {0}")]
    Credentials(String),
    /// A secret or a file of credentials is missing.
    #[error("a credential is missing: {0}")]
    SecretMissing(#[from] SecretMissing),
    /// A file of credentials cannot be used.
    #[error("invalid credentials file {path}: {reason}", path = path.display())]
    CredentialsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS failed.
    #[error("TLS with the NATS servers failed: {0}")]
    Tls(String),
    /// The server has no JetStream, or not for this account.
    #[error("JetStream is off for this account: {0}")]
    NoJetStream(String),
    /// The stream cannot be made.
    #[error("the stream {stream} cannot be made: {reason}")]
    StreamNotMade {
        /// The stream.
        stream: String,
        /// What the server says.
        reason: String,
    },
    /// A stream of this name is there, and is not the bridge's.
    #[error("the stream {stream} does not take {subject}: it takes {takes}")]
    OtherStream {
        /// The stream.
        stream: String,
        /// What it should take.
        subject: String,
        /// What it takes.
        takes: String,
    },
    /// The stream was deleted, or JetStream was turned off.
    #[error("nobody takes messages for the stream {0}: it is gone, or JetStream is off")]
    StreamGone(String),
    /// Another process takes messages from the queue.
    #[error(
        "another process takes messages from the stream {0}: each everwire needs a queue of its own"
    )]
    QueueTaken(String),
    /// The bridge has ended by a fault of its own. It does not try again.
    #[error("the bridge has ended by a fault of its own: restart everwire, and report the fault")]
    Panicked,
    /// The connection was lost.
    #[error("the connection to NATS was lost: {0}")]
    Lost(String),
    /// The stream acknowledges nothing, or does not answer questions about it.
    #[error("the server does not answer for the stream {0}")]
    Silent(String),
    /// The server refuses what the bridge asks for.
    #[error("the NATS server refuses: {0}")]
    Refused(String),
}

impl BridgeError {
    /// All codes.
    pub const CODES: [&str; 13] = [
        "nats_unreachable",
        "nats_credentials",
        "nats_secret_missing",
        "nats_tls",
        "nats_no_jetstream",
        "nats_stream_not_made",
        "nats_stream_gone",
        "nats_other_stream",
        "nats_queue_taken",
        "nats_panicked",
        "nats_lost",
        "nats_silent",
        "nats_refused",
    ];

    /// A short name that stays: for metrics, logs and programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "nats_unreachable",
            Self::Credentials(_) => "nats_credentials",
            Self::SecretMissing(_) | Self::CredentialsFile { .. } => "nats_secret_missing",
            Self::Tls(_) => "nats_tls",
            Self::NoJetStream(_) => "nats_no_jetstream",
            Self::StreamNotMade { .. } => "nats_stream_not_made",
            Self::StreamGone(_) => "nats_stream_gone",
            Self::OtherStream { .. } => "nats_other_stream",
            Self::QueueTaken(_) => "nats_queue_taken",
            Self::Panicked => "nats_panicked",
            Self::Lost(_) => "nats_lost",
            Self::Silent(_) => "nats_silent",
            Self::Refused(_) => "nats_refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_codes_are_listed() {
        let text = String::new;
        let errors = [
            BridgeError::Unreachable(text()),
            BridgeError::Credentials(text()),
            BridgeError::SecretMissing(SecretMissing::Stored(text())),
            BridgeError::Tls(text()),
            BridgeError::NoJetStream(text()),
            BridgeError::StreamNotMade {
                stream: text(),
                reason: text(),
            },
            BridgeError::StreamGone(text()),
            BridgeError::OtherStream {
                stream: text(),
                subject: text(),
                takes: text(),
            },
            BridgeError::QueueTaken(text()),
            BridgeError::Panicked,
            BridgeError::Lost(text()),
            BridgeError::Silent(text()),
            BridgeError::Refused(text()),
        ];
        assert_eq!(errors.map(|error| error.code()), BridgeError::CODES);
    }
}
