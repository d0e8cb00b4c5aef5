//! JSON numbers, compared exactly rather than as floats.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    iter,
};

use super::scan::Scan;

/// A number as it was written, of any size and precision.
///
/// Numbers compare by their exact values: `1`, `1.0` and `10e-1` are equal, and so are `0` and
/// `-0`. They are compared digit by digit, so digits beyond a float's precision count, and nothing
/// is ever expanded: `1e999999999` takes no more time than `1`. An exponent is limited to the range
/// of an `i64`.
///
/// ```
/// use everwire_proto::language::json::Number;
///
/// let number = |text| Number::parse(text).ok_or("no number");
/// assert_eq!(number("1")?, number("10.0e-1")?);
/// assert!(number("9007199254740993")? > number("9007199254740992")?);
/// assert_eq!(number("1e3")?.as_i128(), Some(1000));
/// assert_eq!(number("1.50")?.as_str(), "1.50");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy)]
pub struct Number<'a> {
    written: &'a str,
    sign: Sign,
    /// The digits before and after the point, without leading and trailing zeros of both together.
    whole: &'a str,
    fraction: &'a str,
    /// The position of the point, counted from the first digit: the value is `0.DIGITS` times ten
    /// to the power of this.
    point: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Sign {
    Negative,
    Zero,
    Positive,
}

impl<'a> Number<'a> {
    /// Parses a number in JSON notation; `None` if the text is anything else.
    pub fn parse(text: &'a str) -> Option<Self> {
        let end = Scan::new(text).number(0)?;
        (end == text.len()).then(|| Self::scanned(text))
    }

    /// A scanned number.
    pub(super) fn scanned(written: &'a str) -> Self {
        let unsigned = written.strip_prefix('-').unwrap_or(written);
        let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, saturating(exponent)),
            None => (unsigned, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (mut whole, mut fraction) = (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        );
        let mut point = length(whole);
        if fraction.is_empty() {
            whole = whole.trim_end_matches('0');
        }
        if whole.is_empty() {
            let zeros = length(fraction);
            fraction = fraction.trim_start_matches('0');
            point += length(fraction) - zeros;
        }
        let sign = match (
            whole.is_empty() && fraction.is_empty(),
            unsigned.len() < written.len(),
        ) {
            (true, _) => Sign::Zero,
            (false, true) => Sign::Negative,
            (false, false) => Sign::Positive,
        };
        Self {
            written,
            sign,
            whole,
            fraction,
            // A zero has no digits, wherever its point is.
            point: if sign == Sign::Zero {
                0
            } else {
                point.saturating_add(exponent)
            },
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &'a str {
        self.written
    }

    /// Its value, if it is an integer that fits into an `i128`: `1e3` and `1.0` are integers.
    pub fn as_i128(&self) -> Option<i128> {
        let digits = length(self.whole) + length(self.fraction);
        let zeros = u32::try_from(self.point.checked_sub(digits)?).ok()?;
        if self.sign == Sign::Zero {
            return Some(0);
        }
        let power = 10_i128.checked_pow(zeros)?;
        let value = self.digits().try_fold(0_i128, |value, digit| {
            let digit = i128::from(digit - b'0');
            // Downwards, where there is room for one more.
            value.checked_mul(10)?.checked_sub(digit)
        })?;
        let value = value.checked_mul(power)?;
        match self.sign {
            Sign::Negative => Some(value),
            _ => value.checked_neg(),
        }
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.whole.bytes().chain(self.fraction.bytes())
    }

    /// Compares the absolute values.
    fn magnitude(&self, other: &Self) -> Ordering {
        let by_point = self.point.cmp(&other.point);
        by_point.then_with(|| self.digits().cmp(other.digits()))
    }
}

/// A length is far below the limits of an `i64`.
fn length(digits: &str) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

/// An exponent, limited to the range of an `i64`.
fn saturating(exponent: &str) -> i64 {
    match exponent.parse() {
        Ok(exponent) => exponent,
        Err(_) if exponent.starts_with('-') => i64::MIN,
        Err(_) => i64::MAX,
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number<'_> {}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sign.cmp(&other.sign).then_with(|| match self.sign {
            Sign::Zero => Ordering::Equal,
            Sign::Positive => self.magnitude(other),
            Sign::Negative => other.magnitude(self),
        })
    }
}

impl Hash for Number<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sign.hash(state);
        self.point.hash(state);
        self.digits()
            .chain(iter::once(b'.'))
            .for_each(|digit| state.write_u8(digit));
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written)
    }
}

impl fmt::Debug for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written)
    }
}
