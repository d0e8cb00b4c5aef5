//! Limits the clients that stay connected.

use actix_web::http::header;

use crate::service::http::{
    access::Caller,
    problem::Problem,
    shares::{Place, Refused, Shares},
};

/// The limit, below that of all connections, so that some are left for requests.
const MAX: usize = 192;
/// The part of these that is reserved for callers that reach all names.
const KEPT: usize = 32;

/// One place. Dropping it frees it.
pub type ConnectionSlot = Place;

/// The places for clients that stay connected. Tokens that do not reach all names have equal shares
/// of the unreserved places, so that none takes those of another.
#[derive(Clone, Debug)]
pub struct ConnectionLimit(Shares);

impl Default for ConnectionLimit {
    fn default() -> Self {
        Self(Shares::new(MAX, KEPT))
    }
}

impl ConnectionLimit {
    /// Takes a place. `tenants` is the number of tokens that do not reach all names.
    ///
    /// # Errors
    ///
    /// 503.
    pub fn take(&self, caller: &Caller, tenants: usize) -> Result<ConnectionSlot, Problem> {
        let share = (self.0.for_tenants() / tenants.max(1)).max(1);
        self.0.take(caller, share).map_err(|refused| {
            let soon = header::HeaderValue::from_static("5");
            Problem::unavailable(message(refused)).header(header::RETRY_AFTER, soon)
        })
    }
}

fn message(refused: Refused) -> String {
    match refused {
        Refused::Share(share) => {
            format!(
                "too many clients: this token has {share} connected already, and no more are allowed"
            )
        }
        Refused::Kept => {
            "too many clients: the other places are for tokens that reach all names".to_owned()
        }
        Refused::All(max) => {
            format!("too many clients: {max} are connected already, and no more are allowed")
        }
    }
}
