//! Times and texts in words for a person.

use std::time::Duration;

use everwire::core::displayable;
use jiff::Timestamp;
use serde_json::Value;

/// The steps of a dial, in their order.
const STEPS: [&str; 5] = ["dns", "tcp", "proxy", "tls", "upgrade"];

/// A time span in at most four characters: `0s`, `59s`, `59m`, `23h`, `999d`.
pub fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// From `earlier` to `later`; zero if they are the other way round.
pub fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

/// What a peer wrote must not move the cursor; of a long text its start is enough.
pub fn one_line(text: &str) -> String {
    printable(text.trim()).chars().take(200).collect()
}

/// The whole text in one line, of displayable characters.
pub fn printable(text: &str) -> String {
    displayable(text).into_owned()
}

/// A count and its noun, `s` for all but one.
pub fn count(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// Bytes in at most six characters, by powers of 1024.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut left = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if left < 1023.5 {
            break;
        }
        left /= 1024.0;
        unit = larger;
    }
    match unit == "B" || left >= 9.95 {
        true => format!("{left:.0} {unit}"),
        false => format!("{left:.1} {unit}"),
    }
}

/// The steps that a dial took, and how long each: `tcp 0.1 ms, upgrade 2.3 ms`. Empty if there were none.
pub fn steps(timings: &Value) -> String {
    let told = STEPS.iter().filter_map(|step| {
        let ms = timings[format!("{step}_ms")].as_f64()?;
        Some(format!("{step} {ms:.1} ms"))
    });
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_short() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (7_200, "2h"),
            (172_800, "2d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_a_peer_wrote_is_one_printable_line() {
        assert_eq!(one_line("a\x1b[2Jb\nc "), "a [2Jb c");
        assert_eq!(one_line("a\u{9b}2J\u{202e}b"), "a 2J\u{fffd}b");
    }

    #[test]
    fn bytes_are_short() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (10 << 20, "10 MiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
