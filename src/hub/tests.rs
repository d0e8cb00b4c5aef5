use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{FutureExt, StreamExt, task::noop_waker};
use jiff::Timestamp;

use super::*;
use crate::{core::Message, events::Stamp};

fn name(name: &str) -> ConnectionName {
    ConnectionName::new(name).unwrap()
}

fn event(seq: u64) -> Event {
    let stamp = Stamp {
        name: name("feed"),
        epoch: 1,
        seq,
        cursor: Cursor::default(),
        at: Timestamp::UNIX_EPOCH,
    };
    Event::Message(stamp, Message::text("12345"))
}

fn publish(hub: &Hub, listeners: &mut Listeners, seqs: std::ops::RangeInclusive<u64>) {
    publish_kept(hub, listeners, &History::new(), seqs);
}

fn publish_kept(
    hub: &Hub,
    listeners: &mut Listeners,
    history: &History,
    seqs: std::ops::RangeInclusive<u64>,
) {
    for seq in seqs {
        tell(hub, listeners, history, event(seq)).unwrap();
    }
}

fn tell(
    hub: &Hub,
    listeners: &mut Listeners,
    history: &History,
    event: Event,
) -> Result<(), String> {
    let mut limit = HistorySettings::default();
    limit.messages = 4;
    listeners.publish(hub, &name("feed"), Memory { history, limit }, event)
}

/// What can be read at once: sequence numbers, and `-missed` for a lag.
fn read(events: &mut Events) -> Vec<i64> {
    std::iter::from_fn(|| events.next().now_or_never().flatten())
        .map(|event| match &event {
            Event::Lagged { missed, .. } => -(missed.unwrap_or(0) as i64),
            event => event.stamp().unwrap().seq as i64,
        })
        .collect()
}

#[test]
fn a_slow_reader_loses_the_oldest_and_is_told_how_many() {
    let (hub, mut listeners) = (Hub::new(1, Cursor(1)), Listeners::default());
    let mut events = hub.stream(Pattern::all(), Delivery::default().events(3));
    publish(&hub, &mut listeners, 1..=5);
    assert_eq!(read(&mut events), [-2, 3, 4, 5]);
    publish(&hub, &mut listeners, 6..=6);
    assert_eq!(read(&mut events), [6]);
}

#[test]
fn payload_bytes_bound_a_queue_as_well() {
    let (hub, mut listeners) = (Hub::new(1, Cursor(1)), Listeners::default());
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
    let (hub, mut listeners) = (Hub::new(1, Cursor(1)), Listeners::default());
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
    let (hub, mut listeners) = (Hub::new(1, Cursor(1)), Listeners::default());
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
    let (hub, mut listeners) = (Hub::new(1, Cursor(1)), Listeners::default());
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let _panics = hub.callback(Pattern::all(), |_| panic!("no"));
    let _counts = hub.callback(Pattern::all(), move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let told = tell(&hub, &mut listeners, &History::new(), event(1));
    assert_eq!(told, Err("no".to_owned()));
    assert_eq!(heard.load(Ordering::Relaxed), 1);
}

#[test]
fn a_pattern_selects_and_dropping_a_stream_unsubscribes() {
    let (hub, mut listeners) = (Hub::new(1, Cursor(1)), Listeners::default());
    let other = hub.stream(Pattern::new("other.*").unwrap(), Delivery::default());
    let feed = hub.stream(Pattern::new("f*").unwrap(), Delivery::default());
    assert_eq!(listeners.count(&hub, &name("feed")), 1);
    drop(feed);
    assert_eq!(listeners.count(&hub, &name("feed")), 0);
    drop(other);
    assert!(hub.subscribers.read().is_empty());
}

#[test]
fn a_reader_that_comes_back_finds_what_it_has_not_read_and_nothing_twice() {
    let (hub, mut listeners, history) = (
        Hub::new(100, Cursor(100)),
        Listeners::default(),
        History::new(),
    );
    let resume = |since| {
        hub.resume(
            Pattern::all(),
            Delivery::default(),
            since,
            Cursor(0),
            [(&name("feed"), &history)],
        )
    };
    let mut first = resume(None);
    publish_kept(&hub, &mut listeners, &history, 1..=3);
    let cursor = first
        .next()
        .now_or_never()
        .flatten()
        .unwrap()
        .stamp()
        .unwrap()
        .cursor;
    drop(first);
    publish_kept(&hub, &mut listeners, &history, 4..=4);
    let mut second = resume(Some(cursor));
    publish_kept(&hub, &mut listeners, &history, 5..=6);
    assert_eq!(read(&mut second), [2, 3, 4, 5, 6]);
}

#[test]
fn who_was_away_for_too_long_is_told_and_gets_what_is_left() {
    let (hub, mut listeners, history) = (
        Hub::new(100, Cursor(100)),
        Listeners::default(),
        History::new(),
    );
    publish_kept(&hub, &mut listeners, &history, 1..=6);
    let resume = |since| {
        read(&mut hub.resume(
            Pattern::all(),
            Delivery::default(),
            Some(Cursor(since)),
            Cursor(0),
            [(&name("feed"), &history)],
        ))
    };
    assert_eq!(resume(101), [0, 3, 4, 5, 6]);
    assert_eq!(resume(102), [3, 4, 5, 6]);
    assert_eq!(resume(50), [0, 3, 4, 5, 6], "from an earlier process");
    assert_eq!(resume(999), [0], "from nowhere");
    hub.forget(&history);
    let gone = hub.resume(
        Pattern::all(),
        Delivery::default(),
        Some(Cursor(102)),
        Cursor(0),
        [],
    );
    assert_eq!(read(&mut { gone }), [0], "the name is gone");
}

#[test]
fn only_what_is_wanted_counts_when_a_reader_comes_back() {
    let (hub, mut listeners, history) = (
        Hub::new(100, Cursor(100)),
        Listeners::default(),
        History::new(),
    );
    let Event::Message(stamp, _) = event(1) else {
        panic!("no message");
    };
    tell(&hub, &mut listeners, &history, Event::Ready(stamp)).unwrap();
    publish_kept(&hub, &mut listeners, &history, 2..=9);
    let resume = |pattern: &str, kinds: &str| {
        let delivery = Delivery::default().kinds(Kinds::parse(kinds).unwrap());
        let feed = name("feed");
        let pattern = Pattern::new(pattern).unwrap();
        let selected = pattern.matches(&name("feed")).then_some((&feed, &history));
        read(&mut hub.resume(pattern, delivery, Some(Cursor(100)), Cursor(0), selected))
    };
    assert_eq!(resume("feed", "ready"), [1]);
    assert_eq!(resume("feed", "message"), [0, 6, 7, 8, 9]);
    assert_eq!(resume("other", "ready,message"), [0; 0]);
}

#[test]
fn readers_that_come_and_go_while_names_talk_miss_nothing_and_hear_nothing_twice() {
    let hub = Hub::new(0, Cursor(0));
    let histories: Vec<History> = (0..4).map(|_| History::new()).collect();
    let mut limit = HistorySettings::default();
    (limit.messages, limit.bytes) = (usize::MAX, usize::MAX);
    let most = 20_000;
    std::thread::scope(|scope| {
        for history in &histories {
            let hub = &hub;
            scope.spawn(move || {
                let mut listeners = Listeners::default();
                for seq in 1..=most {
                    let memory = Memory { history, limit };
                    listeners
                        .publish(hub, &name("feed"), memory, event(seq))
                        .unwrap();
                }
            });
        }
        let (feed, mut since, mut heard) = (name("feed"), Cursor(0), 0);
        while heard < most * histories.len() as u64 {
            let delivery = Delivery::default().events(usize::MAX);
            let past = histories.iter().map(|history| (&feed, history));
            let mut events = hub.resume(Pattern::all(), delivery, Some(since), Cursor(0), past);
            for _ in 0..500 {
                let Some(Some(event)) = events.next().now_or_never() else {
                    break;
                };
                let cursor = event.stamp().expect("nobody lags").cursor;
                assert!(cursor > since, "{cursor} after {since}");
                (since, heard) = (cursor, heard + 1);
            }
        }
        assert_eq!(since, hub.now(), "no position was left out");
    });
}
