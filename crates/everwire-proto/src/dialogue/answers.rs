//! The answers of rules: at most so many a second, and the others in order behind them.

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use super::reply::Reply;
use crate::core::{Message, SlidingWindow};

/// The most answers of rules within any second.
pub const MAX_ANSWERS: u32 = 100;

/// The most answers that wait for that.
pub const MAX_WAITING: usize = 128;

const PER: Duration = Duration::from_secs(1);

/// The answers of a socket.
pub(super) struct Answers {
    /// Times are counted in nanoseconds from this.
    origin: Instant,
    window: SlidingWindow,
    waiting: VecDeque<Message>,
    /// Of those that wait.
    bytes: usize,
    /// When the first of those may go.
    free_at: Instant,
}

/// As many answers wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Answers {
    /// There was none yet.
    pub fn new(now: Instant) -> Self {
        Self {
            origin: now,
            window: SlidingWindow::new(MAX_ANSWERS, nanos(PER)),
            waiting: VecDeque::new(),
            bytes: 0,
            free_at: now,
        }
    }

    /// An answer, which goes at once if it may.
    pub fn push(
        &mut self,
        answer: Message,
        now: Instant,
        out: &mut Vec<Reply>,
    ) -> Result<(), TooMany> {
        if self.waiting.len() >= MAX_WAITING {
            return Err(TooMany);
        }
        // Those that wait go first.
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

    /// Sends what may go by now.
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

    /// When the next may go, if one waits.
    pub fn deadline(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.free_at)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes those have.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl fmt::Debug for Answers {
    /// Secrets may stand in what waits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers wait", self.waiting.len())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
