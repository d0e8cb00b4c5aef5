//! Keys on one socket: asked for in batches, answered, refused, ended, routed.

use super::*;

/// A dialogue that subscribes, and nothing else.
pub(super) fn subscribes(subscribe: U) -> D {
    D {
        subscribe: Some(subscribe),
        ..D::default()
    }
}

impl Talk {
    /// What is said next of subscriptions, written at once; all of it.
    pub fn subscribe(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(composed) = self.say_one() {
            said.push(composed);
        }
        said
    }

    /// What is said next.
    pub fn say_one(&mut self) -> Option<String> {
        let said = self.with(|talk, here, out| talk.compose_subscription(here, out));
        let said = text_of(&said?.message.unwrap());
        self.with(|talk, here, out| talk.subscriptions_written(1, here, out));
        Some(said)
    }

    pub fn hold(&mut self, key: &str, holder: Holder) -> Result<String, HoldRefused> {
        self.hold_item(key, key, holder)
    }

    pub fn hold_item(
        &mut self,
        key: &str,
        item: &str,
        holder: Holder,
    ) -> Result<String, HoldRefused> {
        let dialogue = Arc::clone(self.conversation.dialogue());
        let mut pointers = dialogue.pointers.clone();
        let scope = Scope::new(&dialogue.names, &mut pointers, &NothingOutside);
        let declared = Compiler(scope).item(key, item);
        self.with(|talk, here, out| talk.hold_subscription(&declared, holder, here, out))?;
        Ok(self.told())
    }

    pub fn release(&mut self, key: &str, holder: Holder) -> bool {
        self.with(|talk, here, out| talk.release_subscription(key, holder, here, out))
    }

    pub fn retry(&mut self) -> usize {
        self.with(|talk, here, out| talk.retry_subscriptions(here, out))
    }

    /// Each key and where it stands.
    pub fn states(&self) -> String {
        let all = self.conversation.subscriptions();
        let states: Vec<String> = all
            .iter()
            .map(|status| format!("{} {}", status.key, status.state.as_str()))
            .collect();
        states.join(", ")
    }
}

const THREE: &[(&str, &str)] = &[("a", "a"), ("b", "b"), ("c", "c")];

#[test]
fn keys_go_out_in_batches_behind_the_script_and_the_name_is_ready_when_they_are_answered() {
    let mut talk = D {
        script: vec![S {
            send: r#"{"id":${id}}"#,
            expect: "/id == id",
            ..S::default()
        }],
        ..subscribes(U {
            batch: 2,
            keys: THREE,
            ..U::default()
        })
    }
    .talk();
    assert_eq!(talk.opened(), "compose");
    assert_eq!(talk.composed().unwrap(), r#"{"id":1}"#);
    talk.written();
    assert_eq!(talk.hear(r#"{"id":1}"#), "subscribe");
    assert!(!talk.conversation.has_passed());
    let said = talk.subscribe();
    assert_eq!(
        said,
        [
            r#"{"op":"sub","id":2,"args":["a","b"]}"#,
            r#"{"op":"sub","id":3,"args":["c"]}"#,
        ]
    );
    assert_eq!(talk.states(), "a sent, b sent, c sent");
    let awaited = talk.conversation.awaited_subscriptions().unwrap();
    assert_eq!(awaited.to_string(), "3 of 3 subscriptions: a, b, c");
    assert_eq!(
        talk.hear(r#"{"id":3,"result":null}"#),
        "",
        "null is not there"
    );
    assert_eq!(talk.hear(r#"{"id":3,"result":1}"#), "c active");
    assert_eq!(
        talk.hear(r#"{"id":2,"result":1}"#),
        "a active; b active; passed"
    );
    assert!(talk.conversation.has_passed());
    assert_eq!(talk.conversation.deadline(), None);
}

#[test]
fn a_refusal_is_told_with_what_the_peer_said_and_keeps_no_name_from_being_ready() {
    let mut talk = subscribes(U {
        keys: &THREE[..1],
        ..U::default()
    })
    .open();
    talk.subscribe();
    let refusal = r#"{"id":1,"error":"no such channel"}"#;
    assert_eq!(talk.hear(refusal), format!("a refused {refusal}; passed"));
    let status = talk.conversation.subscription("a").unwrap();
    assert_eq!(status.text.as_deref(), Some(refusal));
    assert_eq!(status.holders, [Holder::File]);
    assert_eq!(status.item, r#""a""#);
}

#[test]
fn what_has_failed_is_asked_for_again_three_times_and_then_waits() {
    let mut talk = subscribes(U {
        keys: &THREE[..1],
        ..U::default()
    })
    .open();
    let mut told = Vec::new();
    for _ in 0..4 {
        talk.subscribe();
        assert_eq!(talk.left(), Some(Duration::from_secs(10)));
        told.push(talk.wait(Duration::from_secs(10)));
        if let Some(left) = talk.left().filter(|left| *left <= Duration::from_secs(30)) {
            told.push(talk.wait(left));
        }
    }
    let unanswered = "a unanswered no answer came within 10s";
    let first = format!("{unanswered}; passed");
    assert_eq!(
        told,
        [
            &*first,
            "subscribe",
            unanswered,
            "subscribe",
            unanswered,
            "subscribe",
            unanswered
        ]
    );
    assert_eq!(talk.subscribe(), [""; 0]);
    assert_eq!(talk.retry(), 1);
    assert_eq!(talk.told(), "a wanted; subscribe");
    assert_eq!(talk.subscribe(), [r#"{"op":"sub","id":5,"args":["a"]}"#]);
    // Whoever wants it gets the same.
    talk.wait(Duration::from_secs(10));
    assert_eq!(talk.hold("a", Holder::Api).unwrap(), "a wanted; subscribe");
}

#[test]
fn without_an_ack_a_key_is_active_once_it_is_written_and_can_be_refused_still() {
    let mut talk = subscribes(U {
        on: r#"{"id":"${key}","type":"subscribe","payload":${item}}"#,
        off: r#"{"id":"${key}","type":"complete"}"#,
        ack: "",
        fail: r#"/type == "error" && /id == key"#,
        end: r#"/type == "complete" && /id == key"#,
        route: ("/id", "${key}"),
        keys: &[("t", r#"{"query":"q"}"#), ("u", r#"{"query":"r"}"#)],
        ..U::default()
    })
    .open();
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"id":"t","type":"subscribe","payload":{"query":"q"}}"#,
            r#"{"id":"u","type":"subscribe","payload":{"query":"r"}}"#,
        ]
    );
    assert_eq!(talk.states(), "t active, u active");
    assert!(talk.conversation.has_passed());
    let heard = talk.heard(r#"{"id":"u","type":"next"}"#);
    assert_eq!(heard.subscription.as_deref(), Some("u"));
    assert!(heard.deliver && !heard.is_own);
    let heard = talk.heard(r#"{"id":"t","type":"error"}"#);
    assert_eq!(talk.told(), r#"t refused {"id":"t","type":"error"}"#);
    assert!(heard.deliver && heard.is_own);
    let heard = talk.heard(r#"{"id":"u","type":"complete"}"#);
    assert_eq!(heard.subscription.as_deref(), Some("u"));
    assert_eq!(talk.told(), r#"u ended {"id":"u","type":"complete"}"#);
    assert_eq!(talk.heard(r#"{"id":"u","type":"next"}"#).subscription, None);
}

#[test]
fn each_key_captures_its_own_and_is_found_by_it() {
    let mut talk = subscribes(U {
        on: r#"{"id":${id},"params":${item}}"#,
        off: r#"{"id":${id},"drop":"${sub}"}"#,
        end: r#"/gone == sub"#,
        capture: &[("sub", "/result")],
        route: ("/params/subscription", "${sub}"),
        keys: &[("heads", r#"["newHeads"]"#), ("logs", r#"["logs",{}]"#)],
        ..U::default()
    })
    .open();
    talk.subscribe();
    talk.hear(r#"{"id":2,"result":"0x2"}"#);
    assert_eq!(
        talk.hear(r#"{"id":1,"result":"0x1"}"#),
        "heads active; passed"
    );
    for (id, key) in [("0x2", Some("logs")), ("0x1", Some("heads")), ("0x3", None)] {
        let message = format!(r#"{{"params":{{"subscription":"{id}"}}}}"#);
        assert_eq!(talk.heard(message).subscription.as_deref(), key);
    }
    let status = talk.conversation.subscription("logs").unwrap();
    assert_eq!((status.routed, &*status.item), (1, r#"["logs",{}]"#));
    assert_eq!(
        talk.hear(r#"{"gone":"0x2"}"#),
        r#"logs ended {"gone":"0x2"}"#
    );
    assert!(talk.release("heads", Holder::File));
    assert_eq!(talk.subscribe(), [r#"{"id":3,"drop":"0x1"}"#]);
}

#[test]
fn what_says_nothing_of_which_it_means_means_the_oldest_and_what_reads_the_key_each() {
    let mut talk = subscribes(U {
        on: r#"{"sub":"${key}"}"#,
        ack: r#"/channel == "subscriptions" && exists(at(/all, "/" ~ key))"#,
        fail: r#"/type == "error""#,
        keys: THREE,
        ..U::default()
    })
    .open();
    talk.subscribe();
    assert_eq!(
        talk.hear(r#"{"channel":"subscriptions","all":{"b":1,"c":2}}"#),
        "b active; c active"
    );
    assert_eq!(
        talk.hear(r#"{"type":"error"}"#),
        r#"a refused {"type":"error"}; passed"#
    );
}

#[test]
fn in_a_batch_a_refusal_that_reads_the_key_is_of_that_key_alone() {
    let refused = |fail| {
        let mut talk = subscribes(U {
            fail,
            batch: 3,
            keys: THREE,
            ..U::default()
        })
        .open();
        talk.subscribe();
        talk.hear(r#"{"id":1,"error":"b"}"#);
        talk.states()
    };
    assert_eq!(
        refused("/id == id && /error == key"),
        "a sent, b refused, c sent"
    );
    assert_eq!(
        refused("/id == id && exists(/error)"),
        "a refused, b refused, c refused"
    );
}

#[test]
fn an_answer_that_lists_what_it_took_refuses_the_other_keys_of_the_batch() {
    let mut talk = subscribes(U {
        ack: "/id == id && key in /result",
        fail: "/id == id && !(key in /result)",
        batch: 3,
        keys: THREE,
        ..U::default()
    })
    .open();
    talk.subscribe();
    talk.hear(r#"{"id":1,"result":["c","a"]}"#);
    assert_eq!(talk.states(), "a active, b refused, c active");
}

#[test]
fn what_is_not_written_within_one_within_is_not_waited_for() {
    let mut talk = subscribes(U {
        keys: THREE,
        ..U::default()
    })
    .open();
    talk.say_one().unwrap();
    talk.wait(Duration::from_secs(9));
    talk.say_one().unwrap();
    // One has run out, one is unanswered, and one waits for its turn.
    assert_eq!(
        talk.wait(Duration::from_secs(1)),
        "a unanswered no answer came within 10s"
    );
    assert_eq!(talk.hear(r#"{"id":2,"result":1}"#), "b active; passed");
    assert_eq!(talk.states(), "a unanswered, b active, c wanted");
    assert_eq!(talk.subscribe(), [r#"{"op":"sub","id":3,"args":["c"]}"#]);
}

#[test]
fn a_key_that_cannot_be_filled_is_told_and_keeps_no_other_back() {
    let mut talk = D {
        names: &["token"],
        ..subscribes(U {
            batch: 3,
            keys: &[("a", "a"), ("b", "${token}"), ("c", "c")],
            ..U::default()
        })
    }
    .open();
    assert_eq!(
        talk.subscribe(),
        [r#"{"op":"sub","id":1,"args":["a","c"]}"#]
    );
    let status = talk.conversation.subscription("b").unwrap();
    assert_eq!(status.state, SubscriptionState::Refused);
    let text = status.text.unwrap();
    assert!(
        text.contains("`${token}`") || text.contains("`token`"),
        "{text}"
    );
}

#[test]
fn an_on_that_awaits_its_number_has_a_place_among_what_is_in_flight() {
    let mut talk = D {
        request: Some(Q {
            in_flight: 1,
            ..Q::default()
        }),
        ..subscribes(U {
            keys: THREE,
            ..U::default()
        })
    }
    .open();
    assert!(talk.conversation.has_place_for_subscription());
    talk.say_one().unwrap();
    assert_eq!(talk.conversation.in_flight(), 1);
    assert!(!talk.conversation.has_place_for_subscription());
    talk.hear(r#"{"id":1,"result":1}"#);
    assert!(talk.conversation.has_place_for_subscription());
}

#[test]
fn a_batch_that_would_be_too_long_goes_out_in_parts() {
    let mut talk = subscribes(U {
        batch: 3,
        keys: &[
            ("a", "a-long-item-of-a-feed"),
            ("b", "another-item-of-it"),
            ("c", "c"),
        ],
        ..U::default()
    })
    .talk();
    talk.max_message = 78;
    talk.opened();
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"op":"sub","id":1,"args":["a-long-item-of-a-feed","another-item-of-it"]}"#,
            r#"{"op":"sub","id":2,"args":["c"]}"#,
        ]
    );
}
