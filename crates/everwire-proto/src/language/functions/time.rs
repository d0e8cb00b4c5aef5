//! The time, in the units of `now`.

use std::time::Duration;

/// The unit of `now`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
    /// Such as `2026-01-31T23:59:59.123Z`.
    Iso,
}

impl Unit {
    pub const ALL: [(&'static str, Self); 5] = [
        ("s", Self::Seconds),
        ("ms", Self::Millis),
        ("us", Self::Micros),
        ("ns", Self::Nanos),
        ("iso", Self::Iso),
    ];
}

/// The number of whole units since 1970; for [`Unit::Iso`] the milliseconds.
fn since_1970(wall: Duration, unit: Unit) -> Option<i128> {
    let number = match unit {
        Unit::Seconds => wall.as_secs().into(),
        Unit::Millis | Unit::Iso => wall.as_millis(),
        Unit::Micros => wall.as_micros(),
        Unit::Nanos => wall.as_nanos(),
    };
    i128::try_from(number).ok()
}

/// The time with this offset, in the unit (for [`Unit::Iso`] in seconds); `None` if it is out of
/// range.
pub(in super::super) fn now(wall: Duration, unit: Unit, offset: i128) -> Option<String> {
    let now = since_1970(wall, unit)?;
    match unit {
        Unit::Iso => iso(now.checked_add(offset.checked_mul(1000)?)?),
        _ => {
            let now = now.checked_add(offset)?;
            // Nearly all times fit into 64 bits, which are written several times faster.
            Some(u64::try_from(now).map_or_else(|_| now.to_string(), |now| now.to_string()))
        }
    }
}

/// Milliseconds since 1970 as a date and a time of the day; `None` outside of the years 0 to 9999.
fn iso(millis: i128) -> Option<String> {
    const DAY: i128 = 86_400_000;
    let days = i64::try_from(millis.div_euclid(DAY)).ok()?;
    let of_day = millis.rem_euclid(DAY);
    let (year, month, day) = date(days)?;
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
    ))
}

/// The date of a day since 1970 in the Gregorian calendar, counted from 0000-03-01, so that a leap
/// day is the last of its year.
fn date(days: i64) -> Option<(i64, i64, i64)> {
    const DAYS_TO_1970: i64 = 719_468;
    const DAYS_OF_400_YEARS: i64 = 146_097;
    let days = days.checked_add(DAYS_TO_1970)?;
    let (era, of_era) = (
        days.div_euclid(DAYS_OF_400_YEARS),
        days.rem_euclid(DAYS_OF_400_YEARS),
    );
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Five months from March on have 153 days.
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (0..=9999).contains(&year).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_799, "2000-02-29T23:59:59.000Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000Z"),
            (1_769_903_999, "2026-01-31T23:59:59.000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799, "9999-12-31T23:59:59.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
            (-62_167_219_200, "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso(seconds * 1000).as_deref(), Some(text));
        }
        assert_eq!(iso(253_402_300_800_000), None);
        assert_eq!(iso(-62_167_219_200_001), None);
        assert_eq!(iso(i128::MAX), None);
    }

    #[test]
    fn an_offset_counts_in_the_unit() {
        let wall = Duration::new(1_769_903_999, 123_456_789);
        for (unit, offset, text) in [
            (Unit::Seconds, 0, "1769903999"),
            (Unit::Seconds, 120, "1769904119"),
            (Unit::Millis, -1, "1769903999122"),
            (Unit::Micros, 1, "1769903999123457"),
            (Unit::Nanos, 0, "1769903999123456789"),
            (Unit::Iso, 0, "2026-01-31T23:59:59.123Z"),
            (Unit::Iso, 1, "2026-02-01T00:00:00.123Z"),
        ] {
            assert_eq!(now(wall, unit, offset).as_deref(), Some(text), "{unit:?}");
        }
        assert_eq!(now(wall, Unit::Nanos, i128::MAX), None);
        assert_eq!(now(wall, Unit::Iso, i128::MAX), None);
    }
}
