//! Finds the queue of a dial.

use std::{sync::Arc, time::Instant};

use super::{
    DialLimiter, Stage,
    group::{Group, REMOVED, UNLIMITED},
    host::Host,
    host_queue::HostQueue,
};
use crate::{
    core::{Owner, Share},
    settings::HostSettings,
};

impl DialLimiter {
    /// The queue for dials of this owner to this host, as of now.
    pub(super) fn host_queue_of(
        &mut self,
        host: &str,
        owner: Option<&Owner>,
        now: Instant,
    ) -> usize {
        let host = self.host_of(host);
        let group = self.group_of(owner, now);
        self.host_queue(host, group)
    }

    fn host_queue(&mut self, host: usize, group: usize) -> usize {
        if let Some(host_queue) = self.hosts[host].queue(group) {
            return host_queue;
        }
        let settings = self.hosts[host].settings;
        let of = &mut self.groups[group];
        of.host_queues += 1;
        if of.share != Share::All {
            self.stock.tenant_queues += 1;
        }
        let host_queue = HostQueue::new(host, settings, group, of.share);
        let host_queue = self.host_queues.insert(host_queue);
        self.hosts[host].add_queue(group, host_queue);
        host_queue
    }

    fn host_of(&mut self, host: &str) -> usize {
        // A host is its exact name: the settings never change.
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

    /// The name of a host here, and its limits.
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

    /// Forgets tenants without dials, unless a rate still remembers them: leaving and coming back
    /// gives no larger rate.
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

    /// Moves a dial to its queue under the current shares.
    pub(super) fn regroup(&mut self, id: usize, now: Instant) {
        let (owner, from) = (self.dials[id].owner.clone(), self.dials[id].host_queue);
        let group = self.group_of(owner.as_ref(), now);
        if group == self.host_queues[from].group {
            return;
        }
        let to = self.host_queue(self.host_queues[from].host, group);
        let is_fresh = self.host_queues[to].waiting.is_empty();
        self.dials[id].host_queue = to;
        match self.dials[id].stage {
            Stage::Waiting => {
                self.host_queues[from].waiting.leave(&mut self.dials, id);
                self.host_queues[to].waiting.join(&mut self.dials, id);
            }
            Stage::Young(_) | Stage::Hanging(_) => {
                self.take_off(from);
                self.carry_over(to);
            }
        }
        self.requeue(to, is_fresh, now);
        self.requeue_host(from, now);
    }
}
