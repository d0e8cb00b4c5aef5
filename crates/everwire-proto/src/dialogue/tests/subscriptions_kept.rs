//! Keys over time: who holds them, what a lost socket leaves, what a successor takes over, and what other settings change.

use std::sync::Weak;

use super::*;

const ONE: &[(&str, &str)] = &[("a", "a")];

fn one() -> D {
    D {
        subscribe: Some(U {
            keys: ONE,
            ..U::default()
        }),
        ..D::default()
    }
}

/// A socket on which `a` is active.
fn active(dialogue: &D) -> Talk {
    let mut talk = dialogue.open();
    talk.subscribe();
    talk.hear(r#"{"id":1,"result":"s1"}"#);
    assert_eq!(talk.states(), "a active");
    talk
}

#[test]
fn off_goes_out_when_the_last_holder_goes_and_never_before() {
    let mut talk = active(&one());
    assert_eq!(talk.hold("a", Holder::Api), Ok(String::new()));
    assert_eq!(talk.hold("a", Holder::Api), Ok(String::new()));
    talk.hold("a", Holder::Session(7)).unwrap();
    let status = talk.conversation.subscription("a").unwrap();
    assert_eq!(
        status.holders,
        [Holder::File, Holder::Api, Holder::Session(7)]
    );
    assert!(!talk.release("a", Holder::Api) && !talk.release("a", Holder::Api));
    assert!(!talk.release("a", Holder::File));
    assert_eq!(talk.subscribe(), [""; 0]);
    assert!(talk.release("a", Holder::Session(7)));
    assert_eq!(talk.told(), "subscribe");
    assert_eq!(talk.conversation.subscription("a"), None);
    assert_eq!(talk.conversation.subscription_counts(), None);
    assert_eq!(talk.subscribe(), [r#"{"op":"unsub","id":2,"args":["a"]}"#]);
    assert!(!talk.release("a", Holder::Session(7)));
}

#[test]
fn a_hold_that_comes_while_off_waits_cancels_it_or_goes_behind_it() {
    let mut talk = active(&one());
    talk.release("a", Holder::File);
    talk.hold("a", Holder::Api).unwrap();
    assert_eq!(talk.subscribe(), [""; 0]);
    assert_eq!(talk.states(), "a active");
    talk.release("a", Holder::Api);
    talk.hold_item("a", "other", Holder::Api).unwrap();
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"op":"unsub","id":2,"args":["a"]}"#,
            r#"{"op":"sub","id":3,"args":["other"]}"#,
        ]
    );
    talk.hear(r#"{"id":3,"result":1}"#);
    assert_eq!(
        talk.heard(r#"{"stream":"other"}"#).subscription.as_deref(),
        Some("a")
    );
    assert_eq!(talk.heard(r#"{"stream":"a"}"#).subscription, None);
}

#[test]
fn what_was_not_answered_is_ended_when_its_last_holder_goes() {
    let mut talk = one().open();
    talk.subscribe();
    talk.wait(Duration::from_secs(10));
    assert_eq!(talk.states(), "a unanswered");
    talk.release("a", Holder::File);
    assert_eq!(talk.subscribe(), [r#"{"op":"unsub","id":2,"args":["a"]}"#]);
    assert_eq!(talk.conversation.subscription_counts(), None);

    // The same where it was to be asked for again, and that was not said yet.
    let mut talk = one().open();
    talk.subscribe();
    talk.wait(Duration::from_secs(10));
    assert_eq!(talk.retry(), 1);
    assert_eq!(talk.states(), "a wanted");
    talk.release("a", Holder::File);
    assert_eq!(talk.subscribe(), [r#"{"op":"unsub","id":2,"args":["a"]}"#]);
}

#[test]
fn one_that_comes_back_before_its_off_needs_room_as_any_other() {
    let mut talk = active(&D {
        subscribe: Some(U {
            max: 1,
            keys: ONE,
            ..U::default()
        }),
        ..D::default()
    });
    talk.release("a", Holder::File);
    talk.hold("b", Holder::Api).unwrap();
    let full = Err(HoldRefused::TooMany { max: 1 });
    assert_eq!(talk.hold("a", Holder::Api), full);
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"op":"unsub","id":2,"args":["a"]}"#,
            r#"{"op":"sub","id":3,"args":["b"]}"#,
        ]
    );
}

#[test]
fn one_that_is_given_up_before_its_answer_is_ended_once_that_has_come() {
    let dialogue = D {
        subscribe: Some(U {
            off: r#"{"drop":"${sub}"}"#,
            capture: &[("sub", "/result")],
            keys: ONE,
            ..U::default()
        }),
        ..D::default()
    };
    let mut talk = dialogue.open();
    talk.subscribe();
    assert!(talk.release("a", Holder::File));
    assert_eq!(talk.told(), "passed");
    assert_eq!(talk.subscribe(), [""; 0]);
    assert_eq!(talk.hear(r#"{"id":1,"result":"s1"}"#), "subscribe");
    assert_eq!(talk.subscribe(), [r#"{"drop":"s1"}"#]);
    // What was refused needs no end.
    let mut talk = dialogue.open();
    talk.subscribe();
    talk.release("a", Holder::File);
    assert_eq!(talk.hear(r#"{"id":1,"error":1}"#), "");
    assert_eq!(talk.subscribe(), [""; 0]);
    // What was not written was not asked for.
    let mut talk = dialogue.open();
    talk.release("a", Holder::File);
    assert_eq!(talk.subscribe(), [""; 0]);
}

#[test]
fn another_item_too_many_keys_and_too_long_ones_are_refused() {
    let mut talk = D {
        subscribe: Some(U {
            max: 2,
            keys: ONE,
            ..U::default()
        }),
        ..D::default()
    }
    .talk();
    let key: Arc<str> = "a".into();
    assert_eq!(
        talk.hold_item("a", "b", Holder::Api),
        Err(HoldRefused::OtherItem { key })
    );
    talk.hold("b", Holder::Api).unwrap();
    assert_eq!(
        talk.hold("c", Holder::Api),
        Err(HoldRefused::TooMany { max: 2 })
    );
    let long = "k".repeat(1025);
    let (what, len, max) = ("key", 1025, 1024);
    assert_eq!(
        talk.hold_item(&long, "x", Holder::Api),
        Err(HoldRefused::TooLong { what, len, max })
    );
    assert_eq!(talk.states(), "a wanted, b wanted");
    let mut silent = D::default().talk();
    assert_eq!(silent.hold("a", Holder::Api), Err(HoldRefused::NoSubscribe));
}

#[test]
fn of_a_lost_socket_nothing_is_left_and_numbers_begin_anew() {
    let mut talk = active(&one());
    talk.hold("b", Holder::Api).unwrap();
    talk.subscribe();
    talk.release("a", Holder::File);
    talk.hold("a", Holder::Api).unwrap();
    talk.lost(&Cause::Eof, None);
    assert_eq!(talk.states(), "a wanted, b wanted");
    assert_eq!(talk.heard(r#"{"stream":"a"}"#).subscription, None);
    assert_eq!(talk.opened(), "subscribe; passed");
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"op":"sub","id":1,"args":["a"]}"#,
            r#"{"op":"sub","id":2,"args":["b"]}"#,
        ]
    );
}

#[test]
fn a_successor_waits_for_what_was_active_and_tells_what_stands_elsewhere() {
    let mut talk = active(&one());
    talk.hold("b", Holder::Api).unwrap();
    talk.subscribe();
    talk.hear(r#"{"id":2,"result":1}"#);
    talk.heard(r#"{"stream":"a"}"#);
    let mut next = Talk::of(talk.conversation.successor());
    assert_eq!(next.opened(), "subscribe");
    next.subscribe();
    assert!(!next.conversation.has_passed());
    assert_eq!(next.hear(r#"{"id":1,"result":1}"#), "a active");
    let refusal = r#"{"id":2,"error":1}"#;
    assert_eq!(next.hear(refusal), format!("b refused {refusal}; passed"));
    next.heard(r#"{"stream":"a"}"#);
    talk.out.clear();
    talk.conversation.adopt(next.conversation, &mut talk.out);
    assert_eq!(talk.told(), format!("b refused {refusal}"));
    let status = talk.conversation.subscription("a").unwrap();
    assert_eq!(status.routed, 2);
}

#[test]
fn on_a_handover_what_is_left_out_stays_active_with_what_was_captured() {
    let dialogue = D {
        subscribe: Some(U {
            condition: "!handover",
            capture: &[("sub", "/result")],
            route: ("/stream", "${sub}"),
            keys: ONE,
            ..U::default()
        }),
        ..D::default()
    };
    let talk = active(&dialogue);
    let mut next = Talk::of(talk.conversation.successor());
    next.handover = true;
    assert_eq!(next.opened(), "a active; passed");
    assert_eq!(next.subscribe(), [""; 0]);
    assert_eq!(
        next.heard(r#"{"stream":"s1"}"#).subscription.as_deref(),
        Some("a")
    );
    // On any other socket it is asked for as ever.
    let mut next = Talk::of(talk.conversation.successor());
    assert_eq!(next.opened(), "subscribe");
}

#[test]
fn other_settings_change_keys_on_the_socket_that_is_there() {
    let mut talk = active(&one());
    let with = |keys| D {
        subscribe: Some(U {
            keys,
            ..U::default()
        }),
        ..D::default()
    };
    let other = with(&[("a", "A"), ("b", "b")]).compile();
    assert!(talk.conversation.dialogue().says_the_same(&other));
    talk.with(|talk, here, out| talk.declare_subscriptions(&other, here, out));
    assert_eq!(
        talk.subscribe(),
        [
            r#"{"op":"unsub","id":2,"args":["a"]}"#,
            r#"{"op":"sub","id":3,"args":["A"]}"#,
            r#"{"op":"sub","id":4,"args":["b"]}"#,
        ]
    );
    talk.hear(r#"{"id":4,"result":1}"#);
    let none = with(&[]).compile();
    talk.with(|talk, here, out| talk.declare_subscriptions(&none, here, out));
    assert_eq!(talk.states(), "");
    assert_eq!(talk.subscribe(), [r#"{"op":"unsub","id":5,"args":["b"]}"#]);
    // The other one was not answered: it is ended when it is.
    talk.hear(r#"{"id":3,"result":1}"#);
    assert_eq!(talk.subscribe(), [r#"{"op":"unsub","id":6,"args":["A"]}"#]);
    let differs = D {
        subscribe: Some(U {
            ack: "/id == id",
            ..U::default()
        }),
        ..D::default()
    };
    assert!(!none.says_the_same(&differs.compile()));
}

/// A caller wants a key that is answered in words of its own. Also says whether those words are kept.
fn hold_with_ack(
    talk: &mut Talk,
    key: &str,
    ack: &str,
) -> (Result<(), HoldRefused>, Weak<SubscriptionWords>) {
    let dialogue = Arc::clone(talk.conversation.dialogue());
    let settings = dialogue.subscribe.as_ref().unwrap();
    let mut pointers = dialogue.pointers.clone();
    let scope = Scope::new(&dialogue.names, &mut pointers, &NothingOutside);
    let mut compiler = Compiler(scope);
    let ack = compiler.condition(ack);
    let mut declared = (*compiler.item(key, key)).clone();
    let words = Arc::new(SubscriptionWords {
        ack,
        own_pointers: Some(Box::new(pointers)),
        ..(*settings.words).clone()
    });
    let kept = Arc::downgrade(&words);
    declared.words = Some(words);
    let declared = Arc::new(declared);
    let held =
        talk.with(|talk, here, out| talk.hold_subscription(&declared, Holder::Api, here, out));
    (held, kept)
}

#[test]
fn ten_thousand_wishes_in_different_words_cost_a_message_64_looks() {
    const WISHES: usize = 10_000;
    let mut talk = D {
        subscribe: Some(U {
            max: 10_000,
            ..U::default()
        }),
        ..D::default()
    }
    .open();
    // It names no place of a message at which the number stands: each that waits is looked at.
    let ack = |number| format!(r#"hash("sha256", message ~ text(id)) == "{number}""#);
    for round in 0..2 {
        let mut all = Vec::new();
        for number in 0..WISHES {
            let number = round * WISHES + number;
            let key = format!("k{number}");
            let (held, kept) = hold_with_ack(&mut talk, &key, &ack(number));
            assert!(matches!(
                held,
                Ok(()) | Err(HoldRefused::TooManyAnswers { max: 64 })
            ));
            all.push((key, held.is_ok(), kept));
        }
        // One is what `subscribe` expects, which nobody has asked for.
        let taken = all.iter().filter(|(_, is_held, _)| *is_held).count();
        let kept = all.iter().filter(|(.., kept)| kept.strong_count() > 0);
        assert_eq!((taken, kept.count()), (63, 63));
        assert_eq!(talk.conversation.subscriptions().len(), 63);
        assert_eq!(talk.subscribe().len(), 63);
        HASHES.set(0);
        talk.hear(r#"{"none":"of them"}"#);
        assert_eq!(HASHES.get(), 63);
        // Who lets go of them makes room for others, and for no more.
        for (key, is_held, _) in &all {
            assert_eq!(talk.release(key, Holder::Api), *is_held);
        }
        talk.wait(Duration::from_secs(10));
        assert_eq!(talk.subscribe().len(), 63);
        assert!(all.iter().all(|(.., kept)| kept.strong_count() == 0));
    }
}

#[test]
fn callers_bring_no_end_of_answers_to_look_for() {
    let mut talk = D {
        subscribe: Some(U {
            max: 1000,
            ..U::default()
        }),
        ..D::default()
    }
    .open();
    let mut hold = |key: String, ack: String| hold_with_ack(&mut talk, &key, &ack).0;
    // One is what `subscribe` expects.
    for number in 1..64 {
        hold(format!("k{number}"), format!("/id == id && /n == {number}")).unwrap();
    }
    let max = 64;
    assert_eq!(
        hold("new".into(), "/id == id && /n == 64".into()),
        Err(HoldRefused::TooManyAnswers { max })
    );
    hold("known".into(), "/id == id && /n == 63".into()).unwrap();
    talk.subscribe();
    assert_eq!(talk.hear(r#"{"id":63,"n":63}"#), "k63 active");
    assert_eq!(talk.hear(r#"{"id":64,"n":63}"#), "known active");
}

#[test]
fn what_has_changed_while_nobody_wanted_it_is_told_when_somebody_does() {
    let mut talk = one().open();
    talk.subscribe();
    assert!(talk.release("a", Holder::File));
    assert_eq!(talk.hear(r#"{"id":1,"result":"s1"}"#), "subscribe");
    // Its `off` was not said yet.
    assert_eq!(talk.hold("a", Holder::Api), Ok("a active".into()));
    assert_eq!(talk.subscribe(), [""; 0]);
    assert_eq!(talk.hold("a", Holder::Session(1)), Ok(String::new()));
}
