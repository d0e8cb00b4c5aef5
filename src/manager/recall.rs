//! What earlier processes have left of a name, put behind its door.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{
    clock,
    config::ConnectionSettings,
    connection::{Commons, Gate},
    core::{ConnectionName, IdEpochs, Outbox},
    memory::{Charge, MemoryUse},
    persistence::{Outage, Recalled, left as left_message},
};

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
