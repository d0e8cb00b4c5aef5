use jiff::Timestamp;

use super::{
    kept::{Item, Kept},
    *,
};
use crate::{
    core::{ConnectionName, Message},
    events::{EventKind, Stamp},
    memory::{MemoryBudget, MemoryUse},
};

fn limit(messages: usize, bytes: usize) -> HistorySettings {
    let mut limit = HistorySettings::default();
    (limit.messages, limit.bytes) = (messages, bytes);
    limit
}

/// A history that begins at `start`, and receives messages at these positions.
fn heard(limit: HistorySettings, start: u64, places: impl IntoIterator<Item = u64>) -> History {
    let history = History::new();
    hear(&history, limit, start, places);
    history
}

fn hear(
    history: &History,
    limit: HistorySettings,
    start: u64,
    places: impl IntoIterator<Item = u64>,
) {
    for place in places {
        let stamp = stamp(place);
        let message = Message::text("12345");
        history.with(limit, Cursor(start), charge, |recent| {
            recent.push_all(&stamp, &EventKind::Message(message).into());
        });
    }
}

fn stamp(place: u64) -> Stamp {
    Stamp {
        name: ConnectionName::new("feed").unwrap(),
        epoch: 1,
        seq: place,
        cursor: Cursor(place),
        at: Timestamp::UNIX_EPOCH,
        subscription: None,
    }
}

fn charge() -> Charge {
    Charge::new(&MemoryBudget::unlimited(), MemoryUse::Histories)
}

fn places(events: &[StoredEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

fn since(history: &History, since: u64) -> (Vec<u64>, bool) {
    let Beginning {
        complete,
        mut place,
        ..
    } = history.begin(Cursor(since), Cursor(9));
    let mut events = Vec::new();
    loop {
        let (all, mut room) = (Cursor(u64::MAX), Room::default());
        let read = history.read(&mut place, all, &mut room, None, |event| events.push(event));
        assert!(!read.lost);
        if read.next.is_none() {
            break;
        }
    }
    (places(&events), complete)
}

#[test]
fn the_oldest_go_and_whoever_asks_for_them_is_told() {
    let history = heard(limit(3, 1000), 10, 11..=15);
    assert_eq!(since(&history, 13), (vec![14, 15], true));
    assert_eq!(since(&history, 12), (vec![13, 14, 15], true));
    assert_eq!(since(&history, 11), (vec![13, 14, 15], false));
    assert_eq!(since(&history, 99), (vec![], true));
}

#[test]
fn bytes_bound_it_as_well_and_nothing_is_kept_where_nothing_is_wanted() {
    let history = heard(limit(100, 12), 0, 1..=5);
    assert_eq!(since(&history, 3), (vec![4, 5], true));
    let none = heard(limit(0, 1000), 0, [7]);
    assert_eq!(since(&none, 6), (vec![], false));
    assert_eq!(since(&none, 7), (vec![], true));
}

#[test]
fn the_newest_is_kept_whatever_its_size() {
    let history = heard(limit(100, 12), 0, 1..=2);
    let say = |place: u64, len: usize| {
        let (stamp, message) = (stamp(place), Message::text("x".repeat(len)));
        history.with(limit(100, 12), Cursor(0), charge, |recent| {
            recent.push_all(&stamp, &EventKind::Message(message).into());
        });
    };
    for (place, len) in [(3, 13), (4, 5000), (5, 40_000)] {
        say(place, len);
        assert_eq!(since(&history, place - 1), (vec![place], true));
        assert_eq!(since(&history, place - 2), (vec![place], false));
    }
    // The limit is below the present size, and the newest stays nevertheless.
    history.configure(limit(100, 1));
    assert_eq!(since(&history, 4), (vec![5], true));
    say(6, 5);
    say(7, 5);
    assert_eq!(since(&history, 5), (vec![7], false));
    history.configure(limit(0, 1000));
    assert_eq!(since(&history, 6), (vec![], false));
}

fn durable(messages: usize) -> HistorySettings {
    HistorySettings {
        durable: true,
        ..limit(messages, 1000)
    }
}

#[test]
fn the_store_is_handed_each_message_once() {
    let history = heard(durable(2), 0, 1..=3);
    let unstored = history.take_unstored();
    assert_eq!(places(&unstored.events), [2, 3]);
    assert_eq!(unstored.through, Some(Cursor(3)));
    assert!(history.take_unstored().events.is_empty());
    hear(&history, durable(2), 0, [4]);
    assert_eq!(places(&history.take_unstored().events), [4]);
}

#[test]
fn the_store_is_handed_nothing_of_what_is_not_durable_until_it_is() {
    let history = heard(limit(2, 1000), 0, 1..=3);
    assert!(history.take_unstored().events.is_empty());
    history.configure(durable(2));
    assert_eq!(places(&history.take_unstored().events), [2, 3]);
}

#[test]
fn what_went_before_the_store_was_handed_it_is_known() {
    let stored = |through, lost_through| Stored {
        through: Cursor(through),
        lost_through: Cursor(lost_through),
    };
    let history = heard(durable(2), 10, [11, 12]);
    assert_eq!(history.position(Cursor(10)), Cursor(12));
    assert_eq!(history.stored(), stored(10, 10), "nothing is safe yet");
    let through = history.take_unstored().through.unwrap();
    hear(&history, durable(2), 10, 13..=16);
    history.safe(through);
    assert_eq!(history.stored(), stored(12, 10));
    // 13 and 14 were never returned.
    let unstored = history.take_unstored();
    assert_eq!(places(&unstored.events), [15, 16]);
    history.safe(unstored.through.unwrap());
    assert_eq!(history.stored(), stored(16, 14));
    // Messages of a history that keeps none count as received and lost.
    history.configure(durable(0));
    hear(&history, durable(0), 10, [17]);
    assert_eq!(history.position(Cursor(10)), Cursor(17));
    history.safe(history.take_unstored().through.unwrap());
    assert_eq!(history.stored(), stored(17, 17));
}

#[test]
fn new_limits_hold_at_once() {
    let history = heard(limit(10, 1000), 0, 1..=10);
    history.configure(limit(2, 1000));
    assert_eq!(since(&history, 7), (vec![9, 10], false));
    hear(&history, limit(2, 1000), 0, [11]);
    assert_eq!(since(&history, 9), (vec![10, 11], true));
}

#[test]
fn before_its_start_a_history_knows_nothing() {
    let history = History::new();
    assert_eq!(since(&history, 5), (vec![], false));
    assert_eq!(since(&history, 9), (vec![], true));
}

#[test]
fn where_memory_is_short_the_oldest_gives_its_own_and_nothing_grows() {
    let budget = MemoryBudget::new(1 << 20);
    let charge = || Charge::new(&budget, MemoryUse::Histories);
    let history = History::new();
    let keep = |place: u64, len: usize| {
        let stamp = stamp(place);
        let message = Message::text("x".repeat(len));
        history.with(limit(100_000, 1 << 30), Cursor(0), charge, |recent| {
            recent.push_all(&stamp, &EventKind::Message(message).into());
        });
    };
    (1..=100).for_each(|place| keep(place, 400));
    let held = history.footprint();
    assert!(budget.usage().histories >= held && held > 40_000);
    let mut others = Charge::new(&budget, MemoryUse::Outboxes);
    others.set(1 << 20);
    for place in 101..=400 {
        keep(place, [400, 0, 500, 100][place as usize % 4]);
        assert!(history.footprint() <= held, "{place}");
    }
    let (kept, _) = since(&history, 0);
    assert_eq!(kept.last(), Some(&400));
    assert!(kept.len() > 50, "{}", kept.len());
    // A message longer than the whole limit leaves nothing, and that is reported.
    keep(401, 100_000);
    assert_eq!(since(&history, 400), (vec![], false));
    assert_eq!(since(&history, 401), (vec![], true));
    assert_eq!(budget.usage().histories, 0);
    drop(others);
    keep(402, 100);
    assert_eq!(since(&history, 401), (vec![402], true));
}

#[test]
fn a_history_is_trimmed_to_what_it_may_hold() {
    let history = heard(limit(10_000, 1 << 20), 0, 1..=100);
    history.trim(3_000);
    let held = history.footprint();
    assert!((2_500..=3_000).contains(&held), "{held}");
    let (kept, complete) = since(&history, 0);
    assert_eq!((kept.last(), complete), (Some(&100), false));
    let first = kept[0];
    assert_eq!(since(&history, first - 1), (kept, true));
    history.trim(0);
    assert_eq!(since(&history, 0), (vec![], false));
    assert_eq!(history.footprint(), 0);
}

/// The size of a history, its newest messages, and whether it wanted more, after messages of these
/// lengths.
fn under(level: usize, lengths: impl IntoIterator<Item = usize>) -> (usize, Vec<u64>, usize) {
    let budget = MemoryBudget::new(1 << 30);
    budget.set_history_level(level);
    let history = History::new();
    let charge = || Charge::new(&budget, MemoryUse::Histories);
    let mut last = 0;
    for (place, len) in (1..).zip(lengths) {
        let (stamp, message) = (stamp(place), Message::text("x".repeat(len)));
        history.with(limit(1000, 1 << 30), Cursor(0), charge, |recent| {
            recent.push_all(&stamp, &EventKind::Message(message.clone()).into());
        });
        last = place;
        let (kept, complete) = since(&history, 0);
        assert_eq!(kept.last(), Some(&place), "the newest is kept");
        assert_eq!(
            complete,
            kept.first() == Some(&1),
            "what is missing is told"
        );
        assert!(kept.is_sorted() && kept.len() == (last - kept[0] + 1) as usize);
        let held = history.footprint();
        // A single one may use the space of three more.
        let alone = Item::new(&message, None).need() + 3 * Kept::OVERHEAD;
        assert!(held <= level.max(alone), "{held} at {place}");
        assert!(budget.usage().histories >= held);
    }
    assert!(last > 0);
    (history.footprint(), since(&history, 0).0, history.demand())
}

#[test]
fn a_name_uses_what_each_may_hold_and_no_more() {
    const LEVEL: usize = 26 << 10;
    let (held, kept, demand) = under(LEVEL, vec![185; 1000]);
    assert!(held > LEVEL * 9 / 10, "{held}");
    assert!(kept.len() > 115, "{}", kept.len());
    assert_eq!(demand, usize::MAX);
    // It is asked once: a silent name wants no more.
    let history = heard(limit(3, 1000), 0, 1..=9);
    assert!(history.demand() < 4096);
}

#[test]
fn short_and_long_ones_share_what_each_may_hold() {
    const LEVEL: usize = 26 << 10;
    let mixed = (0..2000).map(|n| if n % 20 == 0 { 5000 } else { 100 + n % 90 });
    let (_, kept, _) = under(LEVEL, mixed);
    assert!(kept.len() > 40, "{}", kept.len());
    // A longer one is alone, and later makes room for others again.
    let (held, kept, _) = under(LEVEL, [vec![200; 50], vec![50_000], vec![200; 60]].concat());
    assert!(held <= LEVEL && kept.len() == 60, "{held} {}", kept.len());
}

#[test]
fn a_level_that_falls_is_kept_with_the_next_message() {
    let budget = MemoryBudget::new(1 << 30);
    let charge = || Charge::new(&budget, MemoryUse::Histories);
    let history = History::new();
    let say = |place: u64| {
        let (stamp, message) = (stamp(place), Message::text("x".repeat(200)));
        history.with(limit(1000, 1 << 20), Cursor(0), charge, |recent| {
            recent.push_all(&stamp, &EventKind::Message(message).into());
        });
    };
    (1..=500).for_each(say);
    assert_eq!(since(&history, 0).0.len(), 500);
    assert_eq!(history.demand(), budget.usage().histories);
    budget.set_history_level(8 << 10);
    say(501);
    let (kept, complete) = since(&history, 0);
    assert_eq!((kept.last(), complete), (Some(&501), false));
    assert!(kept.len() > 20, "{}", kept.len());
    assert!(budget.usage().histories <= 8 << 10);
    // The limit rises, and the history grows again.
    budget.set_history_level(usize::MAX);
    (502..=900).for_each(say);
    assert!(since(&history, 0).0.len() > 420);
}

/// Until it keeps something: then earlier messages count as lost, as before.
#[test]
fn a_history_that_keeps_nothing_needs_no_memory() {
    let history = heard(limit(0, 0), 3, [4, 5]);
    assert!(history.0.lock().kept().is_none());
    assert_eq!(history.position(Cursor(3)), Cursor(5));
    assert_eq!(history.known_behind(Cursor(3)), Cursor(5));
    assert_eq!(history.last(), None);
    assert_eq!(since(&history, 4), (Vec::new(), false));
    assert_eq!(since(&history, 5), (Vec::new(), true));
    hear(&history, limit(2, 100), 3, [8]);
    assert_eq!(since(&history, 4), (vec![8], false));
    assert_eq!(since(&history, 5), (vec![8], true));
    assert_eq!(history.known_behind(Cursor(3)), Cursor(5));
    // Kept messages are not forgotten when nothing more is kept.
    hear(&history, limit(0, 0), 3, [9]);
    assert!(history.0.lock().kept().is_some());
}
