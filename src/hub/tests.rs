use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{FutureExt, StreamExt, task::noop_waker};
use jiff::Timestamp;

use super::*;
use crate::{core::Message, events::Stamp};

fn name(name: &str) -> ConnectionName {
    ConnectionName::new(name).unwrap()
}

fn event(hub: &Hub, seq: u64) -> Event {
    let stamp = Stamp {
        name: name("feed"),
        epoch: 1,
        seq,
        cursor: hub.next_cursor(),
        at: Timestamp::UNIX_EPOCH,
    };
    Event::Message(stamp, Message::text("12345"))
}

fn publish(hub: &Hub, listeners: &mut Listeners, seqs: std::ops::RangeInclusive<u64>) {
    for seq in seqs {
        listeners
            .publish(hub, &name("feed"), event(hub, seq))
            .unwrap();
    }
}

/// What can be read at once: sequence numbers, and `-missed` for a lag.
fn read(events: &mut Events) -> Vec<i64> {
    std::iter::from_fn(|| events.next().now_or_never().flatten())
        .map(|event| match &event {
            Event::Lagged { missed, .. } => -(*missed as i64),
            event => event.stamp().unwrap().seq as i64,
        })
        .collect()
}

#[test]
fn a_slow_reader_loses_the_oldest_and_is_told_how_many() {
    let (hub, mut listeners) = (Hub::new(1), Listeners::default());
    let mut events = hub.stream(Pattern::all(), Delivery::default().events(3));
    publish(&hub, &mut listeners, 1..=5);
    assert_eq!(read(&mut events), [-2, 3, 4, 5]);
    publish(&hub, &mut listeners, 6..=6);
    assert_eq!(read(&mut events), [6]);
}

#[test]
fn payload_bytes_bound_a_queue_as_well() {
    let (hub, mut listeners) = (Hub::new(1), Listeners::default());
    let delivery = Delivery {
        bytes: 12,
        ..Delivery::default()
    };
    let mut events = hub.stream(Pattern::all(), delivery);
    publish(&hub, &mut listeners, 1..=5);
    assert_eq!(read(&mut events), [-3, 4, 5]);
}

#[test]
fn a_reader_that_asked_to_be_cut_off_is_told_and_its_stream_ends() {
    let (hub, mut listeners) = (Hub::new(1), Listeners::default());
    let mut events = hub.stream(
        Pattern::all(),
        Delivery::default().events(2).overflow(Overflow::Disconnect),
    );
    publish(&hub, &mut listeners, 1..=4);
    assert_eq!(read(&mut events), [-4]);
    assert_eq!(events.next().now_or_never(), Some(None));
}

#[test]
fn a_pausing_reader_holds_names_back_until_it_reads_or_its_time_is_up() {
    let (hub, mut listeners) = (Hub::new(1), Listeners::default());
    let mut events = hub.stream(
        Pattern::all(),
        Delivery::default().events(2).overflow(Overflow::Pause),
    );
    let (feed, waker, now) = (name("feed"), noop_waker(), Instant::now());
    publish(&hub, &mut listeners, 1..=1);
    assert!(!listeners.are_paused(&hub, &feed, now, &waker));
    publish(&hub, &mut listeners, 2..=2);
    assert!(listeners.are_paused(&hub, &feed, now, &waker));
    assert_eq!(read(&mut events), [1, 2]);
    assert!(!listeners.are_paused(&hub, &feed, now, &waker));

    publish(&hub, &mut listeners, 3..=4);
    let later = now + std::time::Duration::from_secs(6);
    assert!(listeners.are_paused(&hub, &feed, now, &waker));
    assert!(!listeners.are_paused(&hub, &feed, later, &waker), "cut off");
    assert_eq!(read(&mut events), [-2]);
    assert_eq!(events.next().now_or_never(), Some(None));
}

#[test]
fn a_callback_that_panics_is_reported_and_the_others_hear_all_the_same() {
    let (hub, mut listeners) = (Hub::new(1), Listeners::default());
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let _panics = hub.callback(Pattern::all(), |_| panic!("no"));
    let _counts = hub.callback(Pattern::all(), move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let told = listeners.publish(&hub, &name("feed"), event(&hub, 1));
    assert_eq!(told, Err("no".to_owned()));
    assert_eq!(heard.load(Ordering::Relaxed), 1);
}

#[test]
fn a_pattern_selects_and_dropping_a_stream_unsubscribes() {
    let (hub, mut listeners) = (Hub::new(1), Listeners::default());
    let other = hub.stream(Pattern::new("other.*").unwrap(), Delivery::default());
    let feed = hub.stream(Pattern::new("f*").unwrap(), Delivery::default());
    assert_eq!(listeners.count(&hub, &name("feed")), 1);
    drop(feed);
    assert_eq!(listeners.count(&hub, &name("feed")), 0);
    drop(other);
    assert!(hub.subscribers.read().is_empty());
}
