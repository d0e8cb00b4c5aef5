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
    events::{Event, EventKind, Lagged, Notice, Stamp, Update},
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
    listeners.publish(hub, HistoryRef { history, limit }, stamp, &mut vec![kind])
}

/// Messages that one turn of the name has brought.
fn publish_run(hub: &Hub, listeners: &mut Listeners, seqs: std::ops::RangeInclusive<u64>) {
    let (history, limit) = (&History::new(), HistorySettings::default());
    let mut kinds = seqs.clone().map(|seq| event(seq).kind).collect();
    let first = event(*seqs.start()).stamp;
    let history_ref = HistoryRef { history, limit };
    listeners
        .publish(hub, history_ref, first, &mut kinds)
        .unwrap();
}

/// Whether the name may tell something.
fn has_room(hub: &Hub, listeners: &mut Listeners, now: Instant) -> bool {
    listeners
        .room(hub, &name("feed"), now, &noop_waker())
        .is_some()
}

/// What can be read at once: sequence numbers, and `-missed` for a lag.
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

/// The same by the batch.
fn read_batch(events: &mut Events) -> Option<(Batch, Vec<i64>)> {
    let batch = events.next_batch().now_or_never().flatten()?;
    let numbers = batch.iter().map(number).collect();
    Some((batch, numbers))
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
fn a_reader_that_comes_back_finds_what_it_has_not_read_and_nothing_twice() {
    let (hub, mut listeners, history) = (
        Hub::new(100, Cursor(100), MemoryBudget::unlimited()),
        Listeners::default(),
        Feed::new(),
    );
    let resume = |since| {
        hub.resume(Pattern::all(), Delivery::default(), since, || {
            (vec![history.listed()], Cursor(0))
        })
    };
    let mut first = resume(None);
    publish_kept(&hub, &mut listeners, history.history(), 1..=3);
    let cursor = first
        .next()
        .now_or_never()
        .flatten()
        .unwrap()
        .stamp()
        .unwrap()
        .cursor;
    drop(first);
    publish_kept(&hub, &mut listeners, history.history(), 4..=4);
    let mut second = resume(Some(cursor));
    publish_kept(&hub, &mut listeners, history.history(), 5..=6);
    assert_eq!(read(&mut second), [2, 3, 4, 5, 6]);
}

#[test]
fn who_was_away_for_too_long_is_told_and_gets_what_is_left() {
    let (hub, mut listeners, history) = (
        Hub::new(100, Cursor(100), MemoryBudget::unlimited()),
        Listeners::default(),
        Feed::new(),
    );
    publish_kept(&hub, &mut listeners, history.history(), 1..=6);
    let resume = |since| {
        read(&mut hub.resume(
            Pattern::all(),
            Delivery::default(),
            Some(Cursor(since)),
            || (vec![history.listed()], Cursor(0)),
        ))
    };
    assert_eq!(resume(101), [0, 3, 4, 5, 6]);
    assert_eq!(resume(102), [3, 4, 5, 6]);
    assert_eq!(resume(50), [0, 3, 4, 5, 6], "from an earlier process");
    assert_eq!(resume(999), [0], "from nowhere");
    hub.forget(history.history());
    let gone = hub.resume(
        Pattern::all(),
        Delivery::default(),
        Some(Cursor(102)),
        || (vec![], Cursor(0)),
    );
    assert_eq!(read(&mut { gone }), [0], "the name is gone");
}

#[test]
fn only_what_is_wanted_counts_when_a_reader_comes_back() {
    let (hub, mut listeners, history) = (
        Hub::new(100, Cursor(100), MemoryBudget::unlimited()),
        Listeners::default(),
        Feed::new(),
    );
    let mut ready = event(1);
    ready.kind = EventKind::Ready;
    publish_event(&hub, &mut listeners, history.history(), ready).unwrap();
    publish_kept(&hub, &mut listeners, history.history(), 2..=9);
    let resume = |pattern: &str, kinds: &str| {
        let delivery = Delivery::default().kinds(Kinds::parse(kinds).unwrap());
        let pattern = Pattern::new(pattern).unwrap();
        let selected = pattern.matches(&name("feed")).then(|| history.listed());
        let names = || (selected.into_iter().collect(), Cursor(0));
        read(&mut hub.resume(pattern, delivery, Some(Cursor(100)), names))
    };
    assert_eq!(resume("feed", "ready"), [1]);
    assert_eq!(resume("feed", "message"), [0, 6, 7, 8, 9]);
    assert_eq!(resume("other", "ready,message"), [0; 0]);
}

#[test]
fn readers_that_come_and_go_while_names_talk_miss_nothing_and_hear_nothing_twice() {
    let hub = Hub::new(0, Cursor(0), MemoryBudget::unlimited());
    let feeds: Vec<Feed> = (0..4).map(|_| Feed::new()).collect();
    let mut limit = HistorySettings::default();
    (limit.messages, limit.bytes) = (usize::MAX, usize::MAX);
    let most = 20_000;
    std::thread::scope(|scope| {
        for feed in &feeds {
            let (hub, history) = (&hub, feed.history());
            scope.spawn(move || {
                let mut listeners = Listeners::default();
                for seq in 1..=most {
                    let history_ref = HistoryRef { history, limit };
                    let Event { stamp, kind } = event(seq);
                    listeners
                        .publish(hub, history_ref, stamp, &mut vec![kind])
                        .unwrap();
                }
            });
        }
        let (mut since, mut heard) = (Cursor(0), 0);
        let began = Instant::now();
        while heard < most * feeds.len() as u64 {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "heard {heard}, up to {since}"
            );
            let delivery = Delivery::default().events(usize::MAX);
            let names = || (feeds.iter().map(Feed::listed).collect(), Cursor(0));
            let mut events = hub.resume(Pattern::all(), delivery, Some(since), names);
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

#[test]
fn a_past_is_read_a_piece_at_a_time_and_what_gave_way_meanwhile_is_told() {
    let (hub, mut listeners, feed) = (
        Hub::new(0, Cursor(0), MemoryBudget::unlimited()),
        Listeners::default(),
        Feed::new(),
    );
    let mut limit = HistorySettings::default();
    (limit.messages, limit.bytes) = (1000, usize::MAX);
    let history = feed.history();
    let mut say = |seqs: std::ops::RangeInclusive<u64>| {
        for seq in seqs {
            let history_ref = HistoryRef { history, limit };
            let Event { stamp, kind } = event(seq);
            let told = listeners.publish(&hub, history_ref, stamp, &mut vec![kind]);
            told.unwrap();
        }
    };
    say(1..=1000);
    let names = || (vec![feed.listed()], Cursor(0));
    let order = hub.order.lock();
    let mut events = hub.resume(Pattern::all(), Delivery::default(), Some(Cursor(0)), names);
    assert!(
        events.waiting() <= 128,
        "{} are in memory",
        events.waiting()
    );
    drop(order);
    say(1001..=1500);
    let heard = read(&mut events);
    let piece = heard.iter().position(|told| *told == 0).expect("a hole");
    assert_eq!(heard[..piece], (1..=piece as i64).collect::<Vec<_>>());
    assert_eq!(heard[piece + 1..], (501..=1500).collect::<Vec<_>>());
}

/// What a reader has heard, and `None` where it was told that something is missing.
type Log = Vec<Option<Event>>;

/// Which source of a past an event comes from: the story, or a name's history.
fn source(event: &Event) -> Option<ConnectionName> {
    let is_message = matches!(event.kind, EventKind::Message(_));
    is_message.then(|| event.stamp.name.clone())
}

/// Whether all that came behind `since` from each source was heard once, in order, or its hole told between what was heard around it.
fn check(log: &Log, since: Cursor, all: &[Event]) -> Result<(), TestCaseError> {
    let cursors = log.iter().flatten().map(Event::cursor);
    prop_assert!(cursors.clone().is_sorted_by(|a, b| a < b), "order");
    let mut left: HashMap<_, VecDeque<Cursor>> = HashMap::new();
    for event in all.iter().filter(|event| event.cursor() > since) {
        left.entry(source(event))
            .or_default()
            .push_back(event.cursor());
    }
    let mut holes: HashSet<Option<ConnectionName>> = HashSet::new();
    for told in log {
        let Some(event) = told else {
            holes.extend(left.keys().cloned());
            continue;
        };
        let source = source(event);
        let is_hole_told = holes.remove(&source);
        let left = left.entry(source).or_default();
        let next = std::iter::from_fn(|| left.pop_front());
        let missing = next.take_while(|cursor| *cursor < event.cursor()).count();
        prop_assert!(missing == 0 || is_hole_told, "{missing} before {event:?}");
    }
    Ok(())
}

proptest! {
    /// Names speak on threads of their own, their histories let go of the oldest and are cut meanwhile, and readers that are slow
    /// come back from anywhere.
    #[test]
    fn every_event_is_heard_once_or_its_hole_is_told(
        keeps in vec(1..60_usize, 1..5),
        waits in 1..80_usize,
        reads in vec((0..200_u64, 1..300_usize), 1..6),
        cuts in any::<bool>(),
    ) {
        let hub = Hub::new(0, Cursor(0), MemoryBudget::unlimited());
        let feeds: Vec<Feed> = (0..keeps.len()).map(|number| Feed::named(&format!("feed{number}"))).collect();
        let mut all = hub.resume(Pattern::all(), Delivery::default().events(usize::MAX), None, || unreachable!());
        let silent = AtomicUsize::new(0);
        let logs = std::thread::scope(|scope| {
            for (feed, keeps) in feeds.iter().zip(keeps) {
                let (hub, silent) = (&hub, &silent);
                scope.spawn(move || {
                    talk(hub, feed, keeps, cuts);
                    silent.fetch_add(1, Ordering::Release);
                });
            }
            let mut readers: Vec<_> = reads
                .iter()
                .map(|(since, _)| {
                    let delivery = Delivery::default().events(waits);
                    let names = || (feeds.iter().map(Feed::listed).collect(), Cursor(0));
                    let since = Cursor(*since % (hub.now().0 + 1));
                    (hub.resume(Pattern::all(), delivery, Some(since), names), since, Log::new())
                })
                .collect();
            let (began, mut done) = (Instant::now(), 0);
            while done < readers.len() {
                assert!(began.elapsed() < Duration::from_secs(60), "somebody waits for ever");
                // Before they look: what is not heard now was there.
                let is_over = silent.load(Ordering::Acquire) == feeds.len();
                done = 0;
                for ((events, _, log), (_, most)) in readers.iter_mut().zip(&reads) {
                    let before = log.len();
                    // One after the other, or by the batch.
                    if most % 2 == 0 {
                        let told = std::iter::from_fn(|| events.next().now_or_never().flatten());
                        log.extend(told.take(*most).map(heard));
                    } else {
                        let told = std::iter::from_fn(|| events.next_batch().now_or_never().flatten());
                        log.extend(told.take(*most).flatten().map(heard));
                    }
                    done += usize::from(log.len() - before < *most && is_over);
                }
            }
            readers.into_iter().map(|(_, since, log)| (since, log)).collect::<Vec<_>>()
        });
        let all = std::iter::from_fn(|| all.next().now_or_never().flatten()).filter_map(heard);
        let all: Vec<_> = all.collect();
        for (since, log) in &logs {
            check(log, *since, &all)?;
            let last = log.iter().flatten().next_back().map(Event::cursor);
            prop_assert!(last == Some(hub.now()) || *since == hub.now(), "{last:?} is not the last");
        }
    }
}

/// What was heard; nothing where it was told that something is missing.
fn heard(update: Update) -> Option<Event> {
    match update {
        Update::Event(event) => Some(event),
        Update::Notice(_) => None,
    }
}

/// Many messages, several in a turn, and now and then something of the story.
fn talk(hub: &Hub, feed: &Feed, keeps: usize, cuts: bool) {
    let mut listeners = Listeners::default();
    let mut limit = HistorySettings::default();
    (limit.messages, limit.bytes) = (keeps, usize::MAX);
    let history = feed.history();
    let mut waiting = Vec::new();
    for seq in 1..=400 {
        let Event { mut stamp, kind } = event(seq);
        stamp.name = feed.name().clone();
        let history_ref = HistoryRef { history, limit };
        let mut tell = |stamp: &Stamp, kinds: &mut Vec<EventKind>| {
            let first = stamp.seq - kinds.len() as u64;
            let first = Stamp {
                seq: first,
                ..stamp.clone()
            };
            listeners.publish(hub, history_ref, first, kinds).unwrap();
        };
        if seq % 7 == 0 {
            tell(&stamp, &mut waiting);
            stamp.seq += 1;
            tell(&stamp, &mut vec![EventKind::Ready]);
        } else {
            waiting.push(kind);
            if seq % 3 == 0 {
                stamp.seq += 1;
                tell(&stamp, &mut waiting);
            }
        }
        if cuts && seq % 50 == 0 {
            let mut less = limit;
            less.messages = 1;
            history.configure(less);
            history.configure(limit);
        }
    }
}

/// A hub whose memory is used up but for so many bytes of what readers may have.
fn short(left: usize) -> (Arc<Hub>, Charge, Arc<MemoryBudget>) {
    let budget = MemoryBudget::new(4 << 20);
    let mut others = Charge::new(&budget, MemoryUse::Outboxes);
    others.set((3 << 20) - left);
    (Hub::new(1, Cursor(1), Arc::clone(&budget)), others, budget)
}

#[test]
fn without_memory_a_reader_misses_the_oldest_and_is_told_how_many() {
    let (hub, others, budget) = short(64 << 10);
    let mut listeners = Listeners::default();
    let mut events = hub.stream(Pattern::all(), Delivery::default().events(10_000));
    publish(&hub, &mut listeners, 1..=5000);
    assert!(budget.usage().readers <= 64 << 10, "{:?}", budget.usage());
    let told = read(&mut events);
    let missed = usize::try_from(-told[0]).unwrap();
    assert_eq!(told.len() - 1 + missed, 5000);
    assert_eq!(told.last(), Some(&5000));
    assert!(told.len() > 50, "{}", told.len());
    // What was read is given back.
    assert_eq!(read(&mut events), [0_i64; 0]);
    assert_eq!(budget.usage().readers, 0);
    drop(others);
    publish(&hub, &mut listeners, 1..=2000);
    assert_eq!(read(&mut events).len(), 2000);
    drop(events);
    assert_eq!(budget.usage().readers, 0);
}

#[test]
fn without_memory_one_who_wants_all_is_cut_off_and_one_who_pauses_has_names_wait() {
    let (hub, _others, budget) = short(0);
    let mut listeners = Listeners::default();
    let strict = Delivery::default().overflow(Overflow::Disconnect);
    let mut cut = hub.stream(Pattern::all(), strict);
    let pausing = Delivery::default().overflow(Overflow::Pause);
    let mut waits = hub.stream(Pattern::all(), pausing);
    let paused = |listeners: &mut Listeners| !has_room(&hub, listeners, Instant::now());
    assert!(!paused(&mut listeners));
    publish(&hub, &mut listeners, 1..=2);
    assert!(paused(&mut listeners));
    assert_eq!(read(&mut cut), [1, 2]);
    assert_eq!(read(&mut waits), [1, 2]);
    publish(&hub, &mut listeners, 3..=502);
    assert!(paused(&mut listeners));
    assert_eq!(read(&mut cut), [-500]);
    assert_eq!(cut.next().now_or_never(), Some(None));
    assert_eq!(read(&mut waits).len(), 500);
    assert!(!paused(&mut listeners));
    drop((cut, waits));
    assert_eq!(budget.usage().readers, 0);
}

#[test]
fn without_memory_the_past_is_told_as_missing() {
    let (hub, others, budget) = short(0);
    let (mut listeners, feed) = (Listeners::default(), Feed::new());
    let resume = || {
        let names = || (vec![feed.listed()], Cursor(1));
        hub.resume(Pattern::all(), Delivery::default(), Some(Cursor(1)), names)
    };
    publish_kept(&hub, &mut listeners, &feed.0.1, 1..=3);
    let mut events = resume();
    assert!(matches!(
        events.next().now_or_never().flatten(),
        Some(Update::Notice(Notice::Lagged(Lagged { missed: None, .. })))
    ));
    drop((events, others));
    publish_kept(&hub, &mut listeners, &feed.0.1, 4..=6);
    assert_eq!(read(&mut resume()), [0, 4, 5, 6]);
    assert_eq!(budget.usage().readers, 0);
}

#[test]
fn a_batch_is_all_that_waits_and_a_lag_stands_before_what_follows_it() {
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
    let mut events = hub.stream(Pattern::all(), Delivery::default().events(5));
    publish_run(&hub, &mut listeners, 1..=3);
    publish_run(&hub, &mut listeners, 4..=7);
    let (batch, numbers) = read_batch(&mut events).unwrap();
    assert_eq!(numbers, [-2, 3, 4, 5, 6, 7]);
    assert_eq!((batch.len(), batch.bytes()), (6, 25));
    let handles = batch.clone();
    drop(batch);
    assert_eq!(handles.into_iter().map(number).collect::<Vec<_>>(), numbers);
    assert!(read_batch(&mut events).is_none());
}

#[test]
fn what_was_begun_one_by_one_goes_on_by_the_batch() {
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
    let mut events = hub.stream(Pattern::all(), Delivery::default());
    publish_run(&hub, &mut listeners, 1..=3);
    publish_run(&hub, &mut listeners, 4..=5);
    assert_eq!(events.next().now_or_never().flatten().map(number), Some(1));
    assert_eq!(read_batch(&mut events).unwrap().1, [2, 3, 4, 5]);
    publish_run(&hub, &mut listeners, 6..=7);
    assert_eq!(read(&mut events), [6, 7]);
}

#[test]
fn a_batch_counts_against_the_bound_until_the_last_handle_is_dropped() {
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
    let pausing = Delivery::default().events(4).overflow(Overflow::Pause);
    let mut events = hub.stream(Pattern::all(), pausing);
    let now = Instant::now();
    publish_run(&hub, &mut listeners, 1..=4);
    let (batch, numbers) = read_batch(&mut events).unwrap();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert!(!has_room(&hub, &mut listeners, now));
    let mut half_read = batch.clone().into_iter();
    half_read.next();
    drop(batch);
    assert!(!has_room(&hub, &mut listeners, now), "a half is held");
    drop(half_read);
    assert!(has_room(&hub, &mut listeners, now));
    drop(events);
}

#[test]
fn the_newest_waits_even_where_a_batch_that_is_held_is_as_much_as_may_wait() {
    let (hub, mut listeners) = (
        Hub::new(1, Cursor(1), MemoryBudget::unlimited()),
        Listeners::default(),
    );
    let mut events = hub.stream(Pattern::all(), Delivery::default().events(2));
    publish_run(&hub, &mut listeners, 1..=2);
    let (held, _) = read_batch(&mut events).unwrap();
    publish_run(&hub, &mut listeners, 3..=6);
    drop(held);
    assert_eq!(read_batch(&mut events).unwrap().1, [-3, 6]);
}

#[test]
fn the_memory_of_a_batch_is_counted_while_it_is_held() {
    let (hub, _others, budget) = short(64 << 10);
    let mut listeners = Listeners::default();
    let mut events = hub.stream(Pattern::all(), Delivery::default());
    publish_run(&hub, &mut listeners, 1..=500);
    let waiting = budget.usage().readers;
    assert!(waiting > 500 * 5, "{waiting}");
    let (batch, _) = read_batch(&mut events).unwrap();
    assert_eq!(budget.usage().readers, waiting);
    drop(batch);
    assert_eq!(budget.usage().readers, 0);
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

#[test]
fn messages_that_nobody_wants_get_no_places_and_are_missing_to_who_was_there_before() {
    let (hub, mut listeners, feed) = (
        Hub::new(100, Cursor(100), MemoryBudget::unlimited()),
        Listeners::default(),
        Feed::new(),
    );
    let limit = HistorySettings {
        messages: 0,
        ..HistorySettings::default()
    };
    let mut unheard = |seq| {
        let Event { stamp, kind } = event(seq);
        let history_ref = HistoryRef {
            history: feed.history(),
            limit,
        };
        listeners
            .publish(&hub, history_ref, stamp, &mut vec![kind])
            .unwrap();
    };
    let resume = |since| {
        hub.resume(Pattern::all(), Delivery::default(), since, || {
            (vec![feed.listed()], Cursor(0))
        })
    };
    for round in 0..3 {
        let start = resume(None).start();
        assert_eq!(read(&mut resume(Some(start))), [0_i64; 0], "{round}");
        (1..=1000).for_each(&mut unheard);
        assert_eq!(hub.now(), Cursor(start.0 + 1), "one place for all of them");
        assert_eq!(read(&mut resume(Some(start))), [0], "{round}");
    }
}

/// A mailbox whose actor handles nothing by itself.
struct Unhandled(Arc<Mutex<Vec<Batch>>>);

impl Mailbox for Unhandled {
    fn is_open(&self) -> bool {
        true
    }

    fn send(&self, batch: Batch) {
        self.0.lock().push(batch);
    }
}

#[test]
fn an_actor_that_lost_all_that_waited_is_told_and_hears_what_follows() {
    let (hub, _others, _budget) = short(0);
    let mut listeners = Listeners::default();
    let told = Arc::default();
    let mailbox = Box::new(Unhandled(Arc::clone(&told)));
    hub.actor(Pattern::all(), mailbox, Delivery::default());
    // There is no memory for so long a message.
    let mut long = event(1);
    long.kind = EventKind::Message(Message::text("x".repeat(100_000)));
    publish_event(&hub, &mut listeners, &History::new(), long).unwrap();
    publish(&hub, &mut listeners, 2..=3);
    let handle = || {
        let handled: Vec<_> = told.lock().drain(..).collect();
        handled.iter().flatten().map(number).collect::<Vec<_>>()
    };
    assert_eq!(handle(), [-1]);
    assert_eq!(handle(), [2, 3]);
    publish(&hub, &mut listeners, 4..=4);
    assert_eq!(handle(), [4]);
}
