//! Cases that random data rarely contains.

use std::iter;

use serde_json::Value;

use super::{
    super::{JsonPointer, Kind, MAX_DEPTH, Number, PointerSet, RawJson, Spans},
    tree::pointer,
};

fn is_json(text: &str) -> bool {
    RawJson::parse(text).is_some()
}

/// The result of a pointer, among others with other results.
fn find<'a>(path: &str, text: &'a str) -> Option<&'a str> {
    let mut set = PointerSet::default();
    set.insert(&pointer("/other/0/way"));
    let slot = set.insert(&pointer(path));
    let mut spans = Spans::default();
    let found = set.find(text, &mut spans)?.get(slot)?;
    Some(found.as_str())
}

#[test]
fn what_is_no_json_is_refused_wherever_it_stands() {
    let bad = [
        "",
        "01",
        "-01",
        "00",
        "1.",
        "1.e3",
        ".5",
        "-",
        "+1",
        "1e",
        "1e+",
        "1e-",
        "1E+x",
        "0x1",
        "1.5.2",
        "NaN",
        "nul",
        "nulls",
        "tru",
        "True",
        "fals",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"a\nb\"",
        "\"\u{0}\"",
        "\"long enough \u{1f} text\"",
        "\"1234567\\\"",
        "'a'",
        "1 2",
        "[1 2]",
        "[1,]",
        "[,1]",
        "[,]",
        "[1,,2]",
        "[",
        "]",
        "[1",
        "[1}",
        "{1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{\"a\":1]",
        "{",
        "}",
        "[]]",
        "[] x",
        "/* */1",
        "\u{a0}1",
        "1\u{c}",
        "\u{feff}1",
        "[1,2,3}",
        "{\"a\":[}",
        "\u{b}1",
        "\"\\ud8\"",
    ];
    for text in bad {
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        for text in [
            text.to_owned(),
            format!("[{text}]"),
            format!("{{\"a\":[1,{text}],\"b\":2}}"),
            format!("{{\"b\":2,\"c\":{{\"d\":{text}}}}}"),
        ] {
            // A text that is not JSON may be JSON inside brackets.
            let expected = serde_json::from_str::<Value>(&text).is_ok();
            assert_eq!(is_json(&text), expected, "{text}");
            for path in ["", "/a", "/a/1", "/b", "/c/d", "/c/d/0"] {
                assert_eq!(
                    find(path, &text).is_some(),
                    expected && tree_has(&text, path),
                    "{path} in {text}"
                );
                assert!(
                    expected || pointer(path).lookup(&text).is_none(),
                    "{path} in {text}"
                );
            }
        }
    }
}

fn tree_has(text: &str, path: &str) -> bool {
    let value: Value = serde_json::from_str(text).unwrap();
    value.pointer(path).is_some()
}

#[test]
fn brackets_may_be_as_deep_as_for_serde_json() {
    for depth in [1, 2, 63, 64, 65, 126, 127, 128, 129, 130, 500] {
        let opened = |kinds: &str| -> String {
            let mut kinds = kinds.chars().cycle();
            let kinds: String = kinds.by_ref().take(depth).collect();
            let open: String = kinds
                .chars()
                .map(|kind| if kind == '[' { "[" } else { "{\"0\":" })
                .collect();
            let close: String = kinds
                .chars()
                .rev()
                .map(|kind| if kind == '[' { ']' } else { '}' })
                .collect();
            format!("{open}1{close}")
        };
        for kinds in ["[", "{", "[{", "{{[", "[[[{[{{"] {
            let text = opened(kinds);
            let expected = serde_json::from_str::<Value>(&text).is_ok();
            assert_eq!(expected, depth <= MAX_DEPTH);
            assert_eq!(is_json(&text), expected, "{depth} of {kinds}");
            // Along the whole way, a part of it, and beside it.
            for keys in [depth, depth / 2, 1, 0] {
                let found = find(&"/0".repeat(keys), &text);
                assert_eq!(found.is_some(), expected, "{keys} of {depth} of {kinds}");
            }
            assert_eq!(find("/x", &text), None);
        }
    }
}

#[test]
fn a_hostile_depth_is_refused_at_once() {
    let deep = "[".repeat(100_000);
    let objects = "{\"0\":".repeat(100_000);
    for text in [
        format!("{deep}1{}", "]".repeat(100_000)),
        deep,
        format!("{objects}1{}", "}".repeat(100_000)),
        objects,
    ] {
        assert!(!is_json(&text));
        for path in [String::new(), "/x".into(), "/0".repeat(512)] {
            assert_eq!(find(&path, &text), None);
        }
    }
}

#[test]
fn of_a_key_that_is_there_twice_the_last_value_counts() {
    for (path, text, expected) in [
        ("/a", r#"{"a":1,"a":2}"#, Some("2")),
        ("/a", r#"{"a":1,"a":[]}"#, Some("[]")),
        ("/a/b", r#"{"a":{"b":1},"a":{}}"#, None),
        ("/a/b", r#"{"a":{"b":1},"a":3}"#, None),
        ("/a/b", r#"{"a":{"b":1},"x":0,"\u0061":{"b":2}}"#, Some("2")),
        ("/a/b/c", r#"{"a":{"b":{"c":1}},"a":{"b":2}}"#, None),
        ("/a/b/c", r#"{"a":{"b":{"c":1},"b":2}}"#, None),
        (
            "/a/b/c",
            r#"{"a":{"b":{"c":1}},"a":{"b":{"c":[0]},"b":{"c":3}}}"#,
            Some("3"),
        ),
        ("/a/b/c", r#"{"a":{"b":{"c":1}},"a":{"b":{"x":2}}}"#, None),
        ("/a/0", r#"{"a":[1],"a":{"0":2}}"#, Some("2")),
        ("/a/1", r#"{"a":[1,2],"a":[3]}"#, None),
    ] {
        assert_eq!(find(path, text), expected, "{path} in {text}");
        let value = RawJson::parse(text).unwrap().at(&pointer(path));
        assert_eq!(
            value.map(|value| value.as_str()),
            expected,
            "{path} in {text}"
        );
    }
}

#[test]
fn what_rust_has_no_value_for_is_json_all_the_same() {
    let text = r#"{"a":"\ud800","\udc00":1,"b":1e400,"c":"fine","d":{"\ud800":{}}}"#;
    assert_eq!(find("/c", text), Some(r#""fine""#));
    assert_eq!(find("/b", text), Some("1e400"));
    assert!(pointer("/c").lookup(text).is_some());
    // They are absent as Rust values.
    let value = RawJson::parse(text).unwrap();
    let half = value.at(&pointer("/a")).unwrap();
    assert_eq!((half.kind(), half.as_text()), (Kind::Text, None));
    assert!(!half.is_text("\u{fffd}"));
    for path in ["/a", "/b"] {
        assert_eq!(pointer(path).lookup(text), None);
        assert_eq!(
            JsonPointer::lookup_all([&pointer(path), &pointer("/c")], text),
            None
        );
    }
}

#[test]
fn a_string_may_end_at_each_place_of_a_word() {
    for len in 0..40 {
        let plain = "abcdefghij".repeat(4)[..len].to_owned();
        for special in ["", "\\n", "\\u00e4", "ä"] {
            for at in 0..=len {
                let inside = format!("{}{special}{}", &plain[..at], &plain[at..]);
                let key = format!("{{\"{inside}\":1}}");
                let text: String = serde_json::from_str(&format!("\"{inside}\"")).unwrap();
                assert_eq!(find(&format!("/{text}"), &key), Some("1"), "{key}");
                assert_eq!(find(&format!("/{text}x"), &key), None, "{key}");
                let other: String = text.chars().rev().skip(1).collect();
                let other: String = other.chars().rev().chain(['#']).collect();
                assert_eq!(find(&format!("/{other}"), &key), None, "{key}");
                for value in [format!("\"{inside}\""), format!(" [\"{inside}\"] ")] {
                    assert!(is_json(&value), "{value}");
                    let end = value.rfind('"').unwrap();
                    assert!(!is_json(&value[..end]), "{value}");
                }
            }
        }
        let control = format!("[\"{plain}\u{1}\",\"12345678\"]");
        assert!(!is_json(&control));
    }
}

#[test]
fn a_number_may_end_at_each_place_of_a_word() {
    let digits = "1234567890".repeat(3);
    for len in 1..=digits.len() {
        let whole = &digits[..len];
        for number in [
            whole.to_owned(),
            format!("-{whole}"),
            format!("0.{whole}"),
            format!("1e{whole}"),
            format!("{whole}.{whole}E-{whole}"),
        ] {
            assert!(
                is_json(&number) && Number::parse(&number).is_some(),
                "{number}"
            );
            assert_eq!(find("/a", &format!("{{\"a\":{number}}}")), Some(&*number));
            assert_eq!(
                find("/1", &format!("[0, {number} ,\"12345678\"]")),
                Some(&*number)
            );
            for end in [".", "e", "-", "x", "1.x"] {
                let bad = format!("{number}{end}");
                assert!(!is_json(&bad) && Number::parse(&bad).is_none(), "{bad}");
            }
        }
    }
}

#[test]
fn thousands_of_pointers_are_one_set() {
    let mut set = PointerSet::default();
    let paths: Vec<String> = (0..3_000)
        .map(|at| match at % 3 {
            0 => format!("/list/{at}"),
            1 => format!("/by-a-long-name/timestamp-{at}"),
            _ => format!("/k{at}"),
        })
        .collect();
    let slots: Vec<_> = paths
        .iter()
        .map(|path| set.insert(&pointer(path)))
        .collect();
    let again: Vec<_> = paths
        .iter()
        .map(|path| set.insert(&pointer(path)))
        .collect();
    assert_eq!(slots, again);
    let list: Vec<usize> = (0..3_000).collect();
    let named: serde_json::Map<_, _> = (0..3_000)
        .map(|at| (format!("timestamp-{at}"), at.into()))
        .collect();
    let mut value: serde_json::Map<_, _> =
        (0..3_000).map(|at| (format!("k{at}"), at.into())).collect();
    value.insert("list".into(), list.into());
    value.insert("by-a-long-name".into(), named.into());
    let text = Value::from(value).to_string();
    let mut spans = Spans::default();
    let found = set.find(&text, &mut spans).unwrap();
    for (at, slot) in slots.iter().enumerate() {
        assert_eq!(
            found.get(*slot).map(|value| value.as_str()),
            Some(&*at.to_string())
        );
    }
    // A slot of a larger set.
    let small = PointerSet::default();
    let found = small.find("1", &mut spans).unwrap();
    assert!(found.get(slots[2_999]).is_none());
}

#[test]
fn a_large_text_takes_no_stack_and_no_time_for_doubles() {
    let members = iter::repeat_n(r#""a":{"b":[1,{"c":"d"}]},"#, 100_000);
    let text = format!("{{{}\"a\":{{\"b\":[7]}}}}", members.collect::<String>());
    assert_eq!(find("/a/b/0", &text), Some("7"));
    assert_eq!(find("/a/b/1", &text), None);
}
