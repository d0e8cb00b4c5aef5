//! Decides when a message may be sent, and whose turn it is.

mod queue;
mod spacing;
#[cfg(test)]
mod tests;
mod window;

use std::time::{Duration, Instant};

pub use self::queue::Turn;
pub(crate) use self::window::SlidingWindow;
use self::{queue::Queue, spacing::Spacing};
use crate::settings::RateSettings;

/// The longest period that is counted.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long the first in the queue may leave its free slot unused. A thread that stands still
/// longer must not hold up the names of all others.
const PATIENCE: Duration = Duration::from_millis(20);

/// A rate limiter for all that share it.
///
/// - **The window.** [`take`](Self::take) allows a message only if it, and all that was written
///   within the last `per`, are at most `messages`. Messages that never wait are
///   [counted](Self::spend), and are the only ones that may exceed that.
/// - **The spacing.** `burst` messages may be sent back to back after a silence, then one each `per
///   / messages`.
/// - **Turns.** A free slot belongs to the one that has waited longest; each turn is one message.
///
/// `W` wakes a waiter. A waiter should ask again when it is woken, and at the time that it was
/// given.
#[derive(Debug)]
pub struct RateLimiter<W> {
    /// Times are counted in nanoseconds from [`LONGEST`] before this.
    origin: Instant,
    latest: u64,
    window: SlidingWindow,
    spacing: Spacing,
    queue: Queue<W>,
}

/// A message has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The place in the queue. It must be given back: by taking a slot, or by
    /// [leaving](RateLimiter::leave).
    pub turn: Turn,
    /// When to ask again; `None`: when it is woken.
    pub until: Option<Instant>,
}

/// A free slot for one message, found by [`RateLimiter::ask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// The earlier place in the queue.
    pub turn: Option<Turn>,
    ahead: usize,
}

impl<W: Clone> RateLimiter<W> {
    /// An unused limiter.
    pub fn new(settings: &RateSettings, now: Instant) -> Self {
        let (messages, per, burst) = limits(settings);
        Self {
            origin: now,
            latest: 0,
            window: SlidingWindow::new(messages, per),
            spacing: Spacing::new(messages, per, burst),
            queue: Queue::new(),
        }
    }

    /// Sets new limits. Earlier messages still count.
    pub fn set_limits(&mut self, settings: &RateSettings) {
        let (messages, per, burst) = limits(settings);
        self.window.set_limits(messages, per);
        self.spacing.set_limits(messages, per, burst);
        self.queue.wake_front();
    }

    /// Takes a slot for one message, or a place in the queue; `turn` is the earlier place, if any.
    ///
    /// # Errors
    ///
    /// [`Wait`]: it must wait, at this place.
    pub fn take(&mut self, turn: Option<Turn>, waker: &W, now: Instant) -> Result<(), Wait> {
        if let Some(turn) = turn {
            let now = self.at(now);
            self.queue.came(turn, waker.clone(), now);
        }
        match self.ask(turn, now) {
            Ok(free) => {
                self.take_free(free, now);
                Ok(())
            }
            Err(until) => Err(Wait {
                turn: self.wait(turn, waker, now),
                until,
            }),
        }
    }

    /// Whether one message may be sent, without changing anything. If a message needs several
    /// limiters, ask all of them. Then either [take](Self::take_free) from all, or
    /// [wait](Self::wait) for one and [let others pass](Self::wait_aside) at the rest. The limiters
    /// must not be used in between.
    ///
    /// # Errors
    ///
    /// Until when it must wait, if that is known.
    pub fn ask(&mut self, turn: Option<Turn>, now: Instant) -> Result<Free, Option<Instant>> {
        let now = self.at(now);
        let free = self.window.free_at(now).max(self.spacing.free_at());
        let ahead = self.queue.ahead(turn);
        let until = ahead.map(|ahead| match ahead {
            0 => free,
            // Each of those ahead has this much time before the next may pass it.
            _ => free.max(self.queue.first_since()) + nanos(PATIENCE) * ahead as u64,
        });
        match ahead.filter(|_| until.is_some_and(|until| until <= now)) {
            Some(ahead) => Ok(Free { turn, ahead }),
            None => Err(until.map(|until| self.instant(until))),
        }
    }

    /// Waits at its place, or at the end. The waker is called when its turn has come nearer.
    pub fn wait(&mut self, turn: Option<Turn>, waker: &W, now: Instant) -> Turn {
        let now = self.at(now);
        match turn {
            Some(turn) => {
                self.queue.came(turn, waker.clone(), now);
                turn
            }
            None => self.queue.join(waker.clone(), now),
        }
    }

    /// Takes a slot that was found free.
    pub fn take_free(&mut self, free: Free, now: Instant) {
        let now = self.at(now);
        self.queue.put_aside(free.ahead, now);
        self.count(1, now);
        if let Some(turn) = free.turn {
            self.queue.leave(turn, now);
        }
    }

    /// Keeps a place, or takes one, and lets others pass, because its message waits for another
    /// limiter. It is not woken; when it asks again, it still has its place. If others could pass
    /// before, nothing changes for them: otherwise two that wait for the same two limiters would
    /// wake each other forever.
    pub fn wait_aside(&mut self, turn: Option<Turn>, waker: &W, now: Instant) -> Turn {
        let now = self.at(now);
        match turn {
            Some(turn) => {
                self.queue.step_aside(turn, now);
                turn
            }
            None => self.queue.join_aside(waker.clone()),
        }
    }

    /// Gives a place back. No effect if it was given back before.
    pub fn leave(&mut self, turn: Turn, now: Instant) {
        let now = self.at(now);
        self.queue.leave(turn, now);
    }

    /// Counts messages that never wait.
    pub fn spend(&mut self, messages: u32, now: Instant) {
        let now = self.at(now);
        self.count(messages, now);
    }

    /// The waiters to wake, since their turn has come nearer.
    pub fn take_woken(&mut self) -> Vec<W> {
        self.queue.take_woken()
    }

    /// Whether nothing that was written counts any more, and nobody waits.
    pub fn is_idle(&mut self, now: Instant) -> bool {
        let now = self.at(now);
        self.queue.is_empty() && self.window.is_empty(now)
    }

    /// What still counts, oldest first: how long ago it was written, and how many messages.
    pub fn written(&mut self, now: Instant) -> impl Iterator<Item = (Duration, u32)> {
        let now = self.at(now);
        let spans = self.window.spans(now);
        spans.map(move |span| (Duration::from_nanos(now - span.last), span.count))
    }

    /// Counts earlier messages, oldest first, in the form of [`written`](Self::written).
    pub fn restore(&mut self, written: impl IntoIterator<Item = (Duration, u32)>, now: Instant) {
        let now = self.at(now);
        for (age, messages) in written {
            self.count(messages, now - nanos(age.min(LONGEST)));
        }
    }

    fn count(&mut self, messages: u32, now: u64) {
        self.window.count(messages, now);
        self.spacing.count(messages, now);
    }

    /// The time on the limiter's clock, which never goes back: two threads may read their clocks in
    /// one order and come here in another.
    fn at(&mut self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.origin);
        self.latest = self.latest.max(nanos(LONGEST) + nanos(since));
        self.latest
    }

    fn instant(&self, at: u64) -> Instant {
        self.origin + Duration::from_nanos(at.saturating_sub(nanos(LONGEST)))
    }
}

fn limits(settings: &RateSettings) -> (u32, u64, u32) {
    let per = nanos(settings.per.min(LONGEST));
    (settings.messages.get(), per, settings.burst.get())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
