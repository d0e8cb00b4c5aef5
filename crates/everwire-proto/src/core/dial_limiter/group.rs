//! Groups: owners whose dials count together, and the places that each may have.

use std::time::Instant;

use super::{
    division::{Division, rate_of, rate_of_tenants},
    ready::Ready,
    standing::{Places, Standing},
    window::Window,
};
use crate::{
    core::{Owner, Share},
    settings::Rate,
};

/// The group without a limit: names of the file, of Rust programs, and of operators.
pub(super) const UNLIMITED: usize = 0;
/// The group of removed tokens.
pub(super) const REMOVED: usize = 1;

/// The names of one tenant, or of all owners of another share.
#[derive(Debug)]
pub(super) struct Group {
    pub share: Share,
    /// The tenant.
    pub owner: Option<Owner>,
    /// Hosts that could be granted a dial.
    pub ready: Ready,
    pub places: Places,
    window: Window,
    /// When it had its last turn, in turns.
    pub last_turn: u64,
    pub host_queues: usize,
}

impl Group {
    pub fn new(share: Share, owner: Option<Owner>, rate: Rate) -> Self {
        Self {
            share,
            owner,
            ready: Ready::default(),
            places: Places::default(),
            window: Window::new(rate_of(share, rate)),
            last_turn: 0,
            host_queues: 0,
        }
    }

    /// Whether nothing of it needs to be kept.
    pub fn is_over(&mut self, now: Instant) -> bool {
        self.share == Share::Tenant
            && self.host_queues == 0
            && self.window.forgotten_at(now).is_none()
    }
}

/// All places and the rate, and the tenants' part of them.
#[derive(Debug)]
pub(super) struct Stock {
    all: u32,
    division: Division,
    held: u32,
    /// The part of these that tenants hold.
    by_tenants: u32,
    window: Window,
    tenants_window: Window,
    /// When tenants had their last turn.
    pub tenants_turn: u64,
    /// The queues of all tenants.
    pub tenant_queues: usize,
}

impl Stock {
    pub fn new(all: u32, rate: Rate) -> Self {
        Self {
            all,
            division: Division::of(all),
            held: 0,
            by_tenants: 0,
            window: Window::new(rate),
            tenants_window: Window::new(rate_of_tenants(rate)),
            tenants_turn: 0,
            tenant_queues: 0,
        }
    }

    pub fn is_taken(&self) -> bool {
        self.held >= self.all
    }

    /// The number of places that the hosts of a group divide by their standings; `None` if it may
    /// have no more at all. `unlimited` are the places of what has no limit.
    pub fn room(&self, group: &Group, unlimited: &Places) -> Option<u32> {
        if self.is_taken() {
            return None;
        }
        let Some(part) = self.division.part(group.share) else {
            return Some(self.left(self.by_tenants));
        };
        let own = group.places.total();
        let free = self.division.tenants.saturating_sub(self.by_tenants);
        // A tenant that has some leaves half as many to the other tenants.
        let leaves_some =
            own == 0 || own.saturating_add(1) <= free.saturating_sub(1).saturating_mul(2);
        let may = own < part && free > 0 && leaves_some;
        let left = self.left(self.by_tenants + 1);
        let keeps = match self.by_tenants < self.floor() {
            true => unlimited.leave_answered(left),
            false => unlimited.fit(left),
        };
        (may && keeps).then_some(part)
    }

    /// The places that tenants leave if they hold `by_tenants`, divided by standings among what has
    /// no limit. An eighth is reserved for the tenants while there are any.
    fn left(&self, by_tenants: u32) -> u32 {
        self.all - by_tenants.max(self.floor()).min(self.all)
    }

    fn floor(&self) -> u32 {
        match self.tenant_queues {
            0 => 0,
            _ if self.all < 4 => 0,
            _ => (self.all / 8).max(1),
        }
    }

    /// When the rate over all names lets any dial begin; `None` if now.
    pub fn free_at(&mut self, now: Instant) -> Option<Instant> {
        self.window.free_at(now)
    }

    /// When the rates let a dial of this group begin; `None` if now.
    pub fn free_for(&mut self, group: &mut Group, now: Instant) -> Option<Instant> {
        let all = self.window.free_at(now);
        match group.share {
            Share::All => all,
            Share::Tenant | Share::Removed => {
                let tenants = self.tenants_window.free_at(now);
                all.max(tenants).max(group.window.free_at(now))
            }
        }
    }

    /// A dial of this group begins.
    pub fn begin(&mut self, group: &mut Group, standing: Standing, now: Instant) {
        self.window.count(now);
        if group.share != Share::All {
            self.tenants_window.count(now);
            group.window.count(now);
        }
        self.add(group, standing, 1);
    }

    /// Adds dials in flight.
    pub fn add(&mut self, group: &mut Group, standing: Standing, count: u32) {
        group.places.add(standing, count);
        self.held += count;
        if group.share != Share::All {
            self.by_tenants += count;
        }
    }

    /// Removes dials in flight.
    pub fn remove(&mut self, group: &mut Group, standing: Standing, count: u32) {
        group.places.remove(standing, count);
        self.held -= count;
        if group.share != Share::All {
            self.by_tenants -= count;
        }
    }
}

#[cfg(test)]
impl Group {
    /// Whether it has no queue, and nothing in flight.
    pub fn is_empty(&self) -> bool {
        self.host_queues == 0 && self.ready.is_empty() && self.places.total() == 0
    }
}

#[cfg(test)]
impl Stock {
    pub fn is_empty(&self) -> bool {
        self.held == 0 && self.by_tenants == 0 && self.tenant_queues == 0
    }
}
