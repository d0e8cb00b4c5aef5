//! Every event is received once, or its gap is reported.

use super::*;

proptest! {
    /// Names publish on separate threads, their histories drop the oldest and are shortened
    /// meanwhile, and slow readers return with any cursor.
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
                // Checked before the read: events that are not read now were there.
                let is_over = silent.load(Ordering::Acquire) == feeds.len();
                done = 0;
                for ((events, _, log), (_, most)) in readers.iter_mut().zip(&reads) {
                    let before = log.len();
                    // One by one, or in batches.
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

/// The events that a reader received, and `None` where a gap was reported.
type Log = Vec<Option<Event>>;

/// The source of a past event: the recent events, or a name's history.
fn source(event: &Event) -> Option<ConnectionName> {
    let is_message = matches!(event.kind, EventKind::Message(_));
    is_message.then(|| event.stamp.name.clone())
}

/// Whether all events after `since` from each source were received once and in order, or a gap was
/// reported between their neighbours.
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

/// The received event; `None` for a reported gap.
fn heard(update: Update) -> Option<Event> {
    match update {
        Update::Event(event) => Some(event),
        Update::Notice(_) => None,
    }
}

/// Many messages, several in a turn, and now and then another event.
fn talk(hub: &Hub, feed: &Feed, keeps: usize, cuts: bool) {
    let mut listeners = Listeners::default();
    let mut limit = HistorySettings::default();
    (limit.messages, limit.bytes) = (keeps, usize::MAX);
    let history = feed.history();
    let mut waiting = NewEvents::default();
    for seq in 1..=400 {
        let Event { mut stamp, kind } = event(seq);
        stamp.name = feed.name().clone();
        let history_ref = HistoryRef { history, limit };
        let mut tell = |stamp: &Stamp, kinds: &mut NewEvents| {
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
            tell(&stamp, &mut EventKind::Ready.into());
        } else {
            match kind {
                EventKind::Message(message) if seq % 5 == 0 => {
                    waiting.routed(message, "fifth".into())
                }
                EventKind::Message(message) => waiting.message(message),
                _ => unreachable!("messages alone are waiting"),
            }
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
