//! Why a JSON text gives no settings.

/// Why a JSON text gives no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJson {
    /// It is no JSON, or has what TOML does not have.
    #[error("invalid JSON for settings: {reason}, at line {line} column {column}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in bytes.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// Keys or values are wrong.
    #[error("{} of the settings cannot be used", counted(.errors.len() + .omitted))]
    Keys {
        /// What is wrong, in the order of the text.
        errors: Vec<KeyError>,
        /// Errors beyond the bound on how many are kept.
        omitted: usize,
    },
}

/// What is wrong with a key, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct KeyError {
    /// Where the key stands, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong.
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
