//! Leases: until when a boot may write.

use std::{collections::BTreeMap, time::Duration};

use super::Clocks;

/// The clocks may move apart by this much without a doubt.
const APART: Duration = Duration::from_secs(1);
/// Renewals that were sent and are not seen. What is older than the last of them proves nothing.
const MOST_SENT: usize = 16;
/// What a renewal may take to be seen in the log, at worst, without the end of the lease.
const FOR_THE_LOG: Duration = Duration::from_secs(10);

/// How long leases are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseSettings {
    lease: Duration,
    margin: Duration,
}

/// A lease that leaves no time to renew it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid lease: lease − margin is {usable:?}, less than lease / 3 + 10 s, which is {needed:?}: with this margin a lease of {least:?} would be right"
)]
pub struct InvalidLease {
    /// What is left of the lease.
    pub usable: Duration,
    /// What has to be left.
    pub needed: Duration,
    /// The shortest lease with this margin.
    pub least: Duration,
}

/// The lease of one boot, by its own clock.
#[derive(Debug)]
pub(super) struct Lease {
    settings: LeaseSettings,
    /// When each renewal was sent, by its number. The join is number 0.
    sent: BTreeMap<u64, Clocks>,
    /// No write may begin at this time or later, by the clock since the start of the machine.
    until: Option<Duration>,
    /// A renewal that was sent earlier proves nothing: the clocks have moved apart.
    not_before: Duration,
    is_doubted: bool,
    last: Clocks,
}

impl Default for LeaseSettings {
    /// 30 s, with a margin of 2 s.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            margin: Duration::from_secs(2),
        }
    }
}

impl LeaseSettings {
    /// A lease with a margin.
    ///
    /// # Errors
    ///
    /// [`InvalidLease`] if lease − margin is less than lease / 3 + 10 s.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use everwire_proto::placement::LeaseSettings;
    ///
    /// let seconds = Duration::from_secs;
    /// assert_eq!(LeaseSettings::new(seconds(30), seconds(2))?, LeaseSettings::default());
    /// let error = LeaseSettings::new(seconds(15), seconds(2)).unwrap_err();
    /// assert_eq!(error.least, seconds(18));
    /// # Ok::<(), everwire_proto::placement::InvalidLease>(())
    /// ```
    pub fn new(lease: Duration, margin: Duration) -> Result<Self, InvalidLease> {
        let usable = lease.saturating_sub(margin);
        let needed = (lease / 3).saturating_add(FOR_THE_LOG);
        if usable < needed {
            let least = margin.saturating_add(FOR_THE_LOG).saturating_mul(3) / 2;
            return Err(InvalidLease {
                usable,
                needed,
                least,
            });
        }
        Ok(Self { lease, margin })
    }

    /// The lease.
    pub fn lease(self) -> Duration {
        self.lease
    }

    /// The margin.
    pub fn margin(self) -> Duration {
        self.margin
    }

    /// A boot may write for so long after it sent a renewal.
    pub fn usable(self) -> Duration {
        self.lease.saturating_sub(self.margin)
    }

    /// After so long without a renewal a boot has stopped, by any clock.
    pub fn silence(self) -> Duration {
        self.lease.saturating_add(self.margin)
    }

    /// The time from one renewal to the next. It is more than a third of a lease, so that a cluster
    /// at rest appends fewer than three records per node and lease.
    pub fn between_renewals(self) -> Duration {
        self.lease * 2 / 5
    }
}

impl Lease {
    /// The lease of a boot that is to join. `until` is that of the boot whose place it takes.
    pub fn new(settings: LeaseSettings, until: Option<Duration>, now: Clocks) -> Self {
        Self {
            settings,
            sent: BTreeMap::new(),
            until,
            not_before: Duration::ZERO,
            is_doubted: false,
            last: now,
        }
    }

    /// Compares the clocks: where they have moved apart, nothing is proven until a renewal that is
    /// sent from now on has been seen.
    pub fn look(&mut self, now: Clocks) {
        if now.apart_since(self.last) > APART || now.boot < self.last.boot {
            self.is_doubted = true;
            self.not_before = now.boot;
        }
        self.last = now;
    }

    /// Notes when the renewal was sent first.
    pub fn sent(&mut self, number: u64, now: Clocks) {
        self.sent.entry(number).or_insert(now);
        while self.sent.len() > MOST_SENT {
            self.sent.pop_first();
        }
    }

    /// The renewal was seen in the log.
    pub fn seen(&mut self, number: u64) {
        let later = self.sent.split_off(&number.saturating_add(1));
        let sent = std::mem::replace(&mut self.sent, later).remove(&number);
        let Some(sent) = sent else {
            return;
        };
        let until = sent.boot.saturating_add(self.settings.usable());
        self.until = self.until.max(Some(until));
        if sent.boot >= self.not_before {
            self.is_doubted = false;
        }
    }

    /// Whether it has run out. A lease that was never proven has not.
    pub fn is_over(&self, now: Clocks) -> bool {
        self.until.is_some_and(|until| now.boot >= until)
    }

    /// No write may begin at this time or later; `None` if none may begin at all.
    pub fn write_until(&self) -> Option<Duration> {
        self.until.filter(|_| !self.is_doubted)
    }

    /// When it runs out, even if nothing may be written meanwhile.
    pub fn until(&self) -> Option<Duration> {
        self.until
    }
}
