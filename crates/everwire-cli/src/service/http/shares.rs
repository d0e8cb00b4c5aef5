//! Places that callers share. Some are reserved for callers that reach all names; any other token
//! gets at most a share.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use super::access::Caller;

/// A number of places. A caller that reaches all names may take any free one.
#[derive(Clone, Debug)]
pub struct Shares(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    /// All places.
    places: usize,
    /// The places that are reserved for callers that reach all names.
    kept: usize,
    taken: Mutex<Taken>,
}

/// The taken places: all, and those of each token that does not reach all names.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_tenant: BTreeMap<String, usize>,
}

/// One place. Dropping it frees it.
#[derive(Debug)]
pub struct Place {
    shares: Shares,
    /// The token that took it, if that does not reach all names.
    tenant: Option<String>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The token already has its share of this size.
    Share(usize),
    /// All places that are not reserved are taken.
    Kept,
    /// All places are taken; this is their number.
    All(usize),
}

impl Shares {
    /// A number of places, of which `kept` are reserved for callers that reach all names.
    pub fn new(places: usize, kept: usize) -> Self {
        Self(Arc::new(Inside {
            places,
            kept,
            taken: Mutex::default(),
        }))
    }

    /// The places for all tokens together that do not reach all names.
    pub fn for_tenants(&self) -> usize {
        self.0.places - self.0.kept
    }

    /// Takes a place. A token that does not reach all names gets at most `share` places.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub fn take(&self, caller: &Caller, share: usize) -> Result<Place, Refused> {
        let tenant = (!caller.reaches_all()).then(|| caller.token.clone());
        self.take_for(tenant, share)
    }

    /// Takes a place. A token that does not reach all names gets at most `most` places. Once such
    /// tokens have taken three quarters of their places, each gets only its part of the last
    /// quarter. So each of the `tenants` finds its part free, however many places others take.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub fn take_fairly(
        &self,
        caller: &Caller,
        most: usize,
        tenants: usize,
    ) -> Result<Place, Refused> {
        let tenant = (!caller.reaches_all()).then(|| caller.token.clone());
        self.take_fairly_for(tenant, most, tenants)
    }

    fn take_fairly_for(
        &self,
        tenant: Option<String>,
        most: usize,
        tenants: usize,
    ) -> Result<Place, Refused> {
        let (all, last) = (self.for_tenants(), self.for_tenants() / 4);
        self.take_within(tenant, |taken| match taken >= all - last {
            true => (last / tenants.max(1)).clamp(1, most),
            false => most,
        })
    }

    fn take_for(&self, tenant: Option<String>, share: usize) -> Result<Place, Refused> {
        self.take_within(tenant, |_| share)
    }

    /// `share` gives the limit of a token, from the number of places that all such tokens have
    /// taken.
    fn take_within(
        &self,
        tenant: Option<String>,
        share: impl FnOnce(usize) -> usize,
    ) -> Result<Place, Refused> {
        let mut taken = self.0.taken.lock();
        if let Some(tenant) = &tenant {
            let share = share(taken.by_tenants());
            if taken.by_tenant.get(tenant).is_some_and(|&own| own >= share) {
                return Err(Refused::Share(share));
            }
            if taken.by_tenants() >= self.for_tenants() {
                return Err(Refused::Kept);
            }
        }
        if taken.all >= self.0.places {
            return Err(Refused::All(self.0.places));
        }
        taken.all += 1;
        if let Some(tenant) = &tenant {
            *taken.by_tenant.entry(tenant.clone()).or_default() += 1;
        }
        Ok(Place {
            shares: self.clone(),
            tenant,
        })
    }
}

impl Taken {
    /// The places of all tokens that do not reach all names.
    fn by_tenants(&self) -> usize {
        self.by_tenant.values().sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.shares.0.taken.lock();
        taken.all -= 1;
        let Some(tenant) = &self.tenant else { return };
        if let Some(own) = taken.by_tenant.get_mut(tenant) {
            *own -= 1;
            if *own == 0 {
                taken.by_tenant.remove(tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(shares: &Shares, tenant: Option<&str>, share: usize) -> (Vec<Place>, Refused) {
        let mut places = Vec::new();
        loop {
            match shares.take_for(tenant.map(str::to_owned), share) {
                Ok(place) => places.push(place),
                Err(refused) => return (places, refused),
            }
        }
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let shares = Shares::new(10, 2);
        let (mut places, refused) = fill(&shares, None, 0);
        assert_eq!((places.len(), refused), (10, Refused::All(10)));
        places.pop();
        assert_eq!(fill(&shares, None, 0).0.len(), 1);
        drop(places);
        let taken = shares.0.taken.lock();
        assert!(taken.all == 0 && taken.by_tenant.is_empty());
    }

    #[test]
    fn a_token_takes_its_share_and_no_place_of_another_or_of_operators() {
        let shares = Shares::new(192, 32);
        let (acme, refused) = fill(&shares, Some("acme"), 80);
        assert_eq!((acme.len(), refused), (80, Refused::Share(80)));
        let (other, _) = fill(&shares, Some("other"), 80);
        assert_eq!(other.len(), 80);
        // A token that was added later waits until others free places.
        let (third, refused) = fill(&shares, Some("third"), 80);
        assert_eq!((third.len(), refused), (0, Refused::Kept));
        assert_eq!(fill(&shares, None, 0).0.len(), 32);
        drop(acme);
        assert_eq!(fill(&shares, Some("third"), 80).0.len(), 80);
    }

    #[test]
    fn what_operators_take_beyond_what_is_kept_for_them_is_the_only_thing_that_tenants_lose() {
        let shares = Shares::new(192, 32);
        let _operators: Vec<_> = (0..100).map(|_| shares.take_for(None, 0)).collect();
        let (acme, refused) = fill(&shares, Some("acme"), 96);
        assert_eq!((acme.len(), refused), (92, Refused::All(192)));
    }

    #[test]
    fn two_tokens_that_take_what_they_can_leave_a_third_its_part_of_the_last_quarter() {
        let shares = Shares::new(192, 32);
        let fill = |tenant: &str| -> Vec<Place> {
            let take = || shares.take_fairly_for(Some(tenant.to_owned()), 96, 4).ok();
            std::iter::from_fn(take).collect()
        };
        let (first, second) = (fill("first"), fill("second"));
        assert_eq!((first.len(), second.len()), (96, 24));
        let (third, fourth) = (fill("third"), fill("fourth"));
        assert_eq!((third.len(), fourth.len()), (10, 10));
        drop(first);
        assert_eq!(fill("fourth").len(), 76);
    }

    #[test]
    fn with_more_tokens_than_places_operators_keep_theirs() {
        let shares = Shares::new(192, 32);
        let places: Vec<_> = (0..1_000)
            .filter_map(|number| shares.take_for(Some(number.to_string()), 1).ok())
            .collect();
        assert_eq!(places.len(), 160);
        assert!(shares.take_for(None, 1).is_ok());
    }
}
