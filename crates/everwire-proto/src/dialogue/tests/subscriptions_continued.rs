//! Keys that the peer continues on the socket that it has named: `handover` is true for those alone.

use super::*;

/// A peer that continues what is active on the socket that it names.
const CONTINUES: U = U {
    on: r#"{"op":"sub","id":${id},"args":${items}}"#,
    off: r#"{"op":"unsub","id":${id},"args":${items}}"#,
    ack: "/id == id && exists(/result)",
    fail: "/id == id && exists(/error)",
    end: "/ended == item",
    condition: "!handover",
    batch: 10,
    max: 10,
    capture: &[],
    route: ("/stream", "${item}"),
    keys: &[("a", "a"), ("b", "b")],
};

fn subscribes(subscribe: U) -> D {
    D {
        subscribe: Some(subscribe),
        ..D::default()
    }
}

/// A socket on which `a` is active, and `b` is refused.
fn one_of_two(subscribe: U) -> Talk {
    let mut talk = subscribes(U {
        batch: 1,
        ..subscribe
    })
    .open();
    talk.subscribe();
    talk.hear(r#"{"id":1,"result":1}"#);
    talk.hear(r#"{"id":2,"error":1}"#);
    assert_eq!(talk.states(), "a active, b refused");
    talk
}

/// The socket that the peer has named, beside this one.
fn handed_over(talk: &Talk) -> Talk {
    let mut next = Talk::of(talk.conversation.successor());
    (next.now, next.handover) = (talk.now, true);
    next
}

/// The same, once it serves.
fn served(talk: Talk) -> Talk {
    let mut next = handed_over(&talk);
    next.opened();
    follow(talk, next)
}

fn follow(talk: Talk, next: Talk) -> Talk {
    let Talk {
        mut conversation, ..
    } = talk;
    let mut out = Vec::new();
    conversation.adopt(next.conversation, &mut out);
    Talk {
        conversation,
        out,
        ..next
    }
}

#[test]
fn a_key_that_is_first_wanted_behind_a_handover_is_asked_for() {
    let mut talk = served(one_of_two(CONTINUES));
    talk.subscribe();
    assert_eq!(talk.hold("c", Holder::Api), Ok("subscribe".into()));
    assert_eq!(talk.subscribe(), [r#"{"op":"sub","id":2,"args":["c"]}"#]);
    assert_eq!(talk.hear(r#"{"id":2,"result":1}"#), "c active");
    // Nor is the peer asked twice.
    assert_eq!(talk.hold("a", Holder::Api), Ok(String::new()));
    assert_eq!(talk.subscribe(), [""; 0]);
}

#[test]
fn a_key_that_was_not_active_on_the_socket_that_handed_over_is_asked_for() {
    let talk = one_of_two(CONTINUES);
    let mut next = handed_over(&talk);
    assert_eq!(next.opened(), "a active; subscribe");
    assert_eq!(next.subscribe(), [r#"{"op":"sub","id":1,"args":["b"]}"#]);
    // One of the settings is awaited.
    assert_eq!(next.hear(r#"{"id":1,"result":1}"#), "b active; passed");

    // What was asked for there, and is not answered, is not known to be there.
    let mut talk = subscribes(CONTINUES).open();
    talk.subscribe();
    assert_eq!(talk.states(), "a sent, b sent");
    let mut next = handed_over(&talk);
    assert_eq!(next.opened(), "subscribe");
    assert_eq!(
        next.subscribe(),
        [r#"{"op":"sub","id":1,"args":["a","b"]}"#]
    );
}

#[test]
fn what_ends_behind_a_handover_is_asked_for_again() {
    for retries in [false, true] {
        let mut talk = served(one_of_two(CONTINUES));
        talk.subscribe();
        talk.hear(r#"{"id":1,"result":1}"#);
        talk.hear(r#"{"ended":"a"}"#);
        assert_eq!(talk.states(), "a ended, b active");
        match retries {
            true => assert_eq!(talk.retry(), 1),
            false => {
                talk.wait(Duration::from_secs(30));
            }
        }
        assert_eq!(talk.subscribe(), [r#"{"op":"sub","id":2,"args":["a"]}"#]);
        // It was asked for on this socket, and may be there on the next one.
        talk.hear(r#"{"id":2,"result":1}"#);
        assert_eq!(handed_over(&talk).opened(), "a active; b active; passed");
    }
}

#[test]
fn one_that_was_left_and_is_wanted_again_is_asked_for() {
    let mut talk = served(one_of_two(CONTINUES));
    talk.subscribe();
    assert!(talk.release("a", Holder::File));
    assert_eq!(talk.subscribe(), [r#"{"op":"unsub","id":2,"args":["a"]}"#]);
    talk.hold("a", Holder::Api).unwrap();
    assert_eq!(talk.subscribe(), [r#"{"op":"sub","id":3,"args":["a"]}"#]);
}

#[test]
fn a_loss_before_the_peer_names_a_url_leaves_what_was_active() {
    let mut talk = one_of_two(CONTINUES);
    talk.lost(&Cause::Eof, None);
    // A dial that fails opens no socket.
    talk.lost(&Cause::Eof, None);
    talk.handover = true;
    assert_eq!(talk.opened(), "a active; subscribe");
    assert_eq!(talk.subscribe(), [r#"{"op":"sub","id":1,"args":["b"]}"#]);
}

#[test]
fn a_socket_between_that_is_no_handover_continues_nothing() {
    let dialogue = D {
        script: vec![S {
            expect: "/hello",
            ..S::default()
        }],
        ..subscribes(CONTINUES)
    };
    let mut talk = dialogue.open();
    talk.hear(r#"{"hello":true}"#);
    talk.subscribe();
    talk.hear(r#"{"id":1,"result":1}"#);
    assert_eq!(talk.states(), "a active, b active");
    // One behind the other: it has named its URL before it was asked for anything.
    for is_handover in [false, true] {
        talk.lost(&Cause::Eof, None);
        talk.handover = is_handover;
        talk.opened();
    }
    assert_eq!(talk.hear(r#"{"hello":true}"#), "subscribe");
    assert_eq!(
        talk.subscribe(),
        [r#"{"op":"sub","id":1,"args":["a","b"]}"#]
    );
    talk.hear(r#"{"id":1,"result":1}"#);

    // One beside the other.
    let mut next = handed_over(&talk);
    next.handover = false;
    next.opened();
    let mut talk = follow(talk, next);
    let mut last = handed_over(&talk);
    last.opened();
    assert_eq!(last.hear(r#"{"hello":true}"#), "subscribe");
    // What it serves meanwhile is asked for there, too.
    assert_eq!(talk.hear(r#"{"hello":true}"#), "subscribe");

    // A chain of such URLs goes on with what was active before the first.
    talk.subscribe();
    talk.hear(r#"{"id":1,"result":1}"#);
    for _ in 0..2 {
        let mut next = handed_over(&talk);
        next.opened();
        talk = follow(talk, next);
    }
    let told = talk.hear(r#"{"hello":true}"#);
    assert_eq!(told, "a active; b active; passed");
}

#[test]
fn keys_that_go_on_and_keys_that_do_not_share_no_message_that_tells_them_apart() {
    let subscribe = U {
        on: r#"{"op":"sub","id":${id},"moved":${handover},"args":${items}}"#,
        off: r#"{"op":"unsub","id":${id},"moved":${moved},"args":${items}}"#,
        condition: "",
        ..CONTINUES
    };
    let dialogue = D {
        lets: &[("moved", "${handover}")],
        ..subscribes(U {
            keys: &[("a", "a"), ("b", "b"), ("c", "c")],
            ..subscribe
        })
    };
    let mut talk = dialogue.open();
    let on = r#"{"op":"sub","id":1,"moved":false,"args":["a","b","c"]}"#;
    assert_eq!(talk.subscribe(), [on]);
    talk.hear(r#"{"id":1,"result":1}"#);
    talk.hear(r#"{"ended":"b"}"#);
    let mut talk = served(talk);
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"op":"sub","id":1,"moved":true,"args":["a"]}"#,
            r#"{"op":"sub","id":2,"moved":false,"args":["b"]}"#,
            r#"{"op":"sub","id":3,"moved":true,"args":["c"]}"#,
        ]
    );
    for id in 1..4 {
        talk.hear(format!(r#"{{"id":{id},"result":1}}"#));
    }
    for key in ["a", "c", "b"] {
        talk.release(key, Holder::File);
    }
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"op":"unsub","id":4,"moved":true,"args":["a","c"]}"#,
            r#"{"op":"unsub","id":5,"moved":false,"args":["b"]}"#,
        ]
    );
}

#[test]
fn an_answer_may_tell_them_apart() {
    let mut talk = one_of_two(U {
        condition: "",
        ..CONTINUES
    });
    talk.hear(r#"{"none":"of them"}"#);
    let dialogue = subscribes(U {
        condition: "",
        ack: "/id == id && /moved == text(handover)",
        fail: "",
        ..CONTINUES
    });
    let mut talk = dialogue.open();
    talk.subscribe();
    talk.hear(r#"{"id":1,"moved":"false"}"#);
    talk.hear(r#"{"ended":"b"}"#);
    let mut talk = served(talk);
    assert_eq!(
        talk.subscribe(),
        [r#"{"op":"sub","id":1,"args":["a","b"]}"#]
    );
    assert_eq!(talk.hear(r#"{"id":1,"moved":"false"}"#), "b active");
    assert_eq!(talk.states(), "a sent, b active");
    talk.hear(r#"{"id":1,"moved":"true"}"#);
    assert_eq!(talk.states(), "a active, b active");
}
