//! Limits the running requests: of all clients of a listener, and of each token that does not reach
//! all names.

use std::{collections::BTreeMap, rc::Rc};

/// With more running requests than this, a token that does not reach all names gets only its share
/// of the rest.
pub const FREE: usize = 180;

/// The kind of a request, which decides how much of the rest it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A request of anyone.
    Other,
    /// A request of a caller that reaches all names.
    Operator,
    /// The readiness check.
    Ready,
    /// The health check. It is answered in one turn, and never refused.
    Alive,
}

impl Class {
    /// A request of this kind is admitted while fewer than this number of requests are running.
    pub fn limit(self) -> usize {
        match self {
            Self::Other => 240,
            Self::Operator => 288,
            Self::Ready => 304,
            Self::Alive => usize::MAX,
        }
    }
}

/// A token that does not reach all names.
#[derive(Clone, Debug)]
pub struct Tenant {
    token: Rc<str>,
    /// The number of its requests that other tokens cannot displace.
    share: usize,
}

impl Tenant {
    /// A token that is one of `tenants`.
    pub fn new(token: &str, tenants: usize) -> Self {
        Self {
            token: token.into(),
            share: ((Class::Other.limit() - FREE) / tenants.max(1)).max(1),
        }
    }
}

/// There are too many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// The running requests.
#[derive(Debug, Default)]
pub struct RequestLimit {
    /// Of all.
    pub all: usize,
    /// The running requests of each token that does not reach all names.
    pub by_tenant: BTreeMap<Rc<str>, usize>,
}

impl RequestLimit {
    /// Records the start of a request.
    ///
    /// # Errors
    ///
    /// [`TooMany`].
    pub fn enter(&mut self, class: Class, tenant: Option<&Tenant>) -> Result<(), TooMany> {
        if self.all >= class.limit() {
            return Err(TooMany);
        }
        if let Some(Tenant { token, share }) = tenant {
            let own = self.by_tenant.get(token).copied().unwrap_or_default();
            if self.all >= FREE && own >= *share {
                return Err(TooMany);
            }
            self.by_tenant.insert(Rc::clone(token), own + 1);
        }
        self.all += 1;
        Ok(())
    }

    /// Records the end of a request.
    pub fn leave(&mut self, tenant: Option<&Tenant>) {
        self.all -= 1;
        if let Some(Tenant { token, .. }) = tenant
            && let Some(own) = self.by_tenant.get_mut(token)
        {
            *own -= 1;
            if *own == 0 {
                self.by_tenant.remove(token);
            }
        }
    }
}
