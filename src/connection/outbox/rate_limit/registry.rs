//! The buckets of names.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use super::{BucketId, BucketSet, TokenBucket, is_stored};
use crate::{
    core::ConnectionName,
    persistence::{Order, Persistence},
    settings::RateSettings,
};

/// How many unused buckets are remembered for what was written.
const MAX_UNUSED: usize = 4096;

/// Below this number unused buckets are not looked for.
const FEW: usize = 64;

/// The shared and the stored buckets of a process. Clones share them.
#[derive(Clone)]
pub(crate) struct TokenBuckets(Arc<Shared>);

struct Shared {
    persistence: Persistence,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    buckets: HashMap<BucketId, Arc<TokenBucket>>,
    /// The number of buckets at which unused ones are looked for.
    look_at: usize,
}

impl TokenBuckets {
    /// Buckets with a `per` of a minute or more are stored here, if the store is open.
    pub fn new(persistence: Persistence) -> Self {
        Self(Arc::new(Shared {
            persistence,
            known: Mutex::default(),
        }))
    }

    /// The buckets of a name with these settings. `current` are its present ones, whose counts
    /// carry over.
    pub(in crate::connection) fn get(
        &self,
        name: &ConnectionName,
        settings: &[RateSettings],
        current: Option<&BucketSet>,
    ) -> Option<Box<BucketSet>> {
        let one = |settings: &RateSettings| {
            let mut current = current.into_iter().flat_map(BucketSet::iter);
            let current = current.find(|current| current.id == BucketId::of(name, settings));
            self.one(name, settings, current.cloned())
        };
        BucketSet::of(settings.iter().map(one))
    }

    /// The buckets of a name, and those of a step besides. Known buckets keep their numbers, since
    /// a running conversation may have old settings.
    pub(in crate::connection) fn with_step(
        &self,
        name: &ConnectionName,
        own: Option<&BucketSet>,
        settings: &[RateSettings],
    ) -> Option<Box<BucketSet>> {
        let of_step = settings.iter().map(|settings| {
            let known = self.find(&BucketId::of(name, settings));
            known.unwrap_or_else(|| self.one(name, settings, None))
        });
        let own = own.into_iter().flat_map(BucketSet::iter).cloned();
        BucketSet::of(own.chain(of_step))
    }

    /// Changes the settings of the existing buckets of steps.
    pub(in crate::connection) fn set_limits<'r>(
        &self,
        name: &ConnectionName,
        settings: impl Iterator<Item = &'r RateSettings>,
    ) {
        for settings in settings {
            if let Some(bucket) = self.find(&BucketId::of(name, settings)) {
                bucket.set_settings(settings);
            }
        }
    }

    fn find(&self, id: &BucketId) -> Option<Arc<TokenBucket>> {
        self.0.known.lock().buckets.get(id).cloned()
    }

    fn one(
        &self,
        name: &ConnectionName,
        settings: &RateSettings,
        current: Option<Arc<TokenBucket>>,
    ) -> Arc<TokenBucket> {
        let id = BucketId::of(name, settings);
        let is_known = settings.bucket.is_some() || is_stored(settings);
        let mut known = self.0.known.lock();
        if let Some(bucket) = current.or_else(|| known.buckets.get(&id).cloned()) {
            bucket.set_settings(settings);
            if is_known {
                known
                    .buckets
                    .entry(id)
                    .or_insert_with(|| Arc::clone(&bucket));
            }
            return bucket;
        }
        let persistence = self.0.persistence.clone();
        let bucket = Arc::new(TokenBucket::new(id.clone(), settings, persistence));
        if is_known {
            known.forget_unused(&self.0.persistence);
            known.buckets.insert(id, Arc::clone(&bucket));
        }
        bucket
    }

    /// The store is open only now: what earlier processes have written counts from here on.
    pub fn recall(&self) {
        for bucket in self.0.known.lock().buckets.values() {
            bucket.recall();
        }
    }

    /// Stores the counts. `is_over`: nothing more will be written.
    pub fn store(&self, is_over: bool) {
        for bucket in self.0.known.lock().buckets.values() {
            bucket.store(is_over);
        }
    }
}

impl Known {
    /// Drops unused buckets that have nothing to remember, or that the store has.
    fn forget_unused(&mut self, persistence: &Persistence) {
        if self.buckets.len() < self.look_at.max(FEW) {
            return;
        }
        let mut unused = 0;
        self.buckets.retain(|id, bucket| {
            if Arc::strong_count(bucket) > 1 {
                return true;
            }
            if bucket.is_idle() {
                persistence.order(Order::Rate(id.key(), None));
                return false;
            }
            unused += 1;
            unused <= MAX_UNUSED
        });
        self.look_at = 2 * self.buckets.len();
    }
}
