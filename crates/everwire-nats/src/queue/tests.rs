use std::collections::BTreeMap;

use super::*;

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

fn name(number: usize) -> ConnectionName {
    ConnectionName::new(format!("n{number}")).unwrap()
}

fn item(sequence: u64, is_delivered: bool) -> Item<()> {
    Item {
        sequence,
        stored: 0,
        bytes: 10,
        ack: is_delivered.then(|| format!("ack {sequence}")),
        content: (),
    }
}

/// A stream whose consumer is created again now and then, and names that accept messages or not.
fn life(seed: u64) {
    let mut chance = Chance(seed);
    let limits = Limits {
        messages: 1 + chance.below(8),
        bytes: 10 * (1 + chance.below(20)),
        all_bytes: 10 * (1 + chance.below(40)),
        first_bytes: 10 * (1 + chance.below(60)),
        reads: 1 + chance.below(2),
    };
    let mut queues = Queues::new(limits);
    let mut stream: BTreeMap<u64, ConnectionName> = BTreeMap::new();
    let mut delivered_up_to = 0;
    let mut taken: BTreeMap<ConnectionName, Vec<u64>> = BTreeMap::new();
    let mut put: BTreeMap<ConnectionName, Vec<u64>> = BTreeMap::new();
    let mut on_the_way: Vec<(ConnectionName, u64)> = Vec::new();
    let mut reading: Vec<(ConnectionName, u64)> = Vec::new();
    let mut last = 0;
    let mut now = Instant::now();
    for step in 0.. {
        let is_over = step > 300;
        now += Duration::from_millis(20);
        match chance.below(8) {
            0 | 1 if !is_over => {
                last += 1 + chance.below(2) as u64;
                let of = name(chance.below(3));
                stream.insert(last, of.clone());
                put.entry(of).or_default().push(last);
            }
            2 | 3 => {
                if let Some((sequence, of)) = stream.range(delivered_up_to + 1..).next() {
                    delivered_up_to = *sequence;
                    queues.delivered(of, item(*sequence, true));
                    queues.set_depth(of, 3);
                }
            }
            4 if !reading.is_empty() => {
                let (of, from) = reading.remove(0);
                let found = stream.range(from..).find(|(_, other)| **other == of);
                let found = found.map(|(sequence, _)| item(*sequence, false));
                queues.read(&of, if chance.one_in(5) { Err(()) } else { Ok(found) });
            }
            5 if !on_the_way.is_empty() => {
                let (of, sequence) = on_the_way.remove(0);
                assert!(queues.settled(&of, sequence).is_some(), "seed {seed}");
                stream.remove(&sequence);
                taken.entry(of).or_default().push(sequence);
            }
            6 if !is_over && chance.one_in(20) => {
                // A new consumer delivers all remaining messages from the beginning.
                reading.clear();
                queues.disconnected();
                delivered_up_to = 0;
            }
            _ => queues.tick(now),
        }
        while let Some(action) = queues.next(now) {
            match action {
                Action::Read(of, from) => reading.push((of, from)),
                // The second name accepts nothing before the end.
                Action::Send(of, item) if of == name(1) && !is_over => {
                    queues.waits(&of, item.sequence, now + REST);
                }
                Action::Send(of, item) => on_the_way.push((of, item.sequence)),
            }
        }
        assert!(queues.held() <= 3 * limits.messages, "seed {seed}");
        if is_over && stream.is_empty() {
            break;
        }
        assert!(step < 50_000, "seed {seed}: {queues:#?} {stream:?}");
    }
    assert_eq!(taken, put, "seed {seed}");
    assert_eq!((queues.held(), queues.bytes), (0, 0), "seed {seed}");
}

#[test]
fn first_messages_of_many_names_have_a_bound_too() {
    let limits = Limits {
        all_bytes: 20,
        first_bytes: 50,
        ..Limits::default()
    };
    let mut queues = Queues::new(limits);
    for number in 0..100 {
        queues.delivered(&name(number), item(number as u64 + 1, true));
    }
    assert_eq!((queues.held(), queues.bytes, queues.behind()), (5, 50, 95));
    for number in 0..5 {
        queues.settled(&name(number), number as u64 + 1);
    }
    let now = Instant::now();
    queues.tick(now);
    let next = std::iter::from_fn(|| queues.next(now));
    let reads = next.filter(|action| matches!(action, Action::Read(..)));
    assert_eq!(reads.count(), limits.reads);
}

#[test]
fn each_message_is_sent_once_and_in_order_whoever_takes_none() {
    (0..2000).for_each(life);
}

#[test]
fn a_number_that_is_given_again_is_another_message() {
    let mut queues = Queues::new(Limits::default());
    assert_eq!(queues.delivered(&name(1), item(1, true)), Delivered::Held);
    assert_eq!(queues.delivered(&name(1), item(1, true)), Delivered::Known);
    let mut other = item(1, true);
    other.stored += 1;
    assert_eq!(queues.delivered(&name(1), other), Delivered::OtherStream);
}
