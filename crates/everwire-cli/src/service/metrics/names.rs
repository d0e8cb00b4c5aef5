//! Which names have their own series.

use std::collections::HashMap;

use everwire::{ConnectionName, Owner};
use parking_lot::RwLock;

/// The names with their own series: the first ones, up to a limit. They keep the series until they
/// are removed, so that no series moves from name to name.
///
/// Names of tokens that do not reach all names have at most three quarters of the series. Each of
/// these tokens has an equal share.
pub struct Names {
    max: usize,
    admitted: RwLock<Admitted>,
}

/// The names, with the owners whose share they use.
#[derive(Default)]
struct Admitted {
    names: HashMap<ConnectionName, Option<Owner>>,
    by_tenant: HashMap<Owner, usize>,
}

impl Names {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            admitted: RwLock::default(),
        }
    }

    /// Whether the name has its own series. `tenant`: the owner whose share it uses, and the number
    /// of such owners.
    pub fn admit(
        &self,
        name: &ConnectionName,
        tenant: impl FnOnce() -> Option<(Owner, usize)>,
    ) -> bool {
        if self.admitted.read().names.contains_key(name) {
            return true;
        }
        let tenant = tenant();
        let mut admitted = self.admitted.write();
        if admitted.names.contains_key(name) {
            return true;
        }
        if admitted.names.len() >= self.max {
            return false;
        }
        if let Some((owner, tenants)) = &tenant {
            let for_tenants = self.max - self.max / 4;
            let share = (for_tenants / (*tenants).max(1)).max(1);
            let own = admitted.by_tenant.get(owner).copied().unwrap_or_default();
            if own >= share || admitted.by_tenant.values().sum::<usize>() >= for_tenants {
                return false;
            }
            admitted.by_tenant.insert(owner.clone(), own + 1);
        }
        let owner = tenant.map(|(owner, _)| owner);
        admitted.names.insert(name.clone(), owner);
        true
    }

    /// Removes a name. Returns whether it had series.
    pub fn forget(&self, name: &ConnectionName) -> bool {
        let mut admitted = self.admitted.write();
        let gone = admitted.names.remove(name);
        if let Some(Some(owner)) = &gone {
            admitted.give_back(owner);
        }
        gone.is_some()
    }

    /// Removes names that disappeared without notice.
    pub fn keep(&self, is_there: impl Fn(&ConnectionName) -> bool) {
        let admitted = &mut *self.admitted.write();
        let gone = admitted.names.extract_if(|name, _| !is_there(name));
        let owners: Vec<_> = gone.filter_map(|(_, owner)| owner).collect();
        owners.iter().for_each(|owner| admitted.give_back(owner));
    }
}

impl Admitted {
    fn give_back(&mut self, owner: &Owner) {
        if let Some(own) = self.by_tenant.get_mut(owner) {
            *own -= 1;
            if *own == 0 {
                self.by_tenant.remove(owner);
            }
        }
    }
}
