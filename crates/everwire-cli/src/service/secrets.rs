//! The owners of the secrets that were set over the API. Each token has a share of them.

use std::collections::HashMap;

use everwire::{ConnectionName, Manager, Owner, config::Secret, manager::SecretStoreFull};
use parking_lot::Mutex;

/// The most secrets of tokens that do not reach all names. Other tokens may also use the rest of
/// the store's 10,000.
const FOR_TENANTS: usize = 9_000;

/// The owners of all secrets.
#[derive(Debug, Default)]
pub struct Secrets(Mutex<HashMap<ConnectionName, Owner>>);

/// Why a secret is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The token has its share, which is this.
    #[error("the token has put {0} secrets, and no more are allowed; DELETE one of them first")]
    Share(usize),
    /// What is not kept back is taken.
    #[error(
        "there are {FOR_TENANTS} secrets, and the rest is for tokens that reach all names; DELETE those that are not used"
    )]
    Kept,
    /// All are taken.
    #[error(transparent)]
    Full(#[from] SecretStoreFull),
}

impl Secrets {
    /// Sets the value of a secret. Returns whether it is new; a new secret belongs to `owner`.
    /// `tenants`: the number of tokens that share with the owner, if the owner does not reach all
    /// names.
    /// if it does not reach all names.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing was changed then.
    pub fn put(
        &self,
        manager: &Manager,
        id: &ConnectionName,
        secret: Secret,
        owner: Owner,
        tenants: Option<usize>,
    ) -> Result<bool, Refused> {
        let mut owners = self.0.lock();
        if let Some(tenants) = tenants
            && !owners.contains_key(id)
        {
            refuse_one_more(&owners, &owner, tenants)?;
        }
        let is_new = manager.put_secret(id.clone(), secret)?;
        if is_new {
            owners.insert(id.clone(), owner);
        }
        Ok(is_new)
    }

    /// Deletes a secret. Returns whether it existed.
    pub fn remove(&self, manager: &Manager, id: &ConnectionName) -> bool {
        let mut owners = self.0.lock();
        owners.remove(id);
        manager.remove_secret(id)
    }
}

fn refuse_one_more(
    owners: &HashMap<ConnectionName, Owner>,
    owner: &Owner,
    tenants: usize,
) -> Result<(), Refused> {
    let share = (FOR_TENANTS / tenants.max(1)).max(1);
    let own = owners.values().filter(|other| *other == owner).count();
    if own >= share {
        return Err(Refused::Share(share));
    }
    match owners.len() >= FOR_TENANTS {
        true => Err(Refused::Kept),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(numbers: &[(&str, usize)]) -> HashMap<ConnectionName, Owner> {
        let of = |(owner, number): &(&str, usize)| {
            let owner = Owner::new(owner);
            let id = |at: usize| ConnectionName::new(format!("{owner}-{at}")).unwrap();
            let ids: Vec<_> = (0..*number).map(|at| (id(at), owner.clone())).collect();
            ids
        };
        numbers.iter().flat_map(of).collect()
    }

    #[test]
    fn a_token_has_its_share_of_the_secrets_and_leaves_those_of_others_and_of_operators() {
        let one_more = |numbers: &[(&str, usize)], tenants| {
            refuse_one_more(&owners(numbers), &Owner::new("acme"), tenants)
        };
        assert_eq!(one_more(&[("acme", 4_499)], 2), Ok(()));
        assert_eq!(one_more(&[("acme", 4_500)], 2), Err(Refused::Share(4_500)));
        assert_eq!(one_more(&[("acme", 8_999)], 1), Ok(()));
        assert_eq!(
            one_more(&[("acme", 4_500), ("other", 4_500)], 1),
            Err(Refused::Kept)
        );
        assert_eq!(one_more(&[("other", 8_999)], 10_000), Ok(()));
        assert_eq!(one_more(&[("acme", 1)], 10_000), Err(Refused::Share(1)));
    }
}
