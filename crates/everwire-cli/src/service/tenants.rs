//! Which names belong to tokens that do not reach all names: such a token has a share of what names use up together.

use std::sync::Arc;

use everwire::{ConnectionName, Manager, Owner};

use super::http::access::Access;

/// The names of a manager, and the tokens that they may belong to.
#[derive(Clone)]
pub struct Tenants {
    manager: Manager,
    access: Arc<Access>,
}

impl Tenants {
    /// As the manager and the tokens have it at each look.
    pub fn new(manager: Manager, access: Arc<Access>) -> Self {
        Self { manager, access }
    }

    /// Who has a share that this name counts for: a token that does not reach all names, or [`Owner::removed`] where its token is no
    /// more. `None`: names of the file, of tokens that reach all names, and all names where there are no tokens.
    pub fn of(&self, name: &ConnectionName) -> Option<Owner> {
        self.access.tenant(&self.manager.owner(name)?)
    }

    /// How many have a share.
    pub fn count(&self) -> usize {
        self.access.tenants()
    }
}
