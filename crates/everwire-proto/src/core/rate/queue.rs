//! The queue of a rate limiter.

use std::collections::BTreeMap;

/// How many at the front watch those before them.
const WATCHERS: usize = 32;

/// The waiters, in the order in which they came.
///
/// The first takes the free slot. If it does not come, for example since its thread stands still,
/// the next one puts it aside. The others go on, and it is the first again when it comes.
#[derive(Debug)]
pub(super) struct Queue<W> {
    waiting: BTreeMap<Turn, W>,
    aside: BTreeMap<Turn, W>,
    next: u64,
    /// Since when the first one is the first.
    first_since: u64,
    /// Waiters that have come near the front, and were not woken yet.
    woken: Vec<W>,
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn(u64);

impl<W: Clone> Queue<W> {
    pub fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            aside: BTreeMap::new(),
            next: 0,
            first_since: 0,
            woken: Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.aside.is_empty()
    }

    /// Since when the first one is the first.
    pub fn first_since(&self) -> u64 {
        self.first_since
    }

    /// How many are before this place, or before a new one; `None`: too many to watch them.
    pub fn ahead(&self, turn: Option<Turn>) -> Option<usize> {
        let ahead = self.waiting.keys();
        let ahead = ahead.take_while(|other| turn.is_none_or(|turn| **other < turn));
        Some(ahead.take(WATCHERS).count()).filter(|ahead| *ahead < WATCHERS)
    }

    /// Gives out a place at the end.
    pub fn join(&mut self, waker: W, now: u64) -> Turn {
        if self.waiting.is_empty() {
            self.first_since = now;
        }
        let turn = self.new_turn();
        self.waiting.insert(turn, waker);
        turn
    }

    /// Gives out a place at the end to a waiter that lets others pass.
    pub fn join_aside(&mut self, waker: W) -> Turn {
        let turn = self.new_turn();
        self.aside.insert(turn, waker);
        turn
    }

    fn new_turn(&mut self) -> Turn {
        let turn = Turn(self.next);
        self.next += 1;
        turn
    }

    /// The waiter of this place has come, and has this waker from now on.
    pub fn came(&mut self, turn: Turn, waker: W, now: u64) {
        if self.aside.remove(&turn).is_some() {
            self.first_since = now;
        }
        self.waiting.insert(turn, waker);
    }

    /// The first `count` do not come: the next one becomes the first.
    pub fn put_aside(&mut self, count: usize, now: u64) {
        for (turn, waker) in std::iter::from_fn(|| self.waiting.pop_first()).take(count) {
            self.aside.insert(turn, waker);
        }
        if count > 0 {
            self.first_since = now;
            self.wake_last_watchers(count);
        }
    }

    /// A place is given back.
    pub fn leave(&mut self, turn: Turn, now: u64) {
        self.aside.remove(&turn);
        self.pass(turn, now);
    }

    /// The waiter of this place lets others pass until it comes.
    pub fn step_aside(&mut self, turn: Turn, now: u64) {
        if let Some(waker) = self.pass(turn, now) {
            self.aside.insert(turn, waker);
        }
    }

    /// A place does not hold others up any more.
    fn pass(&mut self, turn: Turn, now: u64) -> Option<W> {
        let ahead = self.ahead(Some(turn));
        let waker = self.waiting.remove(&turn)?;
        if ahead == Some(0) {
            self.first_since = now;
            self.woken.extend(self.waiting.values().next().cloned());
        }
        if ahead.is_some() {
            self.wake_last_watchers(1);
        }
        Some(waker)
    }

    /// `count` waiters have come near enough to the front to watch it, and are woken.
    fn wake_last_watchers(&mut self, count: usize) {
        let watchers = self.waiting.values().take(WATCHERS);
        let last = watchers.skip(WATCHERS.saturating_sub(count));
        self.woken.extend(last.cloned());
    }

    /// The slot may be free earlier than the front was told.
    pub fn wake_front(&mut self) {
        self.woken
            .extend(self.waiting.values().take(WATCHERS).cloned());
    }

    /// The waiters to wake.
    pub fn take_woken(&mut self) -> Vec<W> {
        std::mem::take(&mut self.woken)
    }
}
