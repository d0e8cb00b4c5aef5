use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{
    core::{Rejected, TooLarge},
    settings::{Resend, WhenFull},
};

fn settings(messages: usize, bytes: usize, when_full: WhenFull) -> OutboxSettings {
    let mut settings = OutboxSettings::default();
    settings.messages = messages;
    settings.bytes = bytes;
    settings.when_full = when_full;
    settings
}

fn outbox(messages: usize, bytes: usize, when_full: WhenFull) -> Outbox {
    Outbox::new(settings(messages, bytes, when_full), 1 << 20)
}

/// An outbox that resends messages in doubt, and with `durable` one that waits for its store.
fn keeping(messages: usize, durable: bool) -> Outbox {
    let mut settings = settings(messages, 1 << 20, WhenFull::Reject);
    settings.resend = Resend::InDoubt;
    settings.durable = durable;
    Outbox::new(settings, 1 << 20)
}

fn admit_all(outbox: &mut Outbox, texts: &[&str]) {
    for text in texts {
        outbox.admit((*text).into(), None).unwrap();
    }
}

fn take_all(outbox: &mut Outbox) -> Vec<u64> {
    std::iter::from_fn(|| outbox.take().map(|taken| taken.id)).collect()
}

#[test]
fn a_full_outbox_rejects_and_stays_as_it_was() {
    let mut outbox = outbox(2, 10, WhenFull::Reject);
    assert_eq!(outbox.admit("a".into(), None).unwrap().id, 1);
    assert_eq!(outbox.admit("b".into(), None).unwrap().id, 2);
    assert_eq!(outbox.admit("c".into(), None), Err(Rejected::Full));
    assert_eq!((outbox.len(), outbox.bytes()), (2, 2));
    assert_eq!(
        outbox.admit("x".repeat(11).into(), None),
        Err(Rejected::TooLarge(TooLarge { len: 11, limit: 10 }))
    );
}

#[test]
fn the_oldest_makes_room_but_never_one_that_is_being_written() {
    let mut outbox = outbox(2, 100, WhenFull::DropOldest);
    outbox.admit("a".into(), None).unwrap();
    outbox.admit("b".into(), None).unwrap();
    assert_eq!(outbox.take().unwrap().id, 1);
    assert_eq!(outbox.admit("c".into(), None).unwrap().evicted, 1);
    assert_eq!(outbox.fate(2), Some(Fate::Evicted));
    assert_eq!(outbox.take().unwrap().id, 3);
    assert_eq!(outbox.admit("d".into(), None), Err(Rejected::Full));
}

#[test]
fn what_was_not_written_whole_waits_again_after_a_loss() {
    let mut outbox = outbox(10, 100, WhenFull::Reject);
    for text in ["a", "b", "c"] {
        outbox.admit(text.into(), None).unwrap();
    }
    outbox.take();
    outbox.take();
    outbox.written(1);
    assert_eq!(outbox.lost(), 1);
    assert_eq!(outbox.fate(1), Some(Fate::InDoubt));
    assert_eq!(outbox.take().unwrap().id, 2);
}

#[test]
fn a_fence_confirms_what_was_written_before_it_and_nothing_more() {
    let mut outbox = outbox(10, 100, WhenFull::Reject);
    outbox.admit("a".into(), None).unwrap();
    outbox.take();
    let fence = outbox.fence();
    outbox.admit("b".into(), None).unwrap();
    outbox.take();
    outbox.written(2);
    outbox.confirmed(fence);
    assert_eq!(outbox.fate(1), Some(Fate::Confirmed));
    assert_eq!(outbox.fate(2), Some(Fate::Written));
}

#[test]
fn a_message_expires_when_its_time_is_up() {
    let mut outbox = outbox(10, 100, WhenFull::Reject);
    let now = Instant::now();
    outbox
        .admit("a".into(), Some(now + Duration::from_secs(1)))
        .unwrap();
    outbox.admit("b".into(), None).unwrap();
    assert_eq!(outbox.expire(now), Removed::default());
    assert_eq!(outbox.expire(now + Duration::from_secs(1)).unsent, 1);
    assert_eq!(outbox.fate(1), Some(Fate::Expired));
    assert_eq!(outbox.take().unwrap().id, 2);
}

#[test]
fn what_is_in_doubt_goes_first_in_order_once_per_socket_and_says_so() {
    let mut outbox = keeping(10, false);
    outbox.set_fate_reporting(true);
    admit_all(&mut outbox, &["a", "b", "c"]);
    assert_eq!(take_all(&mut outbox), [1, 2, 3]);
    outbox.written(2);
    assert_eq!((outbox.lost(), outbox.in_doubt()), (0, 2));
    assert_eq!(outbox.to_resend(), 2);
    assert_eq!(outbox.fate(1), Some(Fate::Written), "not in doubt for good");
    assert_eq!(take_all(&mut outbox), [1], "nothing was confirmed");
    outbox.written(1);
    outbox.confirmed(1);
    assert_eq!(outbox.in_doubt(), 1);
    assert_eq!(take_all(&mut outbox), [2, 3]);
    outbox.written(3);
    let told = |first, last, fate, resent| FateRun {
        first,
        last,
        fate,
        resent,
    };
    assert_eq!(
        outbox.take_fate_runs(),
        [
            told(1, 2, Fate::Written, false),
            told(1, 1, Fate::Written, true),
            told(1, 1, Fate::Confirmed, false),
            told(2, 2, Fate::Written, true),
            told(3, 3, Fate::Written, false),
        ]
    );
    outbox.confirmed(3);
    assert_eq!(
        outbox.take_fate_runs(),
        [told(2, 3, Fate::Confirmed, false)]
    );
    assert!(outbox.is_empty() && outbox.bytes() == 0 && outbox.in_doubt() == 0);
}

#[test]
fn a_second_loss_before_it_was_written_again_changes_nothing() {
    let mut outbox = keeping(10, false);
    admit_all(&mut outbox, &["a", "b"]);
    outbox.take();
    outbox.written(1);
    outbox.lost();
    assert_eq!(outbox.lost(), 0);
    assert_eq!(take_all(&mut outbox), [1]);
    outbox.confirmed(1);
    assert_eq!(take_all(&mut outbox), [2]);
}

#[test]
fn what_is_kept_takes_room_until_it_is_confirmed() {
    let mut outbox = keeping(2, false);
    admit_all(&mut outbox, &["a"]);
    take_all(&mut outbox);
    outbox.written(1);
    assert!(outbox.is_written() && !outbox.is_empty());
    assert!(outbox.wants_fence(0, false));
    admit_all(&mut outbox, &["b"]);
    assert_eq!(outbox.admit("c".into(), None), Err(Rejected::Full));
    outbox.confirmed(1);
    assert_eq!(outbox.admit("c".into(), None).unwrap().id, 3);
}

#[test]
fn closed_by_hand_what_may_have_arrived_is_in_doubt_and_the_rest_is_cancelled() {
    let mut outbox = keeping(10, false);
    admit_all(&mut outbox, &["a", "b"]);
    outbox.take();
    outbox.written(1);
    outbox.lost();
    let removed = Removed {
        unsent: 1,
        in_doubt: 1,
    };
    assert_eq!(outbox.cancel(), removed);
    assert_eq!(outbox.fate(1), Some(Fate::InDoubt));
    assert_eq!(outbox.fate(2), Some(Fate::Cancelled));
}

#[test]
fn an_answered_fence_says_that_what_is_before_it_was_written() {
    let mut outbox = keeping(10, false);
    admit_all(&mut outbox, &["a", "bc"]);
    take_all(&mut outbox);
    assert_eq!(outbox.confirmed(2), (2, 3));
    assert_eq!(outbox.fate(2), Some(Fate::Confirmed));
    assert_eq!(outbox.written(2), (0, 0));
}

#[test]
fn a_fence_waits_for_the_end_of_a_burst_but_not_for_ever() {
    let mut outbox = keeping(8, false);
    admit_all(&mut outbox, &["a", "b", "c", "d", "e"]);
    for id in 1..=3 {
        outbox.take();
        outbox.written(id);
        assert!(!outbox.wants_fence(0, false), "{id}");
    }
    outbox.take();
    outbox.written(4);
    assert!(outbox.wants_fence(0, false), "half of the room");
    let mut plain = self::outbox(8, 100, WhenFull::Reject);
    admit_all(&mut plain, &["a"]);
    plain.take();
    plain.written(1);
    assert!(!plain.wants_fence(0, false), "nobody asks");
    assert!(plain.wants_fence(1, false));
}

#[test]
fn a_durable_message_goes_out_when_the_store_has_it_and_leaves_the_store_when_it_ended() {
    let mut outbox = keeping(10, true);
    admit_all(&mut outbox, &["a", "b"]);
    assert_eq!(outbox.fate(2), Some(Fate::Accepted));
    assert!(outbox.take().is_none());
    let changes = outbox.changes();
    let put: Vec<u64> = changes.put.iter().map(|put| put.id).collect();
    assert_eq!(put, [1, 2]);
    admit_all(&mut outbox, &["c"]);
    outbox.stored(changes.last_id);
    assert_eq!(outbox.fate(2), Some(Fate::Queued));
    assert_eq!(take_all(&mut outbox), [1, 2]);
    outbox.written(2);
    outbox.confirmed(1);
    let changes = outbox.changes();
    assert_eq!(changes.put.len(), 1);
    assert_eq!((changes.gone, changes.last_id), (vec![(1, 1)], 3));
    assert!(!outbox.has_changes());
    assert_eq!(outbox.cancel(), Removed::default(), "durable: kept");
    assert_eq!(outbox.discard().unsent, 1);
}

#[test]
fn while_the_store_cannot_write_nothing_is_accepted() {
    let mut outbox = keeping(10, true);
    admit_all(&mut outbox, &["a"]);
    outbox.changes();
    assert!(outbox.store_failed());
    assert!(!outbox.store_failed(), "told once");
    assert_eq!(outbox.admit("b".into(), None), Err(Rejected::NotStored));
    outbox.stored(1);
    assert_eq!(outbox.admit("b".into(), None).unwrap().id, 2);
}

#[test]
fn what_an_earlier_process_left_goes_out_again_and_ids_go_on() {
    let mut outbox = keeping(10, true);
    let left = |id, text: &str| Queued {
        id,
        message: text.into(),
        expires: None,
        doubt: true,
    };
    outbox.restore([left(3, "c"), left(5, "e")], 6);
    assert_eq!(outbox.fate(2), Some(Fate::Forgotten));
    assert_eq!(outbox.fate(3), Some(Fate::Queued));
    assert_eq!(outbox.fate(6), Some(Fate::Forgotten));
    assert_eq!(take_all(&mut outbox), [3, 5]);
    assert_eq!(outbox.admit("g".into(), None).unwrap().id, 7);
    outbox.written(5);
    outbox.confirmed(5);
    assert_eq!(outbox.changes().gone, [(3, 3), (5, 5)]);
}

#[derive(Clone, Debug)]
enum Step {
    Admit(usize, bool),
    Take,
    Written,
    Confirm,
    Lost,
    Store,
    Expire(u64),
    Cancel,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(
        prop_oneof![
            4 => (0usize..12, any::<bool>()).prop_map(|(len, ttl)| Step::Admit(len, ttl)),
            3 => Just(Step::Take),
            3 => Just(Step::Written),
            2 => Just(Step::Confirm),
            1 => Just(Step::Lost),
            3 => Just(Step::Store),
            1 => (0u64..20).prop_map(Step::Expire),
            1 => Just(Step::Cancel),
        ],
        0..200,
    )
}

fn forget(persist_state: &mut BTreeSet<u64>, gone: Vec<(u64, u64)>) {
    for (first, last) in gone {
        persist_state.retain(|id| !(first..=last).contains(id));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn bounds_hold_order_is_kept_and_each_message_ends_once(
        steps in steps(),
        messages in 1usize..8,
        bytes in 1usize..40,
        drop_oldest: bool,
        again: bool,
        durable: bool,
    ) {
        let when_full = if drop_oldest { WhenFull::DropOldest } else { WhenFull::Reject };
        let mut settings = settings(messages, bytes, when_full);
        settings.durable = durable;
        settings.resend = if again { Resend::InDoubt } else { Resend::Never };
        let mut outbox = Outbox::new(settings, 1 << 20);
        // The content of the store according to its answers, and the messages that the peer may
        // have.
        let (mut persist_state, mut taken) = (BTreeSet::new(), BTreeSet::new());
        let mut now = Instant::now();
        let mut ends: Vec<Option<Fate>> = vec![None];
        let mut last_taken = 0;
        for step in steps {
            match step {
                Step::Admit(len, ttl) => {
                    let expires = ttl.then(|| now + Duration::from_secs(10));
                    if let Ok(admitted) = outbox.admit("x".repeat(len).into(), expires) {
                        prop_assert_eq!(admitted.id as usize, ends.len());
                        ends.push(None);
                    }
                }
                Step::Take => {
                    if let Some(id) = outbox.take().map(|taken| taken.id) {
                        prop_assert!(id > last_taken, "order");
                        prop_assert!(!durable || persist_state.contains(&id), "sent before it was stored");
                        last_taken = id;
                        taken.insert(id);
                    }
                }
                Step::Written => { outbox.written(outbox.fence()); }
                Step::Confirm => { outbox.confirmed(outbox.fence()); }
                Step::Lost => {
                    outbox.lost();
                    last_taken = 0;
                }
                Step::Store => {
                    let changes = outbox.changes();
                    persist_state.extend(changes.put.iter().map(|put| put.id));
                    forget(&mut persist_state, changes.gone);
                    outbox.stored(changes.last_id);
                }
                Step::Expire(seconds) => {
                    now += Duration::from_secs(seconds);
                    outbox.expire(now);
                }
                Step::Cancel => { outbox.cancel(); }
            }
            prop_assert!(outbox.len() <= messages && outbox.bytes() <= bytes);
            for (id, end) in ends.iter_mut().enumerate().skip(1) {
                let fate = outbox.fate(id as u64).unwrap();
                match end {
                    Some(end) => prop_assert_eq!(*end, fate, "a final fate changed"),
                    None if fate.is_final() => {
                        prop_assert!(fate != Fate::Confirmed || taken.contains(&(id as u64)));
                        *end = Some(fate);
                    }
                    None => {}
                }
            }
        }
        outbox.lost();
        outbox.discard();
        forget(&mut persist_state, outbox.changes().gone);
        prop_assert!(persist_state.is_empty(), "left in the store: {:?}", persist_state);
        for id in 1..ends.len() {
            prop_assert!(outbox.fate(id as u64).unwrap().is_final());
        }
    }
}
