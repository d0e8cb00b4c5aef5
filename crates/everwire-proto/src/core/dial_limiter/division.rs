//! Divides what all owners share.

use std::num::NonZeroU32;

use crate::{core::Share, settings::Rate};

/// The most that owners of one share may have; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Division {
    /// All tenants together, including the removed ones. A quarter, and at least two, is reserved
    /// for what has no limit. Of two or three the tenants have one; a single one is for everybody.
    pub tenants: u32,
    /// One tenant.
    pub tenant: u32,
    /// All removed owners together.
    pub removed: u32,
}

impl Division {
    /// The division of `all`.
    pub fn of(all: u32) -> Self {
        let kept = all.div_ceil(4).max(2);
        let tenants = all.saturating_sub(kept).max(1);
        Self {
            tenants,
            tenant: (all / 2).clamp(1, tenants),
            removed: (all / 8).max(1),
        }
    }

    /// The part of one owner with this share; `None` if it has no limit.
    pub fn part(&self, share: Share) -> Option<u32> {
        match share {
            Share::All => None,
            Share::Tenant => Some(self.tenant),
            Share::Removed => Some(self.removed),
        }
    }
}

/// The part of a rate for the owners of a share, as in [`Division::part`].
pub(super) fn rate_of(share: Share, rate: Rate) -> Rate {
    part_of(rate, |division| division.part(share))
}

/// The part of a rate that all tenants have together.
pub(super) fn rate_of_tenants(rate: Rate) -> Rate {
    part_of(rate, |division| Some(division.tenants))
}

fn part_of(rate: Rate, part: impl FnOnce(Division) -> Option<u32>) -> Rate {
    let Rate::Limited { count, per } = rate else {
        return rate;
    };
    match part(Division::of(count.get())).and_then(NonZeroU32::new) {
        Some(count) => Rate::Limited { count, per },
        // A share without a limit of its own has the whole rate.
        None => Rate::Unlimited,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_and_a_quarter_is_kept_for_what_has_no_limit() {
        for (all, tenants, tenant, removed) in [
            (1, 1, 1, 1),
            (2, 1, 1, 1),
            (3, 1, 1, 1),
            (4, 2, 2, 1),
            (5, 3, 2, 1),
            (8, 6, 4, 1),
            (16, 12, 8, 2),
            (64, 48, 32, 8),
            (u32::MAX, 0xBFFF_FFFF, 0x7FFF_FFFF, 0x1FFF_FFFF),
        ] {
            let expected = Division {
                tenants,
                tenant,
                removed,
            };
            assert_eq!(Division::of(all), expected, "of {all}");
        }
    }
}
