//! Finds the successor's messages that are the last ones of the old socket.

use std::{collections::VecDeque, mem};

use super::{digest::Digest, limits::HoldLimits};
use crate::core::Message;

/// How many of the successor's own messages may come before those that came on both sockets.
pub const MAX_GREETING: usize = 16;

/// Compares the successor's messages with the old socket's, until it is known where one continues
/// the other.
#[derive(Clone, Debug)]
pub(super) struct Alignment {
    old: Vec<Digest>,
    /// For each message of the old socket: how many of the successor's last messages equal the ones
    /// that end with it.
    runs: Vec<usize>,
    /// How many messages the successor had.
    seen: usize,
    /// The longest run that has reached the old socket's end.
    complete: Option<Run>,
    /// The successor's last messages, which are not decided yet.
    held: VecDeque<Message>,
    bytes: usize,
    limits: HoldLimits,
    is_resolved: bool,
    /// Messages that equal the middle of the old socket's messages count as duplicates, and are
    /// held no longer.
    trusts: bool,
    doubles: u64,
}

/// A run of the successor's messages that the old socket had, too.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The number of its first message among the successor's.
    start: usize,
    /// Its length when it reaches the old socket's end.
    len: usize,
}

impl Alignment {
    /// Starts with the old socket's messages, and none of the successor's.
    pub fn new(old: Vec<Digest>, limits: HoldLimits) -> Self {
        Self {
            runs: vec![0; old.len()],
            is_resolved: old.is_empty(),
            old,
            seen: 0,
            complete: None,
            held: VecDeque::new(),
            bytes: 0,
            limits,
            trusts: false,
            doubles: 0,
        }
    }

    /// Takes the successor's next message, and delivers what it can.
    pub fn take(&mut self, message: Message, digest: Digest, delivered: &mut Vec<Message>) {
        if self.is_resolved {
            delivered.push(message);
            return;
        }
        self.bytes += message.len();
        self.held.push_back(message);
        self.extend_runs(digest);
        let pending = self.pending_from();
        match pending.or(self.complete.map(|run| run.start)) {
            Some(start) => self.release(start, delivered),
            None => self.release(self.seen, delivered),
        }
        let is_decided = pending.is_none() && (self.complete.is_some() || self.seen > MAX_GREETING);
        let is_too_much = self.held.len() > self.limits.messages || self.bytes > self.limits.bytes;
        if is_decided {
            self.resolve(delivered);
        } else if is_too_much || self.trusts {
            self.trust(delivered);
        }
    }

    /// Drops the run that has reached the old socket's end, and delivers the rest.
    fn resolve(&mut self, delivered: &mut Vec<Message>) {
        self.is_resolved = true;
        if let Some(Run { start, len }) = self.complete.take() {
            self.release(start, delivered);
            self.drop_through(start + len);
        }
        delivered.extend(mem::take(&mut self.held));
        self.bytes = 0;
    }

    /// Held messages equal messages of the old socket, in order: they count as duplicates although
    /// they have not reached the end, and so do those that continue them.
    ///
    /// A run that has reached the end decides, although a longer one might have followed.
    pub fn trust(&mut self, delivered: &mut Vec<Message>) {
        if self.complete.is_some() {
            return self.resolve(delivered);
        }
        self.trusts = true;
        self.drop_through(self.seen);
    }

    /// Drops the successor's messages up to this number.
    fn drop_through(&mut self, number: usize) {
        let first_held = self.seen - self.held.len();
        for message in self.held.drain(..number.saturating_sub(first_held)) {
            self.bytes -= message.len();
            self.doubles += 1;
        }
    }

    pub fn is_resolved(&self) -> bool {
        self.is_resolved
    }

    pub fn holds_nothing(&self) -> bool {
        self.held.is_empty()
    }

    pub fn doubles(&self) -> u64 {
        self.doubles
    }

    /// The successor's next message continues some runs, ends others, and may begin one.
    fn extend_runs(&mut self, digest: Digest) {
        let may_begin = self.seen <= MAX_GREETING;
        // From the end, so that each step still finds the previous run unchanged.
        for at in (0..self.old.len()).rev() {
            let before = at.checked_sub(1).map_or(0, |before| self.runs[before]);
            let goes_on = self.old[at] == digest && (before > 0 || may_begin);
            self.runs[at] = if goes_on { before + 1 } else { 0 };
        }
        self.seen += 1;
        let len = self.runs.last().copied().unwrap_or_default();
        if len > self.complete.map_or(0, |run| run.len) {
            let start = self.seen - len;
            self.complete = Some(Run { start, len });
        }
    }

    /// The first message of the runs that have not reached the old socket's end yet, and would be
    /// longer than the one that has; including that one, if any.
    fn pending_from(&self) -> Option<usize> {
        let best = self.complete.map_or(0, |run| run.len);
        let (_, unfinished) = self.runs.split_last()?;
        let starts = unfinished.iter().enumerate().filter_map(|(at, len)| {
            let when_complete = self.old.len() - (at + 1 - len);
            (*len > 0 && when_complete > best).then(|| self.seen - len)
        });
        let first = starts.min()?;
        Some(self.complete.map_or(first, |run| run.start.min(first)))
    }

    /// Delivers what came before the successor's message of this number.
    fn release(&mut self, number: usize, delivered: &mut Vec<Message>) {
        let first_held = self.seen - self.held.len();
        let released = self.held.drain(..number.saturating_sub(first_held));
        for message in released {
            self.bytes -= message.len();
            delivered.push(message);
        }
    }
}
