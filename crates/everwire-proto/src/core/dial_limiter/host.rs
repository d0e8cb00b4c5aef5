//! A host: the state that all owners' dials to it share.

use std::{sync::Arc, time::Instant};

use super::{
    division::{Division, rate_of_tenants},
    window::Window,
};
use crate::{core::Share, settings::HostSettings};

/// The shared state of a host's queues.
#[derive(Debug)]
pub(super) struct Host {
    pub name: Arc<str>,
    pub settings: HostSettings,
    division: Division,
    in_flight: u32,
    /// The part of these that belongs to tenants.
    of_tenants: u32,
    window: Window,
    tenants_window: Window,
    /// The queues: one for each group, by the group.
    host_queues: Vec<(usize, usize)>,
}

impl Host {
    pub fn new(name: Arc<str>, settings: HostSettings) -> Self {
        Self {
            name,
            settings,
            division: Division::of(settings.max_handshakes.get()),
            in_flight: 0,
            of_tenants: 0,
            window: Window::new(settings.dial_rate),
            tenants_window: Window::new(rate_of_tenants(settings.dial_rate)),
            host_queues: Vec::new(),
        }
    }

    /// The queue of a group.
    pub fn queue(&self, group: usize) -> Option<usize> {
        let at = self
            .host_queues
            .binary_search_by_key(&group, |(group, _)| *group);
        at.ok().map(|at| self.host_queues[at].1)
    }

    pub fn add_queue(&mut self, group: usize, host_queue: usize) {
        let at = self
            .host_queues
            .partition_point(|(other, _)| *other < group);
        // Most hosts have one owner's names.
        self.host_queues.reserve_exact(1);
        self.host_queues.insert(at, (group, host_queue));
    }

    /// Removes a queue. `true` if it was the last one.
    pub fn remove_queue(&mut self, group: usize) -> bool {
        self.host_queues.retain(|(other, _)| *other != group);
        self.host_queues.is_empty()
    }

    /// The queue at this index, if there are so many.
    pub fn nth_queue(&self, at: usize) -> Option<usize> {
        self.host_queues.get(at).map(|(_, host_queue)| *host_queue)
    }

    pub fn queue_count(&self) -> usize {
        self.host_queues.len()
    }

    /// Whether a queue of this share with `own` handshakes in flight may have one more.
    pub fn has_room(&self, share: Share, own: u32) -> bool {
        let all = self.settings.max_handshakes.get();
        let part = self.division.part(share);
        self.in_flight < all
            && part.is_none_or(|part| own < part && self.of_tenants < self.division.tenants)
    }

    /// When the rates of the host let a dial of this share begin; `None` if now.
    pub fn free_at(&mut self, share: Share, now: Instant) -> Option<Instant> {
        let all = self.window.free_at(now);
        match share {
            Share::All => all,
            Share::Tenant | Share::Removed => all.max(self.tenants_window.free_at(now)),
        }
    }

    /// When the rates have forgotten all dials; `None` if they have.
    pub fn forgotten_at(&mut self, now: Instant) -> Option<Instant> {
        self.window.forgotten_at(now)
    }

    /// A dial begins.
    pub fn begin(&mut self, share: Share, now: Instant) {
        self.window.count(now);
        if share != Share::All {
            self.tenants_window.count(now);
        }
        self.add(share, 1);
    }

    /// Adds handshakes in flight.
    pub fn add(&mut self, share: Share, count: u32) {
        self.in_flight += count;
        if share != Share::All {
            self.of_tenants += count;
        }
    }

    /// Removes handshakes in flight.
    pub fn remove(&mut self, share: Share, count: u32) {
        self.in_flight -= count;
        if share != Share::All {
            self.of_tenants -= count;
        }
    }
}
