//! When a message may go out, and whose that is.

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

/// How long the one whose turn it is may leave what is free to itself. A thread that stands still longer than that must not hold up
/// the names of all others.
const PATIENCE: Duration = Duration::from_millis(20);

/// What a rate allows to all that share it.
///
/// - **The window.** What [`take`](Self::take) allows is written only while all that was written within the last `per`, and it, is at
///   most `messages`. What never waits is [counted](Self::spend), and may exceed that alone.
/// - **The spacing.** `burst` messages may go back to back after a silence, then one each `per / messages`.
/// - **Turns.** What is free belongs to the one that has waited longest; each turn is one message.
///
/// `W` wakes one that waits. It is to ask again when it is woken, and at the time that it was given.
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
    /// The place in the queue. It must be given back: by taking what it is for, or by [leaving](RateLimiter::leave).
    pub turn: Turn,
    /// When to ask again; `None`: when it is woken.
    pub until: Option<Instant>,
}

/// What one message needs is free: what [`RateLimiter::ask`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// The place that was given before.
    pub turn: Option<Turn>,
    ahead: usize,
}

impl<W: Clone> RateLimiter<W> {
    /// Nothing was written yet.
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

    /// Other limits. What was written before counts.
    pub fn set_limits(&mut self, settings: &RateSettings) {
        let (messages, per, burst) = limits(settings);
        self.window.set_limits(messages, per);
        self.spacing.set_limits(messages, per, burst);
        self.queue.wake_front();
    }

    /// Takes what one message needs, or a place in the queue; `turn` is the place that was given before, if one was.
    ///
    /// # Errors
    ///
    /// [`Wait`]: it has to wait, at the place that this says.
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

    /// Whether one message may go; nothing changes. Where a message needs several limiters, all are asked, and then all are
    /// [taken](Self::take_free), or it [waits](Self::wait) for one and [lets the others pass](Self::wait_aside). Nothing may happen to
    /// this one in between.
    ///
    /// # Errors
    ///
    /// Until when it has to wait, if that is known.
    pub fn ask(&mut self, turn: Option<Turn>, now: Instant) -> Result<Free, Option<Instant>> {
        let now = self.at(now);
        let free = self.window.free_at(now).max(self.spacing.free_at());
        let ahead = self.queue.ahead(turn);
        let until = ahead.map(|ahead| match ahead {
            0 => free,
            // Each of those ahead has the time to come before the next may pass it.
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

    /// Takes what was found free.
    pub fn take_free(&mut self, free: Free, now: Instant) {
        let now = self.at(now);
        self.queue.put_aside(free.ahead, now);
        self.count(1, now);
        if let Some(turn) = free.turn {
            self.queue.leave(turn, now);
        }
    }

    /// Keeps a place, or takes one, and lets the others pass: its message waits for another limiter. It is not woken; when it asks again,
    /// the place is where it was. Nothing changes for the others if they could pass before: two that wait for two limiters each would
    /// wake each other for ever.
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

    /// Gives a place back. Nothing, if it was given back before.
    pub fn leave(&mut self, turn: Turn, now: Instant) {
        let now = self.at(now);
        self.queue.leave(turn, now);
    }

    /// So much that never waits is written.
    pub fn spend(&mut self, messages: u32, now: Instant) {
        let now = self.at(now);
        self.count(messages, now);
    }

    /// Who is to be woken, since its turn has come nearer.
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

    /// Counts what was written before there was this limiter, oldest first, as [`written`](Self::written) tells it.
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

    /// The time on the limiter's clock, which never goes back: two threads read theirs in one order and come here in another.
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
