//! Reading in batches.

use super::*;

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
