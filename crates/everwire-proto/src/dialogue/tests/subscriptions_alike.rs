//! Conditions that are the same for all keys, or in part.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use super::*;

const MANY: usize = 1000;

/// So many keys are active, or asked for.
fn many(subscribe: U, answers: bool) -> Talk {
    let mut talk = D {
        subscribe: Some(U {
            max: 2000,
            ..subscribe
        }),
        lets: &[("nonce", r#"${random(4, "hex")}"#)],
        ..D::default()
    }
    .open();
    for key in 0..MANY {
        talk.hold(&format!("k{key}"), Holder::Api).unwrap();
    }
    assert_eq!(talk.subscribe().len(), MANY);
    if answers {
        for id in 1..=MANY {
            talk.hear(format!(r#"{{"id":{id},"result":1}}"#));
        }
    }
    HASHES.set(0);
    talk
}

fn hashes() -> usize {
    HASHES.replace(0)
}

#[test]
fn an_end_that_names_no_key_is_evaluated_once_for_all() {
    let end = r#"/over == hash("sha256", message)"#;
    let mut talk = many(
        U {
            end,
            ..U::default()
        },
        true,
    );
    talk.hear(r#"{"over":"not all"}"#);
    assert_eq!(hashes(), 1);
    // The signer says how long the message is.
    let over = r#"{"over":"000000000000001b"}"#;
    assert_eq!(over.len(), 0x1b);
    talk.hear(over);
    assert_eq!(hashes(), 1);
    let counts = talk.conversation.subscription_counts().unwrap();
    assert_eq!(counts.ended, MANY);
}

#[test]
fn what_an_end_says_of_all_keys_is_evaluated_once_and_the_rest_only_if_that_is_true() {
    let end = r#"/over == "all" && contains(hash("sha256", message ~ key), /of)"#;
    let mut talk = many(
        U {
            end,
            ..U::default()
        },
        true,
    );
    talk.hear(r#"{"over":"other","of":"a"}"#);
    assert_eq!(hashes(), 0);
    talk.hear(r#"{"over":"all","of":"none"}"#);
    assert_eq!(hashes(), MANY);
    let either = r#"/over == hash("sha256", message) || contains(key, /of)"#;
    let mut talk = many(
        U {
            end: either,
            ..U::default()
        },
        true,
    );
    talk.hear(r#"{"over":"other","of":"k1"}"#);
    // Once for all, and then for each: that other part may be true.
    assert_eq!(hashes(), MANY + 1);
    // k1, k10 and so on.
    assert_eq!(talk.conversation.subscription_counts().unwrap().ended, 111);
}

#[test]
fn an_answer_that_names_no_key_is_evaluated_once_however_many_wait() {
    let mut talk = many(
        U {
            ack: r#"/ok == hash("sha256", message)"#,
            fail: r#"/no == hash("sha256", message)"#,
            ..U::default()
        },
        false,
    );
    talk.hear(r#"{"ok":"other","no":"other"}"#);
    assert_eq!(hashes(), 2);
    let ok = r#"{"ok":"0000000000000019"}"#;
    assert_eq!(ok.len(), 0x19);
    assert_eq!(talk.hear(ok), "k0 active", "the oldest one is meant");
}

#[test]
fn what_an_answer_says_of_all_requests_is_evaluated_once() {
    let ack = r#"/ok == hash("sha256", message) && contains(/of, text(id))"#;
    let mut talk = many(
        U {
            ack,
            fail: "",
            ..U::default()
        },
        false,
    );
    talk.hear(r#"{"ok":"other","of":"7"}"#);
    assert_eq!(hashes(), 1);
}

#[test]
fn an_answer_may_name_its_request_by_what_was_drawn_for_it() {
    let mut talk = D {
        lets: &[("nonce", r#"${random(4, "hex")}"#)],
        subscribe: Some(U {
            on: r#"{"sub":"${key}","nonce":"${nonce}"}"#,
            ack: "/of == nonce && exists(/result)",
            fail: "/of == nonce && exists(/error)",
            keys: &[("a", "a"), ("b", "b"), ("c", "c")],
            ..U::default()
        }),
        ..D::default()
    }
    .open();
    let said = talk.subscribe();
    let nonce = |at: usize| {
        let said: serde_json::Value = serde_json::from_str(&said[at]).unwrap();
        said["nonce"].as_str().unwrap().to_owned()
    };
    let (last, middle) = (nonce(2), nonce(1));
    assert_eq!(
        talk.hear(format!(r#"{{"of":"{last}","result":1}}"#)),
        "c active"
    );
    talk.hear(format!(r#"{{"of":"{middle}","error":1}}"#));
    assert_eq!(talk.states(), "a sent, b refused, c active");
}

#[test]
fn a_part_that_looks_into_no_message_is_heard_without_the_needles_of_the_others() {
    let mut talk = D {
        subscribe: Some(U {
            end: r#"contains(message, "all over") || /op == "over""#,
            keys: &[("a", "a")],
            ..U::default()
        }),
        ..D::default()
    }
    .open();
    talk.subscribe();
    talk.hear(r#"{"id":1,"result":1}"#);
    talk.hear("it is all said");
    assert_eq!(talk.states(), "a active");
    talk.hear("it is all over");
    assert_eq!(talk.states(), "a ended");
}

#[test]
fn lets_that_read_each_other_many_times_are_looked_through_once() {
    const NAMES: [&str; 8] = ["l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7"];
    let text = |at: usize| match NAMES.get(at + 1) {
        Some(next) => format!("${{{next}}}").repeat(1000),
        None => "x".into(),
    };
    let texts: Vec<String> = (0..NAMES.len()).map(text).collect();
    let texts: &'static [String] = texts.leak();
    let lets: Vec<(&'static str, &'static str)> = NAMES
        .into_iter()
        .zip(texts.iter().map(String::as_str))
        .collect();
    let talk = D {
        lets: lets.leak(),
        subscribe: Some(U {
            end: "/over == l0",
            ..U::default()
        }),
        ..D::default()
    }
    .open();
    assert_eq!(talk.states(), "");
}

/// Parts of conditions, of which each is evaluated for each key where something else makes it depend on the key.
const PARTS: [&str; 12] = [
    r#"/op == "over""#,
    "/n == 1",
    "exists(/all)",
    "/key == key",
    "contains(key, default(/part, \"x\"))",
    "/item == item",
    "/on == on_id",
    "/sub == sub",
    "at(message, \"/n\") == kind",
    "starts(key, named)",
    "handover",
    "/n == id",
];

const TEXTS: [&str; 4] = [r#""over""#, "1", r#""k1""#, "true"];

#[derive(Clone, Debug)]
enum Shape {
    Part(Index),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

impl Shape {
    fn text(&self) -> String {
        let all = |parts: &[Self], by: &str| {
            let parts: Vec<String> = parts.iter().map(Self::text).collect();
            format!("({})", parts.join(by))
        };
        match self {
            Self::Part(at) => format!("({})", at.get(&PARTS)),
            Self::Not(inner) => format!("(!{})", inner.text()),
            Self::And(parts) => all(parts, " && "),
            Self::Or(parts) => all(parts, " || "),
        }
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let part = any::<Index>().prop_map(Shape::Part);
    part.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Shape::Not(Box::new(inner))),
            vec(inner.clone(), 2..4).prop_map(Shape::And),
            vec(inner, 2..4).prop_map(Shape::Or),
        ]
    })
}

fn message() -> impl Strategy<Value = String> {
    let names = ["op", "n", "all", "key", "part", "item", "on", "sub"];
    let member = (select(names.to_vec()), select(TEXTS.to_vec()));
    vec(member, 1..5).prop_map(|members| {
        let members: Vec<String> = members
            .iter()
            .map(|(name, value)| format!(r#""{name}":{value}"#))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

/// Keys in these words, behind a handover: some go on, some were asked for.
fn subscribed(end: &str, answers: bool) -> Talk {
    let end: &'static str = end.to_owned().leak();
    let (ack, fail) = match answers {
        true => (end, ""),
        false => ("/id == id && exists(/result)", ""),
    };
    let dialogue = D {
        lets: &[("kind", "${default(sequence, 1)}"), ("named", "k")],
        subscribe: Some(U {
            condition: "!handover",
            capture: &[("sub", "/sub")],
            keys: &[("k0", "1"), ("k1", "k1"), ("k2", "over")],
            end: if answers { "" } else { end },
            ack,
            fail,
            ..U::default()
        }),
        ..D::default()
    };
    let mut talk = dialogue.open();
    talk.subscribe();
    if answers {
        return talk;
    }
    for id in 1..3 {
        talk.hear(format!(r#"{{"id":{id},"result":1,"sub":"k{id}"}}"#));
    }
    let mut next = Talk::of(talk.conversation.successor());
    (next.now, next.handover) = (talk.now, true);
    next.opened();
    next.subscribe();
    next.hear(r#"{"id":1,"result":1,"sub":1}"#);
    next
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// A condition decides the same keys as one that has to be evaluated for each of them.
    #[test]
    fn keys_are_decided_as_by_looking_at_each(
        shape in shape(),
        messages in vec(message(), 1..6),
        answers in any::<bool>(),
    ) {
        let text = shape.text();
        // Without a name that tells keys apart an answer is that of the oldest request.
        let text = match answers {
            true => format!("{text} && exists(key)"),
            false => text,
        };
        // Equal to the first one, and nothing of it can be known for all keys.
        let each = format!("(!({text})) == (key != key)");
        let mut one = subscribed(&text, answers);
        let mut other = subscribed(&each, answers);
        for message in messages {
            one.hear(message.as_str());
            other.hear(message.as_str());
            prop_assert_eq!(one.states(), other.states(), "{}: {}", text, message);
        }
    }
}
