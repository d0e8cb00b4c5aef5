use super::*;

fn logout() -> D {
    D {
        script: vec![S {
            send: "login",
            expect: r#"message == "in""#,
            capture: &[("session", r#""s""#)],
            ..S::default()
        }],
        close_script: vec![
            S {
                send: "logout ${session} ${id}",
                expect: r#"message == "out""#,
                fail: r#"message == "no""#,
                ..S::default()
            },
            S {
                send: "bye",
                clear: &["session"],
                ..S::default()
            },
        ],
        ..D::default()
    }
}

/// Ready, after a login.
fn in_session() -> Talk {
    let mut talk = logout().open();
    talk.send();
    talk.hear("in");
    talk.ready();
    talk
}

#[test]
fn a_close_script_is_said_step_by_step_before_the_close_frame() {
    let mut talk = in_session();
    assert!(talk.conversation.has_close_script());
    assert_eq!(talk.begin_close_script(), "compose");
    assert_eq!(talk.send(), "logout s 2");
    let step = talk.conversation.step().unwrap();
    assert_eq!(step.place.to_string(), "step 1 of close_script");
    assert_eq!(step.steps, 2);
    assert_eq!(talk.hear("trade"), "");
    assert_eq!(talk.hear("out"), "compose");
    assert_eq!(talk.composed().as_deref(), Some("bye"));
    assert_eq!(talk.written(), "may close");
    // The close frame is sent.
    assert_eq!(talk.closes(), "");
    assert!(!talk.conversation.captures.get(0).is_there());
}

#[test]
fn one_that_fails_or_is_late_is_told_and_the_socket_closes_all_the_same() {
    let told =
        "step 1 of close_script sent logout ${session} ${id} and expected message == \"out\"";
    let mut talk = in_session();
    talk.begin_close_script();
    talk.send();
    assert_eq!(
        talk.hear("no"),
        format!(
            "error script_refused: {told}; 0ms later fail (message == \"no\") held for no; may close"
        )
    );
    assert_eq!(talk.closes(), "");
    let mut talk = in_session();
    talk.begin_close_script();
    talk.send();
    assert_eq!(
        talk.wait(secs(10)),
        format!("error script_timeout: {told}; no message came within 10s; may close")
    );
    // The socket's time ends before that of the step.
    let mut talk = in_session();
    talk.begin_close_script();
    talk.send();
    talk.hear("trade");
    assert_eq!(
        talk.closes(),
        format!("error script_timeout: {told}; close_timeout is over, the last message is trade")
    );
    assert_eq!((talk.closes().as_str(), talk.left()), ("", None));
    // There is no time to begin.
    let mut talk = in_session();
    assert_eq!(
        talk.closes(),
        "error script_timeout: close_script was not begun: what waited to be sent took all of close_timeout"
    );
    assert_eq!(talk.closes(), "");
}

#[test]
fn who_is_not_logged_in_says_no_goodbye() {
    let mut talk = logout().open();
    talk.send();
    assert!(!talk.conversation.has_close_script());
    assert_eq!(talk.begin_close_script(), "may close");
    assert_eq!(talk.closes(), "");
    let mut talk = script([S {
        send: "login",
        ..S::default()
    }])
    .open();
    talk.send();
    assert!(!talk.conversation.has_close_script());
}

#[test]
fn no_periodic_step_is_taken_from_then_on() {
    let mut dialogue = logout();
    dialogue.periodic = vec![(
        "5s",
        false,
        S {
            send: "ping",
            expect: r#"message == "pong""#,
            ..S::default()
        },
    )];
    let mut talk = dialogue.open();
    talk.send();
    talk.hear("in");
    talk.ready();
    talk.wait(secs(5));
    talk.send();
    talk.begin_close_script();
    assert_eq!(talk.send(), "logout s 3");
    assert_eq!(talk.wait(secs(9)), "");
    assert_eq!(talk.hear("out"), "compose");
}

#[test]
fn a_socket_that_is_lost_meanwhile_leaves_nothing() {
    let mut talk = in_session();
    talk.begin_close_script();
    talk.send();
    talk.lost(&Cause::Eof, None);
    assert_eq!(talk.opened(), "compose");
    assert_eq!(talk.send(), "login");
    assert_eq!(talk.hear("out"), "");
}
