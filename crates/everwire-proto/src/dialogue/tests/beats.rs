use super::*;

#[test]
fn a_pong_is_matched_with_the_number_of_its_ping() {
    let mut talk = D {
        ping: r#"{"id":${id},"type":"ping"}"#,
        pong: r#"/type == "pong" && /id == id"#,
        rules: vec![R {
            when: r#"/type == "pong""#,
            send: "a pong of nobody",
            ..R::default()
        }],
        capture: &[("last", "/id")],
        ..D::default()
    }
    .open();
    assert!(talk.conversation.matches_pongs());
    let pong = |id: u64| format!(r#"{{"type":"pong","id":{id}}}"#);
    // None was sent.
    assert_eq!(talk.heard(pong(1)), Heard::MESSAGE);
    assert_eq!(talk.told(), "answer a pong of nobody");
    // That answer was the first message.
    assert_eq!(talk.ping(), Ping::Text(r#"{"id":2,"type":"ping"}"#.into()));
    assert_eq!(talk.ping(), Ping::Text(r#"{"id":3,"type":"ping"}"#.into()));
    assert_eq!(talk.heard(pong(4)), Heard::MESSAGE);
    for id in [3, 2] {
        assert_eq!(talk.heard(pong(id)), Heard::PONG);
        // It is the only stage that consumes a message.
        assert_eq!(talk.told(), "");
        assert_eq!(talk.heard(pong(id)), Heard::MESSAGE);
    }
    let last = talk.conversation.captures.get(0);
    assert_eq!(last.as_text().as_deref(), Some("2"));
}

#[test]
fn a_plain_ping_may_have_an_answer_that_is_matched() {
    let mut talk = D {
        pong: "/op == 11",
        ..D::default()
    }
    .open();
    assert!(!talk.heard(r#"{"op":11}"#).is_pong);
    assert_eq!(talk.ping(), Ping::Plain);
    assert!(!talk.heard(r#"{"op":1}"#).is_pong);
    assert!(talk.heard(r#"{"op":11}"#).is_pong);
    assert!(!talk.heard(r#"{"op":11}"#).is_pong);
}

#[test]
fn without_an_expression_pongs_are_not_looked_for() {
    let mut talk = D {
        ping: r#"{"op":1,"d":${default(seq, null)}}"#,
        capture: &[("seq", "/s")],
        ..D::default()
    }
    .open();
    assert!(!talk.conversation.matches_pongs());
    assert_eq!(talk.ping(), Ping::Text(r#"{"op":1,"d":null}"#.into()));
    talk.hear(r#"{"s":3}"#);
    assert_eq!(talk.ping(), Ping::Text(r#"{"op":1,"d":3}"#.into()));
    assert!(!talk.conversation.seldom.has_unanswered());
}

#[test]
fn a_ping_that_cannot_be_filled_is_not_sent() {
    let mut talk = D {
        ping: r#"{"seq":${seq}}"#,
        pong: "/op == 11",
        capture: &[("seq", "/s")],
        ..D::default()
    }
    .open();
    assert_eq!(talk.ping(), Ping::Unfilled);
    assert_eq!(
        talk.told(),
        r#"lose template: heartbeat.ping {"seq":${seq}}: `${seq}` is absent"#
    );
    assert!(!talk.heard(r#"{"op":11}"#).is_pong);
}

#[test]
fn what_a_peer_says_cannot_break_out_of_a_ping() {
    let mut talk = D {
        ping: r#"{"op":1,"d":"${seq}"}"#,
        capture: &[("seq", "/s")],
        ..D::default()
    }
    .open();
    talk.hear(r#"{"s":"1,\"x\":{}"}"#);
    assert_eq!(
        talk.ping(),
        Ping::Text(r#"{"op":1,"d":"1,\"x\":{}"}"#.into())
    );
}

#[test]
fn pings_of_a_lost_socket_are_not_answered_on_the_next() {
    let mut talk = D {
        ping: "ping ${id}",
        pong: r#"message == "pong " ~ text(id)"#,
        ..D::default()
    }
    .open();
    talk.ping();
    talk.lost(&Cause::PongTimeout, None);
    talk.opened();
    assert!(!talk.heard("pong 1").is_pong);
}

#[test]
fn unanswered_pings_are_bounded() {
    let mut talk = D {
        ping: "ping ${id}",
        pong: r#"message == "pong " ~ text(id)"#,
        ..D::default()
    }
    .open();
    for _ in 0..1_000 {
        talk.ping();
    }
    assert!(talk.conversation.seldom.unanswered() <= 8);
    assert!(talk.heard("pong 1000").is_pong);
    assert!(!talk.heard("pong 1").is_pong);
}
