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
    // What was asked for on this socket does not go on from another one.
    for id in 1..4 {
        talk.hear(format!(r#"{{"id":{id},"result":1}}"#));
    }
    for key in ["a", "c", "b"] {
        talk.release(key, Holder::File);
    }
    let off = r#"{"op":"unsub","id":4,"moved":false,"args":["a","c","b"]}"#;
    assert_eq!(talk.subscribe(), [off]);

    let dialogue = subscribes(U {
        condition: "!moved",
        keys: &[("a", "a"), ("b", "b"), ("c", "c")],
        ..subscribe
    });
    let mut talk = D {
        lets: &[("moved", "${handover}")],
        ..dialogue
    }
    .open();
    talk.subscribe();
    talk.hear(r#"{"id":1,"result":1}"#);
    talk.hear(r#"{"ended":"b"}"#);
    let mut talk = served(talk);
    let on = r#"{"op":"sub","id":1,"moved":false,"args":["b"]}"#;
    assert_eq!(talk.subscribe(), [on]);
    talk.hear(r#"{"id":1,"result":1}"#);
    for key in ["a", "c", "b"] {
        talk.release(key, Holder::File);
    }
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"op":"unsub","id":2,"moved":true,"args":["a","c"]}"#,
            r#"{"op":"unsub","id":3,"moved":false,"args":["b"]}"#,
        ]
    );
}

#[test]
fn what_was_given_up_and_not_ended_on_the_socket_that_handed_over_is_ended_behind_it() {
    // Its `off` waited for its turn.
    let mut talk = one_of_two(CONTINUES);
    talk.release("a", Holder::File);
    let mut next = handed_over(&talk);
    assert_eq!(next.opened(), "subscribe");
    assert_eq!(next.subscribe(), [r#"{"op":"sub","id":1,"args":["b"]}"#]);
    let mut next = follow(talk, next);
    assert_eq!(next.told(), "b sent; subscribe");
    assert_eq!(next.subscribe(), [r#"{"op":"unsub","id":2,"args":["a"]}"#]);

    // It was given up while there was no socket, and comes back in the last of these.
    for (is_handover, comes_back) in [(true, false), (false, false), (true, true)] {
        let mut talk = one_of_two(CONTINUES);
        talk.lost(&Cause::Eof, None);
        talk.release("a", Holder::File);
        assert_eq!(talk.states(), "b wanted");
        assert_eq!(talk.conversation.subscription_counts().unwrap().total(), 1);
        if comes_back {
            assert_eq!(talk.hold("a", Holder::Api), Ok(String::new()));
        }
        talk.handover = is_handover;
        talk.opened();
        let off = r#"{"op":"unsub","id":1,"args":["a"]}"#;
        let on = |id: u8| format!(r#"{{"op":"sub","id":{id},"args":["b"]}}"#);
        match (is_handover, comes_back) {
            (true, false) => assert_eq!(talk.subscribe(), [off, &on(2)]),
            _ => assert_eq!(talk.subscribe(), [on(1)]),
        }
        assert_eq!(talk.states().contains("a active"), comes_back);
    }

    // It was asked for, and given up before the answer.
    let mut talk = subscribes(CONTINUES).open();
    talk.subscribe();
    talk.release("a", Holder::File);
    talk.lost(&Cause::Eof, None);
    talk.handover = true;
    talk.opened();
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"op":"unsub","id":1,"args":["a"]}"#,
            r#"{"op":"sub","id":2,"args":["b"]}"#,
        ]
    );
}

#[test]
fn what_is_given_up_while_both_sockets_are_there_is_ended_on_one() {
    for says_off in [false, true] {
        let mut talk = one_of_two(CONTINUES);
        let mut next = handed_over(&talk);
        next.opened();
        next.subscribe();
        for it in [&mut talk, &mut next] {
            it.release("a", Holder::File);
        }
        let off = |id: u8| format!(r#"{{"op":"unsub","id":{id},"args":["a"]}}"#);
        assert_eq!(next.subscribe(), [""; 0]);
        if says_off {
            assert_eq!(talk.subscribe(), [off(3)]);
        }
        let mut next = follow(talk, next);
        match says_off {
            true => assert_eq!(next.subscribe(), [""; 0]),
            false => assert_eq!(next.subscribe(), [off(2)]),
        }
        assert_eq!(next.states(), "b sent");
    }
}

#[test]
fn what_ends_on_the_socket_that_hands_over_is_asked_for_on_the_other() {
    let dialogue = subscribes(CONTINUES);
    for released in [false, true] {
        let mut talk = dialogue.open();
        talk.subscribe();
        talk.hear(r#"{"id":1,"result":1}"#);
        let mut next = handed_over(&talk);
        assert_eq!(next.opened(), "a active; b active; passed");
        match released {
            false => {
                talk.hear(r#"{"ended":"a"}"#);
            }
            // Its `off` is said, and nobody else has learned of it.
            true => {
                talk.release("a", Holder::File);
                talk.subscribe();
                talk.hold("a", Holder::File).unwrap();
            }
        }
        let mut next = follow(talk, next);
        assert_eq!(next.states(), "a wanted, b active");
        assert_eq!(next.wait(Duration::ZERO), "subscribe");
        assert_eq!(next.subscribe(), [r#"{"op":"sub","id":1,"args":["a"]}"#]);
        assert_eq!(next.hear(r#"{"id":1,"result":1}"#), "a active");
        assert_eq!(
            next.heard(r#"{"stream":"a"}"#).subscription.as_deref(),
            Some("a")
        );
    }
}

#[test]
fn what_was_asked_for_on_a_lost_socket_may_go_on_behind_it_and_is_ended() {
    for is_handover in [false, true] {
        let mut talk = subscribes(CONTINUES).open();
        talk.subscribe();
        talk.lost(&Cause::Eof, None);
        talk.release("a", Holder::File);
        talk.handover = is_handover;
        talk.opened();
        // The other one is left before it was asked for.
        talk.release("b", Holder::File);
        match is_handover {
            true => assert_eq!(
                talk.subscribe(),
                [r#"{"op":"unsub","id":1,"args":["a","b"]}"#]
            ),
            false => assert_eq!(talk.subscribe(), [""; 0]),
        }
    }
}
