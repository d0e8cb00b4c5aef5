//! How many requests may wait for what becomes of a message.

use std::{collections::HashMap, sync::Arc};

use actix_web::http::header::{self, HeaderValue};
use parking_lot::Mutex;

use super::{access::Caller, problem::Problem};

/// Of all callers.
const ALL: usize = 192;
/// Of those who may not know of all names: the rest is kept for those who may.
const OTHERS: usize = 160;
/// Of one token that may not know of all names.
const ONE: usize = 96;

/// The places of requests that wait.
#[derive(Clone, Debug, Default)]
pub struct Waits(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    others: HashMap<String, usize>,
}

/// One place; dropping it frees it.
#[derive(Debug)]
pub struct Wait {
    waits: Waits,
    /// Whose it is, if not an operator's.
    token: Option<String>,
}

impl Waits {
    /// Takes a place, before the message is accepted.
    ///
    /// # Errors
    ///
    /// 503.
    pub fn take(&self, caller: &Caller) -> Result<Wait, Problem> {
        let token = (!caller.reaches_all()).then(|| caller.token.clone());
        let mut taken = self.0.lock();
        let limit = if token.is_some() { OTHERS } else { ALL };
        let own = token.as_ref().and_then(|token| taken.others.get(token));
        if taken.all >= limit || own.is_some_and(|own| *own >= ONE) {
            let soon = HeaderValue::from_static("1");
            let detail = "too many requests wait for what becomes of a message; nothing was sent: send without `wait`, and ask for its fate";
            return Err(Problem::unavailable(detail).header(header::RETRY_AFTER, soon));
        }
        taken.all += 1;
        if let Some(token) = &token {
            *taken.others.entry(token.clone()).or_default() += 1;
        }
        Ok(Wait {
            waits: self.clone(),
            token,
        })
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut taken = self.waits.0.lock();
        taken.all -= 1;
        if let Some(token) = self.token.take()
            && let Some(own) = taken.others.get_mut(&token)
        {
            *own -= 1;
            if *own == 0 {
                taken.others.remove(&token);
            }
        }
    }
}
