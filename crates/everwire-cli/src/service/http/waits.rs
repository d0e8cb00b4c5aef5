//! How many requests may wait for what becomes of a message.

use actix_web::http::header::{self, HeaderValue};

use super::{
    access::Caller,
    problem::Problem,
    shares::{Place, Shares},
};

/// Of all callers.
const ALL: usize = 192;
/// Of these, those that only callers take who may know of all names.
const KEPT: usize = 32;
/// Of one token that may not know of all names.
const ONE: usize = 96;

/// The places of requests that wait.
#[derive(Clone, Debug)]
pub struct Waits(Shares);

impl Default for Waits {
    fn default() -> Self {
        Self(Shares::new(ALL, KEPT))
    }
}

impl Waits {
    /// Takes a place, before the message is accepted. `tenants`: how many tokens do not reach all names.
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
