//! The answers of rules: limited per second; the others wait in order.

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use super::reply::Reply;
use crate::core::{Message, SlidingWindow};

/// The most answers of rules within any second.
pub const MAX_ANSWERS: u32 = 100;

/// The most answers that may wait.
pub const MAX_WAITING: usize = 128;

const PER: Duration = Duration::from_secs(1);

/// The answers of a socket.
pub(super) struct Answers {
    /// Times are counted in nanoseconds from this.
    origin: Instant,
    window: SlidingWindow,
    waiting: VecDeque<Message>,
    /// The bytes of the waiting ones.
    bytes: usize,
    /// When the first of them may be sent.
    free_at: Instant,
}

/// Too many answers wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Answers {
    /// No answers yet.
    pub fn new(now: Instant) -> Self {
        Self {
            origin: now,
            window: SlidingWindow::new(MAX_ANSWERS, nanos(PER)),
            waiting: VecDeque::new(),
            bytes: 0,
            free_at: now,
        }
    }

    /// Adds an answer, which is sent at once if the limit allows it.
    pub fn push(
        &mut self,
        answer: Message,
        now: Instant,
        out: &mut Vec<Reply>,
    ) -> Result<(), TooMany> {
        if self.waiting.len() >= MAX_WAITING {
            return Err(TooMany);
        }
        // Waiting ones go first.
        self.send_due(now, out);
        let at = self.at(now);
        if self.waiting.is_empty() && self.window.free_at(at) <= at {
            self.window.count(1, at);
            out.push(Reply::Answer(answer));
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(answer.len());
        self.waiting.push_back(answer);
        self.free_at = self.origin + Duration::from_nanos(self.window.free_at(at));
        Ok(())
    }

    /// Sends the answers that the limit allows now.
    pub fn send_due(&mut self, now: Instant, out: &mut Vec<Reply>) {
        let at = self.at(now);
        while let Some(answer) = self.waiting.front() {
            let free_at = self.window.free_at(at);
            if free_at > at {
                self.free_at = self.origin + Duration::from_nanos(free_at);
                return;
            }
            self.bytes = self.bytes.saturating_sub(answer.len());
            self.window.count(1, at);
            out.extend(self.waiting.pop_front().map(Reply::Answer));
        }
        self.waiting = VecDeque::new();
    }

    fn at(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.origin))
    }

    /// When the next one may be sent, if one waits.
    pub fn deadline(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.free_at)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The bytes of the waiting ones.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl fmt::Debug for Answers {
    /// Waiting answers may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers wait", self.waiting.len())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
