//! The code of the subscriber: counts each message, and records its delay.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{peer::feed::sent_at, process::monotonic};

/// All messages of a sample pass through it in order: one thread calls it, and one waits.
pub struct Meter {
    heard: AtomicU64,
    size: usize,
    warm: u64,
    all: u64,
    delays: Option<Delays>,
    mark: Notify,
}

impl Meter {
    /// A meter for this number of messages of this size: first to warm up, then to measure.
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

    /// Records a message.
    ///
    /// # Panics
    ///
    /// If the message is wrong, or is one too many.
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

    /// Waits for the warm-up messages; when called again, for all.
    pub async fn mark(&self) {
        self.mark.notified().await;
    }

    /// The number of received messages.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// The delay that this share of the messages does not exceed.
    pub fn delay(&self, share: f64) -> Duration {
        self.delays
            .as_ref()
            .map_or(Duration::ZERO, |delays| delays.percentile(share))
    }
}

/// Counts delays, in 128 steps for each power of two. A reported delay is at most 0.8 % below the
/// real one.
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

/// The index for a delay.
fn bucket(nanos: u64) -> usize {
    let power = u64::from(nanos.max(STEPS).ilog2() - STEPS.ilog2());
    (power * STEPS + (nanos >> power)) as usize
}

/// The least delay with this index.
fn least(bucket: usize) -> u64 {
    let power = (bucket as u64 / STEPS).saturating_sub(1);
    (bucket as u64 - power * STEPS) << power
}
