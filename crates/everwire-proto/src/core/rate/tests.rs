//! Tests of the whole limiter, used as actors do: a waiting sender asks again when it is woken, and
//! at the announced time.

mod random;
mod several;

use std::{collections::VecDeque, num::NonZeroU32};

use super::*;

fn settings(messages: u32, per: Duration, burst: u32) -> RateSettings {
    let mut settings = RateSettings::new(NonZeroU32::new(messages).unwrap(), per);
    settings.burst = NonZeroU32::new(burst).unwrap();
    settings
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A name with messages to send.
#[derive(Clone, Debug, Default)]
struct Sender {
    backlog: u32,
    turn: Option<Turn>,
    until: Option<Instant>,
    is_woken: bool,
    /// Its thread is blocked.
    is_stuck: bool,
}

#[derive(Clone, Copy, Debug)]
struct Written {
    at: Instant,
    /// `None`: it never waits.
    by: Option<usize>,
}

struct World {
    settings: RateSettings,
    limiter: RateLimiter<usize>,
    senders: Vec<Sender>,
    now: Instant,
    log: Vec<Written>,
    /// The senders that were refused, in order.
    line: VecDeque<usize>,
}

impl World {
    fn new(settings: RateSettings, senders: usize) -> Self {
        let now = Instant::now();
        Self {
            limiter: RateLimiter::new(&settings, now),
            settings,
            senders: vec![Sender::default(); senders],
            now,
            log: Vec::new(),
            line: VecDeque::new(),
        }
    }

    fn send(&mut self, by: usize, messages: u32) {
        self.senders[by].backlog += messages;
        self.ask(by);
        self.run_woken();
    }

    fn spend(&mut self, messages: u32) {
        self.limiter.spend(messages, self.now);
        let at = self.now;
        self.log
            .extend((0..messages).map(|_| Written { at, by: None }));
        self.run_woken();
    }

    /// It is closed, or its socket is lost.
    fn leave(&mut self, by: usize) {
        let sender = std::mem::take(&mut self.senders[by]);
        if let Some(turn) = sender.turn {
            self.limiter.leave(turn, self.now);
        }
        self.line.retain(|waiting| *waiting != by);
        self.run_woken();
    }

    fn set_stuck(&mut self, by: usize, is_stuck: bool) {
        self.senders[by].is_stuck = is_stuck;
        self.run_woken();
    }

    fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next_time().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.run_woken();
        }
        self.now = end;
        self.run_woken();
    }

    /// Runs until all messages are sent, or no sender asks any more.
    fn run(&mut self) {
        while let Some(next) = self.next_time() {
            self.now = self.now.max(next);
            self.run_woken();
        }
    }

    fn next_time(&self) -> Option<Instant> {
        let awake = self.senders.iter().filter(|sender| !sender.is_stuck);
        awake.filter_map(|sender| sender.until).min()
    }

    /// Woken senders ask, until none is woken.
    fn run_woken(&mut self) {
        loop {
            for woken in self.limiter.take_woken() {
                self.senders[woken].is_woken = true;
            }
            let now = self.now;
            let ready = self.senders.iter().position(|sender| {
                !sender.is_stuck
                    && (sender.is_woken || sender.until.is_some_and(|until| until <= now))
            });
            let Some(ready) = ready else { return };
            self.ask(ready);
        }
    }

    fn ask(&mut self, by: usize) {
        let sender = &mut self.senders[by];
        if sender.is_stuck {
            sender.is_woken = true;
            return;
        }
        (sender.is_woken, sender.until) = (false, None);
        while sender.backlog > 0 {
            match self.limiter.take(sender.turn.take(), &by, self.now) {
                Ok(()) => {
                    sender.backlog -= 1;
                    self.log.push(Written {
                        at: self.now,
                        by: Some(by),
                    });
                    self.line.retain(|waiting| *waiting != by);
                }
                Err(wait) => {
                    sender.turn = Some(wait.turn);
                    sender.until = wait.until;
                    if !self.line.contains(&by) {
                        self.line.push_back(by);
                    }
                    break;
                }
            }
        }
        if sender.backlog == 0
            && let Some(turn) = sender.turn.take()
        {
            self.limiter.leave(turn, self.now);
        }
    }

    fn backlog(&self) -> u32 {
        self.senders.iter().map(|sender| sender.backlog).sum()
    }

    /// Counts each window that ends with a message that could have waited.
    fn check_windows(&self) {
        let RateSettings { messages, per, .. } = self.settings;
        for (index, written) in self.log.iter().enumerate() {
            if written.by.is_none() {
                continue;
            }
            let window = self.log[..=index].iter().rev();
            let count = window
                .take_while(|other| written.at - other.at < per)
                .count();
            assert!(
                count <= messages.get() as usize,
                "{count} of {messages} within {per:?}, up to number {index}: {:?}",
                &self.log[index.saturating_sub(20)..=index]
            );
        }
    }

    /// Asserts that at most a burst is sent back to back, and that the rest is spaced.
    fn check_spacing(&self) {
        let RateSettings { messages, per, .. } = self.settings;
        let interval = per / messages.get();
        let burst = self.settings.burst.get() as usize;
        for (index, written) in self.log.iter().enumerate() {
            for (more, earlier) in self.log[..index].iter().rev().skip(burst - 1).enumerate() {
                let spaced = interval * (more as u32 + 1);
                assert!(
                    written.at - earlier.at >= spaced || written.at - earlier.at >= per,
                    "{} messages within {:?}, up to number {index}",
                    burst + more + 1,
                    written.at - earlier.at
                );
            }
        }
    }

    fn times(&self) -> Vec<u128> {
        let start = self.log.first().map_or(self.now, |first| first.at);
        self.log
            .iter()
            .map(|written| (written.at - start).as_millis())
            .collect()
    }
}

#[test]
fn without_a_burst_of_its_own_all_go_at_once_and_then_none_until_the_window_slides() {
    let mut world = World::new(settings(5, ms(1_000), 5), 1);
    world.send(0, 12);
    world.run();
    assert_eq!(
        world.times(),
        [0, 0, 0, 0, 0, 1000, 1000, 1000, 1000, 1000, 2000, 2000]
    );
}

#[test]
fn a_burst_goes_back_to_back_and_the_rest_evenly() {
    let mut world = World::new(settings(5, ms(1_000), 1), 1);
    world.send(0, 7);
    world.run();
    assert_eq!(world.times(), [0, 200, 400, 600, 800, 1000, 1200]);
    // The fifth of the second would be the sixth of a window.
    let mut world = World::new(settings(5, ms(1_000), 2), 1);
    world.send(0, 8);
    world.run();
    assert_eq!(world.times(), [0, 0, 200, 400, 600, 1000, 1000, 1200]);
}

#[test]
fn what_never_waits_counts_and_the_rest_makes_room_for_it() {
    let mut world = World::new(settings(5, ms(1_000), 5), 1);
    world.send(0, 2);
    world.advance(ms(100));
    world.spend(4);
    world.send(0, 5);
    world.run();
    // Beside the four there is room for one.
    assert_eq!(world.times()[6..], [1_000, 1_100, 1_100, 1_100, 1_100]);
    world.check_windows();
    // Continuously, but not without progress: a message is sent as soon as the window has room.
    let mut world = World::new(settings(5, ms(1_000), 5), 1);
    world.spend(500);
    world.send(0, 1);
    world.run();
    assert_eq!(world.times()[500], 1_000);
}

#[test]
fn a_message_goes_whenever_those_that_never_wait_leave_room() {
    let mut world = World::new(settings(10, ms(1_000), 10), 1);
    world.send(0, 100);
    for _ in 0..100 {
        world.spend(1);
        world.advance(ms(200));
    }
    // They use five a second, and leave five.
    let sent = 100 - world.backlog();
    assert!((95..=100).contains(&sent), "{sent}");
    world.check_windows();
}

#[test]
fn those_who_always_wait_take_turns() {
    for burst in [1, 3, 10] {
        let mut world = World::new(settings(10, ms(1_000), burst), 7);
        for by in 0..7 {
            world.send(by, 100);
        }
        world.advance(ms(15_000));
        world.check_windows();
        let by: Vec<_> = world.log.iter().filter_map(|written| written.by).collect();
        assert!(by.len() >= 150);
        // The first one got everything that was free while nobody waited.
        let turns = &by[burst as usize..];
        for (turn, by) in turns.iter().enumerate() {
            assert_eq!(*by, turn % 7, "{turns:?}");
        }
    }
}

#[test]
fn one_whose_thread_stands_still_holds_up_nobody_and_is_the_first_when_it_comes() {
    let mut world = World::new(settings(10, ms(1_000), 1), 4);
    for by in 0..4 {
        world.send(by, 50);
    }
    // Both on a blocked thread.
    world.set_stuck(1, true);
    world.set_stuck(2, true);
    world.advance(ms(3_000));
    let count = |world: &World, by| world.log.iter().filter(|w| w.by == Some(by)).count();
    assert_eq!((count(&world, 1), count(&world, 2)), (0, 0));
    // Two delays, one for each sender that did not come.
    assert!(world.log.len() >= 29, "{}", world.log.len());
    assert!(count(&world, 0).abs_diff(count(&world, 3)) <= 2);
    let before = world.log.len();
    world.set_stuck(2, false);
    world.set_stuck(1, false);
    world.advance(ms(600));
    let next: Vec<_> = world.log[before..]
        .iter()
        .filter_map(|written| written.by)
        .collect();
    assert_eq!(next[..2], [1, 2], "{next:?}");
    world.run();
    assert_eq!(world.backlog(), 0);
    world.check_windows();
}

#[test]
fn who_leaves_the_queue_hands_its_turn_on() {
    let mut world = World::new(settings(1, ms(1_000), 1), 5);
    for by in 0..5 {
        world.send(by, 3);
    }
    world.leave(1);
    world.leave(3);
    world.run();
    let by: Vec<_> = world.log.iter().filter_map(|written| written.by).collect();
    // The first was served while nobody waited.
    assert_eq!(by, [0, 0, 2, 4, 0, 2, 4, 2, 4]);
    assert!(world.limiter.queue.is_empty());
}

#[test]
fn changed_limits_hold_at_once_and_forget_nothing() {
    let mut world = World::new(settings(5, ms(60_000), 5), 1);
    world.send(0, 8);
    world.advance(ms(10));
    assert_eq!(world.log.len(), 5);
    world.settings = settings(7, ms(60_000), 7);
    world.limiter.set_limits(&world.settings);
    world.run_woken();
    world.advance(ms(59_989));
    assert_eq!(world.log.len(), 7);
    world.advance(ms(1));
    assert_eq!(world.log.len(), 8);
    world.check_windows();
}

#[test]
fn what_was_written_is_restored_as_old_as_it_is() {
    for messages in [4, 4_000] {
        let mut world = World::new(settings(messages, ms(60_000), messages), 1);
        world.send(0, messages / 2);
        world.advance(ms(20_000));
        world.send(0, messages / 2);
        world.advance(ms(10_000));
        let written: Vec<_> = world.limiter.written(world.now).collect();
        let half = messages / 2;
        let ages: Vec<_> = (written.iter())
            .map(|(age, count)| (age.as_millis(), *count))
            .collect();
        assert_eq!(ages, [(30_000, half), (10_000, half)]);
        world.limiter = RateLimiter::new(&world.settings, world.now);
        world.limiter.restore(written, world.now);
        world.send(0, messages);
        world.run();
        world.check_windows();
        assert_eq!(world.times()[messages as usize], 60_000);
        assert_eq!(world.times()[messages as usize + half as usize], 80_000);
    }
}

#[test]
fn a_backlog_uses_all_that_is_allowed() {
    for (messages, burst, least) in [
        (5, 5, 5_000),
        (5, 1, 5_000),
        (1_024, 1_024, 1_024_000),
        (2_000, 2_000, 2_000_000),
        // Subdivided windows cost at most one of their 64 parts.
        (2_000, 1, 1_968_000),
    ] {
        let windows = 20_u32;
        let mut world = World::new(settings(messages, ms(1_000), burst), 3);
        for by in 0..3 {
            world.send(by, messages * windows);
        }
        world.advance(ms(1_000) * windows - ms(1));
        assert!(
            world.log.len() * 1000 >= least * windows as usize,
            "{messages}, {burst}: {}",
            world.log.len()
        );
        world.check_windows();
    }
}

#[test]
fn one_that_asks_early_does_not_pass_the_one_whose_turn_it_is() {
    let mut world = World::new(settings(7, ms(593), 5), 3);
    world.send(0, 16);
    world.advance(ms(633));
    world.spend(4);
    world.send(1, 3);
    world.advance(ms(128));
    world.send(2, 3);
    world.advance(ms(805));
    world.spend(2);
    let before = world.log.len();
    world.advance(ms(253));
    let turns: Vec<_> = (world.log[before..].iter())
        .filter_map(|written| written.by)
        .collect();
    assert_eq!(turns, [1, 2, 0]);
}
