//! Why the service did not do what it was asked.

use std::{fmt::Write as _, io, path::PathBuf};

use awc::error::PayloadError;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::words::{one_line, printable};

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers.
    #[error(
        "the service at {api} cannot be reached: {text}; is `everwire run` running, and is --api its address?"
    )]
    Unreachable {
        /// The address of the service.
        api: String,
        /// What went wrong.
        text: String,
    },
    /// The answer broke off.
    #[error("the answer broke off: {0}")]
    Broken(String),
    /// The answer makes no sense.
    #[error("invalid answer: it is not from an everwire service: {0}")]
    Answer(String),
    /// The service refused.
    #[error("{0}")]
    Problem(#[from] Problem),
    /// A file for TLS cannot be used.
    #[error("{option} {path}: {text}", path = path.display())]
    TlsFile {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the file.
        text: String,
    },
    /// Nobody can be trusted.
    #[error("no trusted authorities: the system has none; name a file with --ca-file")]
    SystemAuthorities,
    /// A file for nothing.
    #[error("--ca-file, --cert-file and --key-file need an --api that begins with https://")]
    NoTls,
    /// The token's file cannot be read.
    #[error("--token @{path}: {source}", path = path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The token cannot be sent.
    #[error("invalid token: it has characters that a token cannot have")]
    Token,
}

impl Error {
    /// An error for an incomplete answer.
    pub fn broken(error: PayloadError) -> Self {
        Self::Broken(error.to_string())
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem(problem) => Some(problem.status),
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken(_) => true,
            _ => self
                .status()
                .is_some_and(|status| status >= 500 || status == 429),
        }
    }

    /// Whether the request itself is wrong.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Problem(problem) => {
                matches!(problem.status, 400 | 422) && !problem.is_of_connection()
            }
            Self::TlsFile { .. } | Self::NoTls | Self::TokenFile { .. } | Self::Token => true,
            _ => false,
        }
    }
}

/// What the service says is wrong (RFC 9457).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, thiserror::Error)]
#[error("{}", self.message())]
#[serde(default)]
pub struct Problem {
    /// The status.
    pub status: u16,
    title: String,
    detail: String,
    reason: String,
    errors: Vec<Value>,
    omitted: usize,
}

impl Problem {
    /// Reads the answer of a failed request. An answer that is not from everwire is shown
    /// unchanged.
    pub fn read(status: u16, body: &[u8]) -> Self {
        let read: Self = serde_json::from_slice(body).unwrap_or_else(|_| Self {
            detail: one_line(&String::from_utf8_lossy(&body[..body.len().min(200)])),
            ..Self::default()
        });
        Self { status, ..read }
    }

    /// Whether the connection's settings cannot do what the arguments rightly ask for.
    fn is_of_connection(&self) -> bool {
        matches!(&*self.reason, "no_subscribe" | "no_fence")
    }

    /// In a line, and a line for each part of it.
    fn message(&self) -> String {
        // The answer may be from another program.
        let detail = printable(&self.detail);
        let mut told = match (self.status, &*detail) {
            (404, "no such path") => {
                return "the service does not know this request: it is of another version than this program".into();
            }
            // The hint for programs does not help on a command line.
            (401, detail) => {
                let what = detail.split(':').next().unwrap_or_default();
                format!("{what}; give a token with --token or EVERWIRE_TOKEN")
            }
            (status, "") => format!("the service answered {status} {}", printable(&self.title)),
            (_, detail) => detail.to_owned(),
        };
        for error in &self.errors {
            let text = |key| error[key].as_str().filter(|text| !text.is_empty());
            let text = |key| text(key).map(printable);
            let place = text("pointer").or_else(|| text("file"));
            let place = place.unwrap_or_else(|| "-".into());
            let _infallible = write!(told, "\n  {place}");
            for key in ["line", "column"] {
                if let Some(number) = error[key].as_u64() {
                    let _infallible = write!(told, ":{number}");
                }
            }
            let _infallible = write!(told, ": {}", text("message").unwrap_or_default());
            if let Some(help) = text("help") {
                let _infallible = write!(told, " ({help})");
            }
        }
        if self.omitted > 0 {
            let _infallible = write!(told, "\n  and {} more", self.omitted);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(status: u16, body: &str) -> String {
        Problem::read(status, body.as_bytes()).to_string()
    }

    #[test]
    fn a_problem_is_told_as_a_person_would() {
        let body = r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no connection named \"x\""}"#;
        assert_eq!(message(404, body), "there is no connection named \"x\"");
        let body = r#"{"detail":"2 errors","errors":[{"pointer":"/url","message":"must be ws or wss","help":null},{"file":"a.toml","line":2,"column":3,"message":"unknown key","help":"did you mean x?"}],"omitted":1}"#;
        assert_eq!(
            message(422, body),
            "2 errors\n  /url: must be ws or wss\n  a.toml:2:3: unknown key (did you mean x?)\n  and 1 more"
        );
    }

    #[test]
    fn what_the_connection_cannot_do_is_no_wrong_usage() {
        let is_usage =
            |status, body: &str| Error::from(Problem::read(status, body.as_bytes())).is_usage();
        assert!(!is_usage(422, r#"{"reason":"no_subscribe"}"#));
        assert!(!is_usage(422, r#"{"reason":"no_fence"}"#));
        assert!(is_usage(422, r#"{"detail":"invalid id"}"#) && is_usage(400, "{}"));
        assert!(!is_usage(404, "{}"));
    }

    #[test]
    fn an_answer_of_somebody_else_is_shown_as_it_is() {
        assert_eq!(message(502, "Bad\nGateway"), "Bad Gateway");
        assert!(message(503, "{}").contains("503"));
        assert!(message(401, r#"{"detail":"who asks?"}"#).contains("--token"));
        assert!(message(404, r#"{"detail":"no such path"}"#).contains("another version"));
    }
}
