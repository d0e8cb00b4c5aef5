//! Calls of periodic steps and of the close script.

use super::{calls::TOKEN, *};

/// A key that is kept alive, as exchanges require it.
fn keeps_alive() -> D {
    D {
        names: &["apikey"],
        periodic: vec![
            (
                "30m",
                false,
                S {
                    http: "PUT https://h/listenKey",
                    headers: &[("X-MBX-APIKEY", "${default(apikey, \"abcdef\")}")],
                    fail: "status == 400",
                    ..S::default()
                },
            ),
            (
                "30m",
                true,
                S {
                    send: "still here",
                    ..S::default()
                },
            ),
        ],
        ..D::default()
    }
}

#[test]
fn a_periodic_call_goes_out_again_and_again_one_step_at_a_time() {
    let mut talk = keeps_alive().open();
    talk.ready();
    for _ in 0..3 {
        assert_eq!(talk.wait(secs(30 * 60)), "call PUT https://h/listenKey");
        let owner = talk.owner();
        assert_eq!(talk.answer(owner, 200, "{}"), "compose");
        assert_eq!(talk.send(), "still here");
        talk.now -= millis(120);
    }
    talk.wait(secs(30 * 60));
    let owner = talk.owner();
    assert_eq!(
        talk.answer(owner, 400, r#"{"code":-1125}"#),
        "lose script_refused: periodic[1], PUT https://h/listenKey, answered 400 after 120ms; \
         fail (status == 400) held for {\"code\":-1125}"
    );
    assert_eq!(talk.left(), None);
}

#[test]
fn no_periodic_call_is_answered_when_the_socket_closes() {
    let mut talk = keeps_alive().open();
    talk.ready();
    talk.wait(secs(30 * 60));
    let owner = talk.owner();
    assert!(talk.conversation.closing(talk.now));
    assert_eq!(talk.answer(owner, 400, ""), "");
}

#[test]
fn a_close_script_calls_before_the_close_frame() {
    let logout = D {
        names: &["token"],
        close_script: vec![
            S {
                http: "DELETE https://h/token",
                ..S::default()
            },
            S {
                send: "bye",
                ..S::default()
            },
        ],
        ..D::default()
    };
    let mut talk = logout.open();
    talk.ready();
    assert_eq!(talk.begin_close_script(), "call DELETE https://h/token");
    let owner = talk.owner();
    assert_eq!(talk.answer(owner, 204, ""), "compose");
    talk.composed();
    assert_eq!(talk.written(), "may close");
    // A refused call is reported, and the socket closes nevertheless.
    let mut talk = logout.open();
    talk.ready();
    talk.begin_close_script();
    let owner = talk.owner();
    assert_eq!(
        talk.answer(owner, 500, "no"),
        "error script_refused: step 1 of close_script, DELETE https://h/token, answered 500 after 120ms: no; may close"
    );
    // A late call is cancelled.
    let mut talk = logout.open();
    talk.ready();
    talk.begin_close_script();
    let owner = talk.owner();
    assert_eq!(
        talk.closes(),
        "error script_timeout: step 1 of close_script called DELETE https://h/token; \
         close_timeout is over, and no answer came"
    );
    assert_eq!(talk.answer(owner, 204, ""), "");
}

#[test]
fn a_periodic_call_that_cannot_be_filled_costs_the_socket_when_it_is_due() {
    let mut dialogue = keeps_alive();
    dialogue.periodic[0].2.headers = &[("X-Key", "${apikey}")];
    let mut talk = dialogue.open();
    talk.ready();
    let told = talk.wait(secs(30 * 60));
    assert!(
        told.starts_with("lose template: periodic[1] cannot fill the header X-Key: "),
        "{told}"
    );
    assert_eq!((talk.left(), talk.composed()), (None, None));
}

#[test]
fn a_step_that_is_left_out_calls_nothing() {
    let mut call = TOKEN;
    call.condition = "handover";
    let mut talk = script([call]).talk();
    assert_eq!(talk.opened(), "passed");
}
