//! Limits the requests that wait for the fate of a message.

use actix_web::http::header::{self, HeaderValue};

use super::{
    access::Caller,
    problem::Problem,
    shares::{Place, Shares},
};

/// The limit for all callers.
const ALL: usize = 192;
/// The part of these that is reserved for callers that reach all names.
const KEPT: usize = 32;
/// The limit for one token that does not reach all names.
const ONE: usize = 96;

/// The places of waiting requests.
#[derive(Clone, Debug)]
pub struct Waits(Shares);

impl Default for Waits {
    fn default() -> Self {
        Self(Shares::new(ALL, KEPT))
    }
}

impl Waits {
    /// Takes a place before the message is accepted. `tenants` is the number of tokens that do not
    /// reach all names.
    ///
    /// # Errors
    ///
    /// 503.
    pub fn take(&self, caller: &Caller, tenants: usize) -> Result<Place, Problem> {
        self.0.take_fairly(caller, ONE, tenants).map_err(|_refused| {
            let soon = HeaderValue::from_static("1");
            let detail = "too many requests wait for the fate of a message, so nothing was sent; send without `wait`, and ask for the fate later";
            Problem::unavailable(detail).header(header::RETRY_AFTER, soon)
        })
    }
}
