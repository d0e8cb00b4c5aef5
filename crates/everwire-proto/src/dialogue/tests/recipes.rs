//! Two real protocols, from the hello to the recovery.

use super::*;

fn discord() -> D {
    D {
        capture: &[("seq", "/s")],
        script: vec![
            S {
                expect: "/op == 10",
                capture: &[("beat", "/d/heartbeat_interval")],
                ..S::default()
            },
            S {
                condition: "session",
                send: r#"{"op":6,"d":{"session_id":"${session}","seq":${seq}}}"#,
                expect: r#"/op == 0 && /t == "RESUMED""#,
                within: 60,
                ..S::default()
            },
            S {
                condition: "!session",
                send: r#"{"op":2,"d":{"intents":513}}"#,
                expect: r#"/op == 0 && /t == "READY""#,
                within: 30,
                capture: &[
                    ("session", "/d/session_id"),
                    ("resume_url", "/d/resume_gateway_url"),
                ],
                ..S::default()
            },
        ],
        rules: vec![
            R {
                when: "/op == 1",
                action: Some(RuleAction::Beat),
                ..R::default()
            },
            R {
                when: "/op == 7",
                action: Some(RuleAction::Reconnect),
                ..R::default()
            },
            R {
                when: "/op == 9 && /d == true",
                action: Some(RuleAction::Reconnect),
                ..R::default()
            },
            R {
                when: "/op == 9",
                clear: &["session", "resume_url", "seq"],
                action: Some(RuleAction::Reconnect),
                ..R::default()
            },
            R {
                loss: vec![
                    GiveUpRule::Close(1_000..=1_001),
                    GiveUpRule::Close(4_009..=4_009),
                ],
                clear: &["session", "resume_url", "seq"],
                ..R::default()
            },
            R {
                loss: vec![GiveUpRule::Cause("dial")],
                clear: &["resume_url"],
                ..R::default()
            },
        ],
        ping: r#"{"op":1,"d":${default(seq, null)}}"#,
        pong: "/op == 11",
        interval: "${beat}ms",
        timeout: "${beat}ms",
        ..D::default()
    }
}

/// Sends the hello. Returns the answer.
fn hello(talk: &mut Talk) -> String {
    talk.opened();
    talk.hear(r#"{"op":10,"d":{"heartbeat_interval":41250},"s":null}"#);
    assert_eq!(talk.conversation.interval(), Some(millis(41_250)));
    talk.send()
}

/// A hello, and a new session.
fn identified() -> Talk {
    let mut talk = discord().talk();
    assert_eq!(hello(&mut talk), IDENTIFY);
    let ready =
        r#"{"op":0,"t":"READY","s":1,"d":{"session_id":"s1","resume_gateway_url":"wss://r"}}"#;
    assert_eq!(talk.hear(ready), "passed");
    talk.hear(r#"{"op":0,"t":"MESSAGE_CREATE","s":7,"d":{}}"#);
    talk
}

const IDENTIFY: &str = r#"{"op":2,"d":{"intents":513}}"#;
const RESUME: &str = r#"{"op":6,"d":{"session_id":"s1","seq":7}}"#;

#[test]
fn discord_resumes_where_it_may_and_logs_in_anew_where_it_must() {
    let by_message = |message: &'static str| {
        move |talk: &mut Talk| {
            assert!(talk.hear(message).starts_with("lose rule"), "{message}");
            let cause = Cause::Rule {
                text: String::new(),
                gives_up: false,
            };
            talk.lost(&cause, None);
        }
    };
    let by_close = |code: u16| move |talk: &mut Talk| drop(talk.lost(&closed(code), Some(code)));
    type Loss = Box<dyn Fn(&mut Talk)>;
    let losses: [(Loss, &str); 7] = [
        (Box::new(by_close(4_000)), RESUME),
        (Box::new(by_close(1_001)), IDENTIFY),
        (Box::new(by_close(4_009)), IDENTIFY),
        (Box::new(by_message(r#"{"op":7}"#)), RESUME),
        (Box::new(by_message(r#"{"op":9,"d":true}"#)), RESUME),
        (Box::new(by_message(r#"{"op":9,"d":false}"#)), IDENTIFY),
        (
            Box::new(|talk| drop(talk.lost(&Cause::Eof, Some(1_006)))),
            RESUME,
        ),
    ];
    for (lose, sent) in losses {
        let mut talk = identified();
        lose(&mut talk);
        // A dial that fails keeps the session, too.
        talk.lost(&Cause::Dns("no such host".into()), None);
        assert_eq!(hello(&mut talk), sent);
        if sent == RESUME {
            // Missed messages come before that.
            assert_eq!(
                talk.hear(r#"{"op":0,"t":"MESSAGE_CREATE","s":8,"d":{}}"#),
                ""
            );
            assert_eq!(
                talk.hear(r#"{"op":0,"t":"RESUMED","s":9,"d":{}}"#),
                "passed"
            );
        }
    }
}

#[test]
fn discord_refuses_to_resume_within_the_script() {
    let mut talk = identified();
    talk.lost(&Cause::Eof, Some(1_006));
    assert_eq!(hello(&mut talk), RESUME);
    let told = talk.hear(r#"{"op":9,"d":false}"#);
    assert_eq!(
        told,
        r#"lose rule: rule 4 (/op == 9) says reconnect, of {"op":9,"d":false}"#
    );
    let cause = match talk.out.remove(0) {
        Reply::Lose(cause) => cause,
        other => panic!("{other:?}"),
    };
    talk.lost(&cause, None);
    assert_eq!(hello(&mut talk), IDENTIFY);
}

#[test]
fn discord_beats_with_its_last_number() {
    let mut talk = identified();
    assert_eq!(talk.ping(), Ping::Text(r#"{"op":1,"d":7}"#.into()));
    assert_eq!(talk.hear(r#"{"op":1}"#), "beat");
    assert!(talk.heard(r#"{"op":11}"#).is_pong);
    let mut talk = discord().open();
    assert_eq!(talk.ping(), Ping::Text(r#"{"op":1,"d":null}"#.into()));
}

fn charge_point() -> D {
    D {
        script: vec![S {
            send: r#"[2,"${id}","BootNotification",{"chargePointModel":"${name}"}]"#,
            expect: r#"/0 == 3 && /1 == text(id) && /2/status == "Accepted""#,
            again: r#"/0 == 3 && /1 == text(id) && /2/status in ["Pending", "Rejected"]"#,
            after: "${/2/interval}s",
            fail: "/0 == 4 && /1 == text(id)",
            within: 30,
            capture: &[("beat", "/2/interval")],
            ..S::default()
        }],
        rules: vec![
            R {
                when: r#"/0 == 2 && /2 == "TriggerMessage" && /3/requestedMessage == "Heartbeat""#,
                send: r#"[3,"${/1}",{"status":"Accepted"}]"#,
                action: Some(RuleAction::Beat),
                ..R::default()
            },
            R {
                when: "/0 == 2",
                send: r#"[4,"${/1}","NotImplemented","",{}]"#,
                ..R::default()
            },
        ],
        ping: r#"[2,"${id}","Heartbeat",{}]"#,
        pong: "/0 == 3 && /1 == text(id)",
        interval: "${beat}s",
        ..D::default()
    }
}

#[test]
fn a_charge_point_boots_until_it_is_accepted_and_answers_meanwhile() {
    let mut talk = charge_point().open();
    assert_eq!(
        talk.send(),
        r#"[2,"1","BootNotification",{"chargePointModel":"feed"}]"#
    );
    assert_eq!(
        talk.hear(r#"[3,"1",{"status":"Pending","interval":60}]"#),
        ""
    );
    // No heartbeat before it is accepted.
    assert_eq!(talk.conversation.interval(), None);
    assert_eq!(
        talk.hear(r#"[2,"x\"1","GetConfiguration",{}]"#),
        r#"answer [4,"x\"1","NotImplemented","",{}]"#
    );
    assert_eq!(talk.wait(secs(60)), "compose");
    // The answer of the rule had the second number.
    assert!(talk.send().starts_with(r#"[2,"3","BootNotification""#));
    assert_eq!(
        talk.hear(r#"[3,"3",{"status":"Accepted","interval":300}]"#),
        "passed; times"
    );
    assert_eq!(talk.conversation.interval(), Some(secs(300)));
    let trigger = r#"[2,"t","TriggerMessage",{"requestedMessage":"Heartbeat"}]"#;
    assert_eq!(
        talk.hear(trigger),
        r#"answer [3,"t",{"status":"Accepted"}]; beat"#
    );
    assert_eq!(talk.ping(), Ping::Text(r#"[2,"5","Heartbeat",{}]"#.into()));
    assert!(!talk.heard(r#"[3,"3",{}]"#).is_pong);
    assert!(talk.heard(r#"[3,"5",{}]"#).is_pong);
    // It has refused.
    let mut talk = charge_point().open();
    talk.send();
    assert!(
        talk.hear(r#"[4,"1","InternalError","",{}]"#)
            .starts_with("lose script_refused")
    );
}
