//! Readers that return for missed events.

use everwire_proto::dialogue::SubscriptionState;

use super::*;

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
                        .publish(hub, history_ref, stamp, &mut kind.into())
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
            let told = listeners.publish(&hub, history_ref, stamp, &mut kind.into());
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
            .publish(&hub, history_ref, stamp, &mut kind.into())
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

/// A message of the feed, routed to a key for some numbers.
fn routed(seq: u64) -> NewEvents {
    let mut events = NewEvents::default();
    let message = Message::text(format!("m{seq}"));
    match seq % 3 {
        0 => events.message(message),
        1 => events.routed(message, "one".into()),
        _ => events.routed(message, "two".into()),
    }
    events
}

fn report(key: &str) -> NewEvents {
    let report = SubscriptionReport {
        key: key.into(),
        state: SubscriptionState::Active,
        text: None,
    };
    EventKind::Subscription(Box::new(report)).into()
}

#[test]
fn a_reader_of_some_subscriptions_hears_them_alone_live_and_when_it_comes_back() {
    let budget = MemoryBudget::unlimited();
    let hub = Hub::new(0, Cursor(0), Arc::clone(&budget));
    let (feed, mut listeners) = (Feed::new(), Listeners::default());
    let delivery = || Delivery::default().subscriptions(["one"]);
    let mut live = hub.stream(Pattern::all(), delivery());
    let mut resumed = hub.resume(Pattern::all(), delivery(), None, || (Vec::new(), Cursor(0)));
    let start = resumed.start();
    let mut limit = HistorySettings::default();
    limit.messages = 100;
    let mut publish = |seq: u64, mut events: NewEvents| {
        let history_ref = HistoryRef {
            history: feed.history(),
            limit,
        };
        let told = listeners.publish(&hub, history_ref, event(seq).stamp, &mut events);
        told.unwrap();
    };
    (1..=9).for_each(|seq| publish(seq, routed(seq)));
    publish(10, report("two"));
    publish(11, report("one"));
    publish(12, EventKind::Ready.into());
    // Events without a subscription are delivered as usual.
    let expected = [1, 4, 7, 11, 12];
    assert_eq!(read(&mut live), expected);
    assert_eq!(read(&mut resumed), expected);
    let names = || (vec![feed.listed()], Cursor(0));
    let mut back = hub.resume(Pattern::all(), delivery(), Some(start), names);
    assert_eq!(read(&mut back), expected);
    let mut all = hub.resume(Pattern::all(), Delivery::default(), Some(start), names);
    assert_eq!(read(&mut all), Vec::from_iter(1..=12));
}

#[test]
fn what_becomes_of_thousands_of_subscriptions_costs_no_other_event() {
    let hub = Hub::new(0, Cursor(0), MemoryBudget::unlimited());
    let mut listeners = Listeners::default();
    let (history, limit) = (&History::new(), HistorySettings::default());
    let start = hub.now();
    let mut publish = |seq: u64, mut events: NewEvents| {
        let history_ref = HistoryRef { history, limit };
        let told = listeners.publish(&hub, history_ref, event(seq).stamp, &mut events);
        told.unwrap();
    };
    publish(1, EventKind::Ready.into());
    (2..=20_001).for_each(|seq| publish(seq, report("k")));
    let names = || (Vec::new(), Cursor(0));
    let kinds = Kinds::default().without("subscription");
    let others = Delivery::default().kinds(kinds);
    let mut back = hub.resume(Pattern::all(), others, Some(start), names);
    assert_eq!(read(&mut back), [1], "nothing is missing");
    let kinds = Kinds::none().with("subscription").unwrap();
    let delivery = Delivery::default().kinds(kinds).events(5000);
    let mut back = hub.resume(Pattern::all(), delivery, Some(start), names);
    let heard = read(&mut back);
    assert_eq!(
        (heard[0], heard[1]),
        (0, 20_001 - 4095),
        "a part is missing"
    );
}
