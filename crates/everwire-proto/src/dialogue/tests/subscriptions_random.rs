//! Random lives of keys beside a peer that keeps what it was asked for.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use super::*;

const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const HOLDERS: [Holder; 3] = [Holder::Api, Holder::Session(1), Holder::Session(2)];

#[derive(Clone, Debug)]
enum Event {
    Hold(usize, usize),
    Release(usize, usize),
    /// One message is written.
    Write,
    /// The peer answers what it was asked first, and takes it or not.
    Answer(bool),
    /// It ends a key.
    End(usize),
    Wait(u64),
    Retry,
    Lose,
    /// A successor takes over when all was said and answered there.
    Rotate,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => (0..4usize, 0..3usize).prop_map(|(key, holder)| Event::Hold(key, holder)),
        4 => (0..4usize, 0..3usize).prop_map(|(key, holder)| Event::Release(key, holder)),
        6 => Just(Event::Write),
        6 => prop::bool::weighted(0.8).prop_map(Event::Answer),
        1 => (0..4usize).prop_map(Event::End),
        2 => (0..15u64).prop_map(Event::Wait),
        1 => Just(Event::Retry),
        1 => Just(Event::Lose),
        1 => Just(Event::Rotate),
    ]
}

/// What the peer knows of one socket.
#[derive(Default)]
struct Peer {
    has: BTreeSet<String>,
    /// What it was asked, and has not answered.
    asked: Vec<(u64, Vec<String>)>,
    /// What was answered with a refusal, ended, or ran out since it was asked: it may be asked again.
    told: BTreeSet<String>,
}

impl Peer {
    /// A message of ours.
    fn hear(&mut self, text: &str, held: &BTreeMap<String, Vec<Holder>>) {
        let said: Value = serde_json::from_str(text).unwrap();
        let args: Vec<String> = serde_json::from_value(said["args"].clone()).unwrap();
        let id = said["id"].as_u64().unwrap();
        for key in &args {
            let is_held = held.get(key).is_some_and(|holders| !holders.is_empty());
            match said["op"].as_str().unwrap() {
                "sub" => {
                    assert!(is_held, "{key} is asked for, and nobody holds it");
                    let is_new = !self.has.contains(key);
                    assert!(is_new || self.told.remove(key), "{key} is asked for twice");
                    self.has.insert(key.clone());
                }
                "unsub" => {
                    assert!(!is_held, "{key} is held, and ended");
                    self.has.remove(key);
                }
                op => panic!("{op}"),
            }
        }
        if said["op"] == "sub" {
            self.asked.push((id, args));
        }
    }

    fn answer(&mut self, takes: bool) -> Option<String> {
        if self.asked.is_empty() {
            return None;
        }
        let (id, keys) = self.asked.remove(0);
        Some(match takes {
            true => format!(r#"{{"id":{id},"result":1}}"#),
            false => {
                for key in keys {
                    // One that was asked for again has it by that.
                    if !self.asked.iter().any(|(_, keys)| keys.contains(&key)) {
                        self.has.remove(&key);
                    }
                }
                format!(r#"{{"id":{id},"error":1}}"#)
            }
        })
    }
}

fn dialogue() -> D {
    D {
        subscribe: Some(U {
            batch: 3,
            end: "/ended == item",
            ..U::default()
        }),
        ..D::default()
    }
}

/// What the name has told of keys: those that have failed may be asked for again.
fn note_told(talk: &Talk, peer: &mut Peer) {
    for reply in &talk.out {
        if let Reply::Subscription(change) = reply
            && change.state.has_failed()
        {
            peer.told.insert(change.key.to_string());
        }
    }
}

fn write(talk: &mut Talk, peer: &mut Peer, held: &BTreeMap<String, Vec<Holder>>) -> bool {
    let said = talk.say_one();
    note_told(talk, peer);
    if let Some(said) = &said {
        peer.hear(said, held);
    }
    said.is_some()
}

fn hear(talk: &mut Talk, peer: &mut Peer, message: String) {
    talk.hear(message);
    note_told(talk, peer);
}

/// All is said, and all is answered with yes.
fn settle(talk: &mut Talk, peer: &mut Peer, held: &BTreeMap<String, Vec<Holder>>) {
    loop {
        let wrote = write(talk, peer, held);
        let answer = peer.answer(true);
        let answered = answer.is_some();
        if let Some(answer) = answer {
            hear(talk, peer, answer);
        }
        if !wrote && !answered {
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// No key is ended while it is held, each is asked for once on a socket but for what has failed, and in the end the peer has what is
    /// held, unless it was told not to be.
    #[test]
    fn the_peer_has_what_is_held(events in vec(event(), 0..60)) {
        let mut talk = dialogue().open();
        let mut peer = Peer::default();
        let mut held: BTreeMap<String, Vec<Holder>> = BTreeMap::new();
        for event in events {
            match event {
                Event::Hold(key, holder) => {
                    let (key, holder) = (KEYS[key], HOLDERS[holder]);
                    talk.hold(key, holder).unwrap();
                    note_told(&talk, &mut peer);
                    let holders = held.entry(key.into()).or_default();
                    if !holders.contains(&holder) {
                        holders.push(holder);
                    }
                }
                Event::Release(key, holder) => {
                    let (key, holder) = (KEYS[key], HOLDERS[holder]);
                    let holders = held.entry(key.into()).or_default();
                    let was_last = holders == &[holder];
                    holders.retain(|known| *known != holder);
                    prop_assert_eq!(talk.release(key, holder), was_last);
                }
                Event::Write => {
                    write(&mut talk, &mut peer, &held);
                }
                Event::Answer(takes) => {
                    if let Some(answer) = peer.answer(takes) {
                        hear(&mut talk, &mut peer, answer);
                    }
                }
                Event::End(key) => {
                    let is_asked = peer.asked.iter().any(|(_, keys)| keys.iter().any(|it| it == KEYS[key]));
                    if !is_asked && peer.has.remove(KEYS[key]) {
                        hear(&mut talk, &mut peer, format!(r#"{{"ended":"{}"}}"#, KEYS[key]));
                    }
                }
                Event::Wait(secs) => {
                    talk.wait(Duration::from_secs(secs));
                    note_told(&talk, &mut peer);
                }
                Event::Retry => {
                    talk.retry();
                }
                Event::Lose => {
                    talk.lost(&Cause::Eof, None);
                    peer = Peer::default();
                    talk.opened();
                }
                Event::Rotate => {
                    let mut next = Talk::of(talk.conversation.successor());
                    next.now = talk.now;
                    next.opened();
                    let mut other = Peer::default();
                    settle(&mut next, &mut other, &held);
                    prop_assert!(next.conversation.has_passed());
                    talk.conversation.adopt(next.conversation, &mut talk.out);
                    peer = other;
                }
            }
            let counts = talk.conversation.subscription_counts().unwrap_or_default();
            let wanted = held.values().filter(|holders| !holders.is_empty()).count();
            prop_assert_eq!(counts.total(), wanted);
        }
        // What has failed is tried again; then all is as it should be.
        settle(&mut talk, &mut peer, &held);
        talk.retry();
        settle(&mut talk, &mut peer, &held);
        for status in talk.conversation.subscriptions() {
            prop_assert_eq!(status.state, SubscriptionState::Active, "{}", status.key);
            prop_assert!(peer.has.contains(&*status.key));
        }
        let is_due = |key: &String| held.get(key).is_some_and(|holders| !holders.is_empty());
        prop_assert!(peer.has.iter().all(is_due), "{:?} {held:?}", peer.has);
    }
}
