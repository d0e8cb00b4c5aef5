//! JetStream's answer to a published message.

use serde::Deserialize;

/// The answer to a published message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// It is stored at this position of the stream.
    Stored {
        /// The message's number in the stream.
        sequence: u64,
        /// The stream already had it, according to its id and the duplicate window.
        duplicate: bool,
    },
    /// The last message of the subject is not the expected one.
    OtherLast,
    /// The stream never accepts a message of this size.
    TooLarge,
    /// It is not stored; a later attempt may succeed.
    Refused {
        /// JetStream's error number; 0 if there is none.
        code: u64,
        /// JetStream's description.
        text: String,
    },
}

/// JetStream's error numbers (`err_code`).
const WRONG_LAST_SEQUENCE: u64 = 10071;
const MESSAGE_TOO_LARGE: u64 = 10054;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    error: Option<Error>,
}

#[derive(Deserialize)]
struct Error {
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

impl Ack {
    /// Reads an answer's payload.
    pub fn parse(payload: &[u8]) -> Self {
        match serde_json::from_slice(payload) {
            Ok(Answer {
                error: None,
                seq,
                duplicate,
            }) if seq > 0 => Self::Stored {
                sequence: seq,
                duplicate,
            },
            Ok(Answer {
                error: Some(error), ..
            }) => Self::of_error(error),
            Ok(_) | Err(_) => Self::Refused {
                code: 0,
                text: "the answer is not an acknowledgement of JetStream".into(),
            },
        }
    }

    fn of_error(error: Error) -> Self {
        match error.err_code {
            WRONG_LAST_SEQUENCE => Self::OtherLast,
            MESSAGE_TOO_LARGE => Self::TooLarge,
            code => Self::Refused {
                code,
                text: error.description,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_a_server_are_read() {
        let stored = |sequence, duplicate| Ack::Stored {
            sequence,
            duplicate,
        };
        let refused = |code, text: &str| Ack::Refused {
            code,
            text: text.into(),
        };
        for (payload, ack) in [
            (r#"{"stream":"S","seq":7}"#, stored(7, false)),
            (
                r#"{"stream":"S","domain":"d","seq":7,"duplicate":true}"#,
                stored(7, true),
            ),
            (
                r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"stream":"S","seq":0}"#,
                Ack::OtherLast,
            ),
            (
                r#"{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},"stream":"S","seq":0}"#,
                Ack::TooLarge,
            ),
            (
                r#"{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"S","seq":0}"#,
                refused(10077, "maximum bytes exceeded"),
            ),
            (
                "",
                refused(0, "the answer is not an acknowledgement of JetStream"),
            ),
            (
                "{}",
                refused(0, "the answer is not an acknowledgement of JetStream"),
            ),
        ] {
            assert_eq!(Ack::parse(payload.as_bytes()), ack, "{payload}");
        }
    }
}
