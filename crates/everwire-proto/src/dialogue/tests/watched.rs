//! The reports to a watcher of a conversation.

use super::*;

impl Talk {
    /// The value of an expression for the last message.
    fn ask(&mut self, text: &str) -> String {
        let query = Query::parse(text, self.conversation.dialogue(), &NothingOutside);
        let query = query.unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        self.with(|talk, here, _| talk.ask(&query, here))
    }
}

fn login() -> D {
    D {
        lets: &[("nonce", r#"${"n" ~ id}"#)],
        script: vec![
            S {
                expect: r#"/op == 10"#,
                capture: &[("beat", "/beat")],
                ..S::default()
            },
            S {
                condition: "session",
                send: "resume",
                ..S::default()
            },
            S {
                send: r#"{"token":${nonce}}"#,
                expect: r#"/ok == nonce"#,
                fail: "exists(/error)",
                again: "exists(/later)",
                after: "${/later}s",
                count: 2,
                within: 5,
                ..S::default()
            },
        ],
        names: &["session"],
        rules: vec![
            R {
                when: "exists(/ping)",
                send: r#"{"pong":${/ping}}"#,
                silent: true,
                ..R::default()
            },
            R {
                when: r#"/op == 7"#,
                clear: &["beat"],
                action: Some(RuleAction::Reconnect),
                delay: Some((2, 2)),
                ..R::default()
            },
        ],
        ..D::default()
    }
}

fn watched(dialogue: &D) -> (Talk, String) {
    let mut talk = dialogue.talk();
    talk.conversation.watch(true);
    let told = talk.opened();
    (talk, told)
}

#[test]
fn each_step_is_told_with_what_came_and_what_decided() {
    let (mut talk, told) = watched(&login());
    assert_eq!(told, "[step 1 of 3 expects /op == 10 within 10s]");
    talk.wait(millis(40));
    assert_eq!(
        talk.hear(r#"{"op":10,"beat":4}"#),
        "[came: {\"op\":10,\"beat\":4}]; [step 1 of 3: expect (/op == 10) held after 40ms: passed, captured beat]; \
         [step 2 of 3 is left out: its if (session) does not hold]; \
         [step 3 of 3 sends {\"token\":${nonce}}, expects /ok == nonce 2 times within 5s]; compose"
    );
    assert_eq!(talk.composed().unwrap(), r#"{"token":"n1"}"#);
    assert_eq!(talk.written(), "[step 3 of 3 is sent]");
    assert_eq!(talk.hear("what"), "[came: what]");
    assert_eq!(
        talk.hear(r#"{"later":3}"#),
        r#"[came: {"later":3}]; [step 3 of 3: again (exists(/later)) held after 0ms: once more in 3s]"#
    );
    assert!(talk.wait(secs(3)).ends_with("compose"), "{}", talk.told());
    assert_eq!(talk.send(), r#"{"token":"n2"}"#);
    talk.wait(millis(5));
    assert_eq!(
        talk.hear(r#"{"ok":"n2"}"#),
        r#"[came: {"ok":"n2"}]; [step 3 of 3: expect (/ok == nonce) held after 5ms, 1 of 2 times]"#
    );
    assert_eq!(
        talk.hear(r#"{"ok":"n2"}"#),
        r#"[came: {"ok":"n2"}]; [step 3 of 3: expect (/ok == nonce) held after 5ms: passed]; [open_script has passed]; passed"#
    );
}

#[test]
fn a_refusal_and_a_silent_peer_are_told() {
    let refused = || {
        let (mut talk, _) = watched(&login());
        talk.hear(r#"{"op":10,"beat":1}"#);
        talk.send();
        talk
    };
    let told = refused().hear(r#"{"error":"no"}"#);
    assert!(
        told.contains("[step 3 of 3: fail (exists(/error)) held after 0ms: refused]; [lost: "),
        "{told}"
    );
    // In the text of the cause.
    let cause = told.split("lose script_refused: ").nth(1).unwrap();
    assert!(told.contains(&format!("[lost: {cause}]")), "{told}");
    let told = refused().wait(secs(5));
    assert!(
        told.starts_with("[step 3 of 3: nothing has decided within 5s]; [lost: "),
        "{told}"
    );
}

#[test]
fn rules_are_told_with_what_they_do_at_once_and_later() {
    let (mut talk, _) = watched(&login());
    assert_eq!(
        talk.hear(r#"{"ping":17}"#),
        r#"[came: {"ping":17}]; [rule 1 (exists(/ping)) answered {"pong":${/ping}}]; answer {"pong":17}"#
    );
    assert_eq!(
        talk.hear(r#"{"op":7}"#),
        r#"[came: {"op":7}]; [rule 2 (/op == 7) forgot beat; says reconnect in 2s]"#
    );
    let told = talk.wait(secs(2));
    assert!(
        told.starts_with("[rule 2 says reconnect now]; [lost: "),
        "{told}"
    );
    // More answers than may be sent at once.
    let (mut talk, _) = watched(&login());
    let told: Vec<String> = (0..102).map(|_| talk.hear(r#"{"ping":1}"#)).collect();
    assert!(
        told[100].ends_with("answered {\"pong\":${/ping}} (1 answer waits)]"),
        "{}",
        told[100]
    );
    assert!(told[101].ends_with("(2 answers wait)]"), "{}", told[101]);
}

#[test]
fn pings_and_pongs_are_told() {
    let beats = D {
        ping: r#"{"id":${id}}"#,
        pong: "/id == id",
        ..D::default()
    };
    let (mut talk, told) = watched(&beats);
    assert_eq!(told, "passed");
    talk.ping();
    assert_eq!(talk.told(), r#"[ping {"id":${id}}]"#);
    assert_eq!(
        talk.hear(r#"{"id":1}"#),
        r#"[came: {"id":1}]; [pong: when (/id == id) held]"#
    );
}

#[test]
fn what_is_captured_as_a_secret_is_never_told() {
    let secret = D {
        script: vec![S {
            expect: "exists(/token)",
            capture: &[("token", "/token")],
            secret: true,
            ..S::default()
        }],
        ..D::default()
    };
    let (mut talk, _) = watched(&secret);
    let told = talk.hear(r#"{"token":"hush-hush"}"#);
    assert!(told.starts_with("[came: ***]"), "{told}");
    assert!(!told.contains("hush"), "{told}");
    for (asked, shown) in [
        ("token", "***"),
        ("/token", "***"),
        ("message", "***"),
        (r#"/token == "hush-hush""#, "true"),
        ("${/token}", "***"),
    ] {
        assert_eq!(talk.ask(asked), shown, "{asked}");
    }
    // Once known, it is masked in repetitions.
    assert_eq!(
        talk.hear(r#"{"again":"hush-hush"}"#),
        r#"[came: {"again":"***"}]"#
    );
    assert_eq!(talk.ask("/again"), r#""***""#);
    assert_eq!(talk.ask("message"), r#""{\"again\":\"***\"}""#);
}

#[test]
fn expressions_are_tried_on_the_last_message_and_what_is_captured() {
    let (mut talk, _) = watched(&login());
    assert_eq!(talk.ask("/op"), "absent");
    talk.hear(r#"{"op":10,"beat":41250,"list":[1,{"a":null}]}"#);
    for (asked, shown) in [
        ("/op", "10"),
        ("/op == 10", "true"),
        ("/list", r#"[1,{"a":null}]"#),
        ("/list/1/a", "null"),
        ("beat + 1", "41251"),
        ("session", "absent"),
        (r#"unhex("ff")"#, "1 bytes"),
        (r#""a" ~ /op"#, r#""a10""#),
        (r#"{"d":${/list/0}}"#, r#"{"d":1}"#),
        ("${/none}", "not filled: `${/none}` is absent"),
    ] {
        assert_eq!(talk.ask(asked), shown, "{asked}");
    }
    let dialogue = login().compile();
    let errors = Query::parse("/op = 10", &dialogue, &NothingOutside).unwrap_err();
    assert_eq!(errors[0].span, 4..5);
    let errors = Query::parse("sesion", &dialogue, &NothingOutside).unwrap_err();
    assert!(errors[0].to_string().contains("session"), "{errors:?}");
}

#[test]
fn a_successor_is_watched_too_and_nobody_is_told_anything_unless_they_watch() {
    let (mut talk, _) = watched(&login());
    let mut successor = Talk::of(talk.conversation.successor());
    assert_eq!(
        successor.opened(),
        "[step 1 of 3 expects /op == 10 within 10s]"
    );
    talk.conversation.watch(false);
    assert!(!talk.hear(r#"{"op":10,"beat":1}"#).contains('['));
    assert!(!login().talk().opened().contains('['));
}
