//! Why a JSON text gives no settings.

/// Why a JSON text gives no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJson {
    /// The text is not JSON, or has a value that TOML does not have.
    #[error("invalid JSON for settings: {reason}, at line {line} column {column}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in bytes.
        column: usize,
        /// The reason.
        reason: String,
    },
    /// Keys or values are wrong.
    #[error("{} of the settings cannot be used", counted(.errors.len() + .omitted))]
    Keys {
        /// The errors, in the order of the text.
        errors: Vec<KeyError>,
        /// Errors beyond the bound on how many are kept.
        omitted: usize,
    },
}

/// An error of a key, with what would be right.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct KeyError {
    /// The place of the key, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The error.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl From<serde_json::Error> for InvalidJson {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        let (reason, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
        Self::Syntax {
            line: error.line().max(1),
            column: error.column().max(1),
            reason: reason.to_owned(),
        }
    }
}

fn counted(errors: usize) -> String {
    match errors {
        1 => "1 key".into(),
        count => format!("{count} keys"),
    }
}
