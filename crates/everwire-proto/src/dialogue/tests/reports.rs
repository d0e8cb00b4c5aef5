use super::*;

fn login() -> S {
    S {
        send: r#"{"op":"login","ts":${now("s")}}"#,
        expect: r#"/event == "login""#,
        fail: r#"/event == "error""#,
        give_up: r#"/event == "error" && /code == "60005""#,
        within: 5,
        ..S::default()
    }
}

#[test]
fn a_refusal_tells_the_step_what_decided_when_and_of_what() {
    let mut talk = script([
        S {
            send: "hello",
            ..S::default()
        },
        login(),
    ])
    .open();
    talk.send();
    talk.send();
    talk.wait(millis(120));
    assert_eq!(
        talk.hear(r#"{"event":"error","code":"60009"}"#),
        r#"lose script_refused: step 2 of open_script sent {"op":"login","ts":${now("s")}} and expected /event == "login"; 120ms later fail (/event == "error") held for {"event":"error","code":"60009"}"#
    );
    let mut talk = script([login()]).open();
    talk.send();
    talk.wait(millis(1_500));
    assert_eq!(
        talk.hear(r#"{"event":"error","code":"60005"}"#),
        r#"lose script_refused: step 1 of open_script sent {"op":"login","ts":${now("s")}} and expected /event == "login"; 1.5s later give_up (/event == "error" && /code == "60005") held for {"event":"error","code":"60005"}"#
    );
}

#[test]
fn a_step_that_runs_out_tells_what_came_last() {
    let mut talk = script([login()]).open();
    talk.send();
    assert_eq!(
        talk.wait(secs(5)),
        r#"lose script_timeout: step 1 of open_script sent {"op":"login","ts":${now("s")}} and expected /event == "login"; no message came within 5s"#
    );
    let mut talk = script([S {
        expect: r#"/type == "hello""#,
        count: 3,
        ..S::default()
    }])
    .open();
    talk.hear(r#"{"type":"hello"}"#);
    talk.hear("first");
    talk.hear(r#"{"type":"Hello"}"#);
    assert_eq!(
        talk.wait(secs(10)),
        r#"lose script_timeout: step 1 of open_script expected /type == "hello" 3 times, met once; no answer came within 10s, the last message is {"type":"Hello"}"#
    );
}

#[test]
fn what_is_shown_of_a_message_is_short_and_in_one_line() {
    let mut talk = script([login()]).open();
    talk.send();
    let told = talk.hear(format!(
        "{{\"event\":\"error\",\n\"text\":\"{}\"}}",
        "ä".repeat(100_000)
    ));
    let shown = told.split("held for ").nth(1).unwrap();
    assert!(shown.len() <= 256 + '…'.len_utf8(), "{}", shown.len());
    assert!(shown.starts_with(r#"{"event":"error", "text":"ää"#) && shown.ends_with("ä…"));
    let mut talk = rules([R {
        when: "true",
        action: Some(RuleAction::Reconnect),
        ..R::default()
    }])
    .open();
    let bytes = Message::binary(vec![0xff; 70_000]);
    assert_eq!(
        talk.hear(bytes),
        "lose rule: rule 1 (true) says reconnect, of 70000 bytes"
    );
}

#[test]
fn what_a_captured_secret_says_is_shown_nowhere() {
    let token = r#"s3\"cret"#;
    let dialogue = script([
        S {
            send: "login",
            expect: "exists(/token)",
            capture: &[("token", "/token"), ("user", "/user")],
            secret: true,
            ..S::default()
        },
        S {
            send: "next",
            expect: "/ok",
            fail: "exists(/error)",
            ..S::default()
        },
    ]);
    // For a step that captures a secret, no answer is shown: neither the deciding one nor the last
    // one.
    let mut talk = dialogue.open();
    talk.send();
    let told = talk.hear(format!(r#"{{"token":"{token}"}}"#));
    assert_eq!(
        told,
        "lose script_refused: step 1 of open_script sent login and expected exists(/token); 0ms later user (/user) is not there in ***"
    );
    let mut talk = dialogue.open();
    talk.send();
    talk.hear(format!(r#"{{"tokens":"{token}"}}"#));
    let told = talk.wait(secs(10));
    assert!(told.ends_with("the last message is ***"), "{told}");
    // A repetition is shown without it, both in plain and as JSON writes it.
    let mut talk = dialogue.open();
    talk.send();
    talk.hear(format!(r#"{{"token":"{token}","user":"u"}}"#));
    talk.send();
    let padding = "x".repeat(237);
    let told = talk.hear(format!(
        r#"{{"error":"{token} s\u0033\u0022cret {padding}{token}"}}"#
    ));
    assert!(told.contains(r#"held for {"error":"*** *** xx"#), "{told}");
    assert!(told.ends_with("***…") && !told.contains("s3"), "{told}");
    let debugged = format!("{:?} {:?}", talk.conversation, talk.out);
    assert!(!debugged.contains("cret"), "{debugged}");
}

#[test]
fn what_is_made_of_a_secret_and_sent_is_not_shown_when_the_peer_repeats_it() {
    let dialogue = D {
        script: vec![
            S {
                expect: "exists(/token)",
                capture: &[("token", "/token")],
                secret: true,
                ..S::default()
            },
            S {
                send: r#"{"as":"${base64(token)}"}"#,
                expect: "/ok",
                fail: "exists(/error)",
                ..S::default()
            },
        ],
        rules: vec![R {
            when: "exists(/ask)",
            send: r#"${hex(token)}"#,
            ..R::default()
        }],
        ..D::default()
    };
    let mut talk = dialogue.open();
    talk.hear(r#"{"token":"s3cret"}"#);
    talk.send();
    talk.hear(r#"{"ask":1}"#);
    let told = talk.hear(r#"{"error":"not czNjcmV0, not 733363726574"}"#);
    assert!(
        told.ends_with(r#"held for {"error":"not ***, not ***"}"#),
        "{told}"
    );
    // Nothing was sent yet on the other socket.
    assert_eq!(talk.conversation.captures.secrets().count(), 3);
    talk.lost(&closed(1006), Some(1006));
    talk.opened();
    assert_eq!(talk.conversation.captures.secrets().count(), 1);
}

#[test]
fn a_secret_is_found_however_it_is_written() {
    let mut talk = script([S {
        expect: "exists(/token)",
        capture: &[("token", "/token")],
        secret: true,
        ..S::default()
    }])
    .open();
    let shown = |talk: &Talk, text: &str| report::start_of(text, &talk.conversation.captures);
    assert_eq!(shown(&talk, "\\u"), "\\u");
    talk.hear(r#"{"token":"a\\/\"😀\n"}"#);
    for (text, masked) in [
        ("x a\\/\"😀\n y", "x *** y"),
        (r#"x a\\\/\"\ud83d\ude00\n y"#, "x *** y"),
        (r#"x \u0061\u005C\u002f\u0022😀\u000a y"#, "x *** y"),
        (r#"x a\\/\"😀 y"#, r#"x a\\/\"😀 y"#),
        (r#"\u00"#, r#"\u00"#),
        (r#"\ud83d"#, r#"\ud83d"#),
        ("\\ä", "\\ä"),
    ] {
        assert_eq!(shown(&talk, text), masked, "{text}");
    }
}

#[test]
fn what_a_rule_clears_is_not_shown_either() {
    let mut talk = D {
        script: vec![S {
            expect: "exists(/token)",
            capture: &[("token", "/token")],
            secret: true,
            ..S::default()
        }],
        rules: vec![R {
            when: "exists(/expired)",
            clear: &["token"],
            action: Some(RuleAction::Reconnect),
            ..R::default()
        }],
        ..D::default()
    }
    .open();
    talk.hear(r#"{"token":"s3cret"}"#);
    assert_eq!(
        talk.hear(r#"{"expired":"s3cret"}"#),
        r#"lose rule: rule 1 (exists(/expired)) says reconnect, of {"expired":"***"}"#
    );
}

#[test]
fn what_a_step_would_have_captured_as_a_secret_is_not_shown_of_the_last_message() {
    let step = |count| S {
        expect: "exists(/session)",
        fail: "exists(/error)",
        count,
        capture: &[("token", "/token"), ("user", "/user")],
        secret: true,
        ..S::default()
    };
    let masked = |talk: &Talk, text: &str| talk.conversation.masked(&Message::text(text));
    for (last, shown) in [
        // It decides nothing, it is one of several, it is a refusal.
        (r#"{"token":"s3cret"}"#, r#"{"token":"***"}"#),
        (
            r#"{"session":1,"token":"s3cret"}"#,
            r#"{"session":1,"token":"***"}"#,
        ),
        (
            r#"{"error":"user","token":"s3cret"}"#,
            r#"{"error":"user","token":"***"}"#,
        ),
    ] {
        let mut talk = script([step(2)]).open();
        let told = talk.hear(last);
        assert!(!told.contains("s3cret"), "{told}");
        assert_eq!(masked(&talk, last).as_deref(), Some(shown));
        talk.lost(&closed(1006), Some(1006));
        assert_eq!(masked(&talk, last).as_deref(), Some(shown));
        talk.opened();
        assert_eq!(masked(&talk, last), None);
    }
    // It was expected, and something else is missing.
    let mut talk = script([step(1)]).open();
    let last = r#"{"session":1,"token":"s3cret"}"#;
    assert!(talk.hear(last).starts_with("lose script_refused"));
    let shown = r#"{"session":1,"token":"***"}"#;
    assert_eq!(masked(&talk, last).as_deref(), Some(shown));
    // A value that is too long for a capture is a secret, too.
    let mut talk = script([step(1)]).open();
    let last = format!(
        r#"{{"session":1,"token":"{}"}}"#,
        "s3cret".repeat(MAX_CAPTURED)
    );
    talk.hear(last.clone());
    assert_eq!(masked(&talk, &last).as_deref(), Some(shown));
}
