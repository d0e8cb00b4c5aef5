//! Parsers for arguments.

use std::time::Duration;

use everwire::{ConnectionName, Pattern};

/// A name.
///
/// # Errors
///
/// Why it is not a name.
pub fn name(text: &str) -> Result<ConnectionName, String> {
    ConnectionName::new(text).map_err(|error| error.to_string())
}

/// A pattern of names.
///
/// # Errors
///
/// Why it is not a pattern.
pub fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| error.to_string())
}

/// A duration in the format of the configuration.
///
/// # Errors
///
/// What would be valid.
pub fn duration(text: &str) -> Result<Duration, String> {
    everwire::config::parse_duration(text)
}
