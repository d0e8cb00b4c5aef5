//! The notation of durations, sizes and rates.

use std::{num::NonZeroU32, time::Duration};

use crate::settings::MAX_DURATION;
use everwire_proto::settings::Rate;

/// The largest size that is accepted: 1 TiB.
pub(super) const MAX_SIZE: u64 = 1 << 40;

/// The pattern of a duration, for JSON Schema.
pub(super) const DURATION_PATTERN: &str = r"^(?!$)(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$";

/// The pattern of a size, for JSON Schema.
pub(super) const SIZE_PATTERN: &str = r"^\d+([kKMGT]B|[KMGT]iB|B)?$";

/// The pattern of a rate, for JSON Schema.
pub(super) const RATE_PATTERN: &str = r"^(unlimited|\d+/(\d*(d|h|m|s|ms))+)$";

/// The units of a duration, the longest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The units of a size.
const SIZES: [&str; 10] = [
    "B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB",
];

/// Reads `100ms`, `10s`, `5m`, `1h30m`: whole numbers with units, the longest unit first, each once.
///
/// # Errors
///
/// What to write instead.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration = strict_duration(text).ok_or_else(|| meant_duration(text))?;
    if duration > MAX_DURATION {
        return Err("the longest duration is a year: \"365d\"".into());
    }
    Ok(duration)
}

fn strict_duration(text: &str) -> Option<Duration> {
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() || text.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let end = after.find(|c: char| c.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = after;
    }
    Some(Duration::from_millis(total))
}

/// The strict form of a text that people or other tools would read as a duration.
fn meant_duration(text: &str) -> String {
    match text.parse::<jiff::SignedDuration>() {
        Ok(meant) if !meant.is_negative() && meant.unsigned_abs() <= MAX_DURATION => {
            format!("write {:?}", format_duration(meant.unsigned_abs()))
        }
        _ => "write whole numbers with units, the longest first: \"500ms\", \"10s\", \"5m\", \"1h30m\""
            .into(),
    }
}

/// The shortest text that [`parse_duration`] reads back; fractions of a millisecond are rounded up.
pub(super) fn format_duration(duration: Duration) -> String {
    let mut left = duration.as_nanos().div_ceil(1_000_000);
    let mut text = String::new();
    // Without days: people write "36h".
    for (unit, factor) in &UNITS[1..] {
        let factor = u128::from(*factor);
        if left >= factor {
            text.push_str(&format!("{}{unit}", left / factor));
            left %= factor;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

/// Reads `16MiB`, `500kB`, `4096B`, `4096`: a whole number of bytes, or of one of their multiples.
///
/// # Errors
///
/// What to write instead.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = &text[digits..];
    let strict = digits > 0 && (unit.is_empty() || SIZES.contains(&unit));
    match text.parse::<bytesize::ByteSize>() {
        Ok(size) if size.0 > MAX_SIZE => Err("the largest size is \"1TiB\"".into()),
        Ok(size) if strict => Ok(size.0),
        Ok(size) => Err(format!("write {:?}", format_size(size.0))),
        Err(_) => {
            Err("write a whole number and a unit: \"16MiB\", \"64KiB\", \"500kB\", or the number of bytes".into())
        }
    }
}

/// The shortest text that [`parse_size`] reads back.
pub(super) fn format_size(size: u64) -> String {
    let unit = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .into_iter()
        .find(|(_, shift)| size > 0 && size.trailing_zeros() >= *shift);
    match unit {
        Some((unit, shift)) => format!("{}{unit}", size >> shift),
        None => format!("{size}B"),
    }
}

/// Reads `200/s`, `300/5m`, `unlimited`.
///
/// # Errors
///
/// What to write instead.
pub(super) fn parse_rate(text: &str) -> Result<Rate, String> {
    if text == "unlimited" {
        return Ok(Rate::Unlimited);
    }
    let wrong = || "write a count and a time: \"200/s\", \"300/5m\", or \"unlimited\"".to_owned();
    let (count, per) = text.split_once('/').ok_or_else(wrong)?;
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: NonZeroU32 = count.parse().map_err(|_| {
        format!(
            "the count is at least 1 and at most {}; without a limit it is \"unlimited\"",
            u32::MAX
        )
    })?;
    let per = if per.starts_with(|c: char| c.is_ascii_digit()) {
        parse_duration(per)
    } else {
        parse_duration(&format!("1{per}"))
    };
    match per {
        Ok(per) if per.is_zero() => Err("the time must be longer than zero".into()),
        Ok(per) => Ok(Rate::Limited { count, per }),
        Err(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_units_in_order() {
        let ms = |text| parse_duration(text).map(|duration| duration.as_millis());
        for (text, millis) in [
            ("0s", 0),
            ("100ms", 100),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1s500ms", 1_500),
            ("365d", 31_536_000_000),
        ] {
            assert_eq!(ms(text), Ok(millis), "{text}");
        }
        for text in [
            "",
            "10",
            "s",
            "10 s",
            "1.5s",
            "-1s",
            "1m1h",
            "1s1s",
            "10sec",
            "366d",
            "1h 30m",
            "99999999999999999999s",
            "1٣s",
        ] {
            assert!(ms(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_duration_in_another_notation_is_answered_with_the_strict_one() {
        for (text, help) in [
            ("10 sec", "write \"10s\""),
            ("1.5s", "write \"1s500ms\""),
            ("PT5M", "write \"5m\""),
            ("1 hour 30 minutes", "write \"1h30m\""),
        ] {
            assert_eq!(parse_duration(text), Err(help.to_owned()), "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_their_multiples() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("4096B", 4096),
            ("64KiB", 65536),
            ("500kB", 500_000),
            ("16MiB", 16 << 20),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_size("16 mib"), Err("write \"16MiB\"".into()));
        assert_eq!(parse_size("1.5KiB"), Err("write \"1536B\"".into()));
        for text in [
            "",
            "MiB",
            "-1",
            "1e3",
            "2TiB",
            "99999999999999999999",
            "16 miles",
        ] {
            assert!(parse_size(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn rates_are_a_count_in_a_time() {
        let limited = |count, seconds| {
            Ok(Rate::Limited {
                count: NonZeroU32::new(count).unwrap(),
                per: Duration::from_secs(seconds),
            })
        };
        assert_eq!(parse_rate("200/s"), limited(200, 1));
        assert_eq!(parse_rate("300/5m"), limited(300, 300));
        assert_eq!(parse_rate("unlimited"), Ok(Rate::Unlimited));
        for text in [
            "",
            "200",
            "0/s",
            "/s",
            "1/",
            "1/0s",
            "-1/s",
            "+1/s",
            "1/sec",
            "4294967296/s",
        ] {
            assert!(parse_rate(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["0s", "1ms", "10s", "1h30m", "36h", "1m5ms"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        for text in ["0B", "1B", "1536B", "16MiB", "1TiB"] {
            assert_eq!(format_size(parse_size(text).unwrap()), text);
        }
    }
}
