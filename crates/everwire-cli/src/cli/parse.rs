//! Arguments that are more than text.

use std::time::Duration;

use everwire::{ConnectionName, Pattern};

/// A name.
///
/// # Errors
///
/// Why it is none.
pub fn name(text: &str) -> Result<ConnectionName, String> {
    ConnectionName::new(text).map_err(|error| error.to_string())
}

/// A pattern of names.
///
/// # Errors
///
/// Why it is none.
pub fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| error.to_string())
}

/// A duration, as the configuration has it.
///
/// # Errors
///
/// What would be one.
pub fn duration(text: &str) -> Result<Duration, String> {
    everwire::config::parse_duration(text)
}
