//! Which messages must be passed to a conversation.

use super::{requests::tickets, *};

/// Rules and captures that all have a needle: a message without one concerns none of them.
fn quiet() -> D {
    D {
        capture: &[("seq", "/s")],
        rules: vec![
            R {
                when: r#"/op == "ping""#,
                send: r#"{"pong":${/id}}"#,
                ..R::default()
            },
            R {
                when: "exists(/notice) && /code == 5",
                action: Some(RuleAction::Rotate),
                ..R::default()
            },
        ],
        ..D::default()
    }
}

const TICK: &str = r#"{"op":"tick","d":1}"#;

/// Whether it is passed on, and whether it is parsed as JSON.
fn concern(talk: &Talk, message: &str) -> Option<bool> {
    let concern = talk.conversation.concern(&Message::text(message));
    concern.map(|concern| concern.is_read())
}

#[test]
fn a_message_without_needles_is_told_to_nobody() {
    let mut talk = quiet().open();
    for (message, expected) in [
        (TICK, None),
        ("", None),
        ("ping", None),
        (r#"{"op":"ping"}"#, Some(true)),
        (r#"{"s":1}"#, Some(true)),
        (r#"{"op":"p\u0069ng"}"#, Some(true)),
        (r#"{"notice":1}"#, Some(true)),
    ] {
        assert_eq!(concern(&talk, message), expected, "{message}");
    }
    let binary = Message::binary(&b"\xff{\"op\":\"ping\"}"[..]);
    assert!(talk.conversation.concern(&binary).is_some());
    assert_eq!(talk.hear(TICK), "");
}

/// Each kind of rule and capture that can match a message without needles.
#[test]
fn what_needs_no_needle_is_told_each_message() {
    let rule = |when| R {
        when,
        action: Some(RuleAction::Rotate),
        ..R::default()
    };
    for (when, message, is_read) in [
        (r#"message == "bye""#, "bye", false),
        (r#"exists(/a) || message == "bye""#, "bye", false),
        ("!exists(/a)", "bye", true),
        (r#"/0 == 2"#, "[2]", true),
    ] {
        let mut dialogue = quiet();
        dialogue.rules.push(rule(when));
        let mut talk = dialogue.open();
        assert_eq!(concern(&talk, message), Some(is_read), "{when}");
        assert_eq!(talk.hear(message), "rotate", "{when}");
    }
    for capture in [
        "message",
        r#"/op == "x""#,
        "\"y\"",
        "1 if starts(message, \"b\")",
    ] {
        let mut dialogue = quiet();
        dialogue.capture = Box::leak(Box::new([("seq", capture)]));
        let mut talk = dialogue.open();
        assert!(concern(&talk, "bye").is_some(), "{capture}");
        talk.hear("bye");
        assert!(talk.conversation.captures.get(0).is_there(), "{capture}");
    }
}

/// The needles of a rule's answer and captures are searched in each message that the rule may
/// match.
#[test]
fn what_follows_a_rule_without_a_needle_is_found() {
    let mut dialogue = quiet();
    dialogue.rules.push(R {
        when: r#"exists(/never) || starts(message, "{")"#,
        send: r#"{"d":${/d}}"#,
        ..R::default()
    });
    let mut talk = dialogue.open();
    assert_eq!(talk.hear(TICK), r#"answer {"d":1}"#);
}

/// A listener besides rules and captures: why it listens, and its reaction to a message without
/// needles.
struct Listener {
    what: &'static str,
    dialogue: D,
    begin: fn(&mut Talk),
    message: &'static str,
    told: &'static str,
}

fn listeners() -> Vec<Listener> {
    let step = |expect| S {
        send: "hello",
        expect,
        ..S::default()
    };
    let with_step = |step| D {
        script: vec![step],
        ..quiet()
    };
    let send: fn(&mut Talk) = |talk| {
        talk.send();
    };
    vec![
        Listener {
            what: "a step of the script",
            dialogue: with_step(step("/d == 1")),
            begin: send,
            message: TICK,
            told: "passed",
        },
        Listener {
            what: "a step that does not look at JSON",
            dialogue: with_step(step(r#"starts(message, "welcome")"#)),
            begin: send,
            message: "welcome",
            told: "passed",
        },
        Listener {
            what: "a periodic step",
            dialogue: D {
                periodic: vec![(
                    "1s",
                    false,
                    S {
                        fail: "/d == 1",
                        ..step("exists(/never)")
                    },
                )],
                ..quiet()
            },
            begin: |talk| {
                talk.ready();
                talk.wait(secs(1));
                talk.send();
            },
            message: TICK,
            told: r#"lose script_refused: periodic[1] sent hello and expected exists(/never); 0ms later fail (/d == 1) held for {"op":"tick","d":1}"#,
        },
        Listener {
            what: "a step of the close script",
            dialogue: D {
                close_script: vec![step("/d == 1")],
                ..quiet()
            },
            begin: |talk| {
                talk.begin_close_script();
                talk.send();
            },
            message: TICK,
            told: "may close",
        },
        Listener {
            what: "a ping that was not answered",
            dialogue: D {
                ping: r#"{"ping":${id}}"#,
                pong: "/d == id",
                ..quiet()
            },
            begin: |talk| {
                talk.ping();
            },
            message: TICK,
            told: "pong",
        },
        Listener {
            what: "a ping that a plain text answers",
            dialogue: D {
                ping: "ping ${id}",
                pong: r#"message == "pong " ~ id"#,
                ..quiet()
            },
            begin: |talk| {
                talk.ping();
            },
            message: "pong 1",
            told: "pong",
        },
        Listener {
            what: "a request in flight",
            dialogue: D {
                request: Some(Q {
                    answer: "/d == id",
                    ..Q::default()
                }),
                ..quiet()
            },
            begin: |talk| {
                talk.request(tickets(1)[0], r#"{"id":7}"#);
            },
            message: TICK,
            told: r#"answered {"op":"tick","d":7}"#,
        },
        Listener {
            what: "whoever watches",
            dialogue: quiet(),
            begin: |talk| talk.conversation.watch(true),
            message: TICK,
            told: r#"[came: {"op":"tick","d":1}]"#,
        },
    ]
}

#[test]
fn each_listener_is_told_each_message_as_long_as_it_listens() {
    for Listener {
        what,
        dialogue,
        begin,
        message,
        told,
    } in listeners()
    {
        let mut talk = dialogue.open();
        begin(&mut talk);
        assert!(concern(&talk, message).is_some(), "{what}");
        let heard = talk.heard(message);
        let came = match heard.is_pong {
            true => "pong".to_owned(),
            false => talk.told(),
        };
        assert_eq!(came, told, "{what}");
    }
}

/// It is unknown in advance whether it is the last one.
#[test]
fn a_step_remembers_a_message_that_it_does_not_need() {
    let mut dialogue = quiet();
    dialogue.script = vec![S {
        send: "hello",
        expect: "exists(/never)",
        ..S::default()
    }];
    let mut talk = dialogue.open();
    talk.send();
    talk.hear(TICK);
    let told = talk.wait(secs(10));
    assert!(told.contains(TICK), "{told}");
}

/// The message after one with an answer "stored" is passed on, to learn the position of the first.
#[test]
fn an_answer_that_has_no_place_yet_is_a_listener() {
    let mut dialogue = quiet();
    dialogue.rules[0].stored = true;
    let mut talk = dialogue.open();
    assert_eq!(concern(&talk, TICK), None);
    assert_eq!(talk.hear(r#"{"op":"ping","id":1}"#), "");
    assert_eq!(concern(&talk, TICK), Some(false));
}

/// A step that does not wait for messages needs none of them.
#[test]
fn who_does_not_listen_is_told_nothing() {
    let mut dialogue = quiet();
    dialogue.script = vec![S {
        send: "hello",
        expect: "/d == 1",
        ..S::default()
    }];
    let mut talk = dialogue.open();
    assert_eq!(concern(&talk, TICK), None);
    talk.send();
    assert_eq!(concern(&talk, TICK), Some(true));
    talk.hear(TICK);
    assert_eq!(concern(&talk, TICK), None);
}

/// Which messages can only belong to a subscription, and which affect no timer.
#[test]
fn what_a_message_may_do_is_known_before_it_is_told() {
    const ROUTED: &str = r#"{"stream":"a"}"#;
    let reach = |talk: &Talk, message: &str| {
        let concern = talk.conversation.concern(&Message::text(message));
        concern.map(|concern| (concern.is_only_routed(), concern.moves_times()))
    };
    let subscribe = || U {
        keys: &[("a", "a")],
        ..U::default()
    };
    let active = |dialogue: D| {
        let mut talk = dialogue.open();
        talk.subscribe();
        talk.hear(r#"{"id":1,"result":null}"#);
        talk.hear(r#"{"id":1,"result":"a"}"#);
        talk
    };
    let mut talk = subscriptions::subscribes(subscribe()).open();
    talk.subscribe();
    // Its answer is awaited.
    assert_eq!(reach(&talk, ROUTED), Some((false, true)));
    talk.hear(r#"{"id":1,"result":"a"}"#);
    assert_eq!(reach(&talk, ROUTED), Some((true, false)));
    assert_eq!(reach(&talk, "{}"), None);
    talk.conversation.watch(true);
    assert_eq!(reach(&talk, ROUTED), Some((false, true)));
    talk.conversation.watch(false);
    assert_eq!(reach(&talk, ROUTED), Some((true, false)));
    talk.hold("b", Holder::Api).unwrap();
    talk.subscribe();
    assert_eq!(reach(&talk, ROUTED), Some((false, true)));

    let end = U {
        end: "/gone == key",
        ..subscribe()
    };
    let ended = active(subscriptions::subscribes(end));
    assert_eq!(reach(&ended, ROUTED), Some((false, true)));
    for dialogue in [
        quiet(),
        D {
            capture: &[("seq", "/s")],
            ..D::default()
        },
    ] {
        let besides = active(D {
            subscribe: Some(subscribe()),
            ..dialogue
        });
        assert_eq!(reach(&besides, ROUTED), Some((false, true)));
    }
    let captures = D {
        capture: &[("seq", "/s")],
        ..D::default()
    };
    assert_eq!(reach(&captures.open(), r#"{"s":1}"#), Some((false, false)));
    assert_eq!(reach(&quiet().open(), r#"{"s":1}"#), Some((false, true)));
}
