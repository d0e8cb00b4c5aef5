use super::*;

fn value(talk: &Talk, at: u16) -> Option<String> {
    let value = talk.conversation.captures.get(at);
    value.as_text().map(|text| text.into_owned())
}

#[test]
fn each_message_may_set_a_capture_and_null_leaves_the_last_value() {
    let mut talk = D {
        capture: &[
            ("seq", "/s"),
            ("price", r#"/p if /op == "trade""#),
            ("all", "/o"),
        ],
        ..D::default()
    }
    .open();
    for (message, seq, price, all) in [
        (r#"{"x":1}"#, None, None, None),
        (r#"{"s":1,"p":5}"#, Some("1"), None, None),
        (r#"{"s":null}"#, Some("1"), None, None),
        (
            r#"{"op":"trade","p":"2.50"}"#,
            Some("1"),
            Some("2.50"),
            None,
        ),
        (
            r#"{"s":90071992547409931}"#,
            Some("90071992547409931"),
            Some("2.50"),
            None,
        ),
        (
            r#"{"o": {"a": [1]}}"#,
            Some("90071992547409931"),
            Some("2.50"),
            Some(r#"{"a":[1]}"#),
        ),
        (
            "no JSON with \"s\"",
            Some("90071992547409931"),
            Some("2.50"),
            Some(r#"{"a":[1]}"#),
        ),
    ] {
        assert_eq!(talk.heard(message), Heard::MESSAGE);
        let found = (value(&talk, 0), value(&talk, 1), value(&talk, 2));
        let found = (found.0.as_deref(), found.1.as_deref(), found.2.as_deref());
        assert_eq!(found, (seq, price, all), "{message}");
    }
}

#[test]
fn a_long_value_is_not_kept() {
    let captures = D {
        capture: &[("x", "/x")],
        ..D::default()
    };
    let mut talk = captures.open();
    talk.hear(r#"{"x":"first"}"#);
    talk.hear(format!(r#"{{"x":"{}"}}"#, "y".repeat(1 << 20)));
    assert_eq!(value(&talk, 0).as_deref(), Some("first"));
    let longest = "y".repeat(MAX_CAPTURED);
    talk.hear(format!(r#"{{"x":"{longest}"}}"#));
    assert_eq!(value(&talk, 0), Some(longest));

    let mut talk = script([S {
        send: "login",
        expect: "exists(/x)",
        capture: &[("x", "/x")],
        ..S::default()
    }])
    .open();
    talk.send();
    let told = talk.hear(format!(r#"{{"x":"{}"}}"#, "y".repeat(MAX_CAPTURED + 1)));
    assert!(told.starts_with("lose script_refused: step 1 of open_script sent login and expected exists(/x); 0ms later x (/x) is too long to be captured in {\"x\":\"yyy"), "{told}");
    assert!(told.len() < 600);
}

#[test]
fn captures_outlive_sockets() {
    let mut talk = D {
        capture: &[("seq", "/s")],
        script: vec![S {
            send: "resume ${default(seq, 0)}",
            ..S::default()
        }],
        ..D::default()
    }
    .open();
    assert_eq!(talk.send(), "resume 0");
    talk.hear(r#"{"s":7}"#);
    talk.lost(&Cause::Eof, None);
    talk.opened();
    assert_eq!(talk.send(), "resume 7");
}

#[test]
fn a_successor_begins_with_a_copy_and_what_it_sets_wins_at_the_cut() {
    let dialogue = D {
        capture: &[
            ("seq", "/seq"),
            ("session", "/session"),
            ("old", "/old"),
            ("token", "/token"),
        ],
        rules: vec![R {
            when: r#"/op == "forget""#,
            clear: &["token"],
            ..R::default()
        }],
        ..D::default()
    };
    let mut talk = dialogue.open();
    talk.hear(r#"{"seq":1,"session":"a","old":"x","token":"t"}"#);
    let mut successor = Talk::of(talk.conversation.successor());
    successor.opened();
    assert_eq!(value(&successor, 0).as_deref(), Some("1"));
    successor.hear(r#"{"session":"b"}"#);
    // The same value again counts as set.
    successor.hear(r#"{"old":"x"}"#);
    successor.hear(r#"{"op":"forget"}"#);
    talk.hear(r#"{"seq":2,"session":"c","old":"y","token":"u"}"#);
    // Neither sees the captures of the other.
    assert_eq!(value(&talk, 1).as_deref(), Some("c"));
    assert_eq!(value(&successor, 0).as_deref(), Some("1"));
    talk.conversation
        .adopt(successor.conversation, &mut Vec::new());
    let found = [0, 1, 2, 3].map(|at| value(&talk, at));
    let found = found.each_ref().map(Option::as_deref);
    assert_eq!(found, [Some("2"), Some("b"), Some("x"), None]);
}

#[test]
fn at_the_cut_the_successors_socket_is_the_one_that_serves() {
    let dialogue = D {
        script: vec![S {
            send: "login ${id}",
            expect: r#"message == "ok""#,
            ..S::default()
        }],
        rules: vec![R {
            when: r#"message == "warn""#,
            action: Some(RuleAction::Rotate),
            delay: Some((5, 5)),
            ..R::default()
        }],
        ping: "ping ${id}",
        pong: r#"message == "pong " ~ text(id)"#,
        ..D::default()
    };
    let mut talk = dialogue.open();
    talk.send();
    talk.hear("ok");
    assert_eq!(talk.ping(), Ping::Text("ping 2".into()));
    talk.hear("warn");
    let mut successor = Talk::of(talk.conversation.successor());
    successor.opened();
    assert_eq!(successor.send(), "login 1");
    successor.hear("ok");
    talk.conversation
        .adopt(successor.conversation, &mut Vec::new());
    assert!(talk.conversation.has_passed());
    // Waiting messages of the old socket, its pings and its numbers do not continue.
    assert_eq!(talk.left(), None);
    assert!(!talk.heard("pong 2").is_pong);
    assert_eq!(talk.ping(), Ping::Text("ping 2".into()));
    assert!(talk.heard("pong 2").is_pong);
}

#[test]
fn before_anything_is_captured_a_successors_captures_are_taken_over_alone() {
    let dialogue = D {
        capture: &[("a", "/a"), ("b", "/b")],
        ..D::default()
    };
    let mut talk = dialogue.open();
    let mut successor = Talk::of(talk.conversation.successor());
    successor.opened();
    successor.hear(r#"{"b":2}"#);
    talk.conversation
        .adopt(successor.conversation, &mut Vec::new());
    assert_eq!((value(&talk, 0), value(&talk, 1)), (None, Some("2".into())));
}

#[test]
fn what_the_place_knows_can_be_read() {
    let mut talk = rules([R {
        when: r#"message == "who""#,
        send: r#"{"name":"${name}","at":${sequence},"handover":${handover},"time":${now("ms")}}"#,
        ..R::default()
    }])
    .talk();
    (talk.handover, talk.sequence) = (true, Some(41));
    talk.opened();
    assert_eq!(
        talk.hear("who"),
        r#"answer {"name":"feed","at":41,"handover":true,"time":1700000000000}"#
    );
}
