//! Limits the subscriptions of all WebSockets: each event may have to be matched against each of
//! them.

use actix_web::http::header::{self, HeaderValue};

use crate::service::http::{
    access::Caller,
    problem::Problem,
    shares::{Place, Shares},
};

/// The limit for all clients.
const ALL: usize = 2048;
/// The part of these that is reserved for callers that reach all names.
const KEPT: usize = 256;

/// The places of subscriptions. Tokens that do not reach all names have equal shares of the
/// unreserved places.
#[derive(Clone, Debug)]
pub struct Subscriptions(Shares);

impl Default for Subscriptions {
    fn default() -> Self {
        Self(Shares::new(ALL, KEPT))
    }
}

impl Subscriptions {
    /// Takes a place. `tenants` is the number of tokens that do not reach all names.
    ///
    /// # Errors
    ///
    /// 503.
    pub fn take(&self, caller: &Caller, tenants: usize) -> Result<Place, Problem> {
        let share = (self.0.for_tenants() / tenants.max(1)).max(1);
        self.0.take(caller, share).map_err(|_refused| {
            let soon = HeaderValue::from_static("5");
            let detail = "too many subscriptions, in all or of this token; unsubscribe those that are not read";
            Problem::unavailable(detail).header(header::RETRY_AFTER, soon)
        })
    }
}
