use super::*;
use crate::core::Phase;

#[test]
fn the_first_rule_that_matches_acts() {
    let mut talk = rules([
        R {
            when: r#"/op == "ping""#,
            send: r#"{"pong":${/ping}}"#,
            silent: true,
            ..R::default()
        },
        R {
            when: "exists(/op)",
            send: "op",
            ..R::default()
        },
        R {
            when: r#"message == "PING""#,
            send: "bytes:PONG ${name}",
            ..R::default()
        },
    ])
    .open();
    for (message, told, deliver) in [
        (
            r#"{"op":"ping","ping":1.50}"#,
            r#"answer {"pong":1.50}"#,
            false,
        ),
        (
            r#"{"op":"ping","ping":"x\"y"}"#,
            r#"answer {"pong":"x\"y"}"#,
            false,
        ),
        (r#"{"op":"other"}"#, "answer op", true),
        ("PING", "answer <PONG feed>", true),
        (r#"{"data":1}"#, "", true),
        ("", "", true),
        ("{", "", true),
    ] {
        let heard = talk.heard(message);
        assert_eq!(talk.told(), told, "{message}");
        assert_eq!(
            (heard.deliver, heard.is_pong),
            (deliver, false),
            "{message}"
        );
    }
}

#[test]
fn a_binary_message_that_is_utf8_counts_as_text() {
    let mut talk = rules([R {
        when: r#"/op == "ping" || message == "ping""#,
        send: "pong",
        ..R::default()
    }])
    .open();
    for (bytes, told) in [
        (&br#"{"op":"ping"}"#[..], "answer pong"),
        (b"ping", "answer pong"),
        (b"{\"op\":\"ping\",\"x\":\"\xff\"}", ""),
        (b"\xff", ""),
    ] {
        assert_eq!(
            talk.hear(Message::binary(bytes.to_vec())),
            told,
            "{bytes:?}"
        );
    }
}

#[test]
fn within_a_rule_captures_come_first_then_clear_then_send_then_what_it_does() {
    let mut talk = D {
        rules: vec![R {
            when: "exists(/n)",
            capture: &[("n", "/n"), ("last", "n")],
            clear: &["token"],
            send: r#"{"n":${n},"last":${default(last, 0)},"token":${exists(token)}}"#,
            action: Some(RuleAction::Rotate),
            ..R::default()
        }],
        capture: &[("token", "/token")],
        ..D::default()
    }
    .open();
    talk.hear(r#"{"token":"t"}"#);
    assert_eq!(
        talk.hear(r#"{"n":1}"#),
        r#"answer {"n":1,"last":0,"token":false}; rotate"#
    );
    // The rule sees the earlier value of a capture.
    assert_eq!(
        talk.hear(r#"{"n":2}"#),
        r#"answer {"n":2,"last":1,"token":false}; rotate"#
    );
}

#[test]
fn each_thing_that_a_rule_does() {
    let does = |action, url| {
        rules([R {
            when: r#"/type == "bye""#,
            action: Some(action),
            url,
            ..R::default()
        }])
    };
    let bye = r#"{"type":"bye","url":"wss://b/"}"#;
    let text = format!(r#"rule 1 (/type == "bye") says DO, of {bye}"#);
    for (action, url, told) in [
        (RuleAction::Beat, "", "beat".to_owned()),
        (RuleAction::Rotate, "", "rotate".into()),
        (
            RuleAction::Rotate,
            "${/url}?x",
            "rotate to wss://b/?x".into(),
        ),
        (
            RuleAction::Reconnect,
            "",
            format!("lose rule: {}", text.replace("DO", "reconnect")),
        ),
        (
            RuleAction::Reconnect,
            "${/url}",
            format!(
                "next wss://b/; lose rule: {}",
                text.replace("DO", "reconnect")
            ),
        ),
        (
            RuleAction::GiveUp,
            "",
            format!("lose rule: {}", text.replace("DO", "give_up")),
        ),
    ] {
        let mut talk = does(action, url).open();
        assert_eq!(talk.hear(bye), told);
        if let Some(Reply::Lose(cause)) = talk.out.last() {
            let gives_up = matches!(cause, Cause::Rule { gives_up: true, .. });
            assert_eq!(gives_up, action == RuleAction::GiveUp);
            // Nothing follows on this socket.
            assert_eq!(talk.hear(bye), "");
        }
    }
}

#[test]
fn what_cannot_be_filled_is_told_once_and_the_rest_is_done() {
    let mut talk = rules([
        R {
            when: r#"/type == "bye""#,
            action: Some(RuleAction::Rotate),
            url: "${/url}",
            ..R::default()
        },
        R {
            when: r#"/type == "ask""#,
            send: r#"{"id":${/id}}"#,
            silent: true,
            ..R::default()
        },
    ])
    .open();
    assert_eq!(
        talk.hear(r#"{"type":"bye"}"#),
        r#"error template: rule 1 (/type == "bye"): url ${/url}: `${/url}` is absent; rotate"#
    );
    assert_eq!(talk.hear(r#"{"type":"bye"}"#), "rotate");
    let ask = r#"{"type":"ask"}"#;
    assert!(!talk.heard(ask).deliver);
    assert_eq!(
        talk.told(),
        r#"error template: rule 2 (/type == "ask"): send {"id":${/id}}: `${/id}` is absent"#
    );
    assert_eq!(talk.hear(ask), "");
    assert_eq!(talk.hear(r#"{"type":"ask","id":1}"#), r#"answer {"id":1}"#);
    // It is reported again on another socket.
    talk.lost(&Cause::Eof, None);
    talk.opened();
    assert!(talk.hear(ask).starts_with("error template: rule 2"));
}

#[test]
fn a_rule_waits_before_it_does_something_and_not_before_it_answers() {
    let mut talk = rules([
        R {
            when: r#"message == "warning""#,
            send: "thanks",
            action: Some(RuleAction::Rotate),
            delay: Some((2, 10)),
            ..R::default()
        },
        R {
            when: r#"message == "bye""#,
            action: Some(RuleAction::Reconnect),
            delay: Some((1, 1)),
            ..R::default()
        },
    ])
    .open();
    assert_eq!(talk.hear("warning"), "answer thanks");
    let first = talk.left().unwrap();
    assert!((secs(2)..=secs(10)).contains(&first), "{first:?}");
    // A second match does not change the first.
    assert_eq!(talk.hear("warning"), "answer thanks");
    assert_eq!(talk.left(), Some(first));
    assert_eq!(talk.wait(first - millis(1)), "");
    assert_eq!(talk.wait(millis(1)), "rotate");
    assert_eq!(talk.left(), None);
    assert_eq!(talk.hear("warning"), "answer thanks");
    assert_eq!(talk.hear("bye"), "");
    assert_eq!(
        talk.wait(secs(10)),
        r#"lose rule: rule 2 (message == "bye") says reconnect, of bye"#
    );
    assert_eq!(talk.left(), None);
    // Waiting actions end with the socket.
    talk.lost(&Cause::Eof, None);
    talk.opened();
    assert_eq!(talk.wait(secs(3600)), "");
}

#[test]
fn a_delay_is_drawn_between_its_ends() {
    let mut drawn = Vec::new();
    for random in 0..=255 {
        let mut talk = rules([R {
            when: r#"message == "bye""#,
            action: Some(RuleAction::Rotate),
            delay: Some((1, 5)),
            ..R::default()
        }])
        .open();
        talk.random.set(random);
        talk.hear("bye");
        drawn.push(talk.left().unwrap());
    }
    assert!(
        drawn
            .iter()
            .all(|delay| (secs(1)..=secs(5)).contains(delay))
    );
    let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
    assert!(
        *least < millis(1_200) && *most > millis(4_800),
        "{least:?} {most:?}"
    );
}

#[test]
fn rules_act_while_the_script_runs() {
    let mut talk = D {
        script: vec![S {
            send: "login",
            expect: r#"/type == "ready""#,
            ..S::default()
        }],
        rules: vec![
            R {
                when: "exists(/ping)",
                send: "pong",
                ..R::default()
            },
            R {
                when: r#"/code == 7"#,
                action: Some(RuleAction::Reconnect),
                ..R::default()
            },
        ],
        capture: &[("seq", "/seq")],
        ..D::default()
    }
    .open();
    assert_eq!(talk.hear(r#"{"ping":1}"#), "answer pong");
    talk.send();
    // It does not take the message from the step.
    assert_eq!(
        talk.hear(r#"{"ping":1,"type":"ready"}"#),
        "answer pong; passed"
    );
    talk.lost(&Cause::Eof, None);
    talk.opened();
    talk.send();
    // A rule that loses the socket ends the script; captures still read the delivered message.
    let told = talk.hear(r#"{"code":7,"type":"ready","seq":5}"#);
    assert!(told.starts_with("lose rule: rule 2 (/code == 7)") && !told.contains("passed"));
    assert!(!talk.conversation.has_passed());
    assert_eq!(
        talk.conversation.captures.get(0).as_text().as_deref(),
        Some("5")
    );
    assert_eq!(talk.hear(r#"{"type":"ready","ping":1}"#), "");
}

#[test]
fn two_rules_that_answer_each_other_for_ever_are_held_to_their_rate() {
    let ping_pong = rules([
        R {
            when: r#"starts(message, "a")"#,
            send: "b${id}",
            ..R::default()
        },
        R {
            when: r#"starts(message, "b")"#,
            send: "a${id}",
            ..R::default()
        },
    ]);
    let mut talk = ping_pong.open();
    let mut echoed = vec![Message::text("a0")];
    let mut sent = Vec::new();
    // Ten seconds of a server that echoes everything, in steps of 10 ms.
    for _ in 0..1_000 {
        while let Some(message) = echoed.pop() {
            talk.hear(message);
            for reply in &talk.out {
                let Reply::Answer(answer) = reply else {
                    panic!("{reply:?}")
                };
                sent.push((talk.now, answer.clone()));
                echoed.push(answer.clone());
            }
            if echoed.is_empty() {
                break;
            }
        }
        talk.wait(millis(10));
        for reply in &talk.out {
            let Reply::Answer(answer) = reply else {
                panic!("{reply:?}")
            };
            sent.push((talk.now, answer.clone()));
            echoed.push(answer.clone());
        }
    }
    assert!(sent.len() >= 900, "{}", sent.len());
    for (at, (from, _)) in sent.iter().enumerate() {
        let within = sent[at..]
            .iter()
            .take_while(|(to, _)| *to < *from + secs(1));
        assert!(within.count() <= MAX_ANSWERS as usize);
    }
    // In order, without a duplicate number.
    for (at, (_, answer)) in sent.iter().enumerate() {
        let text = text_of(answer);
        assert_eq!(text[1..], (at + 1).to_string());
    }
}

#[test]
fn a_flood_of_questions_stops_the_reading() {
    let ask = rules([R {
        when: r#"starts(message, "ask")"#,
        send: "answer ${between(message ~ \";\", \"ask \", \";\")}",
        ..R::default()
    }]);
    let mut talk = ask.open();
    let (mut asked, mut answers) = (0, Vec::new());
    let mut longest = 0;
    while asked < 30_000 {
        while !talk.conversation.stops_reading() && asked < 30_000 {
            assert!(talk.conversation.answers_waiting() < MAX_WAITING);
            talk.hear(format!("ask {asked}"));
            asked += 1;
            answers.extend(talk.out.iter().map(text));
        }
        longest = longest.max(talk.conversation.answers_waiting());
        let due = talk.left().unwrap();
        talk.wait(due);
        answers.extend(talk.out.iter().map(text));
    }
    while let Some(due) = talk.left() {
        talk.wait(due);
        answers.extend(talk.out.iter().map(text));
    }
    assert_eq!(longest, MAX_WAITING);
    assert_eq!(answers.len(), 30_000);
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(answer, &format!("answer answer {at}"));
    }
    assert!(!talk.conversation.stops_reading());
}

#[test]
fn who_goes_on_reading_loses_the_socket_and_no_answer_in_silence() {
    let mut talk = rules([R {
        when: r#"message == "ask""#,
        send: "answer",
        ..R::default()
    }])
    .open();
    for _ in 0..MAX_ANSWERS as usize + MAX_WAITING {
        assert!(!talk.hear("ask").contains("lose"));
    }
    assert!(talk.conversation.stops_reading());
    assert_eq!(
        talk.hear("ask"),
        r#"lose rule: rule 1 (message == "ask"): 128 answers wait already"#
    );
    talk.lost(&Cause::Eof, None);
    assert!(!talk.conversation.stops_reading());
    talk.opened();
    assert_eq!(talk.hear("ask"), "answer answer");
}

#[test]
fn long_answers_that_wait_stop_the_reading_sooner() {
    let mut talk = rules([R {
        when: "true",
        send: "${message}",
        ..R::default()
    }])
    .talk();
    talk.max_message = 1_000;
    talk.opened();
    for _ in 0..MAX_ANSWERS {
        assert!(talk.hear("x".repeat(900)).starts_with("answer"));
    }
    assert_eq!(talk.hear("x".repeat(900)), "");
    assert!(!talk.conversation.stops_reading());
    talk.hear("x".repeat(900));
    assert!(talk.conversation.stops_reading());
    talk.wait(secs(1));
    assert_eq!(talk.out.len(), 2);
    assert!(!talk.conversation.stops_reading());
}

#[test]
fn a_loss_meets_its_rule() {
    let on_loss = D {
        capture: &[("session", "/session")],
        rules: vec![
            R {
                loss: vec![GiveUpRule::Close(4_007..=4_009)],
                clear: &["session"],
                ..R::default()
            },
            R {
                loss: vec![GiveUpRule::Cause("dial")],
                action: Some(RuleAction::Reconnect),
                url: "wss://b/${default(session, \"none\")}",
                ..R::default()
            },
            R {
                loss: vec![GiveUpRule::Status(401..=403), GiveUpRule::Cause("protocol")],
                action: Some(RuleAction::GiveUp),
                ..R::default()
            },
            R {
                loss: vec![GiveUpRule::Cause("eof")],
                action: Some(RuleAction::Beat),
                send: "nobody hears it",
                ..R::default()
            },
        ],
        ..D::default()
    };
    let refused = Cause::HandshakeStatus {
        status: 403,
        retry_after: None,
        text: "no".into(),
    };
    let protocol = Cause::Protocol(crate::wire::Violation::Masked);
    let by_protocol = format!(
        "lose rule: rule 3 (loss status:401-403, cause:protocol) says give_up, of {protocol}"
    );
    for (is_open, cause, close, told, is_left) in [
        (true, closed(4_008), Some(4_008), "", false),
        (true, closed(4_000), Some(4_000), "", true),
        (true, Cause::Eof, Some(1_006), "", true),
        (true, protocol, None, by_protocol.as_str(), true),
        (
            false,
            Cause::ConnectTimeout(Phase::Tcp),
            None,
            "next wss://b/s1",
            true,
        ),
        (false, refused, None, "next wss://b/s1", true),
    ] {
        let mut talk = on_loss.open();
        talk.hear(r#"{"session":"s1"}"#);
        if !is_open {
            talk.lost(&closed(1_000), Some(1_000));
        }
        assert_eq!(talk.lost(&cause, close), told, "{cause:?}");
        assert_eq!(
            talk.conversation.captures.get(0).is_there(),
            is_left,
            "{cause:?}"
        );
    }
}

#[test]
fn before_a_socket_is_open_no_rule_answers() {
    let answers = rules([R {
        when: "true",
        send: "x",
        ..R::default()
    }]);
    let mut talk = answers.talk();
    assert_eq!(talk.hear("a"), "");
    talk.opened();
    assert_eq!(talk.hear("a"), "answer x");
    talk.lost(&Cause::Eof, None);
    assert_eq!(talk.hear("a"), "");
}

#[test]
fn no_line_end_of_a_peer_gets_into_a_text_of_lines() {
    let mut talk = D {
        capture: &[("nick", "/nick")],
        rules: vec![
            R {
                when: r#"starts(message, "PING")"#,
                send: "PONG ${after(message, \"PING \")}",
                ..R::default()
            },
            R {
                when: r#"starts(message, "RAW")"#,
                send: "ECHO ${raw(message)}",
                ..R::default()
            },
            R {
                when: r#"message == "who""#,
                send: "NICK ${nick}",
                ..R::default()
            },
        ],
        ..D::default()
    }
    .open();
    assert_eq!(talk.hear("PING :x"), "answer PONG :x");
    for line_end in ["\r\n", "\n", "\0"] {
        let told = talk.hear(format!("PING :x{line_end}QUIT"));
        assert!(!told.contains("answer"), "{told}");
        let echo = format!("RAW a{line_end}b");
        assert_eq!(talk.hear(echo.as_str()), format!("answer ECHO {echo}"));
    }
    talk.hear(r#"{"nick":"me\r\nQUIT"}"#);
    assert_eq!(
        talk.hear("who"),
        r#"error template: rule 3 (message == "who"): send NICK ${nick}: `${nick}` has a control character, which is not allowed there"#
    );
}
