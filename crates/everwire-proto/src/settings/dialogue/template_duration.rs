//! Durations that are rendered at run time.

use std::time::Duration;

use crate::language::{MessageTemplate, World};

/// The shortest time of a template.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// The longest time of a template.
pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A duration from a template, such as `"${beat}ms"`.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateDuration(pub MessageTemplate);

/// The result of a template is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a duration")]
pub struct NoDuration;

impl TemplateDuration {
    /// The duration, clamped to [`SHORTEST`] and [`LONGEST`]; `None`: the template has no value
    /// yet.
    ///
    /// # Errors
    ///
    /// The value of the template is not a duration.
    pub fn evaluate(&self, world: &dyn World) -> Result<Option<Duration>, NoDuration> {
        match self.0.render(world) {
            Ok(filled) => filled.as_text().and_then(read).map(Some).ok_or(NoDuration),
            Err(crate::language::Unfilled::Absent { .. }) => Ok(None),
            Err(_) => Err(NoDuration),
        }
    }
}

/// Reads `300s`, `1.5h`, `41250ms`, and clamps it. A negative number becomes the shortest time.
fn read(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    let number: f64 = digits.trim_end().parse().ok()?;
    // Clamped as a number, since a peer may name a time that overflows a `Duration`.
    let seconds = (number * unit).clamp(SHORTEST.as_secs_f64(), LONGEST.as_secs_f64());
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_names_is_clamped_or_no_duration() {
        for (text, duration) in [
            ("0s", Some(SHORTEST)),
            ("-30s", Some(SHORTEST)),
            ("300s", Some(Duration::from_secs(300))),
            ("41250ms", Some(Duration::from_millis(41_250))),
            ("1.5m", Some(Duration::from_secs(90))),
            ("1000000000000s", Some(LONGEST)),
            ("1e400s", Some(LONGEST)),
            ("soons", None),
            ("soon", None),
            ("300", None),
            ("", None),
            ("s", None),
            ("NaNs", None),
        ] {
            assert_eq!(read(text), duration, "{text}");
        }
    }
}
