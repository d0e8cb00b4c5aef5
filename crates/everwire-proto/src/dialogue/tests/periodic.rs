use super::*;
use crate::settings::dialogue::PeriodicStep;

fn step(send: &'static str) -> S {
    S {
        send,
        ..S::default()
    }
}

fn periodic(steps: impl Into<Vec<(&'static str, bool, S)>>) -> D {
    D {
        periodic: steps.into(),
        ..D::default()
    }
}

#[test]
fn a_step_is_taken_each_time_from_ready_on() {
    let mut talk = periodic([("20s", false, step("ping ${id}"))]).open();
    // The socket is open, and the name is not ready: it may be a successor's socket.
    assert_eq!(talk.left(), None);
    assert_eq!(talk.wait(secs(60)), "");
    assert_eq!(talk.ready(), "");
    assert_eq!(talk.left(), Some(secs(20)));
    assert_eq!(talk.wait(secs(19)), "");
    assert_eq!(talk.wait(secs(1)), "compose");
    // It waits for its turn to be written.
    assert_eq!(talk.left(), None);
    talk.wait(secs(3));
    assert_eq!(talk.send(), "ping 1");
    assert_eq!(talk.left(), Some(secs(17)));
    assert_eq!(talk.wait(secs(17)), "compose");
    assert_eq!(talk.send(), "ping 2");
    // Missed runs are not made up for.
    assert_eq!(talk.wait(secs(100)), "compose");
    assert_eq!(talk.send(), "ping 3");
    assert_eq!(talk.left(), Some(secs(20)));
}

#[test]
fn what_a_step_expects_must_come_and_a_refusal_is_a_loss() {
    let refreshes = periodic([(
        "1m",
        false,
        S {
            send: r#"{"id":${id},"op":"refresh"}"#,
            expect: "/id == id && /ok",
            fail: "/id == id && /error",
            give_up: "/id == id && /banned",
            capture: &[("token", "/token")],
            ..S::default()
        },
    )]);
    let mut talk = refreshes.open();
    talk.ready();
    talk.wait(secs(60));
    assert_eq!(talk.send(), r#"{"id":1,"op":"refresh"}"#);
    assert_eq!(talk.left(), Some(secs(10)));
    let step = talk.conversation.step().unwrap();
    assert_eq!(step.place.to_string(), "periodic[1]");
    assert_eq!(step.state, StepState::Listens);
    assert_eq!(talk.hear(r#"{"id":9,"ok":true}"#), "");
    assert_eq!(talk.hear(r#"{"id":1,"ok":true,"token":"t2"}"#), "");
    assert_eq!(talk.conversation.captures.get(0).as_text().unwrap(), "t2");
    assert_eq!(talk.left(), Some(secs(60)));
    let told = r#"periodic[1] sent {"id":${id},"op":"refresh"} and expected /id == id && /ok"#;
    talk.wait(secs(60));
    talk.send();
    talk.wait(secs(2));
    assert_eq!(
        talk.hear(r#"{"id":2,"error":"expired"}"#),
        format!(
            r#"lose script_refused: {told}; 2s later fail (/id == id && /error) held for {{"id":2,"error":"expired"}}"#
        )
    );
    assert_eq!((talk.left(), talk.composed()), (None, None));
    // The next socket begins anew.
    talk.lost(&Cause::Eof, None);
    talk.opened();
    assert_eq!(talk.left(), None);
    talk.ready();
    talk.wait(secs(60));
    talk.send();
    assert_eq!(
        talk.wait(secs(10)),
        format!("lose script_timeout: {told}; no message came within 10s")
    );
    let mut talk = refreshes.open();
    talk.ready();
    talk.wait(secs(60));
    talk.send();
    talk.hear(r#"{"id":1,"banned":1}"#);
    let Some(Reply::Lose(Cause::ScriptRefused { gives_up, .. })) = talk.out.pop() else {
        panic!("{}", talk.told())
    };
    assert!(gives_up);
}

#[test]
fn one_step_is_on_its_way_at_a_time_and_the_others_wait_in_order() {
    let waits = S {
        send: "first",
        expect: r#"message == "ok""#,
        ..S::default()
    };
    let mut talk = periodic([
        ("5s", false, waits),
        ("4s", false, step("second")),
        ("6s", false, step("third")),
    ])
    .open();
    talk.ready();
    assert_eq!(talk.wait(secs(4)), "compose");
    assert_eq!(talk.send(), "second");
    assert_eq!(talk.wait(secs(1)), "compose");
    assert_eq!(talk.send(), "first");
    assert_eq!(talk.wait(secs(5)), "");
    assert_eq!(talk.hear("ok"), "compose");
    assert_eq!(talk.send(), "third");
    // The step of 8 s follows: it was due later, and is due again at 12 s.
    assert_eq!(talk.told(), "compose");
    assert_eq!(talk.send(), "second");
    assert_eq!(talk.told(), "compose");
    assert_eq!(talk.send(), "first");
}

#[test]
fn rules_see_a_message_before_a_step_does() {
    let mut dialogue = periodic([(
        "5s",
        false,
        S {
            send: "get",
            expect: "/token == token",
            secret: true,
            capture: &[("code", "/code")],
            ..S::default()
        },
    )]);
    dialogue.rules = vec![R {
        when: "/token",
        capture: &[("token", "/token")],
        send: "ack",
        ..R::default()
    }];
    let mut talk = dialogue.open();
    talk.ready();
    talk.wait(secs(5));
    talk.send();
    let heard = talk.heard(r#"{"token":"t","code":"k"}"#);
    assert!(!heard.deliver, "what was taken is secret");
    assert_eq!(talk.told(), "answer ack");
    assert!(talk.conversation.step().is_none());
}

#[test]
fn an_idle_step_waits_until_nothing_went_out_for_so_long() {
    let mut talk = periodic([("4s", true, step("alive"))]).open();
    talk.ready();
    talk.wait(secs(3));
    talk.said();
    assert_eq!(talk.wait(secs(1)), "");
    assert_eq!(talk.left(), Some(secs(3)));
    talk.wait(secs(2));
    talk.said();
    assert_eq!(talk.wait(secs(1)), "");
    assert_eq!(talk.wait(secs(3)), "compose");
    assert_eq!(talk.send(), "alive");
    talk.said();
    assert_eq!(talk.wait(secs(4)), "compose");
}

#[test]
fn a_step_whose_if_does_not_hold_is_left_out_once() {
    let mut talk = D {
        names: &["session"],
        capture: &[("session", "/session")],
        periodic: vec![(
            "5s",
            false,
            S {
                condition: "session",
                ..step("refresh ${session}")
            },
        )],
        ..D::default()
    }
    .open();
    talk.ready();
    assert_eq!(talk.wait(secs(5)), "");
    assert_eq!(talk.left(), Some(secs(5)));
    talk.hear(r#"{"session":"s"}"#);
    assert_eq!(talk.wait(secs(5)), "compose");
    assert_eq!(talk.send(), "refresh s");
}

#[test]
fn a_step_that_is_asked_to_come_again_does_so_before_others() {
    let mut talk = periodic([
        (
            "5s",
            false,
            S {
                expect: "/ok",
                again: "/busy",
                after: "${/busy}s",
                ..step("refresh ${id}")
            },
        ),
        ("6s", false, step("other")),
    ])
    .open();
    talk.ready();
    talk.wait(secs(5));
    talk.send();
    talk.hear(r#"{"busy":3}"#);
    assert_eq!(talk.wait(secs(3)), "compose");
    assert_eq!(talk.send(), "refresh 2");
    assert_eq!(talk.hear(r#"{"ok":1}"#), "compose");
    assert_eq!(talk.send(), "other");
}

/// Each step is due again after a time from the template of a capture.
fn named() -> D {
    D {
        capture: &[("expires", "/expires")],
        periodic: vec![("${expires}s", false, step("refresh"))],
        ..D::default()
    }
}

#[test]
fn every_takes_effect_when_it_first_has_a_value_and_counts_anew_with_another() {
    let mut talk = named().open();
    assert_eq!(talk.ready(), "");
    assert_eq!(talk.left(), None);
    talk.wait(secs(100));
    assert_eq!(talk.hear(r#"{"expires":900}"#), "");
    assert_eq!(talk.left(), Some(secs(900)));
    talk.wait(secs(100));
    // The same value changes nothing.
    talk.hear(r#"{"expires":900}"#);
    assert_eq!(talk.left(), Some(secs(800)));
    talk.hear(r#"{"expires":300}"#);
    assert_eq!(talk.left(), Some(secs(300)));
    assert_eq!(talk.wait(secs(300)), "compose");
}

#[test]
fn what_a_peer_names_as_every_is_clamped_or_an_hour() {
    let (hour, day) = (secs(3600), secs(24 * 3600));
    let told = "error template: every of periodic[1] (${expires}s) came to";
    for (value, expected, error) in [
        ("0", Some(secs(1)), String::new()),
        ("-30", Some(secs(1)), String::new()),
        ("300", Some(secs(300)), String::new()),
        ("1000000000000", Some(day), String::new()),
        ("1e400", Some(day), String::new()),
        ("null", None, String::new()),
        (
            r#""soon""#,
            Some(hour),
            format!(r#"{told} "soons", which is not a duration: 3600s is taken"#),
        ),
        (
            r#"[1]"#,
            Some(hour),
            format!(r#"{told} "[1]s", which is not a duration: 3600s is taken"#),
        ),
    ] {
        let message = format!(r#"{{"expires":{value}}}"#);
        let mut talk = named().open();
        talk.ready();
        assert_eq!(talk.hear(message.as_str()), error, "{value}");
        assert_eq!(talk.left(), expected, "{value}");
        // Once per socket, for any number of messages.
        assert_eq!(talk.hear(message.as_str()), "", "{value}");
        // Known before it is ready.
        let mut talk = named().open();
        talk.hear(message.as_str());
        assert_eq!(talk.ready(), error, "{value}");
        assert_eq!(talk.left(), expected, "{value}");
    }
    assert_eq!(PeriodicStep::EVERY, hour);
}

#[test]
fn a_handover_moves_nothing_that_is_due() {
    let mut talk = D {
        capture: &[("expires", "/expires")],
        periodic: vec![
            ("60s", false, step("one")),
            ("${expires}s", false, step("two")),
        ],
        ..D::default()
    }
    .open();
    talk.hear(r#"{"expires":100}"#);
    talk.ready();
    talk.wait(secs(50));
    let mut successor = Talk::of(talk.conversation.successor());
    successor.now = talk.now;
    successor.opened();
    // It received another value, which restarts the interval.
    successor.hear(r#"{"expires":40}"#);
    assert_eq!(successor.left(), None, "nothing is taken before it serves");
    talk.conversation.closing(talk.now);
    assert_eq!(talk.left(), None);
    talk.wait(secs(2));
    talk.conversation
        .adopt(successor.conversation, &mut Vec::new());
    assert_eq!(talk.ready(), "");
    assert_eq!(talk.left(), Some(secs(8)));
    assert_eq!(talk.wait(secs(8)), "compose");
    assert_eq!(talk.send(), "one");
    assert_eq!(talk.left(), Some(secs(32)));
}

#[test]
fn the_answer_to_a_step_that_was_given_up_stays_secret() {
    for secret in [true, false] {
        let refresh = S {
            send: r#"{"id":${id}}"#,
            expect: "/id == id && exists(/token)",
            capture: &[("token", "/token")],
            secret,
            ..S::default()
        };
        let mut talk = periodic([("5s", false, refresh)]).open();
        talk.ready();
        talk.wait(secs(5));
        assert_eq!(talk.send(), r#"{"id":1}"#);
        talk.conversation.closing(talk.now);
        assert!(talk.heard(r#"{"n":1}"#).deliver);
        let heard = talk.heard(r#"{"id":1,"token":"t"}"#);
        assert_eq!(heard.deliver, !secret);
        assert!(talk.heard(r#"{"id":1,"token":"t"}"#).deliver);
    }
}

#[test]
fn what_was_due_and_not_written_is_due_at_once_on_the_next_socket() {
    let mut talk = periodic([("60s", false, step("one"))]).open();
    talk.ready();
    talk.wait(secs(60));
    let mut successor = Talk::of(talk.conversation.successor());
    successor.opened();
    talk.conversation.closing(talk.now);
    assert_eq!(talk.composed(), None);
    talk.conversation
        .adopt(successor.conversation, &mut Vec::new());
    assert_eq!(talk.ready(), "compose");
    assert_eq!(talk.send(), "one");
}

mod properties {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn busy() -> D {
        D {
            capture: &[("expires", "/expires")],
            periodic: vec![
                (
                    "3s",
                    false,
                    S {
                        expect: "/ok",
                        again: "/again",
                        after: "${/again}s",
                        ..step("a ${id}")
                    },
                ),
                ("${expires}s", false, step("b ${id}")),
                ("2s", true, step("c ${id}")),
            ],
            ..D::default()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_happens_one_step_is_on_its_way_and_no_time_passes_it_by(
            events in vec((0..9u8, 0..12u64), 0..120),
        ) {
            let mut talk = busy().open();
            talk.ready();
            let (mut asked, mut id) = (0, 0);
            for (event, n) in events {
                match event {
                    0..3 => {
                        talk.wait(secs(n));
                    }
                    3 => drop(talk.hear(r#"{"ok":1}"#)),
                    4 => drop(talk.hear(format!(r#"{{"expires":{n}}}"#))),
                    5 => drop(talk.hear(format!(r#"{{"again":{n}}}"#))),
                    6 if asked > 0 => {
                        asked -= 1;
                        // The requested step is there, with the next number.
                        let composed = talk.composed().unwrap();
                        id += 1;
                        prop_assert!(composed.ends_with(&format!(" {id}")), "{composed}");
                        talk.written();
                    }
                    7 => talk.said(),
                    _ => {}
                }
                asked += talk.out.iter().filter(|reply| **reply == Reply::Compose).count();
                talk.out.retain(|reply| *reply != Reply::Compose);
                prop_assert!(asked <= 1);
                let lost = talk.out.iter().any(|reply| matches!(reply, Reply::Lose(_)));
                if lost {
                    prop_assert_eq!((asked, talk.left()), (0, None));
                    talk.opened();
                    talk.ready();
                    (asked, id) = (0, 0);
                    continue;
                }
                // Either only a step waits for its turn, or something is due later.
                let is_due = talk.conversation.deadline().is_some_and(|due| due <= talk.now);
                prop_assert!(!is_due || event > 2);
                prop_assert!(asked == 1 || talk.left().is_some());
            }
        }
    }
}
