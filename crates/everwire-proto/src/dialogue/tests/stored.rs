use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::core::Cursor;

/// Acknowledges numbered messages once they are stored.
fn acknowledging() -> D {
    rules([R {
        when: "exists(/n)",
        send: r#"{"ack":${/n}}"#,
        stored: true,
        ..R::default()
    }])
}

/// Sets the position of the previous message.
fn place(talk: &mut Talk, at: u64) {
    talk.conversation.placed(HistorySpan {
        after: Cursor(at - 1),
        through: Cursor(at),
    });
}

fn stored(talk: &mut Talk, through: u64, lost_through: u64) -> String {
    let stored = Stored {
        through: Cursor(through),
        lost_through: Cursor(lost_through),
    };
    talk.with(|talk, here, out| talk.stored(stored, here, out));
    talk.told()
}

#[test]
fn an_answer_waits_for_its_message_to_be_stored() {
    let mut talk = acknowledging().open();
    assert_eq!(talk.hear(r#"{"n":1}"#), "");
    assert!(talk.conversation.wants_place() && talk.conversation.awaits_store());
    // It is not delivered yet.
    assert_eq!(stored(&mut talk, 9, 0), "");
    place(&mut talk, 10);
    assert!(!talk.conversation.wants_place());
    assert_eq!(stored(&mut talk, 9, 0), "");
    talk.hear(r#"{"n":2}"#);
    place(&mut talk, 12);
    assert_eq!(talk.hear(r#"{"x":2}"#), "");
    assert!(!talk.conversation.wants_place());
    assert_eq!(talk.conversation.answers_waiting(), 2);
    assert_eq!(stored(&mut talk, 11, 0), r#"answer {"ack":1}"#);
    assert_eq!(stored(&mut talk, 20, 0), r#"answer {"ack":2}"#);
    assert!(!talk.conversation.awaits_store());
    assert_eq!(stored(&mut talk, 21, 0), "");
}

#[test]
fn an_answer_whose_message_went_unstored_does_not_go_out_and_that_is_told_once() {
    let mut talk = acknowledging().open();
    for n in 1..=4u64 {
        talk.hear(format!(r#"{{"n":{n}}}"#));
        place(&mut talk, 10 + n);
    }
    assert_eq!(
        stored(&mut talk, 14, 12),
        "error store: an answer is not sent: its message went without being stored; \
         answer {\"ack\":3}; answer {\"ack\":4}"
    );
}

#[test]
fn messages_that_were_held_lie_somewhere_behind_what_was_delivered_before() {
    let mut talk = acknowledging().open();
    talk.hear(r#"{"n":1}"#);
    talk.hear(r#"{"n":2}"#);
    talk.conversation.placed(HistorySpan {
        after: Cursor(10),
        through: Cursor(15),
    });
    assert_eq!(stored(&mut talk, 14, 0), "");
    let told = stored(&mut talk, 15, 11);
    assert!(!told.contains("answer {"), "{told}");
}

#[test]
fn no_answer_goes_out_on_the_next_socket() {
    let mut talk = acknowledging().open();
    talk.hear(r#"{"n":1}"#);
    place(&mut talk, 10);
    talk.lost(&Cause::Eof, Some(1006));
    assert_eq!(stored(&mut talk, 10, 0), "");
    talk.opened();
    assert!(!talk.conversation.awaits_store());
    assert_eq!(stored(&mut talk, 11, 0), "");

    // Not on a successor either, except for the successor's own messages.
    talk.hear(r#"{"n":2}"#);
    place(&mut talk, 20);
    let mut next = Talk::of(talk.conversation.successor());
    next.now = talk.now;
    next.opened();
    next.hear(r#"{"n":3}"#);
    talk.conversation.adopt(next.conversation, &mut Vec::new());
    assert!(talk.conversation.wants_place());
    place(&mut talk, 21);
    assert_eq!(stored(&mut talk, 21, 0), r#"answer {"ack":3}"#);
}

#[test]
fn no_answer_goes_out_on_a_socket_that_is_lost_already() {
    let mut dialogue = acknowledging();
    dialogue.rules.push(R {
        when: r#"message == "bye""#,
        action: Some(RuleAction::Reconnect),
        ..R::default()
    });
    let mut talk = dialogue.open();
    talk.hear(r#"{"n":1}"#);
    place(&mut talk, 10);
    assert!(talk.hear("bye").starts_with("lose rule"));
    assert_eq!(stored(&mut talk, 10, 0), "");
}

#[test]
fn so_many_unwritten_answers_stop_the_reading() {
    let mut talk = acknowledging().open();
    for n in 1..=MAX_WAITING as u64 {
        assert!(!talk.conversation.stops_reading());
        talk.hear(format!(r#"{{"n":{n}}}"#));
        place(&mut talk, n);
    }
    assert!(talk.conversation.stops_reading());
    // The first hundred are sent at once, the others a second later.
    let told = stored(&mut talk, 1_000, 0);
    assert_eq!(told.matches("answer").count(), MAX_ANSWERS as usize);
    assert!(!talk.conversation.stops_reading());
    let later = talk.wait(secs(1));
    assert_eq!(later.matches("answer").count(), MAX_WAITING - 100);
    assert!(later.ends_with(r#"answer {"ack":128}"#), "{later}");
    // One more than may wait loses the socket.
    for n in 0..MAX_WAITING {
        assert_eq!(talk.hear(format!(r#"{{"n":{n}}}"#)), "");
    }
    let told = talk.hear(r#"{"n":0}"#);
    assert!(told.contains("128 answers wait already"), "{told}");
}

#[test]
fn a_message_that_a_step_keeps_from_all_is_never_stored_and_not_answered() {
    let mut dialogue = acknowledging();
    dialogue.script = vec![S {
        expect: "/n == 2",
        capture: &[("token", "/token")],
        secret: true,
        ..S::default()
    }];
    let mut talk = dialogue.open();
    talk.hear(r#"{"n":1}"#);
    let told = talk.hear(r#"{"n":2,"token":"abc"}"#);
    assert!(
        told.ends_with("error store: an answer is not sent: its message went without being stored"),
        "{told}"
    );
    assert_eq!(talk.conversation.answers_waiting(), 1);
    place(&mut talk, 10);
    assert_eq!(stored(&mut talk, 10, 0), r#"answer {"ack":1}"#);
}

#[test]
fn the_answer_is_of_the_moment_in_which_the_message_came() {
    let mut dialogue = acknowledging();
    dialogue.names = &["who"];
    dialogue.capture = &[("who", "/who")];
    dialogue.rules[0].send = r#"{"id":${id},"who":${who}}"#;
    dialogue.first_id = 1;
    let mut talk = dialogue.open();
    talk.hear(r#"{"who":"a"}"#);
    talk.hear(r#"{"n":1}"#);
    talk.hear(r#"{"who":"b"}"#);
    place(&mut talk, 10);
    assert_eq!(stored(&mut talk, 10, 0), r#"answer {"id":1,"who":"a"}"#);
}

#[derive(Clone, Debug)]
enum Event {
    Message,
    /// Delivers all messages so far.
    Deliver,
    /// The store takes all delivered messages, except the first ones.
    Store(u64),
    Wait(u64),
    Lose,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::Message),
        6 => Just(Event::Deliver),
        3 => Just(Event::Store(0)),
        1 => (1..4u64).prop_map(Event::Store),
        1 => (0..1_500u64).prop_map(Event::Wait),
        1 => Just(Event::Lose),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// For any events: an answer is sent once, in order, on the socket of its message, and only if
    /// the store has the message. If the store takes all, all answers are sent whose socket is not
    /// lost.
    #[test]
    fn what_is_acknowledged_is_stored(events in prop::collection::vec(event(), 1..120)) {
        let mut talk = acknowledging().open();
        let (mut next, mut cursor) = (0u64, 0u64);
        // Undelivered; delivered but not stored; stored.
        let mut held: Vec<u64> = Vec::new();
        let mut delivered: VecDeque<(u64, u64)> = VecDeque::new();
        let mut store: Vec<u64> = Vec::new();
        let (mut answered, mut first_of_socket, mut has_hole) = (Vec::new(), 0, false);
        let mut lost_through = 0;
        for event in events.into_iter().chain([Event::Deliver, Event::Store(0), Event::Wait(2_000), Event::Wait(2_000)]) {
            talk.out.clear();
            match event {
                Event::Message if talk.conversation.stops_reading() => {}
                Event::Message => {
                    talk.heard(format!(r#"{{"n":{next}}}"#));
                    held.push(next);
                    next += 1;
                }
                Event::Deliver => {
                    let after = cursor;
                    for n in held.drain(..) {
                        cursor += 1;
                        delivered.push_back((cursor, n));
                    }
                    if talk.conversation.wants_place() {
                        talk.conversation.placed(HistorySpan { after: Cursor(after), through: Cursor(cursor) });
                    }
                }
                Event::Store(lose) => {
                    for _ in 0..lose {
                        if let Some((at, _)) = delivered.pop_front() {
                            lost_through = at;
                            has_hole = true;
                        }
                    }
                    store.extend(delivered.drain(..).map(|(_, n)| n));
                    stored(&mut talk, cursor, lost_through);
                }
                Event::Wait(time) => drop(talk.wait(millis(time))),
                Event::Lose => {
                    talk.lost(&Cause::Eof, Some(1006));
                    talk.opened();
                    first_of_socket = next;
                    // Held messages are delivered when their socket is gone.
                    for n in held.drain(..) {
                        cursor += 1;
                        delivered.push_back((cursor, n));
                    }
                }
            }
            for reply in &talk.out {
                if let Reply::Answer(message) = reply {
                    let json: serde_json::Value = serde_json::from_str(&text_of(message)).unwrap();
                    let n = json["ack"].as_u64().unwrap();
                    prop_assert!(store.contains(&n), "{n} is not stored");
                    prop_assert!(n >= first_of_socket, "{n} is of an earlier socket");
                    prop_assert!(answered.last().is_none_or(|last| *last < n), "{n} out of order");
                    answered.push(n);
                }
            }
            prop_assert!(talk.conversation.answers_waiting() <= MAX_WAITING);
        }
        if !has_hole {
            let of_this_socket = (first_of_socket..next).count();
            let went = answered.iter().filter(|n| **n >= first_of_socket).count();
            prop_assert_eq!(went, of_this_socket);
        }
        prop_assert!(!talk.conversation.awaits_store());
    }
}
