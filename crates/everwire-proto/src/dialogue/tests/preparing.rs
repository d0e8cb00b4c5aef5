//! The decisions of `prepare` steps, and their reports.

use super::{before::*, *};

#[test]
fn an_answer_that_is_expected_brings_captures_that_are_secret() {
    let mut before = Before::of(&[SLACK]);
    assert_eq!(before.next(), "GET https://slack.example/api/open?x=s3cret");
    let told = before.answer(200, r#"{"ok":true,"url":"wss://h/?ticket=1"}"#);
    assert_eq!(told, r#"passed ["socket"] wss://h/?ticket=1"#);
}

#[test]
fn what_was_captured_is_read_by_later_steps_and_lets_stay_within_a_step() {
    let lets = [
        ("nonce", r#"${now("us")}"#),
        ("body", "nonce=${nonce}"),
        ("drawn", r#"${random(2, "hex")}"#),
    ];
    let steps = [
        P {
            url: "https://h/token",
            body: "${body}",
            headers: &[("X-Sign", "${body}/${drawn}")],
            expect: "contains(/sent, text(nonce)) && /drawn == drawn",
            capture: &[("token", "/token"), ("page", "status")],
            ..P::default()
        },
        P {
            url: "https://h/open/${token}",
            condition: "token",
            capture: &[
                ("cookie_of", r#"cookie("session")"#),
                ("kind", r#"header("content-TYPE")"#),
                ("text_of", "message"),
            ],
            clear: &["token"],
            ..P::default()
        },
        P {
            url: "https://h/never",
            condition: "token",
            ..P::default()
        },
    ];
    let mut before = Before::with(compile(&lets, &[], &steps));
    let nonce = "nonce=1700000000000000";
    let sent = format!("POST https://h/token X-Sign: {nonce}/0707 <{nonce}>");
    assert_eq!(before.next(), sent);
    let answer = format!(r#"{{"sent":"{nonce}","drawn":"0707","token":"t-1"}}"#);
    assert_eq!(before.answer(201, &answer), "GET https://h/open/t-1");
    let headers = [
        ("Set-Cookie", "other=2"),
        ("set-cookie", "session=abc; Path=/; HttpOnly"),
        ("Content-Type", "text/plain"),
    ];
    let told = before.respond(Response {
        status: Some(204),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .into(),
        body: b"plain".into(),
        retry_after: None,
    });
    assert_eq!(
        told,
        r#"passed ["token", "page", "cookie_of", "kind", "text_of"] 201 abc text/plain plain"#,
        "what was cleared is absent"
    );
}

#[test]
fn give_up_comes_before_fail_and_fail_before_expect() {
    let both = P {
        expect: "true",
        ..SLACK
    };
    for (body, told) in [
        (
            r#"{"ok":false,"error":"invalid_auth"}"#,
            r#"prepare: step 1 of prepare, GET https://slack.example/api/open, answered 200 after 120ms; give_up (/error in ["invalid_auth", "not_authed"]) held for {"ok":false,"error":"invalid_auth"}"#,
        ),
        (
            r#"{"ok":false,"error":"internal_error"}"#,
            r#"prepare: step 1 of prepare, GET https://slack.example/api/open, answered 200 after 120ms; fail (/ok == false) held for {"ok":false,"error":"internal_error"}"#,
        ),
        (
            r#"{"ok":true}"#,
            r#"prepare: step 1 of prepare, GET https://slack.example/api/open, answered 200 after 120ms; socket (/url) is not there in {"ok":true}"#,
        ),
    ] {
        let mut before = Before::of(&[both]);
        before.next();
        assert_eq!(before.answer(200, body), told);
    }
    let mut before = Before::of(&[SLACK]);
    before.next();
    assert_eq!(
        before.answer(502, "<html>bad</html>"),
        "prepare: step 1 of prepare, GET https://slack.example/api/open, answered 502 after 120ms; expect (/ok == true) did not hold for <html>bad</html>"
    );
}

#[test]
fn without_expect_the_status_decides() {
    let plain = P {
        url: "https://h/?token=s3cret",
        ..P::default()
    };
    for (status, passes) in [
        (200, true),
        (204, true),
        (299, true),
        (302, false),
        (404, false),
    ] {
        let mut before = Before::of(&[plain]);
        before.next();
        let told = before.answer(status, "");
        let refused = format!(
            "prepare: step 1 of prepare, GET https://h/, answered {status} after 120ms: an empty body"
        );
        assert_eq!(told, if passes { "passed [] ".into() } else { refused });
    }
    let program = P {
        exec: &["/bin/token", "-n", "${name}"],
        capture: &[("token", "message")],
        ..P::default()
    };
    let mut before = Before::of(&[program]);
    assert_eq!(before.next(), r#"/bin/token ["-n", "feed"]"#);
    assert_eq!(before.answer(0, "abcd\r\n\n"), r#"passed ["token"] abcd"#);
    for (status, how) in [(Some(3), "answered 3"), (None, "was ended by a signal")] {
        let mut before = Before::of(&[program]);
        before.next();
        let told = before.respond(Response {
            status,
            body: b"no".into(),
            ..Response::default()
        });
        // Values that would be captured are not shown; such a short text is not a secret.
        assert_eq!(
            told,
            format!("prepare: step 1 of prepare, exec /bin/token, {how} after 120ms: no")
        );
    }
}

#[test]
fn what_a_failure_says_decides_how_it_is_retried() {
    let cause = |step: P, status: u16, body: &str, retry_after: Option<Duration>| {
        let mut before = Before::of(&[step]);
        before.next();
        let response = Response {
            status: Some(status),
            body: body.into(),
            retry_after,
            ..Response::default()
        };
        match before.at(|preparing, here| preparing.answered(response, here)) {
            Next::Failed(Cause::Prepare {
                status,
                retry_after,
                is_refusal,
                gives_up,
                ..
            }) => (status, retry_after, is_refusal, gives_up),
            other => panic!("{other:?}"),
        }
    };
    let minute = Some(secs(60));
    let invalid = r#"{"ok":false,"error":"invalid_auth"}"#;
    assert_eq!(
        cause(SLACK, 429, "", minute),
        (Some(429), minute, false, false)
    );
    assert_eq!(cause(SLACK, 503, "", None), (Some(503), None, false, false));
    assert_eq!(cause(SLACK, 403, "", None), (Some(403), None, true, false));
    assert_eq!(
        cause(SLACK, 200, r#"{"ok":false}"#, None),
        (Some(200), None, true, false)
    );
    assert_eq!(
        cause(SLACK, 200, invalid, minute),
        (Some(200), None, false, true)
    );
    let mut before = Before::of(&[SLACK]);
    before.next();
    before.now += secs(10);
    let why = Unanswered {
        text: "nothing came".into(),
        is_refusal: false,
    };
    let cause = before.preparing.unanswered(&why, before.now);
    assert_eq!(
        cause.to_string(),
        "prepare: step 1 of prepare, GET https://slack.example/api/open, has no answer after 10s: nothing came"
    );
}

#[test]
fn nothing_that_is_or_would_be_captured_is_shown() {
    let step = P {
        url: "https://h/${token}/open",
        capture: &[
            ("ticket", "/ticket"),
            ("absent", "/absent"),
            ("expires", "/n"),
        ],
        ..P::default()
    };
    let first = P {
        url: "https://h/",
        capture: &[("token", "/token")],
        ..P::default()
    };
    let mut before = Before::of(&[first, step]);
    before.next();
    assert_eq!(
        before.answer(200, r#"{"token":"t-secret"}"#),
        "GET https://h/t-secret/open"
    );
    let long = "x".repeat(300);
    let told = before.answer(
        200,
        &format!(r#"{{"ticket":"k\u002dsecret","n":36,"of":"t-secret","{long}":1}}"#),
    );
    let shown = "x".repeat(256 - r#"{"ticket":"***","n":36,"of":"***",""#.len());
    assert_eq!(
        told,
        format!(
            r#"prepare: step 2 of prepare, GET https://h/${{token}}/open, answered 200 after 120ms; absent (/absent) is not there in {{"ticket":"***","n":36,"of":"***","{shown}…"#
        )
    );
}

#[test]
fn what_cannot_be_filled_is_no_call() {
    for (step, told) in [
        (
            P {
                url: "https://h/${token}",
                ..P::default()
            },
            "template: step 1 of prepare cannot fill url: `${token}` is absent",
        ),
        (
            P {
                url: "https://h/",
                headers: &[("X-Token", "${unhex(\"0a\")}")],
                ..P::default()
            },
            "template: step 1 of prepare cannot fill the header X-Token: `${unhex(\"0a\")}` has a control character, which is not allowed there",
        ),
        (
            P {
                exec: &["x", "a", "${token}"],
                ..P::default()
            },
            "template: step 1 of prepare cannot fill argument 2 of exec: `${token}` is absent",
        ),
    ] {
        let mut before = Before::with(compile(&[], &["token"], &[step]));
        assert_eq!(before.next(), told);
    }
}

#[test]
fn a_hostile_answer_decides_nothing_and_breaks_nothing() {
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "{",
        "\u{0}",
        "null",
        deep.as_str(),
        r#"{"ok":true,"url":null}"#,
    ] {
        let mut before = Before::of(&[SLACK]);
        before.next();
        let told = before.answer(200, body);
        assert!(told.starts_with("prepare: step 1 of prepare"), "{told}");
        assert!(told.len() < 800, "{}", told.len());
    }
    let mut before = Before::of(&[SLACK]);
    before.next();
    let long = "x".repeat(MAX_CAPTURED + 1);
    let told = before.answer(200, &format!(r#"{{"ok":true,"url":"{long}"}}"#));
    assert!(
        told.contains("socket (/url) is not there, or too long, in"),
        "{told}"
    );
    let mut before = Before::of(&[SLACK]);
    before.next();
    let told = before.respond(Response {
        status: Some(200),
        body: vec![0xff; 9],
        ..Response::default()
    });
    assert!(told.ends_with("did not hold for 9 bytes"), "{told}");
}

#[test]
fn whoever_watches_is_told_of_each_step() {
    let steps = [
        P {
            condition: "handover",
            ..SLACK
        },
        SLACK,
        P {
            url: "https://h/${socket}",
            ..P::default()
        },
    ];
    let mut before = Before::of(&steps);
    before.preparing.watch();
    before.next();
    before.answer(200, r#"{"ok":true,"url":"wss://h/?ticket=1"}"#);
    before.answer(503, "wss://h/?ticket=1 is busy");
    let told: Vec<String> = before
        .preparing
        .take_happened()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "step 1 of 3 of prepare is left out: its if (handover) does not hold",
            "step 2 of 3 of prepare calls GET https://slack.example/api/open, expects /ok == true within 10s",
            "step 2 of 3 of prepare: its call is out",
            "step 2 of 3 of prepare: answered 200 after 120ms: ***",
            "step 2 of 3 of prepare: expect (/ok == true) held after 120ms: passed, captured socket",
            "step 3 of 3 of prepare calls GET https://h/${socket} within 10s",
            "step 3 of 3 of prepare: its call is out",
            "step 3 of 3 of prepare: answered 503 after 120ms: *** is busy",
            "step 3 of 3 of prepare: expect (status 2xx) did not hold after 120ms: refused",
        ]
    );
    assert!(before.preparing.take_happened().is_empty());
    let mut unwatched = Before::of(&[SLACK]);
    unwatched.next();
    assert!(unwatched.preparing.take_happened().is_empty());
}
