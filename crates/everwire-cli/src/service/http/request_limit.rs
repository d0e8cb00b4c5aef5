//! How many requests may be under way: of all clients of a listener, and of each token that does not reach all names.

use std::{collections::BTreeMap, rc::Rc};

/// Beyond so many requests of all a token that does not reach all names is let in only for its share of the others that may be under way.
pub const FREE: usize = 180;

/// What a request may take of what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Of anyone.
    Other,
    /// Of someone who may know of all names.
    Operator,
    /// Whether the process is ready.
    Ready,
    /// Whether it is alive. It is answered in one turn, and never refused.
    Alive,
}

impl Class {
    /// So many requests may be under way where this one is admitted.
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
    /// So many of its requests find room that other tokens cannot take.
    share: usize,
}

impl Tenant {
    /// One of so many.
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

/// The requests that are under way.
#[derive(Debug, Default)]
pub struct RequestLimit {
    /// Of all.
    pub all: usize,
    /// Of these, those of each token that does not reach all names.
    pub by_tenant: BTreeMap<Rc<str>, usize>,
}

impl RequestLimit {
    /// One more is under way.
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

    /// One is over.
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
