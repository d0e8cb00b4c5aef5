use super::*;

#[test]
fn a_script_passes_step_by_step() {
    let mut talk = script([
        S {
            expect: r#"/op == 10"#,
            capture: &[("beat", "/d/heartbeat_interval")],
            ..S::default()
        },
        S {
            send: r#"{"op":2,"id":${id},"beat":${beat}}"#,
            expect: r#"/t == "READY" && /id == id"#,
            ..S::default()
        },
        S {
            send: "hello ${id}",
            ..S::default()
        },
        S {
            send: "bytes:${id}",
            ..S::default()
        },
    ])
    .talk();
    assert!(!talk.conversation.has_passed());
    // The first only listens: it has no number.
    assert_eq!(talk.opened(), "");
    assert_eq!(talk.composed(), None);
    assert_eq!(talk.hear(r#"{"op":9}"#), "");
    assert_eq!(
        talk.hear(r#"{"op":10,"d":{"heartbeat_interval":41250}}"#),
        "compose"
    );
    assert_eq!(talk.send(), r#"{"op":2,"id":1,"beat":41250}"#);
    assert_eq!(talk.hear(r#"{"t":"READY","id":2}"#), "");
    assert_eq!(talk.hear(r#"{"t":"READY","id":1}"#), "compose");
    assert_eq!(talk.composed().as_deref(), Some("hello 2"));
    assert!(!talk.conversation.has_passed());
    assert_eq!(talk.written(), "compose");
    assert_eq!(talk.composed().as_deref(), Some("<3>"));
    assert_eq!(talk.written(), "passed");
    assert!(talk.conversation.has_passed());
    assert_eq!(talk.conversation.deadline(), None);
}

#[test]
fn without_a_step_that_is_taken_a_script_has_passed_at_once() {
    assert_eq!(D::default().talk().opened(), "passed");
    let skipped = S {
        condition: "handover",
        send: "x",
        ..S::default()
    };
    let nothing = S::default();
    assert_eq!(script([skipped.clone(), nothing]).talk().opened(), "passed");
    let mut talk = script([skipped]).talk();
    talk.handover = true;
    assert_eq!(talk.opened(), "compose");
}

#[test]
fn what_decides_is_tried_in_order() {
    let all = S {
        send: "x",
        give_up: "/give_up",
        fail: "/fail",
        expect: "/expect",
        again: "/again",
        within: 10,
        ..S::default()
    };
    for (message, expected) in [
        (
            r#"{"give_up":1,"fail":1,"expect":1,"again":1}"#,
            "give_up (/give_up)",
        ),
        (r#"{"fail":1,"expect":1,"again":1}"#, "fail (/fail)"),
        (r#"{"expect":1,"again":1}"#, "passed"),
        (r#"{"again":1}"#, ""),
        (r#"{"other":1}"#, ""),
    ] {
        let mut talk = script([all.clone()]).open();
        talk.send();
        let told = talk.hear(message);
        match expected {
            "" | "passed" => assert_eq!(told, expected, "{message}"),
            _ => assert!(told.contains(expected), "{message}: {told}"),
        }
        let rests = message == r#"{"again":1}"#;
        let due = if rests {
            Some(secs(30))
        } else {
            Some(secs(10))
        };
        assert_eq!(
            talk.left(),
            due.filter(|_| expected.is_empty()),
            "{message}"
        );
        if let Some(Reply::Lose(cause)) = talk.out.first() {
            let gives_up = matches!(cause, Cause::ScriptRefused { gives_up: true, .. });
            assert_eq!(gives_up, expected.starts_with("give_up"));
        }
    }
}

#[test]
fn an_expectation_is_met_as_often_as_it_says() {
    let mut talk = script([S {
        send: "subscribe",
        expect: r#"starts(message, "ok")"#,
        count: 3,
        ..S::default()
    }])
    .open();
    talk.send();
    for (message, told) in [("ok 1", ""), ("news", ""), ("ok 2", ""), ("ok 3", "passed")] {
        assert_eq!(talk.hear(message), told, "{message}");
    }
}

#[test]
fn time_runs_from_the_write_and_not_while_a_step_waits_for_its_turn() {
    let mut talk = script([S {
        send: "login",
        expect: r#"message == "ok""#,
        within: 5,
        ..S::default()
    }])
    .open();
    assert_eq!(talk.wait(secs(3600)), "");
    // Messages before its write do not count.
    assert_eq!(talk.hear("ok"), "");
    assert_eq!(talk.left(), None);
    talk.composed().unwrap();
    assert_eq!(talk.left(), None);
    assert_eq!(talk.wait(secs(3600)), "");
    assert_eq!(talk.written(), "");
    assert_eq!(talk.left(), Some(secs(5)));
    assert_eq!(talk.wait(millis(4_999)), "");
    assert!(talk.wait(millis(1)).starts_with("lose script_timeout: "));
    assert!(!talk.conversation.has_passed());
    // Nothing follows.
    assert_eq!(talk.hear("ok"), "");
    assert_eq!(talk.wait(secs(3600)), "");
}

#[test]
fn an_answer_in_time_counts_though_the_timer_is_late() {
    let mut talk = script([S {
        expect: r#"message == "ok""#,
        within: 5,
        ..S::default()
    }])
    .open();
    talk.now += secs(6);
    assert_eq!(talk.hear("ok"), "passed");
}

#[test]
fn an_answer_may_be_seen_before_the_write_is_told() {
    let mut talk = script([
        S {
            send: "login",
            expect: r#"message == "ok""#,
            ..S::default()
        },
        S {
            send: "next",
            ..S::default()
        },
    ])
    .open();
    talk.composed().unwrap();
    assert_eq!(talk.hear("ok"), "compose");
    // This is about the first step, whose successor is not composed yet.
    assert_eq!(talk.written(), "");
    assert_eq!(talk.send(), "next");
    assert!(talk.conversation.has_passed());
}

#[test]
fn a_step_that_only_listens_has_its_time_from_its_turn_on() {
    let mut talk = script([
        S {
            send: "login",
            expect: r#"message == "ok""#,
            ..S::default()
        },
        S {
            expect: r#"message == "hello""#,
            within: 3,
            ..S::default()
        },
    ])
    .open();
    talk.send();
    talk.wait(secs(4));
    assert_eq!(talk.hear("ok"), "");
    assert_eq!(talk.left(), Some(secs(3)));
    assert!(
        talk.wait(secs(3))
            .contains("step 2 of open_script expected")
    );
}

#[test]
fn whether_a_step_is_taken_is_asked_when_its_turn_has_come() {
    let resume_or_login = script([
        S {
            expect: "/op == 10",
            capture: &[("session", "/session if exists(/session)")],
            ..S::default()
        },
        S {
            condition: "session",
            send: "resume ${session}",
            ..S::default()
        },
        S {
            condition: "!session",
            send: "login",
            ..S::default()
        },
    ]);
    for (hello, sent) in [
        (r#"{"op":10,"session":"s1"}"#, "resume s1"),
        (r#"{"op":10}"#, "login"),
    ] {
        let mut talk = resume_or_login.open();
        assert_eq!(talk.hear(hello), "compose");
        assert_eq!(talk.send(), sent);
        assert!(talk.conversation.has_passed());
    }
}

#[test]
fn a_step_comes_again_as_often_as_it_is_asked_to() {
    let mut talk = script([S {
        send: r#"[2,"${id}","Boot"]"#,
        expect: r#"/0 == 3 && /1 == text(id) && /2/status == "Accepted""#,
        again: r#"/0 == 3 && /1 == text(id) && /2/status == "Pending""#,
        after: "${/2/interval}s",
        fail: "/0 == 4 && /1 == text(id)",
        within: 30,
        ..S::default()
    }])
    .open();
    for id in 1..=50 {
        assert_eq!(talk.send(), format!(r#"[2,"{id}","Boot"]"#));
        assert_eq!(talk.left(), Some(secs(30)));
        talk.wait(secs(29));
        let pending = format!(r#"[3,"{id}",{{"status":"Pending","interval":7}}]"#);
        assert_eq!(talk.hear(pending.as_str()), "");
        assert_eq!(talk.left(), Some(secs(7)));
        // It ignores messages during its pause.
        assert_eq!(talk.hear(format!(r#"[4,"{id}"]"#)), "");
        assert_eq!(talk.wait(millis(6_999)), "");
        assert_eq!(talk.wait(millis(1)), "compose");
        assert_eq!(talk.left(), None);
    }
    talk.send();
    // The answer to an earlier one decides nothing.
    assert_eq!(talk.hear(r#"[3,"50",{"status":"Accepted"}]"#), "");
    assert_eq!(talk.hear(r#"[3,"51",{"status":"Accepted"}]"#), "passed");
}

#[test]
fn a_step_that_only_listens_may_listen_again() {
    let mut talk = script([S {
        expect: r#"message == "up""#,
        again: r#"message == "later""#,
        count: 2,
        within: 5,
        ..S::default()
    }])
    .open();
    assert_eq!(talk.hear("up"), "");
    assert_eq!(talk.hear("later"), "");
    assert_eq!(talk.left(), Some(secs(30)));
    assert_eq!(talk.wait(secs(30)), "");
    assert_eq!(talk.left(), Some(secs(5)));
    // It counts from the beginning again.
    assert_eq!(talk.hear("up"), "");
    assert_eq!(talk.hear("up"), "passed");
}

#[test]
fn a_value_that_a_step_captures_must_be_there() {
    let login = script([S {
        send: "login",
        expect: "/ok",
        capture: &[("token", "/token"), ("user", "/user if /ok != 2")],
        clear: &["user"],
        ..S::default()
    }]);
    for (answer, told) in [
        (r#"{"ok":1,"token":"t","user":"u"}"#, "passed"),
        (r#"{"ok":2,"token":"t"}"#, "passed"),
        (
            r#"{"ok":1,"token":null,"user":"u"}"#,
            "token (/token) is not there",
        ),
        (r#"{"ok":1,"token":"t"}"#, "user (/user) is not there"),
    ] {
        let mut talk = login.open();
        talk.send();
        let found = talk.hear(answer);
        assert!(found.contains(told), "{answer}: {found}");
        assert_eq!(talk.conversation.has_passed(), told == "passed");
        let is_refusal = matches!(
            talk.out.first(),
            Some(Reply::Lose(Cause::ScriptRefused {
                gives_up: false,
                ..
            }))
        );
        assert_eq!(is_refusal, told != "passed");
    }
}

#[test]
fn what_a_secret_step_takes_is_delivered_to_nobody() {
    let login = |secret| {
        script([S {
            send: "login",
            expect: "/token",
            count: 2,
            capture: &[("token", "/token")],
            secret,
            ..S::default()
        }])
    };
    for secret in [false, true] {
        let mut talk = login(secret).open();
        talk.send();
        assert!(talk.heard(r#"{"news":1}"#).deliver);
        assert_eq!(talk.heard(r#"{"token":"a"}"#).deliver, !secret);
        assert_eq!(talk.heard(r#"{"token":"b"}"#).deliver, !secret);
        assert!(talk.conversation.has_passed());
        assert!(talk.heard(r#"{"token":"c"}"#).deliver);
        let debugged = format!("{:?}", talk.conversation);
        assert_eq!(debugged.contains(r#""b""#), !secret, "{debugged}");
    }
}

#[test]
fn lets_are_filled_once_per_step() {
    let mut talk = D {
        lets: &[
            ("nonce", r#"${random(4, "hex")}"#),
            ("ts", r#"${now("s")}"#),
            ("echoed", "${/nonce}"),
        ],
        script: vec![S {
            send: r#"{"ts":${ts},"nonce":"${nonce}","again":"${nonce}"}"#,
            expect: r#"echoed == nonce && /ts == ts"#,
            again: r#"/op == "again""#,
            after: "1s",
            ..S::default()
        }],
        ..D::default()
    }
    .open();
    let first = r#"{"ts":1700000000,"nonce":"00010203","again":"00010203"}"#;
    assert_eq!(talk.send(), first);
    assert_eq!(talk.hear(r#"{"op":"again"}"#), "");
    assert_eq!(talk.wait(secs(1)), "compose");
    let second = r#"{"ts":1700000001,"nonce":"04050607","again":"04050607"}"#;
    assert_eq!(talk.send(), second);
    talk.wait(secs(5));
    // A nonce of another step, and none.
    assert_eq!(talk.hear(first), "");
    assert_eq!(talk.hear(r#"{"ts":1700000001}"#), "");
    assert_eq!(talk.hear(second), "passed");
}

#[test]
fn a_let_that_looks_into_messages_is_filled_with_each() {
    let mut talk = D {
        lets: &[("code", r#"${default(/code, "none")}"#)],
        script: vec![S {
            send: r#"{"last":"${code}"}"#,
            expect: r#"code == "ok""#,
            ..S::default()
        }],
        ..D::default()
    }
    .open();
    assert_eq!(talk.send(), r#"{"last":"none"}"#);
    assert_eq!(talk.hear(r#"{"code":"no"}"#), "");
    assert_eq!(talk.hear(r#"{"code":"ok"}"#), "passed");
}

#[test]
fn a_text_is_made_when_its_turn_has_come() {
    let mut talk = script([S {
        send: r#"{"ts":${now("s")}}"#,
        ..S::default()
    }])
    .open();
    talk.wait(secs(60));
    assert_eq!(talk.send(), r#"{"ts":1700000060}"#);
}

#[test]
fn what_cannot_be_filled_is_not_sent_and_has_no_number() {
    let mut talk = script([
        S {
            send: "first ${id}",
            ..S::default()
        },
        S {
            send: r#"{"token":"${token}"}"#,
            expect: "/ok",
            capture: &[("token", "/token")],
            ..S::default()
        },
    ])
    .open();
    assert_eq!(talk.send(), "first 1");
    assert_eq!(talk.composed(), None);
    assert_eq!(
        talk.told(),
        r#"lose template: step 2 of open_script cannot send {"token":"${token}"}: `${token}` is absent"#
    );
    assert_eq!(talk.composed(), None);
    assert_eq!(
        (talk.told().as_str(), talk.conversation.deadline()),
        ("", None)
    );
}

#[test]
fn a_script_that_is_cut_anywhere_begins_anew() {
    let login = script([
        S {
            expect: r#"message == "hello""#,
            ..S::default()
        },
        S {
            send: "login ${id}",
            expect: r#"message == "ok""#,
            again: r#"message == "later""#,
            ..S::default()
        },
        S {
            send: "go ${id}",
            ..S::default()
        },
    ]);
    let steps: [fn(&mut Talk); 7] = [
        |talk| drop(talk.hear("hello")),
        |talk| drop(talk.composed()),
        |talk| drop(talk.written()),
        |talk| drop(talk.hear("later")),
        |talk| drop((talk.wait(secs(30)), talk.send())),
        |talk| drop(talk.hear("ok")),
        |talk| drop(talk.send()),
    ];
    for cut in 0..=steps.len() {
        let mut talk = login.open();
        for step in &steps[..cut] {
            step(&mut talk);
        }
        assert_eq!(talk.conversation.has_passed(), cut == steps.len());
        assert_eq!(talk.lost(&Cause::Eof, Some(1006)), "");
        assert!(!talk.conversation.has_passed());
        assert_eq!(talk.conversation.deadline(), None);
        // Late results do not affect the next socket.
        assert_eq!(talk.composed(), None);
        talk.opened();
        assert_eq!(talk.hear("hello"), "compose");
        assert_eq!(talk.send(), "login 1");
        talk.hear("ok");
        assert_eq!(talk.send(), "go 2");
        assert!(talk.conversation.has_passed());
    }
}

#[test]
fn numbers_begin_where_the_settings_say() {
    for (first_id, first) in [(0, 1), (1, 1), (1_000_000, 1_000_000)] {
        let mut talk = D {
            script: vec![S {
                send: "${id}",
                ..S::default()
            }],
            rules: vec![R {
                when: r#"message == "next""#,
                send: "${id}",
                ..R::default()
            }],
            ping: "${id}",
            first_id,
            ..D::default()
        }
        .open();
        assert_eq!(talk.send(), format!("{first}"));
        assert_eq!(talk.ping(), Ping::Text(format!("{}", first + 1)));
        assert_eq!(talk.hear("next"), format!("answer {}", first + 2));
        talk.lost(&Cause::Eof, None);
        talk.opened();
        assert_eq!(talk.send(), format!("{first}"));
    }
}

#[test]
fn where_the_script_stands_is_told() {
    let mut talk = script([
        S {
            expect: r#"message == "hello""#,
            count: 2,
            ..S::default()
        },
        S {
            send: "login ${id}",
            expect: r#"message == "ok""#,
            again: r#"message == "later""#,
            ..S::default()
        },
    ])
    .talk();
    let progress = |talk: &Talk| {
        let step = talk.conversation.step()?;
        assert_eq!(step.steps, 2);
        let expects = step.expects().map(str::to_owned);
        Some((
            step.place.at + 1,
            step.state,
            step.met,
            step.sends(),
            expects,
        ))
    };
    assert_eq!(progress(&talk), None);
    talk.opened();
    talk.hear("hello");
    let hello = Some(r#"message == "hello""#.to_owned());
    assert_eq!(
        progress(&talk),
        Some((1, StepState::Listens, 1, None, hello))
    );
    talk.hear("hello");
    let (login, ok) = (
        Some("login ${id}".to_owned()),
        Some(r#"message == "ok""#.to_owned()),
    );
    let second = |state| Some((2, state, 0, login.clone(), ok.clone()));
    assert_eq!(progress(&talk), second(StepState::Queued));
    talk.composed();
    assert_eq!(progress(&talk), second(StepState::Made));
    talk.written();
    assert_eq!(progress(&talk), second(StepState::Listens));
    talk.hear("later");
    assert_eq!(progress(&talk), second(StepState::Rests));
    talk.wait(secs(30));
    talk.send();
    talk.hear("ok");
    assert_eq!(progress(&talk), None);
}

#[test]
fn what_a_step_clears_is_forgotten_once_it_has_passed_and_not_before() {
    let mut talk = D {
        capture: &[("session", "/session"), ("user", "/user")],
        script: vec![
            S {
                send: "logout ${default(session, \"nobody\")}",
                expect: r#"message == "bye""#,
                clear: &["session"],
                ..S::default()
            },
            S {
                send: "hello ${default(session, \"nobody\")}",
                clear: &["user"],
                ..S::default()
            },
        ],
        ..D::default()
    }
    .open();
    let is_there = |talk: &Talk| [0, 1].map(|at| talk.conversation.captures.get(at).is_there());
    talk.hear(r#"{"session":"s1","user":"u"}"#);
    assert_eq!(talk.send(), "logout s1");
    assert_eq!(is_there(&talk), [true, true]);
    talk.hear("bye");
    assert_eq!(is_there(&talk), [false, true]);
    assert_eq!(talk.composed().as_deref(), Some("hello nobody"));
    assert_eq!(is_there(&talk), [false, true]);
    talk.written();
    assert_eq!(is_there(&talk), [false, false]);
}
