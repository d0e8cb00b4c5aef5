use proptest::prelude::*;

use super::*;
use crate::settings::dialogue::MAX_CAPTURES;

fn dialogue() -> D {
    D {
        names: &["seq", "session", "beat"],
        capture: &[("seq", "/s keep"), ("beat", "/beat")],
        script: vec![
            S {
                condition: "session",
                send: r#"{"resume":"${session}","seq":${seq}}"#,
                ..S::default()
            },
            S {
                condition: "!session",
                send: "login",
                expect: "exists(/session)",
                capture: &[("session", "/session keep")],
                ..S::default()
            },
        ],
        rules: vec![
            R {
                when: "/op == 9",
                clear: &["session", "seq"],
                ..R::default()
            },
            R {
                loss: vec![GiveUpRule::Close(4003..=4003)],
                clear: &["session"],
                ..R::default()
            },
        ],
        ..D::default()
    }
}

/// The values to store now, as text.
fn kept(talk: &mut Talk) -> Vec<String> {
    let changes = talk.conversation.take_kept(talk.now);
    let text = |(name, value): KeptChange| match value {
        Some(value) => format!("{name}={}", value.text()),
        None => format!("{name} gone"),
    };
    changes.into_iter().map(text).collect()
}

/// The time until the next values must be stored.
fn due(talk: &Talk) -> Option<Duration> {
    let at = talk.conversation.keeps_at(talk.now)?;
    Some(at - talk.now)
}

#[test]
fn what_is_kept_is_handed_out_at_once_and_then_once_a_second() {
    let mut talk = dialogue().open();
    assert_eq!(due(&talk), None);
    talk.hear(r#"{"beat":5}"#);
    assert_eq!(due(&talk), None, "it is not kept");
    talk.hear(r#"{"s":1}"#);
    assert_eq!(due(&talk), Some(secs(0)));
    assert_eq!(kept(&mut talk), ["seq=number 1"]);
    assert_eq!(due(&talk), None);
    talk.hear(r#"{"s":1}"#);
    assert_eq!(due(&talk), None, "it is the same value");
    talk.wait(millis(400));
    talk.hear(r#"{"s":2}"#);
    talk.hear(r#"{"s":3}"#);
    assert_eq!(due(&talk), Some(millis(600)));
    talk.wait(millis(600));
    assert_eq!(due(&talk), Some(secs(0)));
    assert_eq!(kept(&mut talk), ["seq=number 3"]);
    talk.hear(r#"{"op":9}"#);
    talk.wait(secs(60));
    assert_eq!(kept(&mut talk), ["seq gone"]);
}

#[test]
fn a_conversation_begins_with_what_was_kept_before_its_script() {
    let dialogue = dialogue();
    let mut talk = dialogue.talk();
    let [seq, session, beat, other] = [
        "number 18446744073709551616",
        "text a\"b",
        "number 5",
        "text x",
    ]
    .map(|text| KeptValue::read(text).unwrap());
    // Values that are no longer kept or captured are ignored.
    talk.conversation.restore([
        ("seq", &seq),
        ("session", &session),
        ("beat", &beat),
        ("other", &other),
    ]);
    assert_eq!(due(&talk), None, "the store has it");
    assert_eq!(talk.opened(), "compose");
    assert_eq!(
        talk.send(),
        r#"{"resume":"a\"b","seq":18446744073709551616}"#
    );
    assert!(talk.conversation.captures.get(2).is_absent());
    // It continues from there.
    talk.lost(&closed(4003), Some(4003));
    assert_eq!(kept(&mut talk), ["session gone"]);
    let all: Vec<String> = talk
        .conversation
        .kept()
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(all, ["seq"]);
}

#[test]
fn a_value_of_the_servers_stays_one_that_breaks_no_line() {
    let mut talk = D {
        names: &["nick"],
        capture: &[("nick", "/nick keep")],
        script: vec![S {
            send: "NICK ${nick}",
            ..S::default()
        }],
        ..D::default()
    }
    .talk();
    let nick = KeptValue::read("text a\r\nQUIT").unwrap();
    talk.conversation.restore([("nick", &nick)]);
    talk.opened();
    assert_eq!(talk.composed(), None);
    assert!(talk.told().starts_with("lose template"), "{}", talk.told());
}

#[test]
fn what_a_successor_has_captured_is_kept_behind_the_cut() {
    let mut talk = dialogue().open();
    talk.hear(r#"{"s":1}"#);
    kept(&mut talk);
    talk.wait(millis(100));
    let mut next = Talk::of(talk.conversation.successor());
    next.opened();
    next.hear(r#"{"s":7}"#);
    talk.hear(r#"{"s":2}"#);
    talk.conversation.adopt(next.conversation, &mut Vec::new());
    assert_eq!(due(&talk), Some(millis(900)));
    assert_eq!(kept(&mut talk), ["seq=number 7"]);
}

#[test]
fn a_secret_is_never_handed_out() {
    let mut talk = script([S {
        expect: "exists(/token)",
        capture: &[("token", "/token keep")],
        secret: true,
        ..S::default()
    }])
    .open();
    talk.hear(r#"{"token":"abc"}"#);
    assert_eq!(kept(&mut talk), ["token gone"]);
    assert!(talk.conversation.kept().is_empty());
}

#[test]
fn each_of_the_most_captures_has_a_bit_of_its_own() {
    for at in 0..MAX_CAPTURES as u16 {
        let mut set = super::super::captures::CaptureSet::default();
        set.insert(at);
        assert!((0..MAX_CAPTURES as u16).all(|other| set.has(other) == (other == at)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// For any messages and times: the stored values, in order, result in the values of the
    /// conversation, and are at least a second apart.
    #[test]
    fn what_was_handed_out_is_what_there_was(
        events in prop::collection::vec((0..4u8, 0..5u32, 0..900u64), 1..60),
    ) {
        let mut talk = dialogue().open();
        let mut store = std::collections::BTreeMap::new();
        let mut last: Option<Instant> = None;
        for (kind, value, time) in events {
            match kind {
                0 => drop(talk.hear(format!(r#"{{"s":{value}}}"#))),
                1 => drop(talk.hear(format!(r#"{{"session":"{value}"}}"#))),
                2 if value == 0 => drop(talk.hear(r#"{"op":9}"#)),
                _ => drop(talk.wait(millis(time))),
            }
            let now = talk.now;
            if talk.conversation.keeps_at(now) == Some(now) {
                prop_assert!(last.is_none_or(|last| now - last >= KEEP_EVERY));
                last = Some(now);
                for (name, value) in talk.conversation.take_kept(now) {
                    match value {
                        Some(value) => drop(store.insert(name, value)),
                        None => drop(store.remove(&name)),
                    }
                }
            }
            if talk.conversation.keeps_at(now).is_none() {
                let all: std::collections::BTreeMap<_, _> = talk.conversation.kept().into_iter().collect();
                prop_assert_eq!(&store, &all);
            }
        }
    }
}
