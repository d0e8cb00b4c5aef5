//! Decides whose turn it is.

use std::time::Instant;

use super::{
    DialLimiter,
    group::{Group, Stock, UNLIMITED},
    standing::{Places, Standing},
};
use crate::core::Share;

impl DialLimiter {
    /// Removes and returns the queue whose turn it is, if there is one now.
    pub(super) fn take_turn(&mut self, now: Instant) -> Option<usize> {
        if self.stock.is_taken() || self.stock.free_at(now).is_some() {
            return None;
        }
        let at = self.group_in_turn(now)?;
        let unlimited = &self.groups[UNLIMITED].places;
        let room = self.stock.room(&self.groups[at], unlimited)?;
        let group = &mut self.groups[at];
        self.turns += 1;
        group.last_turn = self.turns;
        if group.share != Share::All {
            self.stock.tenants_turn = self.turns;
        }
        let has_room = has_room(&group.places, room);
        group.ready.take(&mut self.host_queues, has_room)
    }

    /// The group whose last turn is the longest ago. What has no limit, and all tenants together,
    /// alternate.
    fn group_in_turn(&mut self, now: Instant) -> Option<usize> {
        let stock = &mut self.stock;
        let mut groups = self.groups.iter_mut();
        let (_, unlimited) = groups.next()?;
        let unlimited_could = could(stock, unlimited, &unlimited.places).is_some();
        if unlimited_could && unlimited.last_turn <= stock.tenants_turn {
            return Some(UNLIMITED);
        }
        let tenants = groups.filter_map(|(at, group)| {
            could(stock, group, &unlimited.places)?;
            let may = stock.free_for(group, now).is_none();
            may.then_some((group.last_turn, at))
        });
        let tenant = tenants.min().map(|(_, at)| at);
        tenant.or(unlimited_could.then_some(UNLIMITED))
    }

    /// When time alone may give a queue its turn, and which.
    pub(super) fn next_turn(&mut self, now: Instant) -> Option<(Instant, usize)> {
        let stock = &mut self.stock;
        if stock.is_taken() {
            return None;
        }
        let all = stock.free_at(now);
        let timed = self.timed.first();
        let timed =
            timed.map(|(at, host_queue)| (all.map_or(*at, |all| all.max(*at)), *host_queue));
        let mut groups = self.groups.iter_mut();
        let (_, unlimited) = groups.next()?;
        let first = could(stock, unlimited, &unlimited.places);
        let first = first.map(|host_queue| (all.unwrap_or(now), host_queue));
        let tenants = groups.filter_map(|(_, group)| {
            let host_queue = could(stock, group, &unlimited.places)?;
            Some((stock.free_for(group, now).unwrap_or(now), host_queue))
        });
        tenants.chain(first).chain(timed).min()
    }
}

/// Some queue of a group that could be granted a dial as soon as the rates allow it.
fn could(stock: &Stock, group: &Group, unlimited: &Places) -> Option<usize> {
    if group.host_queues == 0 {
        return None;
    }
    let room = stock.room(group, unlimited)?;
    group.ready.any(has_room(&group.places, room))
}

/// Whether hosts of a standing have room among `all` places.
fn has_room(places: &Places, all: u32) -> impl Fn(Standing) -> bool {
    move |standing| places.has_room(standing, all)
}
