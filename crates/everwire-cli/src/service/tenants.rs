//! Which names belong to tokens that do not reach all names. Each such token has a share of what
//! all names use together.

use std::sync::Arc;

use everwire::{ConnectionName, Manager, Owner};

use super::http::access::Access;

/// The names of a manager, and the tokens that may own them.
#[derive(Clone)]
pub struct Tenants {
    manager: Manager,
    access: Arc<Access>,
}

impl Tenants {
    /// Reads the manager and the tokens at each call.
    pub fn new(manager: Manager, access: Arc<Access>) -> Self {
        Self { manager, access }
    }

    /// The owner whose share this name uses: a token that does not reach all names, or
    /// [`Owner::removed`] if its token no longer exists. `None` for names of the file, of tokens
    /// that reach all names, and without tokens.
    pub fn of(&self, name: &ConnectionName) -> Option<Owner> {
        self.access.tenant(&self.manager.owner(name)?)
    }

    /// The number of owners with a share.
    pub fn count(&self) -> usize {
        self.access.tenants()
    }
}
