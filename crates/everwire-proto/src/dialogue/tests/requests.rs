//! Requests of callers on one socket: numbered, answered, and counted.

use proptest::prelude::*;

use super::*;
use crate::core::Message;

/// A request with this id of the caller, a number or a text.
fn request(text: &str, id: &str) -> NumberedRequest {
    NumberedRequest::new(text, &JsonPointer::new(id).unwrap()).unwrap()
}

/// Tickets from a queue.
pub(super) fn tickets(count: usize) -> Vec<Ticket> {
    let mut queue = RequestQueue::default();
    let bounds = Bounds {
        messages: usize::MAX,
        bytes: usize::MAX,
    };
    let mut all = Vec::new();
    for _ in 0..count {
        let waiting = Waiting::Numbered(request(r#"{"id":0}"#, "/id"));
        queue.push(waiting, Instant::now(), (), bounds).unwrap();
        let (ticket, _) = queue.next().unwrap();
        queue.write(ticket, None);
        all.push(ticket);
    }
    all
}

impl Talk {
    /// Writes the request. Returns its text.
    pub(super) fn request(&mut self, ticket: Ticket, text: &str) -> String {
        let id = &self
            .conversation
            .dialogue()
            .request
            .as_ref()
            .unwrap()
            .id
            .clone();
        let request = NumberedRequest::new(text, id).unwrap();
        let (_, message) = self.conversation.compose_request(ticket, &request);
        text_of(&message)
    }
}

fn open(request: Q) -> Talk {
    D {
        request: Some(request),
        ..D::default()
    }
    .open()
}

#[test]
fn an_answer_goes_back_under_the_number_that_the_caller_gave() {
    let mut talk = open(Q::default());
    let both = tickets(2);
    // Two callers chose the same id.
    assert_eq!(
        talk.request(both[0], r#"{"id": 7, "op":"a"}"#),
        r#"{"id": 1, "op":"a"}"#
    );
    assert_eq!(
        talk.request(both[1], r#"{"op":"b","id":"7"}"#),
        r#"{"op":"b","id":"2"}"#
    );
    // In another order.
    let heard = talk.heard(r#"{"result":[], "id":"2"}"#);
    assert!(heard.deliver && heard.is_own && !heard.is_pong);
    assert_eq!(talk.told(), r#"answered {"result":[], "id":"7"}"#);
    assert_eq!(
        talk.hear(r#"{"error":{"code":1},"id":1.0}"#),
        r#"refused {"error":{"code":1},"id":7}"#
    );
    // Once, and in the form in which it was written.
    let third = tickets(3)[2];
    assert_eq!(talk.request(third, r#"{"id":"x"}"#), r#"{"id":"3"}"#);
    assert_eq!(talk.hear(r#"{"id":3}"#), "");
    assert_eq!(talk.hear(r#"{"id":"3"}"#), r#"answered {"id":"x"}"#);
    assert_eq!(talk.hear(r#"{"result":[], "id":"2"}"#), "");
    assert_eq!(talk.conversation.in_flight(), 0);
}

#[test]
fn the_number_stands_where_the_answer_is_told_by_it() {
    let mut talk = open(Q {
        id: "/1",
        answer: "(/0 == 3 || /0 == 4) && /1 == text(id)",
        fail: "/0 == 4",
        in_flight: 1,
    });
    let both = tickets(2);
    assert_eq!(
        talk.request(both[0], r#"[2,"19223201","Heartbeat",{}]"#),
        r#"[2,"1","Heartbeat",{}]"#
    );
    assert!(!talk.conversation.has_place());
    // A call of the other side has separate numbers.
    assert_eq!(talk.hear(r#"[2,"1","Reset",{}]"#), "");
    assert_eq!(talk.hear(r#"[3,"1",{}]"#), r#"answered [3,"19223201",{}]"#);
    assert!(talk.conversation.has_place());
    talk.request(both[1], r#"[2,"x\"y","DataTransfer",{}]"#);
    assert_eq!(
        talk.hear(r#"[4,"2","NotImplemented","",{}]"#),
        r#"refused [4,"x\"y","NotImplemented","",{}]"#
    );

    // The answer has the id in another place, and twice.
    let mut talk = open(Q {
        answer: "/re == id || /also == id",
        ..Q::default()
    });
    talk.request(both[0], r#"{"id":99}"#);
    assert_eq!(
        talk.hear(r#"{"id":1,"also":1,"re":1}"#),
        r#"answered {"id":1,"also":99,"re":99}"#
    );
}

#[test]
fn without_a_place_for_the_number_the_answer_stays_as_it_came() {
    let mut talk = open(Q {
        answer: r##"contains(message, "#" ~ id ~ " ")"##,
        fail: r#"starts(message, "-")"#,
        ..Q::default()
    });
    let all = tickets(12);
    for ticket in &all {
        talk.request(*ticket, r#"{"id":5}"#);
    }
    assert_eq!(talk.hear("- #12 no"), "refused - #12 no");
    assert_eq!(talk.hear("+ #1 yes"), "answered + #1 yes");
    assert_eq!(talk.hear("+ #1 yes"), "");
    assert_eq!(talk.conversation.requests_in_flight(), 10);
}

#[test]
fn a_binary_answer_stays_binary() {
    let mut talk = open(Q::default());
    talk.request(tickets(1)[0], r#"{"id":"a"}"#);
    let answer = Message::binary(&br#"{"id":"1"}"#[..]);
    assert_eq!(talk.hear(answer), r#"answered <{"id":"a"}>"#);
}

#[test]
fn the_next_socket_knows_nothing_of_the_requests_of_the_last() {
    let mut talk = open(Q::default());
    talk.request(tickets(1)[0], r#"{"id":5}"#);
    talk.lost(&closed(1001), Some(1001));
    assert_eq!(talk.conversation.in_flight(), 0);
    talk.opened();
    assert_eq!(talk.hear(r#"{"id":1}"#), "");
    // Numbers begin anew.
    assert_eq!(talk.request(tickets(1)[0], r#"{"id":5}"#), r#"{"id":1}"#);
}

#[test]
fn one_whose_time_is_over_has_no_answer_and_no_place() {
    let mut talk = open(Q {
        in_flight: 1,
        ..Q::default()
    });
    talk.request(tickets(1)[0], r#"{"id":5}"#);
    assert!(!talk.conversation.has_place());
    talk.conversation.forget_request(1);
    assert!(talk.conversation.has_place());
    let heard = talk.heard(r#"{"id":1}"#);
    assert!(heard.deliver && !heard.is_own);
    assert_eq!(talk.told(), "");
}

#[test]
fn requests_steps_and_heartbeats_share_the_places() {
    let mut talk = D {
        script: vec![S {
            send: r#"{"id":${id},"op":"login"}"#,
            expect: "/id == id",
            ..S::default()
        }],
        periodic: vec![(
            "10s",
            false,
            S {
                send: r#"{"id":${id},"op":"refresh"}"#,
                expect: "/id == id",
                ..S::default()
            },
        )],
        ping: r#"{"id":${id},"op":"ping"}"#,
        pong: r#"/op == "pong" && /id == id"#,
        request: Some(Q {
            in_flight: 1,
            ..Q::default()
        }),
        ..D::default()
    }
    .open();
    let ticket = tickets(1)[0];
    // The step counts from the time when it is composed.
    assert!(talk.conversation.has_place_for_step() && talk.conversation.has_place());
    talk.send();
    assert!(!talk.conversation.has_place() && !talk.conversation.has_place_for_ping());
    assert_eq!(talk.hear(r#"{"id":1}"#), "passed");
    talk.ready();
    // A ping.
    assert!(talk.conversation.has_place_for_ping());
    talk.ping();
    assert_eq!(
        (talk.conversation.in_flight(), talk.conversation.has_place()),
        (1, false)
    );
    // A step that is due meanwhile waits.
    assert_eq!(talk.wait(secs(10)), "compose");
    assert!(!talk.conversation.has_place_for_step());
    assert!(talk.heard(r#"{"op":"pong","id":2}"#).is_pong);
    assert!(talk.conversation.has_place_for_step());
    // A request is faster.
    assert_eq!(talk.request(ticket, r#"{"id":"x"}"#), r#"{"id":"3"}"#);
    assert!(!talk.conversation.has_place_for_step() && !talk.conversation.has_place_for_ping());
    assert_eq!(talk.hear(r#"{"id":"3"}"#), r#"answered {"id":"x"}"#);
    assert_eq!(talk.send(), r#"{"id":4,"op":"refresh"}"#);
    assert!(!talk.conversation.has_place());
}

#[test]
fn what_awaits_no_number_needs_no_place() {
    let mut talk = D {
        lets: &[("reply", r#"${id}"#)],
        script: vec![
            S {
                send: "hello",
                expect: r#"message == "hello""#,
                ..S::default()
            },
            S {
                send: "${id}",
                expect: "message == reply",
                ..S::default()
            },
        ],
        ping: "ping",
        pong: r#"message == "pong""#,
        request: Some(Q {
            in_flight: 1,
            ..Q::default()
        }),
        ..D::default()
    }
    .open();
    talk.send();
    talk.ping();
    assert_eq!(talk.conversation.in_flight(), 0);
    assert!(talk.conversation.has_place_for_ping());
    talk.request(tickets(1)[0], r#"{"id":1}"#);
    assert!(talk.conversation.has_place_for_ping() && talk.conversation.has_place_for_step());
    talk.hear("hello");
    // The second one reads it through a `let`.
    assert!(!talk.conversation.has_place_for_step());
}

#[test]
fn rules_steps_and_captures_see_an_answer_too() {
    let mut talk = D {
        capture: &[("last", "/id")],
        rules: vec![R {
            when: "/id == 1",
            send: "seen",
            ..R::default()
        }],
        request: Some(Q::default()),
        ..D::default()
    }
    .open();
    talk.request(tickets(1)[0], r#"{"id":77}"#);
    assert_eq!(
        talk.hear(r#"{"id":1}"#),
        r#"answer seen; answered {"id":77}"#
    );
    let last = talk.conversation.captures.get(0);
    assert_eq!(last.as_text().as_deref(), Some("1"));
}

/// A JSON text with an id in it: the text before it, the id, the text after it.
fn json() -> impl Strategy<Value = (String, String, String)> {
    let space = "[ \n\t]{0,3}";
    let id = prop_oneof![
        r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        r#""([a-z0-9é ]|\\u0041|\\"|\\\\|\\n){0,8}""#
    ];
    let value = prop_oneof![
        Just("null".to_owned()),
        "[1-9][0-9]{0,30}".prop_map(|digits| digits),
        Just(r#"[1, {"id": 3}]"#.to_owned()),
        r#""[a-z{}\[\],: é]{0,12}""#.prop_map(|text| text),
    ];
    (space, value.clone(), id, space, value, space).prop_map(|(a, before, id, b, behind, c)| {
        let head = format!(r#"{a}{{"before":{before},{b}"id"{a}:{c}"#);
        let tail = format!(r#"{b},"behind":{behind}{c}}}{a}"#);
        (head, id, tail)
    })
}

proptest! {
    /// Requests and answers stay the same byte for byte, except for the number.
    #[test]
    fn nothing_but_the_number_is_touched((head, own, tail) in json(), first in 1..u64::MAX / 2) {
        let mut talk = D { request: Some(Q::default()), first_id: first, ..D::default() }.open();
        let asked = format!("{head}{own}{tail}");
        let written = talk.request(tickets(1)[0], &asked);
        let ours = if own.starts_with('"') { format!("\"{first}\"") } else { first.to_string() };
        prop_assert_eq!(&written, &format!("{head}{ours}{tail}"));
        // A peer that echoes it.
        let told = talk.hear(written.as_str());
        prop_assert_eq!(told, format!("answered {asked}"));
    }

    /// For any messages, each request is answered at most once, by a message with its number in the
    /// right place.
    #[test]
    fn a_hostile_peer_answers_nobody_twice(
        messages in proptest::collection::vec(
            prop_oneof![
                r#"\{"id":(-?[0-6](\.0)?|"0?[0-6]"|"\+[0-6]"|1e0|null|\[[0-6]\]|\{"id":[0-6]\}|[0-9]{38,60}|"\\ud800")(,"id":[0-6])?(,"error":1)?\}"#,
                r#"\{"id":[0-6]"#,
                ".{0,20}",
            ],
            0..40,
        ),
    ) {
        let mut talk = open(Q::default());
        let all = tickets(5);
        let own = |at: usize| match at % 2 {
            0 => format!("\"caller {at}\""),
            _ => format!("-{at}00"),
        };
        for (at, ticket) in all.iter().enumerate() {
            talk.request(*ticket, &format!(r#"{{"id":{}}}"#, own(at)));
        }
        let mut answered = Vec::new();
        for message in messages {
            talk.heard(message.as_str());
            for reply in &talk.out {
                let Reply::Answered(answer) = reply else { continue };
                prop_assert!(!answered.contains(&answer.ticket), "{message}");
                let at = all.iter().position(|ticket| *ticket == answer.ticket).unwrap();
                let text = text_of(&answer.message);
                prop_assert!(text.contains(&own(at)), "{message}: {text}");
                answered.push(answer.ticket);
            }
        }
        prop_assert_eq!(talk.conversation.requests_in_flight(), 5 - answered.len());
    }
}
