//! The shares of owners in shared resources.

use std::collections::BTreeMap;

use super::Owner;

/// How much of a shared resource an owner may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// No limit.
    All,
    /// A part of its own.
    Tenant,
    /// The smallest part, together with all others that have this share.
    Removed,
}

/// The shares of all owners. What nobody owns has [`Share::All`].
#[derive(Clone, Debug)]
pub struct OwnerShares {
    known: BTreeMap<Owner, Share>,
    others: Share,
}

impl Default for OwnerShares {
    /// No owner has a limit.
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            others: Share::All,
        }
    }
}

impl OwnerShares {
    /// The shares for these tokens, each with whether it reaches all names. A token that does has
    /// no limit; each other one is a tenant. An owner that is not in the list counts as
    /// [removed](Share::Removed). Without any token no owner has a limit.
    pub fn of_tokens(tokens: impl IntoIterator<Item = (Owner, bool)>) -> Self {
        let share = |reaches_all| match reaches_all {
            true => Share::All,
            false => Share::Tenant,
        };
        let tokens = tokens.into_iter();
        let known: BTreeMap<_, _> = tokens
            .map(|(owner, reaches_all)| (owner, share(reaches_all)))
            .collect();
        let others = match known.is_empty() {
            true => Share::All,
            false => Share::Removed,
        };
        Self { known, others }
    }

    /// Every owner except [`Owner::removed`] is a tenant.
    pub fn tenants() -> Self {
        Self {
            known: [(Owner::removed(), Share::Removed)].into(),
            others: Share::Tenant,
        }
    }

    /// The share of an owner, or of names without one.
    pub fn of(&self, owner: Option<&Owner>) -> Share {
        let Some(owner) = owner else {
            return Share::All;
        };
        self.known.get(owner).copied().unwrap_or(self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_no_more_has_the_smallest_share() {
        let (operator, acme) = (Owner::new("operator"), Owner::new("acme"));
        let tokens = [(operator.clone(), true), (acme.clone(), false)];
        let shares = OwnerShares::of_tokens(tokens);
        assert_eq!(shares.of(None), Share::All);
        assert_eq!(shares.of(Some(&operator)), Share::All);
        assert_eq!(shares.of(Some(&acme)), Share::Tenant);
        assert_eq!(shares.of(Some(&Owner::new("gone"))), Share::Removed);
    }

    #[test]
    fn without_tokens_nobody_has_a_limit() {
        let shares = OwnerShares::of_tokens([]);
        assert_eq!(shares.of(Some(&Owner::new("acme"))), Share::All);
    }
}
