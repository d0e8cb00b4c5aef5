//! Which line a dial belongs to.

use std::{sync::Arc, time::Instant};

use super::{
    Governor, Stage,
    group::{Group, REMOVED, UNLIMITED},
    host::Host,
    lane::Lane,
};
use crate::{
    core::{Owner, Share},
    settings::HostSettings,
};

impl Governor {
    /// The line that dials of this owner to this host have from now on.
    pub(super) fn lane_of(&mut self, host: &str, owner: Option<&Owner>, now: Instant) -> usize {
        let host = self.host_of(host);
        let group = self.group_of(owner, now);
        self.lane(host, group)
    }

    fn lane(&mut self, host: usize, group: usize) -> usize {
        if let Some(lane) = self.hosts[host].lane(group) {
            return lane;
        }
        let settings = self.hosts[host].settings;
        let of = &mut self.groups[group];
        of.lanes += 1;
        if of.share != Share::All {
            self.stock.lanes_of_tenants += 1;
        }
        let lane = Lane::new(host, settings, group, of.share);
        let lane = self.lanes.insert(lane);
        self.hosts[host].add_lane(group, lane);
        lane
    }

    fn host_of(&mut self, host: &str) -> usize {
        // One of that very name is the host: the settings never change.
        if let Some(host) = self.named.get(host) {
            return *host;
        }
        let (key, settings) = self.line(host);
        if let Some(host) = self.named.get(key) {
            return *host;
        }
        let key: Arc<str> = key.into();
        let host = self.hosts.insert(Host::new(Arc::clone(&key), settings));
        self.named.insert(key, host);
        host
    }

    /// The name that a host has here, and its limits.
    fn line<'h>(&self, host: &'h str) -> (&'h str, HostSettings) {
        if let Some(settings) = self.settings.get(host) {
            return (host, *settings);
        }
        let name = host
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map(|(name, _)| name);
        match name.and_then(|name| Some((name, self.settings.get(name)?))) {
            Some((name, settings)) => (name, *settings),
            None => (host, HostSettings::default()),
        }
    }

    fn group_of(&mut self, owner: Option<&Owner>, now: Instant) -> usize {
        let owner = match (self.shares.of(owner), owner) {
            (Share::Removed, _) => return REMOVED,
            (Share::Tenant, Some(owner)) => owner,
            (Share::All, _) | (Share::Tenant, None) => return UNLIMITED,
        };
        if let Some(group) = self.tenants.get(owner) {
            return *group;
        }
        self.forget_tenants(now);
        let group = Group::new(Share::Tenant, Some(owner.clone()), self.rate);
        let group = self.groups.insert(group);
        self.tenants.insert(owner.clone(), group);
        group
    }

    /// Those of whom nothing is left: one who comes again has no more of a rate than one who stays.
    fn forget_tenants(&mut self, now: Instant) {
        let tenants = &mut self.tenants;
        self.groups.retain(|_, group| {
            let is_over = group.is_over(now);
            if is_over && let Some(owner) = &group.owner {
                tenants.remove(owner);
            }
            !is_over
        });
    }

    /// Puts a dial into the line that it belongs to by the shares of now.
    pub(super) fn regroup(&mut self, id: usize, now: Instant) {
        let (owner, from) = (self.dials[id].owner.clone(), self.dials[id].lane);
        let group = self.group_of(owner.as_ref(), now);
        if group == self.lanes[from].group {
            return;
        }
        let to = self.lane(self.lanes[from].host, group);
        let is_fresh = self.lanes[to].waiting.is_empty();
        self.dials[id].lane = to;
        match self.dials[id].stage {
            Stage::Waiting => {
                self.lanes[from].waiting.leave(&mut self.dials, id);
                self.lanes[to].waiting.join(&mut self.dials, id);
            }
            Stage::Young(_) | Stage::Hanging(_) => {
                self.take_off(from);
                self.carry_over(to);
            }
        }
        self.settle(to, is_fresh, now);
        self.settle_host(from, now);
    }
}
