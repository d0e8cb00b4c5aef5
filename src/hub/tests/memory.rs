//! Readers without memory.

use super::*;

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
    // The memory of read events is released.
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
    // There is no memory for a message of this length.
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
