//! What the subscriber's code does with a message: it counts it, and looks how late it is.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{peer::feed::sent_at, process::monotonic};

/// All messages of a sample pass it, one after another: it has one thread that tells it of them, and one that waits.
pub struct Meter {
    heard: AtomicU64,
    size: usize,
    warm: u64,
    all: u64,
    delays: Option<Delays>,
    mark: Notify,
}

impl Meter {
    /// Of so many messages of this size to warm up, and so many that are measured.
    pub fn new(size: usize, warm: u64, measured: u64, has_delays: bool) -> Self {
        Self {
            heard: AtomicU64::new(0),
            size,
            warm,
            all: warm + measured,
            delays: has_delays.then(Delays::default),
            mark: Notify::new(),
        }
    }

    /// A message has come to the subscriber's code.
    ///
    /// # Panics
    ///
    /// When it is not as it must be, or one too many.
    pub fn hear(&self, message: &[u8]) {
        assert_eq!(message.len(), self.size, "a message of another size");
        let before = self.heard.load(Ordering::Relaxed);
        if let Some(delays) = &self.delays
            && before >= self.warm
        {
            delays.add(monotonic().saturating_sub(sent_at(message)));
        }
        let heard = before + 1;
        self.heard.store(heard, Ordering::Relaxed);
        if heard == self.warm || heard >= self.all {
            assert!(heard <= self.all, "a message that was not sent");
            self.mark.notify_one();
        }
    }

    /// Waits until the messages to warm up are heard, and after that until all are.
    pub async fn mark(&self) {
        self.mark.notified().await;
    }

    /// How many have come.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// This share of the delays was at most as long.
    pub fn delay(&self, share: f64) -> Duration {
        self.delays
            .as_ref()
            .map_or(Duration::ZERO, |delays| delays.percentile(share))
    }
}

/// Counts delays, in 128 steps for each power of two: what is told of them is at most 0.8 % less than what was.
struct Delays(Vec<AtomicU32>);

const STEPS: u64 = 128;

impl Default for Delays {
    fn default() -> Self {
        let len = bucket(u64::MAX) + 1;
        Self((0..len).map(|_| AtomicU32::new(0)).collect())
    }
}

impl Delays {
    fn add(&self, nanos: u64) {
        let count = &self.0[bucket(nanos)];
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn percentile(&self, share: f64) -> Duration {
        let counts = || {
            self.0
                .iter()
                .map(|count| u64::from(count.load(Ordering::Relaxed)))
        };
        let mut left = (counts().sum::<u64>() as f64 * share).ceil() as u64;
        let found = counts().position(|count| {
            left = left.saturating_sub(count);
            left == 0
        });
        Duration::from_nanos(least(found.unwrap_or_default()))
    }
}

/// Where a delay is counted.
fn bucket(nanos: u64) -> usize {
    let power = u64::from(nanos.max(STEPS).ilog2() - STEPS.ilog2());
    (power * STEPS + (nanos >> power)) as usize
}

/// The least delay that is counted there.
fn least(bucket: usize) -> u64 {
    let power = (bucket as u64 / STEPS).saturating_sub(1);
    (bucket as u64 - power * STEPS) << power
}
