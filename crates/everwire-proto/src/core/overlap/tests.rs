use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{core::Observed, language::JsonPointer};

const LIMITS: HoldLimits = HoldLimits {
    messages: 1024,
    bytes: 1 << 20,
};

fn messages<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Vec<Message> {
    texts
        .into_iter()
        .map(|text| Message::text(text.as_ref().to_owned()))
        .collect()
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.as_text().unwrap())
        .collect()
}

/// A cutover after these messages of the old socket, and `held` of the successor's. Returns the
/// delivered messages of the former.
fn cut(
    mut recorder: OverlapRecorder,
    old: &[Message],
    held: &[Message],
) -> (DuplicateFilter, Vec<Message>) {
    // Held and old messages may come in any order, since neither depends on the other before the
    // cutover.
    held.iter()
        .for_each(|message| recorder.hold(message.clone()));
    old.iter().for_each(|message| recorder.old(message));
    recorder.cut()
}

/// The delivered messages of the successor, of which `held` came before the cutover.
fn spliced(
    recorder: OverlapRecorder,
    old: &[Message],
    new: &[Message],
    held: usize,
) -> (DuplicateFilter, Vec<Message>) {
    let (mut filter, mut delivered) = cut(recorder, old, &new[..held]);
    for message in &new[held..] {
        delivered.extend(filter.feed(message.clone()));
    }
    (filter, delivered)
}

fn by_payload() -> OverlapRecorder {
    OverlapRecorder::by_payload(LIMITS)
}

#[test]
fn what_came_on_both_is_delivered_once() {
    let old = messages(["a", "b", "c", "d"]);
    let new = messages(["c", "d", "e"]);
    for held in 0..=3 {
        let (filter, delivered) = spliced(by_payload(), &old, &new, held);
        assert_eq!(texts(&delivered), ["e"]);
        assert!(filter.is_resolved());
        assert_eq!(filter.doubles(), 2);
    }
}

#[test]
fn a_successor_that_lags_is_held_until_it_has_caught_up() {
    let (mut filter, delivered) = cut(by_payload(), &messages(["a", "b", "c"]), &messages(["b"]));
    assert!(delivered.is_empty() && !filter.is_resolved());
    assert!(filter.feed("c".into()).is_empty());
    assert!(filter.is_resolved());
    assert_eq!(texts(&filter.feed("d".into())), ["d"]);
}

#[test]
fn a_message_that_breaks_the_run_sets_free_what_was_held() {
    let (mut filter, delivered) = cut(
        by_payload(),
        &messages(["a", "b", "c"]),
        &messages(["a", "b"]),
    );
    assert!(delivered.is_empty());
    assert_eq!(texts(&filter.feed("x".into())), ["a", "b", "x"]);
    assert_eq!(filter.doubles(), 0);
}

#[test]
fn the_same_payload_as_text_and_as_bytes_is_not_the_same_message() {
    let (filter, delivered) = spliced(by_payload(), &messages(["a"]), &[Message::binary("a")], 1);
    assert_eq!((delivered.len(), filter.doubles()), (1, 0));
}

#[test]
fn without_messages_of_the_old_socket_there_is_nothing_to_tell_apart() {
    let (filter, delivered) = cut(by_payload(), &[], &messages(["a", "b"]));
    assert_eq!(texts(&delivered), ["a", "b"]);
    assert!(filter.is_resolved());
}

#[test]
fn a_greeting_may_come_first_unless_it_is_too_long() {
    let old = messages(["a", "b"]);
    let greeted = |greetings: usize| {
        let mut new: Vec<String> = (0..greetings).map(|n| format!("hello {n}")).collect();
        new.extend(["a".into(), "b".into(), "c".into()]);
        let (filter, delivered) = spliced(by_payload(), &old, &messages(&new), 1);
        assert!(filter.is_resolved());
        delivered.len() - greetings
    };
    assert_eq!(greeted(0), 1);
    assert_eq!(greeted(MAX_GREETING), 1);
    assert_eq!(greeted(MAX_GREETING + 1), 3);
}

#[test]
fn equal_payloads_at_the_seam_are_taken_for_the_same_message() {
    // A peer that broadcasts and repeats itself: the longest run counts, even if the last tick is a
    // new one.
    let (filter, delivered) = spliced(
        by_payload(),
        &messages(["t", "t", "t"]),
        &messages(["t", "t", "t"]),
        0,
    );
    assert!(delivered.is_empty() && filter.is_resolved());
    // A peer that does not broadcast, and sends the old socket's last message on the new one.
    let (_, delivered) = spliced(
        by_payload(),
        &messages(["a", "ok"]),
        &messages(["ok", "b"]),
        0,
    );
    assert_eq!(texts(&delivered), ["b"]);
    // A run that equals only the middle of the old socket's messages is not a repetition.
    let (_, delivered) = spliced(
        by_payload(),
        &messages(["ok", "a"]),
        &messages(["ok", "b"]),
        0,
    );
    assert_eq!(texts(&delivered), ["ok", "b"]);
}

#[test]
fn at_the_deadline_one_that_lags_is_trusted_and_nothing_is_held_any_more() {
    let (mut filter, delivered) = cut(
        by_payload(),
        &messages(["a", "b", "c"]),
        &messages(["a", "b"]),
    );
    assert!(delivered.is_empty());
    assert!(filter.trust().is_empty());
    assert_eq!((filter.doubles(), filter.is_resolved()), (2, false));
    assert!(filter.feed("c".into()).is_empty() && filter.is_resolved());
    assert_eq!(texts(&filter.feed("c".into())), ["c"]);
    assert_eq!(filter.doubles(), 3);

    // "t" is the end of the old socket; "t", "t", "x" could still become a longer run.
    let (mut filter, delivered) = cut(
        by_payload(),
        &messages(["t", "t", "x", "t"]),
        &messages(["t"]),
    );
    assert!(delivered.is_empty() && !filter.is_resolved());
    assert!(filter.trust().is_empty());
    assert_eq!(filter.doubles(), 1);
}

#[test]
fn no_more_is_held_than_allowed() {
    let limits = HoldLimits {
        messages: 3,
        bytes: 10,
    };
    let mut recorder = OverlapRecorder::by_payload(limits);
    for (message, is_full) in [("a", false), ("b", false), ("c", true), ("d", true)] {
        recorder.hold(message.into());
        assert_eq!(recorder.is_full(), is_full, "{message}");
    }
    let mut recorder = OverlapRecorder::by_payload(limits);
    recorder.hold("0123456789".into());
    assert!(recorder.is_full());

    let old = messages(["a", "b", "c", "d", "e", "f"]);
    let (mut filter, delivered) = cut(
        OverlapRecorder::by_payload(limits),
        &old,
        &messages(["a", "b", "c"]),
    );
    assert!(delivered.is_empty());
    assert!(filter.feed("d".into()).is_empty());
    assert_eq!(
        filter.doubles(),
        4,
        "taken for the same, and held no longer"
    );
    let old = messages(["0123456", "7890", "x"]);
    let (filter, delivered) = cut(
        OverlapRecorder::by_payload(limits),
        &old,
        &messages(["0123456", "7890"]),
    );
    assert_eq!((delivered.len(), filter.doubles()), (0, 2));
}

#[test]
fn of_a_long_overlap_the_end_is_remembered() {
    let all: Vec<_> = (0..MAX_REMEMBERED + 10).map(|n| n.to_string()).collect();
    let all = messages(&all);
    let (filter, delivered) = spliced(by_payload(), &all, &all[all.len() - 5..], 2);
    assert_eq!((delivered.len(), filter.doubles()), (0, 5));
    let Kept::Payloads { old, .. } = all
        .iter()
        .fold(by_payload(), |mut recorder, message| {
            recorder.old(message);
            recorder
        })
        .kept
    else {
        panic!("by payload");
    };
    assert_eq!(old.len(), MAX_REMEMBERED);
}

#[test]
fn a_successor_that_is_lost_leaves_what_it_alone_has_brought() {
    let mut recorder = by_payload();
    messages(["a", "b", "c"])
        .into_iter()
        .for_each(|message| recorder.hold(message));
    messages(["x", "b", "a"])
        .iter()
        .for_each(|message| recorder.old(message));
    assert_eq!(texts(&recorder.abandon()), ["c"]);

    let mut recorder = by_sequence(&[]);
    for number in [5, 6, 7] {
        recorder.hold(numbered("a", number));
    }
    recorder.old(&numbered("a", 6));
    assert_eq!(recorder.abandon(), [numbered("a", 7)]);
}

fn numbered(stream: &str, number: u64) -> Message {
    Message::text(format!(r#"{{"s":"{stream}","n":{number}}}"#))
}

fn by_sequence(marks: &[(&str, u64)]) -> OverlapRecorder {
    let mut settings = SequenceSettings::new(JsonPointer::new("/n").unwrap());
    settings.by = Some(JsonPointer::new("/s").unwrap());
    let mut sequence = Sequence::default();
    for (stream, number) in marks {
        assert_eq!(sequence.observe(stream, *number), Observed::First);
    }
    OverlapRecorder::by_sequence(settings, sequence, LIMITS)
}

#[test]
fn numbers_tell_apart_what_payloads_cannot() {
    let old = [
        numbered("a", 7),
        numbered("b", 3),
        "ok".into(),
        numbered("a", 8),
    ];
    let new = [
        "ok".into(),
        numbered("a", 8),
        numbered("b", 4),
        numbered("a", 9),
        numbered("c", 1),
    ];
    let (mut filter, delivered) = spliced(
        by_sequence(&[("a", 6), ("b", 2), ("quiet", 9)]),
        &old,
        &new,
        2,
    );
    assert_eq!(
        delivered,
        [
            new[0].clone(),
            new[2].clone(),
            new[3].clone(),
            new[4].clone()
        ]
    );
    assert_eq!(filter.doubles(), 1);
    assert!(
        !filter.is_resolved(),
        "the quiet stream may yet repeat itself"
    );
    assert!(filter.feed(numbered("quiet", 9)).is_empty());
    assert_eq!(filter.feed(numbered("quiet", 10)).len(), 1);
    assert!(filter.is_resolved());
    assert_eq!(
        filter.feed(numbered("a", 9)).len(),
        1,
        "past the seam a double is the peer's own"
    );
}

#[test]
fn a_peer_that_counts_for_each_socket_loses_nothing() {
    let old = [numbered("", 500), numbered("", 501)];
    let new = [1, 2, 3].map(|number| numbered("", number));
    let (filter, delivered) = spliced(by_sequence(&[("", 499)]), &old, &new, 1);
    assert_eq!(delivered, new);
    assert!(filter.is_resolved());
}

#[test]
fn numbers_that_began_on_the_old_socket_since_the_dial_are_no_restart() {
    let numbers = [0, 1, 2, 3].map(|number| numbered("fresh", number));
    let (filter, delivered) = spliced(by_sequence(&[]), &numbers[..3], &numbers, 2);
    assert_eq!(delivered, [numbered("fresh", 3)]);
    assert_eq!(filter.doubles(), 3);
}

/// The messages of a broadcasting peer: all of `first..end` to the old socket, those from `joined`
/// on to the successor.
#[derive(Clone, Debug)]
struct Broadcast {
    joined: usize,
    end: usize,
    total: usize,
    greetings: usize,
    held: Index,
}

fn broadcast() -> impl Strategy<Value = Broadcast> {
    let lengths = (
        0_usize..30,
        0_usize..40,
        0_usize..30,
        0..=MAX_GREETING,
        any::<Index>(),
    );
    lengths.prop_map(|(joined, overlap, after, greetings, held)| Broadcast {
        joined,
        end: joined + overlap,
        total: joined + overlap + after,
        greetings,
        held,
    })
}

impl Broadcast {
    /// The messages on both sockets, and how many of the latter come before the cutover.
    fn sockets(&self, message: impl Fn(usize) -> Message) -> (Vec<Message>, Vec<Message>, usize) {
        let greetings = (0..self.greetings).map(|n| Message::text(format!("hello {n}")));
        let new: Vec<_> = greetings
            .chain((self.joined..self.total).map(&message))
            .collect();
        let held = self.held.index(new.len() + 1);
        ((0..self.end).map(message).collect(), new, held)
    }

    /// The expected result: each message once, in order.
    fn expected(&self, message: impl Fn(usize) -> Message) -> Vec<Message> {
        let greetings = (0..self.greetings).map(|n| Message::text(format!("hello {n}")));
        greetings
            .chain((self.end..self.total).map(message))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_broadcast_is_delivered_once_and_in_order_wherever_it_is_cut(broadcast in broadcast()) {
        let message = |n: usize| Message::text(format!("m{n}"));
        let (old, new, held) = broadcast.sockets(message);
        let (mut filter, delivered) = spliced(by_payload(), &old, &new, held);
        // Without messages in between, only later ones could show that there is no overlap.
        if broadcast.end > broadcast.joined {
            prop_assert!(filter.is_resolved());
        }
        assert!(filter.trust().is_empty());
        prop_assert_eq!(delivered, broadcast.expected(message));
        prop_assert_eq!(filter.doubles() as usize, broadcast.end - broadcast.joined);
    }

    #[test]
    fn a_numbered_broadcast_is_delivered_once_even_if_all_payloads_are_alike(
        broadcast in broadcast(),
        streams in vec(0_u64..3, 100),
        start in 0_u64..3,
    ) {
        let message = |n: usize| {
            let before = streams[..n].iter().filter(|stream| **stream == streams[n]).count() as u64;
            numbered(&streams[n].to_string(), start + before)
        };
        let (old, new, held) = broadcast.sockets(message);
        let (filter, delivered) = spliced(by_sequence(&[]), &old, &new, held);
        prop_assert_eq!(delivered, broadcast.expected(message));
        prop_assert_eq!(filter.doubles() as usize, broadcast.end - broadcast.joined);
    }

    #[test]
    fn independent_sockets_lose_nothing_and_wait_for_nothing(old in 0_usize..50, new in 0_usize..50, held: Index) {
        let old = messages((0..old).map(|n| format!("old {n}")));
        let new = messages((0..new).map(|n| format!("new {n}")));
        let held = held.index(new.len() + 1);
        let (mut filter, delivered) = cut(by_payload(), &old, &new[..held]);
        prop_assert_eq!(&delivered[..], &new[..held]);
        for message in &new[held..] {
            prop_assert_eq!(filter.feed(message.clone()), std::slice::from_ref(message));
        }
        prop_assert_eq!(filter.doubles(), 0);
    }

    #[test]
    fn whatever_repeats_only_a_run_that_the_old_socket_has_brought_is_dropped(
        old in vec(0_u8..3, 0..12),
        new in vec(0_u8..3, 0..40),
        held: Index,
    ) {
        let [old, new] = [old, new].map(|payloads| messages(payloads.iter().map(u8::to_string)));
        let held = held.index(new.len() + 1);
        let (mut filter, mut delivered) = cut(by_payload(), &old, &new[..held]);
        for message in new.iter().skip(held) {
            delivered.extend(filter.feed(message.clone()));
        }
        delivered.extend(filter.trust());
        let dropped = new.len() - delivered.len();
        prop_assert_eq!(filter.doubles() as usize, dropped);
        let explains = |start: usize| {
            let run = &new[start..start + dropped];
            (run.is_empty() || old.windows(run.len()).any(|window| window == run)) && [&new[..start], &new[start + dropped..]].concat() == delivered
        };
        let starts = 0..=MAX_GREETING.min(new.len() - dropped);
        prop_assert!(starts.into_iter().any(explains), "{:?}", texts(&delivered));
    }
}
