mod batches;
mod memory;
mod past;
mod property;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{FutureExt, StreamExt, task::noop_waker};
use jiff::Timestamp;
use parking_lot::Mutex;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    core::{ConnectionName, Cursor, Message, Pattern},
    events::{Event, EventKind, Lagged, Notice, Stamp, SubscriptionReport, Update},
    memory::{Charge, MemoryBudget, MemoryUse},
    settings::HistorySettings,
};

fn name(name: &str) -> ConnectionName {
    ConnectionName::new(name).unwrap()
}

/// A name that has only a history.
#[derive(Clone)]
struct Feed(Arc<(ConnectionName, History)>);

impl Feed {
    fn new() -> Self {
        Self::named("feed")
    }

    fn named(text: &str) -> Self {
        Self(Arc::new((name(text), History::new())))
    }

    fn listed(&self) -> Arc<dyn HasHistory> {
        Arc::new(self.clone())
    }
}

impl HasHistory for Feed {
    fn name(&self) -> &ConnectionName {
        &self.0.0
    }

    fn history(&self) -> &History {
        &self.0.1
    }
}

fn event(seq: u64) -> Event {
    let stamp = Stamp {
        name: name("feed"),
        epoch: 1,
        seq,
        cursor: Cursor::default(),
        at: Timestamp::UNIX_EPOCH,
        subscription: None,
    };
    Event {
        stamp,
        kind: EventKind::Message(Message::text("12345")),
    }
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
        publish_event(hub, listeners, history, event(seq)).unwrap();
    }
}

fn publish_event(
    hub: &Hub,
    listeners: &mut Listeners,
    history: &History,
    event: Event,
) -> Result<(), String> {
    let mut limit = HistorySettings::default();
    limit.messages = 4;
    let Event { stamp, kind } = event;
    listeners.publish(hub, HistoryRef { history, limit }, stamp, &mut kind.into())
}

/// Messages of one turn of the name.
fn publish_run(hub: &Hub, listeners: &mut Listeners, seqs: std::ops::RangeInclusive<u64>) {
    let (history, limit) = (&History::new(), HistorySettings::default());
    let mut kinds = seqs
        .clone()
        .map(|seq| event(seq).kind)
        .collect::<NewEvents>();
    let first = event(*seqs.start()).stamp;
    let history_ref = HistoryRef { history, limit };
    listeners
        .publish(hub, history_ref, first, &mut kinds)
        .unwrap();
}

/// Whether the name may publish.
fn has_room(hub: &Hub, listeners: &mut Listeners, now: Instant) -> bool {
    listeners
        .room(hub, &name("feed"), now, &noop_waker())
        .is_some()
}

/// The updates that can be read at once: sequence numbers, and `-missed` for a lag.
fn read(events: &mut Events) -> Vec<i64> {
    std::iter::from_fn(|| events.next().now_or_never().flatten())
        .map(number)
        .collect()
}

fn number(update: Update) -> i64 {
    match update {
        Update::Notice(Notice::Lagged(Lagged { missed, .. })) => -(missed.unwrap_or(0) as i64),
        update => update.stamp().unwrap().seq as i64,
    }
}

/// The same in batches.
fn read_batch(events: &mut Events) -> Option<(Batch, Vec<i64>)> {
    let batch = events.next_batch().now_or_never().flatten()?;
    let numbers = batch.iter().map(number).collect();
    Some((batch, numbers))
}

/// A hub with this many bytes left for readers.
fn short(left: usize) -> (Arc<Hub>, Charge, Arc<MemoryBudget>) {
    let budget = MemoryBudget::new(4 << 20);
    let mut others = Charge::new(&budget, MemoryUse::Outboxes);
    others.set((3 << 20) - left);
    (Hub::new(1, Cursor(1), Arc::clone(&budget)), others, budget)
}

#[test]
fn a_process_that_learns_late_of_earlier_ones_goes_on_behind_them() {
    let hub = Hub::new(100, Cursor(100), MemoryBudget::unlimited());
    hub.go_on_behind(50, Some(Cursor(40)));
    assert_eq!((hub.now(), hub.forgotten()), (Cursor(100), Cursor(40)));
    hub.go_on_behind(200, None);
    assert_eq!((hub.now(), hub.forgotten()), (Cursor(200), Cursor(40)));

    let (hub, gone) = (
        Hub::new(100, Cursor(100), MemoryBudget::unlimited()),
        Feed::new(),
    );
    publish_kept(&hub, &mut Listeners::default(), gone.history(), 1..=1);
    hub.forget(gone.history());
    hub.go_on_behind(50, Some(Cursor(40)));
    assert_eq!(hub.forgotten(), hub.now(), "what has gone since is lost");
}

#[test]
fn a_slow_reader_loses_the_oldest_and_is_told_how_many() {
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
    let mut events = hub.stream(Pattern::all(), Delivery::default().events(3));
    publish(&hub, &mut listeners, 1..=5);
    assert_eq!(read(&mut events), [-2, 3, 4, 5]);
    publish(&hub, &mut listeners, 6..=6);
    assert_eq!(read(&mut events), [6]);
}

#[test]
fn payload_bytes_bound_a_queue_as_well() {
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
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
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
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
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
    let mut events = hub.stream(
        Pattern::all(),
        Delivery::default().events(2).overflow(Overflow::Pause),
    );
    let now = Instant::now();
    publish(&hub, &mut listeners, 1..=1);
    assert!(has_room(&hub, &mut listeners, now));
    publish(&hub, &mut listeners, 2..=2);
    assert!(!has_room(&hub, &mut listeners, now));
    assert_eq!(read(&mut events), [1, 2]);
    assert!(has_room(&hub, &mut listeners, now));

    publish(&hub, &mut listeners, 3..=4);
    let later = now + Duration::from_secs(6);
    assert!(!has_room(&hub, &mut listeners, now));
    assert!(has_room(&hub, &mut listeners, later), "cut off");
    assert_eq!(read(&mut events), [-2]);
    assert_eq!(events.next().now_or_never(), Some(None));
}

#[test]
fn a_callback_that_panics_is_reported_and_the_others_hear_all_the_same() {
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let _panics = hub.callback(Pattern::all(), Kinds::default(), |_| panic!("no"));
    let _counts = hub.callback(Pattern::all(), Kinds::default(), move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let told = publish_event(&hub, &mut listeners, &History::new(), event(1));
    assert_eq!(told, Err("no".to_owned()));
    assert_eq!(heard.load(Ordering::Relaxed), 1);
}

#[test]
fn a_pattern_selects_and_dropping_a_stream_unsubscribes() {
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
    let other = hub.stream(Pattern::new("other.*").unwrap(), Delivery::default());
    let feed = hub.stream(Pattern::new("f*").unwrap(), Delivery::default());
    assert_eq!(listeners.count(&hub, &name("feed")), 1);
    drop(feed);
    assert_eq!(listeners.count(&hub, &name("feed")), 0);
    drop(other);
    assert_eq!(hub.subscribers.read().behind(0).count(), 0);
}

#[test]
fn names_that_have_their_turn_at_once_share_what_room_there_is() {
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
    let room = |listeners: &mut Listeners| {
        listeners.room(&hub, &name("feed"), Instant::now(), &noop_waker())
    };
    assert_eq!(room(&mut listeners), Some(Room::UNLIMITED));
    let pausing = Delivery::default().events(80).overflow(Overflow::Pause);
    let _events = hub.stream(Pattern::all(), pausing);
    assert_eq!(room(&mut listeners).unwrap().events, 10);
    publish_run(&hub, &mut listeners, 1..=79);
    assert_eq!(room(&mut listeners).unwrap().events, 1);
    publish_run(&hub, &mut listeners, 80..=80);
    assert_eq!(room(&mut listeners), None);
}
