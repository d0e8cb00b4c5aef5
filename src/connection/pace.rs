//! How fast the messages of a name may go out: a bucket of its own, or one that names share.

use std::{
    collections::HashMap,
    fmt,
    num::NonZeroU32,
    sync::{Arc, Weak},
    time::Instant,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use parking_lot::Mutex;

use crate::{clock, config::RateSettings};

/// The clock of the timers that wait for a token.
#[derive(Clone, Copy, Debug)]
struct Timers;

impl Clock for Timers {
    type Instant = Instant;

    fn now(&self) -> Instant {
        clock::now()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Timers, NoOpMiddleware<Instant>>;

/// A bucket of tokens, one for each message.
pub(crate) struct Pace {
    settings: RateSettings,
    limiter: Limiter,
}

impl Pace {
    fn new(settings: &RateSettings) -> Self {
        // The settings hold more than zero of each; an interval below a nanosecond is no limit worth keeping.
        let interval = settings.per / settings.messages.get();
        let quota = Quota::with_period(interval)
            .unwrap_or(Quota::per_second(NonZeroU32::MAX))
            .allow_burst(settings.burst);
        Self {
            settings: settings.clone(),
            limiter: RateLimiter::direct_with_clock(quota, Timers),
        }
    }

    /// Takes a token for a message, or says when there is one.
    pub fn take(&self) -> Result<(), Instant> {
        let taken = self.limiter.check();
        taken.map_err(|until| {
            let now = clock::now();
            now + until.wait_time_from(now)
        })
    }

    /// A control frame goes out now; where they count it takes a token, if there is one.
    pub fn spend_for_control(&self) {
        if self.settings.control {
            // It never waits: without a token the next message waits all the same.
            let _spent = self.limiter.check();
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pace({:?})", self.settings)
    }
}

/// The buckets that names share, by their keys in `[rates]`. One lives as long as a name uses it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paces(Arc<Mutex<HashMap<Arc<str>, Weak<Pace>>>>);

impl Paces {
    /// The bucket for these settings. `current` is used on, if it is one for them.
    pub fn get(
        &self,
        settings: Option<&RateSettings>,
        current: Option<Arc<Pace>>,
    ) -> Option<Arc<Pace>> {
        let settings = settings?;
        if let Some(current) = current.filter(|current| current.settings == *settings) {
            return Some(current);
        }
        let Some(key) = &settings.bucket else {
            return Some(Arc::new(Pace::new(settings)));
        };
        let mut shared = self.0.lock();
        shared.retain(|_, pace| pace.strong_count() > 0);
        let known = shared.get(key).and_then(Weak::upgrade);
        if let Some(known) = known.filter(|known| known.settings == *settings) {
            return Some(known);
        }
        let pace = Arc::new(Pace::new(settings));
        shared.insert(Arc::clone(key), Arc::downgrade(&pace));
        Some(pace)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings(bucket: Option<&str>, messages: u32) -> RateSettings {
        let messages = NonZeroU32::new(messages).unwrap();
        let mut settings = RateSettings::new(messages, Duration::from_secs(1));
        settings.bucket = bucket.map(Into::into);
        settings
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_evenly() {
        let pace = Pace::new(&settings(None, 4));
        let start = clock::now();
        assert!((0..4).all(|_| pace.take().is_ok()));
        let next = pace.take().unwrap_err();
        assert_eq!(next - start, Duration::from_millis(250));
        tokio::time::advance(Duration::from_millis(250)).await;
        assert!(pace.take().is_ok());
        assert!(pace.take().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn control_frames_spend_only_where_they_count_and_never_wait() {
        let mut counted = settings(None, 1);
        counted.control = true;
        let pace = Pace::new(&counted);
        pace.spend_for_control();
        pace.spend_for_control();
        assert!(pace.take().is_err());
        let pace = Pace::new(&settings(None, 1));
        pace.spend_for_control();
        assert!(pace.take().is_ok());
    }

    #[test]
    fn names_with_a_key_share_a_bucket_and_changed_numbers_make_a_new_one() {
        let paces = Paces::default();
        let shared = settings(Some("api"), 5);
        let one = paces.get(Some(&shared), None).unwrap();
        let two = paces.get(Some(&shared), None).unwrap();
        assert!(Arc::ptr_eq(&one, &two));
        let own = settings(None, 5);
        let (a, b) = (
            paces.get(Some(&own), None).unwrap(),
            paces.get(Some(&own), None).unwrap(),
        );
        assert!(!Arc::ptr_eq(&a, &b));
        assert!(Arc::ptr_eq(
            &a,
            &paces.get(Some(&own), Some(a.clone())).unwrap()
        ));
        let faster = settings(Some("api"), 50);
        assert!(!Arc::ptr_eq(
            &one,
            &paces.get(Some(&faster), Some(one.clone())).unwrap()
        ));
        assert!(paces.get(None, Some(one)).is_none());
    }
}
