//! Conditions, and the resulting messages.

use super::*;

/// A text for which the first conditions hold, and the second do not.
fn text(hold: &[&str], fail: &[&str]) -> String {
    let known = [
        ("id", Value::from(7_u64)),
        ("token", Value::text("t-1").secret()),
        ("beat", Value::from(30_u64)),
        ("name", Value::text("feed")),
    ];
    match inverted(hold, fail, &known) {
        Ok(made) => made.text,
        Err(reason) => format!("none: {reason}"),
    }
}

#[test]
fn a_message_is_made_of_what_is_asked_of_it() {
    for (condition, message) in [
        (r#"/op == "ping""#, r#"{"op":"ping"}"#),
        ("exists(/ping)", r#"{"ping":"x"}"#),
        ("/a/b/c", r#"{"a":{"b":{"c":true}}}"#),
        ("/id == id && exists(/result)", r#"{"id":7,"result":"x"}"#),
        ("/id == text(id)", r#"{"id":"7"}"#),
        ("text(/id) == text(id)", r#"{"id":"7"}"#),
        ("/token == token", r#"{"token":"t-1"}"#),
        ("id == /id", r#"{"id":7}"#),
        (r#"/0 == 2 && /2 == "Heartbeat""#, r#"[2,null,"Heartbeat"]"#),
        (
            r#"/0 == 3 && /1 == text(id) && /2/status == "Accepted""#,
            r#"[3,"7",{"status":"Accepted"}]"#,
        ),
        (r#"/code in ["60005", "60024"]"#, r#"{"code":"60005"}"#),
        ("/code in [1, 2] && /code != 1", r#"{"code":2}"#),
        (r#""a" in /list"#, r#"{"list":["a"]}"#),
        (r#"message == "pong""#, "pong"),
        (
            r#"starts(message, "42") && contains(message, "hello")"#,
            "42hello",
        ),
        (
            r#"starts(message, "-ERR ") && contains(message, "ERR")"#,
            "-ERR ",
        ),
        (
            r#"starts(message, "0{") && at(after(message, "0"), "/a") == 1 && exists(at(after(message, "0"), "/b"))"#,
            r#"0{"a":1,"b":"x"}"#,
        ),
        (
            r#"exists(at(after(message, "INFO "), "/a")) && starts(message, "INFO ")"#,
            r#"INFO {"a":"x"}"#,
        ),
        (r#"at(after(message, "0"), "/a") == 1"#, r#"0{"a":1}"#),
        (
            r#"starts(message, "OK\n") && between(message, "id:", "\n") == text(id)"#,
            "OK\nid:7\n",
        ),
        (
            r#"starts(message, "M\n") && exists(between(message, "\nack:", "\n"))"#,
            "M\nack:x\n",
        ),
        (
            r#"starts(message, "M ") && after(message, " ") == "5""#,
            "M 5",
        ),
        (
            r#"starts(message, "M") && starts(message, "N")"#,
            "none: its parts contradict each other",
        ),
        (
            r#"message == "MSG" && starts(message, "M") && contains(message, "SG")"#,
            "MSG",
        ),
        (r#"starts(message, "42")"#, "42"),
        (
            r#"contains(message, "welcome") && /type == 1"#,
            r#"{"text":"welcome","type":1}"#,
        ),
        (
            r#"contains(/error/0, "Invalid key")"#,
            r#"{"error":["Invalid key"]}"#,
        ),
        ("exists(/error/0)", r#"{"error":["x"]}"#),
        ("/n > 5", r#"{"n":6}"#),
        ("/n >= 5 && /n < 6", r#"{"n":5}"#),
        ("/n < beat", r#"{"n":29}"#),
        ("/a == /b && exists(/a)", r#"{"a":"x","b":"x"}"#),
        ("/a < /b", r#"{"a":"x","b":"xx"}"#),
        ("!exists(/error)", "{}"),
        ("exists(/a) && !exists(/a/b)", r#"{"a":"x"}"#),
        ("/status != 200", r#"{"status":201}"#),
        (r#"/a == "x" || exists(/b)"#, r#"{"a":"x"}"#),
        ("/result == null", r#"{"result":null}"#),
        ("/ok == true", r#"{"ok":true}"#),
        (r#"at(/d, "/a b") == 1"#, r#"{"d":{"a b":1}}"#),
        (r#"at(message, "/a/0") == 1"#, r#"{"a":[1]}"#),
        (r#"at(text(/d), "/k") == 1"#, r#"{"d":"{\"k\":1}"}"#),
        (r#"after(/s, "n=") == "5""#, r#"{"s":"n=5"}"#),
        (r#"between(/s, "<", ">") == name"#, r#"{"s":"<feed>"}"#),
        (r#""a" ~ /x ~ "c" == "abc""#, r#"{"x":"b"}"#),
        ("/n + 1 == 5", r#"{"n":4}"#),
        ("10 - /n == 12", r#"{"n":-2}"#),
        (r#"unbase64(/x) == "hi""#, r#"{"x":"aGk="}"#),
        (r#"hex(/x) == "6869""#, r#"{"x":"hi"}"#),
        ("number(/n) == 5", r#"{"n":5}"#),
        (r#"default(/a, "none") == "none""#, "{}"),
        (r#"json(/a) == "[1,2]""#, r#"{"a":[1,2]}"#),
        ("[/a, 2] == [1, 2]", r#"{"a":1}"#),
        (r#"/a == "a\"b\\c""#, r#"{"a":"a\"b\\c"}"#),
        (
            "/a == 12345678901234567890123",
            r#"{"a":12345678901234567890123}"#,
        ),
        ("(/a == 1) == (/b == 2) && /a == 1", r#"{"a":1,"b":2}"#),
    ] {
        assert_eq!(text(&[condition], &[]), message, "{condition}");
    }
}

#[test]
fn what_must_not_hold_does_not() {
    for (hold, fail, message) in [
        (
            "/id == id && exists(/error)",
            "/id == id && /result == null",
            r#"{"error":"x","id":7}"#,
        ),
        (
            r#"/event == "error""#,
            r#"/event == "error" && /code in ["60005"]"#,
            r#"{"event":"error"}"#,
        ),
        (
            "/id == id && /status != 200",
            "/id == id && /status == 200",
            r#"{"id":7,"status":201}"#,
        ),
        ("exists(/a)", "/a == \"x\"", r#"{"a":"xx"}"#),
        ("/0 == 2", r#"/0 == 2 && /2 == "GetConfiguration""#, "[2]"),
        (
            "/a == 1",
            "/a == 1.0",
            "none: its parts contradict each other",
        ),
    ] {
        assert_eq!(text(&[hold], &[fail]), message, "{hold}, not {fail}");
    }
    let all = ["/a == 1", "exists(/b)", "!(/c == 1)"];
    assert_eq!(
        text(&all, &["/b == \"x\"", "exists(/d)"]),
        r#"{"a":1,"b":"xx"}"#
    );
    assert_eq!(
        text(&[], &["/a == 1", "exists(/b)", r#"message == "x""#]),
        "{}"
    );
}

#[test]
fn a_reason_says_why_there_is_no_message() {
    for (condition, reason) in [
        (
            r#"hmac("sha256", /key, "x") == "00""#,
            "no message can be found from a value of `hmac`",
        ),
        (
            r#"hash("sha256", message) == /sum"#,
            "no message can be found from a value of `hash`",
        ),
        (
            r#"/t > now("s")"#,
            "it depends on `now`, which the peer does not know",
        ),
        (
            "/nonce == uuid()",
            "it depends on `uuid`, which the peer does not know",
        ),
        ("id == 8 && /a == 1", "it does not depend on the message"),
        ("/a == 1 && /a == 2", "its parts contradict each other"),
        ("/a == 1 && /a/b == 2", "its parts contradict each other"),
        (
            "exists(/a) && !exists(/a)",
            "its parts contradict each other",
        ),
        ("/a < true", "it does not depend on the message"),
    ] {
        assert_eq!(
            text(&[condition], &[]),
            format!("none: {reason}"),
            "{condition}"
        );
    }
}

#[test]
fn an_answer_over_http_has_a_status_and_headers() {
    let known = [("id", Value::from(1_u64))];
    let made = inverted(
        &["status == 202 && header(\"X-Id\") == text(id)"],
        &[],
        &known,
    )
    .unwrap();
    assert_eq!((made.status, &*made.text), (Some(202), "{}"));
    assert_eq!(made.headers, [("X-Id".into(), "1".into())]);
    let made = inverted(&["status >= 400"], &["exists(/ok)"], &known).unwrap();
    assert_eq!(made.status, Some(400));
    let made = inverted(&["/ok == true"], &["status != 200"], &known).unwrap();
    assert_eq!(made.status, None);
}

#[test]
fn a_search_among_many_ways_ends() {
    let wide: Vec<String> = (0..30)
        .map(|at| format!("(/a{at} == 1 || /a{at} == 2)"))
        .collect();
    let never = format!("{} && /a0 == 3", wide.join(" && "));
    assert_eq!(
        text(&[&never], &[]),
        "none: no message was found in the first 4096 attempts"
    );
}

#[test]
fn a_value_is_put_where_it_is_captured() {
    let mut bench = Bench::new(&[]);
    let (expect, _) = bench.with(|scope| Expression::condition("/op == 10 && exists(/d)", scope));
    let (beat, _) = bench.with(|scope| Expression::value("/d/heartbeat_interval", scope));
    let (url, _) = bench.with(|scope| Expression::value(r#""wss://" ~ /host"#, scope));
    let (expect, beat, url) = (expect.unwrap(), beat.unwrap(), url.unwrap());
    let lets = Lets::default();
    let made = bench.see("", &[], |world| {
        Inversion::new(world, &bench.pointers, &lets)
            .holds(&expect)
            .comes_to(&beat, &[Value::from(1_000_u64)])
            .comes_to(&url, &[Value::from(1_u64), Value::text("wss://a.example")])
            .message()
    });
    assert_eq!(
        made.unwrap().text,
        r#"{"d":{"heartbeat_interval":1000},"host":"a.example","op":10}"#
    );
}
