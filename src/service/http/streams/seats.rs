//! How many clients may stay connected.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, http::header};
use parking_lot::Mutex;

use crate::service::http::{access::Caller, hosts, problem::Problem};

/// Of all connections, so that some are left for requests.
const MAX: usize = 192;
/// Of these, those that only callers take who reach all names.
const KEPT: usize = 32;

/// The places for clients that stay. Tokens that do not reach all names have equal shares of what is not kept back, so that none takes
/// another's; who reaches all names takes any that is free.
#[derive(Clone, Debug, Default)]
pub struct Seats(Arc<Mutex<Taken>>);

/// What is taken: by all, and by each token that does not reach all names.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_tenant: BTreeMap<String, usize>,
}

/// One place; dropping it frees it.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    /// Whose it is, if the token does not reach all names.
    tenant: Option<String>,
}

impl Seats {
    /// Takes a place for a request that neither another site's page makes nor one too many. `tenants`: how many tokens do not reach all
    /// names.
    ///
    /// # Errors
    ///
    /// 403, 503.
    pub fn take(
        &self,
        request: &HttpRequest,
        caller: &Caller,
        tenants: usize,
    ) -> Result<Seat, Problem> {
        hosts::check_site(request)?;
        let tenant = (!caller.reaches_all()).then(|| caller.token.clone());
        match self.0.lock().take(tenant.as_deref(), tenants) {
            Ok(()) => Ok(Seat {
                seats: self.clone(),
                tenant,
            }),
            Err(detail) => {
                let soon = header::HeaderValue::from_static("5");
                Err(Problem::unavailable(detail).header(header::RETRY_AFTER, soon))
            }
        }
    }
}

impl Taken {
    fn take(&mut self, tenant: Option<&str>, tenants: usize) -> Result<(), String> {
        if let Some(tenant) = tenant {
            let share = share(tenants);
            if self.by_tenant.get(tenant).is_some_and(|&own| own >= share) {
                return Err(format!(
                    "{share} clients of this token stay connected already, which is its share"
                ));
            }
            if self.by_tenant.values().sum::<usize>() >= MAX - KEPT {
                return Err("all places that are not kept for operators are taken".to_owned());
            }
        }
        if self.all >= MAX {
            return Err(format!(
                "{MAX} clients stay connected already, which is what is allowed"
            ));
        }
        self.all += 1;
        if let Some(tenant) = tenant {
            *self.by_tenant.entry(tenant.to_owned()).or_default() += 1;
        }
        Ok(())
    }
}

/// What one of so many tokens takes at most.
fn share(tenants: usize) -> usize {
    ((MAX - KEPT) / tenants.max(1)).max(1)
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock();
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
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let (seats, everybody) = (Seats::default(), Caller::everybody());
        let request = TestRequest::default().to_http_request();
        let take = || seats.take(&request, &everybody, 0);
        let mut taken: Vec<_> = (0..MAX).map(|_| take().unwrap()).collect();
        let refused = take().unwrap_err().to_string();
        assert!(refused.contains("192 clients"), "{refused}");
        taken.pop();
        assert!(take().is_ok());
    }

    #[test]
    fn a_token_takes_its_share_and_no_place_of_another_or_of_operators() {
        let mut taken = Taken::default();
        let mut take = |tenant| std::iter::from_fn(|| taken.take(tenant, 2).ok()).count();
        assert_eq!(take(Some("acme")), 80);
        assert_eq!(take(Some("other")), 80);
        // One whose token has come since waits until others go.
        assert_eq!(take(Some("third")), 0);
        assert_eq!(take(None), KEPT);
    }

    #[test]
    fn with_more_tokens_than_places_operators_keep_theirs() {
        let mut taken = Taken::default();
        let names: Vec<_> = (0..1_000).map(|number| number.to_string()).collect();
        let seated = names
            .iter()
            .filter(|name| taken.take(Some(name), 1_000).is_ok());
        assert_eq!(seated.count(), MAX - KEPT);
        assert!(taken.take(None, 1_000).is_ok());
    }
}
