//! The rest of a run: alone and shared, whole and partly read.

use jiff::Timestamp;

use super::*;
use crate::core::{ConnectionName, Message};

fn run(places: std::ops::RangeInclusive<u64>) -> Span {
    run_of(places, |_| None)
}

/// Each second message, from the third on, is routed to one of two keys.
fn routed(places: std::ops::RangeInclusive<u64>) -> Span {
    run_of(places, key_of)
}

fn key_of(place: u64) -> Option<&'static str> {
    match (place < 3, place % 4) {
        (false, 1) => Some("one"),
        (false, 3) => Some("three"),
        _ => None,
    }
}

fn run_of(
    places: std::ops::RangeInclusive<u64>,
    key: impl Fn(u64) -> Option<&'static str>,
) -> Span {
    let first = Stamp {
        name: ConnectionName::new("feed").unwrap(),
        epoch: 1,
        seq: *places.start(),
        cursor: Cursor(*places.start()),
        at: Timestamp::UNIX_EPOCH,
        subscription: None,
    };
    let mut events = NewEvents::default();
    for place in places {
        let message = Message::text(place.to_string());
        match key(place) {
            Some(key) => events.routed(message, key.into()),
            None => events.message(message),
        }
    }
    Run::take(first, &mut events).into()
}

/// The positions of the updates, which are also in their messages and numbers.
fn places(updates: impl Iterator<Item = Update>) -> Vec<u64> {
    let place = |update: Update| {
        let (stamp, message) = update.message().unwrap();
        if let Some(key) = &stamp.subscription {
            assert_eq!(key_of(stamp.seq), Some(&**key));
        }
        assert_eq!(stamp.seq, stamp.cursor.0);
        assert_eq!(message.as_text(), Some(&*stamp.seq.to_string()));
        stamp.seq
    };
    updates.map(place).collect()
}

#[test]
fn a_span_gives_what_is_left_of_its_run_alone_or_shared() {
    for shared in [false, true] {
        for len in 1..=4 {
            for dropped in 0..=len {
                let mut span = run(5..=4 + len);
                let other = shared.then(|| span.clone());
                for _ in 0..dropped {
                    assert_eq!(span.drop_first(), 1);
                }
                assert_eq!(span.len() as u64, len - dropped);
                assert_eq!(span.bytes() as u64, len - dropped);
                assert_eq!(span.is_empty(), dropped == len);
                if !span.is_empty() {
                    let left: Vec<_> = (5 + dropped..=4 + len).collect();
                    assert_eq!(places(span.updates()), left);
                }
                if let Some(other) = other {
                    assert_eq!(places(other.updates()), Vec::from_iter(5..=4 + len));
                }
            }
        }
    }
}

#[test]
fn what_was_routed_says_so_alone_or_shared_and_begun() {
    let key = |update: Update| {
        let stamp = update.stamp().unwrap();
        (stamp.seq, stamp.subscription.as_deref().map(str::to_owned))
    };
    let expected = |places: std::ops::RangeInclusive<u64>| -> Vec<_> {
        let key = |place| key_of(place).map(str::to_owned);
        places.map(|place| (place, key(place))).collect()
    };
    for shared in [false, true] {
        for (first, last) in [(1, 8), (1, 2), (3, 3), (2, 2), (5, 7)] {
            for dropped in 0..=last - first {
                let mut span = routed(first..=last);
                let _other = shared.then(|| span.clone());
                for _ in 0..dropped {
                    span.drop_first();
                }
                let left = first + dropped..=last;
                assert_eq!(
                    span.clone().updates().map(key).collect::<Vec<_>>(),
                    expected(left.clone())
                );
                let mut begun = span.updates();
                begun.next();
                let rest = begun.into_span().into_iter().flat_map(Span::updates);
                let rest: Vec<_> = rest.map(key).collect();
                assert_eq!(rest, expected(left)[1..]);
            }
        }
    }
}

#[test]
fn a_reader_of_some_keys_has_the_parts_that_are_theirs() {
    let parts = |places, keys: &[&str]| -> Vec<Vec<u64>> {
        let Of::Run(run) = routed(places).of else {
            unreachable!("it is a run");
        };
        let wants = |_: &EventKind, key: Option<&str>| key.is_some_and(|key| keys.contains(&key));
        let parts = Span::parts(&run, wants);
        parts.map(places_of).collect()
    };
    fn places_of(part: Span) -> Vec<u64> {
        places(part.updates())
    }
    assert_eq!(parts(1..=8, &["three"]), [[3], [7]]);
    assert_eq!(parts(5..=5, &["one"]), [[5]]);
    assert_eq!(parts(4..=4, &["one"]), Vec::<Vec<u64>>::new());
    assert_eq!(parts(1..=9, &["one", "three"]), [[3], [5], [7], [9]]);
    assert_eq!(parts(1..=9, &[]), Vec::<Vec<u64>>::new());
}

#[test]
fn what_was_begun_to_be_read_is_a_span_again() {
    for shared in [false, true] {
        let span = run(1..=4);
        let _other = shared.then(|| span.clone());
        let mut updates = span.updates();
        updates.next();
        assert_eq!(updates.len(), 3);
        assert_eq!(places(updates.into_span().unwrap().updates()), [2, 3, 4]);
    }
}

#[test]
fn what_was_told_already_goes() {
    let mut span = run(11..=15);
    span.drop_through(Cursor(10));
    assert_eq!(span.len(), 5);
    span.drop_through(Cursor(12));
    assert_eq!(places(span.clone().updates()), [13, 14, 15]);
    span.drop_through(Cursor(99));
    assert!(span.is_empty());
}
