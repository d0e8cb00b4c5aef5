//! Numbers compared with a model that expands them.

use std::{
    cmp::Ordering,
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
};

use proptest::prelude::*;

use super::super::Number;

fn number(text: &str) -> Number<'_> {
    Number::parse(text).unwrap_or_else(|| panic!("{text}"))
}

fn hash(number: Number<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    hasher.finish()
}

/// A number times 10^100: all its digits, with the same count for each number of these tests.
#[derive(PartialEq, Eq, Debug)]
struct Model {
    is_negative: bool,
    digits: Vec<u8>,
}

const PLACES: i64 = 100;

impl Model {
    fn of(text: &str) -> Self {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let text = text.to_lowercase();
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i64 = exponent.parse().unwrap();
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        // The power of ten of the last digit.
        let last = exponent - fraction.len() as i64 + PLACES;
        let mut digits: Vec<u8> = format!("{whole}{fraction}").into();
        digits.extend(vec![b'0'; usize::try_from(last).unwrap()]);
        let mut padded = vec![b'0'; 400 - digits.len()];
        padded.extend(digits);
        let is_zero = padded.iter().all(|digit| *digit == b'0');
        Self {
            is_negative: is_negative && !is_zero,
            digits: padded,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, false) => self.digits.cmp(&other.digits),
            (true, true) => other.digits.cmp(&self.digits),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }

    fn as_i128(&self) -> Option<i128> {
        let (whole, fraction) = self.digits.split_at(400 - PLACES as usize);
        let text = String::from_utf8(whole.to_vec()).unwrap();
        let sign = if self.is_negative { "-" } else { "" };
        let is_whole = fraction.iter().all(|digit| *digit == b'0');
        format!("{sign}{text}").parse().ok().filter(|_| is_whole)
    }
}

/// Numbers that are often close to each other, or equal.
fn text() -> impl Strategy<Value = String> {
    let whole = prop_oneof![
        "0",
        "[1-9][0-9]{0,2}",
        "[1-9]0{0,40}",
        "10{0,3}5",
        "[1-9][0-9]{16,45}"
    ];
    let fraction = prop_oneof![
        "",
        "\\.0{1,5}",
        "\\.0{0,3}[0-9]{1,3}0{0,2}",
        "\\.[0-9]{20,30}"
    ];
    let exponent = prop_oneof!["", "[eE][+-]?0{0,2}[0-4]", "[eE]-?[0-3][0-9]"];
    ("-?", whole, fraction, exponent)
        .prop_map(|(sign, whole, fraction, exponent)| format!("{sign}{whole}{fraction}{exponent}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6_000))]

    #[test]
    fn numbers_compare_as_those_of_arithmetic(a in text(), b in text()) {
        let (x, y) = (number(&a), number(&b));
        let (of_a, of_b) = (Model::of(&a), Model::of(&b));
        prop_assert_eq!(x.cmp(&y), of_a.cmp(&of_b), "{} and {}", a, b);
        prop_assert_eq!(x == y, of_a == of_b);
        prop_assert!(x != y || hash(x) == hash(y));
        prop_assert_eq!(x.as_i128(), of_a.as_i128(), "{}", a);
        prop_assert_eq!(x.as_str(), &a);
    }

    #[test]
    fn a_number_that_is_written_otherwise_is_the_same(whole in any::<i64>(), places in 0..30_i64, zeros in 0..30_usize) {
        let plain = whole.to_string();
        let zeros = "0".repeat(zeros);
        let point = plain.len() - plain.trim_start_matches('-').len() + 1;
        let scientific = format!("{}.{}{zeros}e{}", &plain[..point], &format!("{}0", &plain[point..]), plain.len() - point);
        let shifted = format!("{plain}{}E-{places}", "0".repeat(places as usize));
        for other in [&scientific, &shifted] {
            prop_assert_eq!(number(&plain), number(other));
            prop_assert_eq!(hash(number(&plain)), hash(number(other)));
            prop_assert_eq!(number(other).as_i128(), Some(whole.into()));
        }
        let next = format!("{plain}.{zeros}1");
        prop_assert!(number(&next) != number(&plain));
    }

    #[test]
    fn whole_numbers_are_read_up_to_the_bounds(value in any::<i128>()) {
        prop_assert_eq!(number(&value.to_string()).as_i128(), Some(value));
    }

    #[test]
    fn what_is_a_number_is_one_for_serde_json(text in "[-+]?[0-9]{0,3}\\.?[0-9]{0,3}([eE][-+]?[0-9]{0,2})?[ x]?") {
        let expected = serde_json::from_str::<f64>(&text).is_ok() && !text.ends_with(' ');
        prop_assert_eq!(Number::parse(&text).is_some(), expected, "{}", text);
    }
}

#[test]
fn equal_numbers_may_be_written_in_many_ways() {
    for same in [
        &["1", "1.0", "10e-1", "0.1e1", "1E0", "1e-0", "100.00e-2"][..],
        &[
            "0",
            "-0",
            "0.0",
            "0e5",
            "-0.000e999999999999",
            "0E-99999999999999999999",
        ],
        &["-1500", "-1.5e3", "-15E+2", "-1500.000"],
        &["1e999999999999", "10e999999999998", "0.1e1000000000000"],
        &["0.001", "1e-3", "0.1e-2"],
    ] {
        for a in same {
            for b in same {
                assert_eq!(number(a), number(b), "{a} and {b}");
                assert_eq!(hash(number(a)), hash(number(b)), "{a} and {b}");
            }
        }
    }
}

#[test]
fn numbers_are_in_order() {
    let rising = [
        "-1e99999999999999999999",
        "-1e999999999999",
        "-9007199254740993",
        "-9007199254740992.5",
        "-9007199254740992",
        "-2",
        "-1.1",
        "-1",
        "-1e-9",
        "-1e-99999999999999999999",
        "0",
        "1e-99999999999999999999",
        "1e-999999999999",
        "0.1",
        "0.11",
        "0.2",
        "1",
        "1.0000000000000000000000001",
        "9",
        "10",
        "11",
        "100",
        "9007199254740992",
        "9007199254740993",
        "1e999999999999",
        "2e999999999999",
        "1e99999999999999999999",
    ];
    for (at, a) in rising.iter().enumerate() {
        for (other, b) in rising.iter().enumerate() {
            assert_eq!(number(a).cmp(&number(b)), at.cmp(&other), "{a} and {b}");
        }
    }
}

#[test]
fn whole_numbers_have_bounds() {
    for (text, expected) in [
        ("1e3", Some(1000)),
        ("1.50e1", Some(15)),
        ("1.5", None),
        ("1e-1", None),
        ("0e-5", Some(0)),
        ("-0", Some(0)),
        ("170141183460469231731687303715884105727", Some(i128::MAX)),
        ("170141183460469231731687303715884105728", None),
        ("-170141183460469231731687303715884105728", Some(i128::MIN)),
        ("-170141183460469231731687303715884105729", None),
        (
            "17014118346046923173168730371588410572.7e1",
            Some(i128::MAX),
        ),
        ("1e38", Some(10_i128.pow(38))),
        ("1e39", None),
        ("1e99999999999999999999", None),
        ("1e-99999999999999999999", None),
    ] {
        assert_eq!(number(text).as_i128(), expected, "{text}");
    }
    for text in [
        "", "-", "01", "1.", ".1", "+1", "1e", " 1", "1 ", "0x1", "NaN", "1_000", "١",
    ] {
        assert!(Number::parse(text).is_none(), "{text}");
    }
}
