//! What outlives the process: what a name has left behind, and small values of the program's own.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::timeout;

use super::Manager;
use crate::{
    clock,
    config::ConnectionSettings,
    connection::{Commons, Gate},
    core::{ConnectionName, IdEpochs, Outbox},
    keeper::{Order, Outage, Recalled, left as left_message},
    memory::{Charge, MemoryUsage, MemoryUse, default_limit},
};

/// A store that has not written after so long is failing.
const WRITTEN: Duration = Duration::from_secs(2);

impl Manager {
    /// What was wrong with the store when it was opened, in words, if anything was: something is lost then.
    pub fn store_damage(&self) -> Option<String> {
        self.0.commons.keeper.damage()
    }

    /// Keeps a small value of the program's own beyond the end of the process; `None` forgets it. It is written soon, and nothing is
    /// kept where nothing needs the store: `service.remember` opens it at the start.
    pub fn keep(&self, key: impl Into<String>, value: Option<&[u8]>) {
        let order = Order::Value(key.into(), value.map(<[u8]>::to_vec));
        self.0.commons.keeper.order(order);
    }

    /// How much memory is used, of what [`ServiceSettings::memory`](crate::config::ServiceSettings::memory) allows, and for what.
    pub fn memory_usage(&self) -> MemoryUsage {
        self.0.commons.memory.usage()
    }

    /// An account of memory that the program holds for its names.
    pub fn charge(&self, of: MemoryUse) -> Charge {
        Charge::new(&self.0.commons.memory, of)
    }

    /// From now on so many bytes may be used, or half of what the machine allows. Nothing that was accepted is dropped for it.
    pub fn set_memory(&self, limit: Option<usize>) {
        let limit = limit.unwrap_or_else(default_limit);
        self.0.commons.memory.set_limit(limit);
    }

    /// Waits until what was to be [kept](Self::keep) so far, closes by hand and removals, is safe on disk. `false`: the store fails, and
    /// writes it as soon as it can. At once where there is no store.
    pub async fn written(&self) -> bool {
        let written = self.0.commons.keeper.written();
        timeout(WRITTEN, written).await.unwrap_or(false)
    }

    /// The values that earlier processes have [kept](Self::keep), by key. They are read when the store is opened and handed out once; none
    /// as long as it [cannot be](Self::store_outage).
    pub fn take_kept(&self) -> Vec<(String, Vec<u8>)> {
        self.0.commons.keeper.take_values()
    }
}

/// Whether these settings promise something that outlives the process.
pub(super) fn needs_store(settings: &ConnectionSettings) -> bool {
    (settings.outbox.durable || settings.history.durable) && !settings.sessions_only
}

/// The door of a name that waits for the store, and its epoch: it takes nothing until the store is open.
pub(super) fn hold(
    name: &ConnectionName,
    settings: &ConnectionSettings,
    commons: &Commons,
    outage: &Outage,
) -> (Arc<Gate>, u32) {
    let epoch = commons.keeper.recall(name).state.epoch;
    let outbox = Outbox::new(settings.outbox, settings.max_message);
    let charge = Charge::new(&commons.memory, MemoryUse::Outboxes);
    let gate = Gate::new(name.clone(), outbox, commons.keeper.clone(), charge);
    gate.hold(&outage.text);
    (gate, epoch)
}

/// The door of a name with what earlier processes have left behind it, and the epoch of its new life.
pub(super) fn recall(
    name: &ConnectionName,
    settings: &ConnectionSettings,
    commons: &Commons,
) -> (Arc<Gate>, u32) {
    let recalled = commons.keeper.recall(name);
    let epoch = recalled.state.epoch;
    let outbox = Outbox::new(settings.outbox, settings.max_message);
    let charge = Charge::new(&commons.memory, MemoryUse::Outboxes);
    let gate = Gate::new(name.clone(), outbox, commons.keeper.clone(), charge);
    gate.with(|inside| inside.outbox.set_sessions_only(settings.sessions_only));
    restore(&gate, settings, commons, recalled);
    (gate, epoch)
}

/// Puts behind a door, which has accepted nothing yet, what earlier processes have left.
pub(super) fn restore(
    gate: &Arc<Gate>,
    settings: &ConnectionSettings,
    commons: &Commons,
    recalled: Recalled,
) {
    let Recalled {
        state,
        ids,
        keys,
        known,
    } = recalled;
    // Ids go on counting where something is known by them.
    let goes_on = settings.outbox.durable || !state.outbox.is_empty() || !keys.is_empty();
    let mut accepted = Vec::new();
    let left = state.outbox.into_iter();
    let (wall, now) = (Timestamp::now(), clock::now());
    let left = left.map(|stored| {
        let age = Duration::try_from(wall.duration_since(stored.at)).unwrap_or_default();
        accepted.push((stored.id, now.checked_sub(age).unwrap_or(now)));
        left_message(stored, wall, now)
    });
    let has_left = gate.with(|inside| {
        if goes_on {
            inside.outbox.restore(left, state.last_id);
        }
        if state.closed_by_hand {
            inside.outbox.set_open(false);
        }
        !inside.outbox.is_empty()
    });
    if goes_on {
        let earlier = |ids: &IdEpochs| ids.current() < state.epoch;
        gate.restore(ids.filter(earlier), keys);
        gate.accepted_at(accepted);
    }
    if has_left {
        gate.call_keeper();
    }
    if settings.history.durable && (known.is_some() || !state.history.is_empty()) {
        let known = known.unwrap_or(commons.hub.start());
        let charge = Charge::new(&commons.memory, MemoryUse::Histories);
        gate.history()
            .restore(settings.history, known, charge, state.history);
    }
}
