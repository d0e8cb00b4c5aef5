//! Readable texts for times and numbers.

use std::time::Duration;

use everwire::core::displayable;
use jiff::Timestamp;
use serde_json::Value;

/// The steps of a dial, in order.
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

/// How long until something comes: `now`, or `in 20s`.
pub fn until(span: Duration) -> String {
    match span.as_secs() {
        0 => "now".into(),
        _ => format!("in {}", self::span(span)),
    }
}

/// How long something took, in milliseconds: `0.4 ms`, `4.2s`, `2m 13s`, `3h 5m`, `9d 4h`.
pub fn duration(ms: f64) -> String {
    if ms < 999.95 {
        return format!("{ms:.1} ms");
    }
    if ms < 60_000.0 {
        return format!("{:.1}s", ms / 1000.0);
    }
    let seconds = (ms / 1000.0) as u64;
    let (large, small, by) = match seconds {
        0..3_600 => ("m", "s", 60),
        3_600..86_400 => ("h", "m", 3_600),
        _ => ("d", "h", 86_400),
    };
    let rest = seconds % by * if by == 86_400 { 24 } else { 60 } / by;
    format!("{}{large} {rest}{small}", seconds / by)
}

/// The same without spaces: `0.4ms`, `5s`, `2m13s`.
pub fn compact(ms: f64) -> String {
    duration(ms).replace(' ', "").replace(".0", "")
}

/// A duration in the form of [`compact`].
pub fn limit(time: Duration) -> String {
    compact(time.as_secs_f64() * 1e3)
}

/// The time from `earlier` to `later`; zero if they are reversed.
pub fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

/// The start of a peer's text in one line. It must not move the cursor.
pub fn one_line(text: &str) -> String {
    printable(text.trim()).chars().take(200).collect()
}

/// The whole text in one line, of displayable characters.
pub fn printable(text: &str) -> String {
    displayable(text).into_owned()
}

/// A count and its noun, with `s` unless the count is one.
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

/// The steps of a dial with their durations: `tcp 0.1 ms, upgrade 2.3s`. Empty if there were none.
pub fn steps(timings: &Value) -> String {
    let told = STEPS.iter().filter_map(|step| {
        let ms = timings[format!("{step}_ms")].as_f64()?;
        Some(format!("{step} {}", duration(ms)))
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
    fn a_duration_has_at_most_two_units() {
        for (ms, text, word) in [
            (0.0, "0.0 ms", "0ms"),
            (999.94, "999.9 ms", "999.9ms"),
            (999.96, "1.0s", "1s"),
            (59_940.0, "59.9s", "59.9s"),
            (59_960.0, "60.0s", "60s"),
            (60_000.0, "1m 0s", "1m0s"),
            (133_593.1, "2m 13s", "2m13s"),
            (3_599_999.0, "59m 59s", "59m59s"),
            (11_100_000.0, "3h 5m", "3h5m"),
            (792_000_000.0, "9d 4h", "9d4h"),
        ] {
            assert_eq!((&*duration(ms), &*compact(ms)), (text, word), "{ms}");
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
