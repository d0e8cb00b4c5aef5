//! The needles of an expression.

use super::*;

fn need(text: &str) -> Need {
    let mut bench = Bench::new(&["session"]);
    let (compiled, _) = bench.with(|scope| Expression::value(text, scope));
    compiled
        .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
        .need()
        .clone()
}

#[test]
fn needles_are_those_of_the_shape() {
    for (text, needles) in [
        (r#"/op == "ping""#, vec!["\"ping\""]),
        (r#""ping" == /op"#, vec!["\"ping\""]),
        (r#"/op in ["ping", "pong"]"#, vec!["\"ping\"", "\"pong\""]),
        (r#"/op in ["ping", 1]"#, vec!["\"op\""]),
        ("exists(/data/0/ping/1)", vec!["\"ping\""]),
        ("/a/b == 5", vec!["\"b\""]),
        ("/a/b > 5", vec!["\"b\""]),
        ("5 in /list", vec!["\"list\""]),
        (
            r#"/op == "ping" || /op == "pong""#,
            vec!["\"ping\"", "\"pong\""],
        ),
        (r#"/op == "ping" && /a"#, vec!["\"ping\""]),
        (r#"/id == id && !exists(/params)"#, vec!["\"id\""]),
        (r#"starts(/a, "x") && starts(message, "y")"#, vec!["\"a\""]),
        (r#"starts(message, "y") || /abc"#, vec!["\"abc\""]),
        ("/abc ~ \"x\"", vec!["\"abc\""]),
        ("/a~1b", vec!["\"a/b\""]),
        // These texts need a backslash in the message.
        (r#"/a == "\"""#, vec![]),
        (r#"/0 == 3 && /2 == "Heartbeat""#, vec!["\"Heartbeat\""]),
    ] {
        assert_eq!(
            need(text),
            Need::AnyOf(needles.into_iter().map(Into::into).collect()),
            "{text}"
        );
    }
    for text in [
        "!(/a == 1)",
        r#"/a != "x""#,
        "/0 == 2",
        "default(/a, 1)",
        r#"at(/a, "/b")"#,
        "/a == 1 || /0 == 2",
        "(/a == 1) == false",
        "[/a]",
        "exists(/a == 1)",
    ] {
        assert_eq!(need(text), Need::Everything, "{text}");
    }
    for text in [
        r#"starts(message, "x")"#,
        "session",
        "!session",
        r#"at(message, "/a b") == 1"#,
        "id == 1",
        "true",
    ] {
        assert_eq!(need(text), Need::Nothing, "{text}");
    }
}

#[test]
fn the_needles_of_several_expressions_are_looked_for_together() {
    let of = |texts: &[&str]| {
        Needles::new(
            texts
                .iter()
                .map(|text| need(text))
                .fold(Need::Nothing, Need::or),
        )
    };
    let needles = of(&[r#"/op == "ping""#, "exists(/b)", "id == 1"]);
    for (message, is_read) in [
        (r#"{"op":"ping"}"#, true),
        (r#"{"op":"pong"}"#, false),
        (r#"{"b":1}"#, true),
        (r#"{"bc":"b\n"}"#, true),
        (r#"ping"#, false),
        ("", false),
    ] {
        assert_eq!(needles.any_in(message.as_bytes()), is_read, "{message}");
    }
    assert!(!of(&["id == 1"]).any_in(br#"{"id":1}"#));
    assert!(of(&["id == 1", "/0 == 1"]).any_in(b""));
    assert!(!Needles::default().any_in(b"\\"));
}
