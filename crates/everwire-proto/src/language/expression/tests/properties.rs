//! Random expressions over random messages: no panic, no value that is too long, and no needle that
//! hides a match.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::language::json::Spans;

/// The number of tried expressions, unless `EVERWIRE_LANGUAGE_CASES` is set.
const CASES: u32 = 20_000;

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a", "b", "op", "ping", "", "0", "1", "ä", "x\"y", "\n", "-5", "1.0",
    ])
}

fn json_text(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// The leaves of expressions.
fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => word().prop_map(json_text),
        2 => prop::sample::select(vec![
            "0",
            "1",
            "-1",
            "1.0",
            "10e-1",
            "1e400",
            "170141183460469231731687303715884105727"
        ])
        .prop_map(String::from),
        2 => prop::sample::select(vec![
            "true",
            "false",
            "null",
            "message",
            "id",
            "x",
            "y",
            "KEY",
            "uuid()",
            "random(2, \"hex\")"
        ])
        .prop_map(String::from),
        5 => prop::collection::vec(
            prop::sample::select(vec!["a", "b", "op", "0", "1", "a~1b"]),
            1..4
        )
        .prop_map(|keys| format!("/{}", keys.join("/"))),
    ]
}

/// Expressions of any kind; some are refused, as they should be.
pub(in crate::language) fn expression() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 24, 3, |inner| {
        let one = prop::sample::select(vec![
            "base64",
            "base64url",
            "unbase64",
            "hex",
            "unhex",
            "urlencode",
            "json",
            "raw",
            "text",
            "number",
            "exists",
            "header",
            "!",
        ]);
        let two = prop::sample::select(vec![
            "==", "!=", "<", "<=", ">", ">=", "in", "~", "+", "-", "&&", "||",
        ]);
        let call = prop::sample::select(vec![
            "at", "after", "starts", "contains", "default", "hash", "hmac", "jwt", "between", "now",
        ]);
        prop_oneof![
            (one, inner.clone()).prop_map(|(function, x)| format!("{function}({x})")),
            (inner.clone(), two, inner.clone())
                .prop_map(|(x, operator, y)| format!("({x}) {operator} ({y})")),
            (call, inner.clone(), inner.clone(), inner.clone()).prop_map(|(call, x, y, z)| {
                match call {
                    "hash" => format!("hash(\"sha256\", {x}, \"bytes\")"),
                    "hmac" => format!("hmac(\"sha1\", {x}, {y})"),
                    "jwt" => format!("jwt(\"HS256\", {x}, {y}, {z})"),
                    "between" => format!("between({x}, {y}, {z})"),
                    "now" => format!("now(\"iso\", {x})"),
                    call => format!("{call}({x}, {y})"),
                }
            }),
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
        ]
    })
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        prop::sample::select(vec![0, 1, -1, 5]).prop_map(Json::from),
        word().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let key = prop::sample::select(vec!["a", "b", "op", "0", "a/b"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::vec((key, inner), 0..3).prop_map(|members| {
                Json::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => json().prop_map(|json| json.to_string()),
        1 => json().prop_map(|json| format!("{json:#}")),
        1 => "[ -~]{0,12}",
    ]
}

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn nothing_panics_nothing_is_too_long_and_no_needle_hides_a_match(text in expression(), message in message()) {
        let mut bench = Bench::new(&["x", "y"]);
        let outside = outside();
        let mut scope = Scope::new(&bench.names, &mut bench.pointers, &outside).with_http();
        let Ok(expression) = Expression::value(&text, &mut scope) else {
            return Ok(());
        };
        let max = 300;
        let see = |found| {
            let mut world = TestWorld::new(message.as_bytes(), found, &bench.names).set("x", Value::text("a\r\n")).set("id", Value::from(1_u64));
            world.max = max;
            let value = expression.evaluate(&world);
            let mut json = String::new();
            let is_json = value.write_json(&mut json).is_some();
            // A value that is only a part of the message is as long as that part.
            let size = value.size();
            (expression.holds(&world), is_json.then_some(json), size)
        };
        let mut spans = Spans::default();
        let found = bench.pointers.find(&message, &mut spans).unwrap_or_default();
        let seen = see(found);
        prop_assert!(seen.2 <= max.max(message.len()), "{text} in {message}: {} bytes", seen.2);
        let as_condition = Expression::condition(&text, &mut Scope::new(&bench.names, &mut bench.pointers.clone(), &outside).with_http());
        if let Ok(condition) = as_condition {
            prop_assert_eq!(condition.need(), expression.need());
            prop_assert_eq!(condition.fails_without_needles(), expression.fails_without_needles());
        }
        if !Needles::new(expression.need().clone()).any_in(message.as_bytes()) {
            prop_assert_eq!(&see(Default::default()), &seen, "{} in {}", text, message);
            let (holds, json, _) = seen;
            prop_assert!(!(expression.fails_without_needles() && holds), "{text} in {message}");
            prop_assert!(!expression.is_absent_without_needles() || json.is_none(), "{text} in {message}");
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[/a-cA-Z0-9 .~!=<>&|+\\-()\\[\\],\"\\\\'{}#$*einäø\u{1e}]{0,30}") {
        let mut bench = Bench::new(&["a", "b"]);
        let (compiled, _) = bench.with(|scope| Expression::condition(&text, scope));
        if let Err(errors) = compiled {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(text.get(error.span.clone()).is_some(), "{text}: {error:?}");
            }
        }
    }

    #[test]
    fn texts_are_taken_as_they_are_written(text in ".{0,30}") {
        prop_assert_eq!(comes_to(&json_text(&text), "", &[]), json_text(&text));
    }
}

/// The properties above check nothing for refused expressions.
#[test]
fn most_random_expressions_are_right() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut right, mut looking, mut failing, mut absent) = (0, 0, 0, 0);
    for _ in 0..1_000 {
        let text = expression().new_tree(&mut runner).unwrap().current();
        let (compiled, _) = Bench::new(&["x", "y"]).with(|scope| Expression::value(&text, scope));
        if let Ok(expression) = compiled {
            right += 1;
            looking += u32::from(matches!(expression.need(), Need::AnyOf(_)));
            failing += u32::from(expression.fails_without_needles());
            absent += u32::from(expression.is_absent_without_needles());
        }
    }
    assert!(
        right > 400 && looking >= failing && failing > absent && absent > 20,
        "{right} of 1000 are right, {looking} have needles, {failing} fail without and {absent} are absent"
    );
    assert!(looking > 100, "{looking}");
}
