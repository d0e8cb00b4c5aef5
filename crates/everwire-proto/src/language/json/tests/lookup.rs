//! Pointers outside of a set.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::Value;

use super::{
    super::{JsonPointer, Scalar},
    texts::{any_json, paths},
    tree::{all_paths, pointer, scalar, tree},
};

fn lookup<'a>(path: &str, text: &'a str) -> Option<Scalar<'a>> {
    pointer(path).lookup(text)
}

#[test]
fn each_kind_of_scalar_is_found() {
    let text =
        r#"{"a":[null,true,17,-17,1.5,"x","\u00e4\n",18446744073709551616],"~/":{"":"empty"}}"#;
    for (path, expected) in [
        ("/a/0", Scalar::Null),
        ("/a/1", Scalar::Bool(true)),
        ("/a/2", Scalar::Unsigned(17)),
        ("/a/3", Scalar::Signed(-17)),
        ("/a/4", Scalar::Float(1.5)),
        ("/a/5", Scalar::Text("x".into())),
        ("/a/6", Scalar::Text("ä\n".into())),
        ("/a/7", Scalar::Float(18_446_744_073_709_551_616.0)),
        ("/~0~1/", Scalar::Text("empty".into())),
    ] {
        assert_eq!(lookup(path, text), Some(expected), "{path}");
    }
    assert!(matches!(
        lookup("/a/5", text),
        Some(Scalar::Text(Cow::Borrowed("x")))
    ));
    assert_eq!(lookup("", " 5 "), Some(Scalar::Unsigned(5)));
}

#[test]
fn where_nothing_stands_nothing_is_found() {
    let text = r#"{"a":[1,{"b":2}],"01":3}"#;
    for path in [
        "", "/a", "/a/1", "/a/2", "/a/-", "/a/00", "/a/+0", "/a/01", "/b", "/a/0/0", "/A",
    ] {
        assert_eq!(lookup(path, text), None, "{path}");
    }
    assert_eq!(lookup("/01", text), Some(Scalar::Unsigned(3)));
}

#[test]
fn what_is_no_json_has_no_values() {
    for text in [
        "",
        "{",
        r#"{"a":1"#,
        r#"{"a":1}}"#,
        r#"{"a":1} x"#,
        r#"{"a":1,"b":}"#,
        "ping",
    ] {
        assert_eq!(lookup("/a", text), None, "{text}");
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(lookup("/a", &deep), None);
    let as_deep_as_can_be = "/0".repeat(512);
    assert_eq!(lookup(&as_deep_as_can_be, &deep), None);
}

#[test]
fn several_pointers_take_one_pass() {
    let text = r#"{"data":{"t":7,"u":8},"stream":"btc"}"#;
    let pointers = ["/data/t", "/stream", "/data/u", "/data", "/data/t"].map(pointer);
    let found = JsonPointer::lookup_all(pointers.each_ref(), text).unwrap();
    let number = |n| Some(Scalar::Unsigned(n));
    let expected = [
        number(7),
        Some(Scalar::Text("btc".into())),
        number(8),
        None,
        number(7),
    ];
    assert_eq!(found, expected);
    assert_eq!(JsonPointer::lookup_all(pointers.each_ref(), "ping"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn two_at_once_are_found_as_each_alone(text in any_json(), others in paths()) {
        let value = tree(&text);
        let mut all = others;
        all_paths(&value, String::new(), &mut all);
        for pair in all.windows(2) {
            let pointers = [pointer(&pair[0]), pointer(&pair[1])];
            let expected = [0, 1].map(|at| value.pointer(&pair[at]).and_then(scalar));
            prop_assert_eq!(pointers[0].lookup(&text), expected[0].clone(), "{} in {}", pair[0], text);
            let both = JsonPointer::lookup_all(pointers.each_ref(), &text);
            prop_assert_eq!(both, Some(expected), "{:?} in {}", pointers, text);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}:,\"\\\\a0-9.e+-]{0,30}", path in "(/[a0-9]?){0,4}") {
        let found = pointer(&path).lookup(&text);
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let expected = value.pointer(&path).and_then(scalar);
            prop_assert_eq!(found, expected, "{} in {}", path, text);
        }
    }
}
