//! Times and durations in the API's format.

use std::{fmt::Display, time::Duration};

use jiff::Timestamp;
use serde::ser::{Serialize, Serializer};

/// A time as RFC 3339 in UTC, with microseconds.
///
/// ```
/// use everwire::events::rfc3339;
///
/// let at = jiff::Timestamp::from_millisecond(1_700_000_000_250)?;
/// assert_eq!(rfc3339(at), "2023-11-14T22:13:20.250000Z");
/// # Ok::<(), jiff::Error>(())
/// ```
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// A duration in milliseconds, with a fraction.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// A time like [`rfc3339`], or null.
pub(crate) fn optional_time<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(rfc3339).serialize(serializer)
}

pub(super) fn as_millis<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(millis(*duration))
}

pub(super) fn optional_millis<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(millis).serialize(serializer)
}

/// A time like [`rfc3339`].
pub(super) fn as_rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.6}"))
}

/// Serializes a value by its `Display`.
pub(super) fn as_text<S: Serializer>(
    value: &impl Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
