//! Restores what earlier processes have stored for a name.

use std::{sync::Arc, time::Duration};

use everwire_proto::settings::dialogue::Dialogue;
use jiff::Timestamp;

use crate::{
    clock,
    connection::{ProcessContext, SharedOutbox},
    core::{ConnectionName, IdEpochs, Outbox},
    memory::{Charge, MemoryUse},
    persistence::{Outage, Recalled, left as left_message},
    settings::ConnectionSettings,
};

/// Whether these settings need something that outlives the process.
pub(super) fn needs_store(settings: &ConnectionSettings) -> bool {
    let dialogue = settings.dialogue.as_deref();
    let keeps = dialogue.is_some_and(Dialogue::keeps_any);
    (settings.outbox.durable || settings.history.durable || keeps) && !settings.sessions_only
}

/// The outbox and the epoch of a name that waits for the store. It accepts nothing until the store
/// is open.
pub(super) fn hold(
    name: &ConnectionName,
    settings: &ConnectionSettings,
    process: &ProcessContext,
    outage: &Outage,
) -> (Arc<SharedOutbox>, u32) {
    let epoch = process.persistence.recall(name).state.epoch;
    let outbox = Outbox::new(settings.outbox, settings.max_message);
    let charge = Charge::new(&process.memory, MemoryUse::Outboxes);
    let outbox = SharedOutbox::new(name.clone(), outbox, process.persistence.clone(), charge);
    outbox.hold(&outage.text);
    (outbox, epoch)
}

/// The outbox of a name with its stored messages, and its new epoch.
pub(super) fn recall(
    name: &ConnectionName,
    settings: &ConnectionSettings,
    process: &ProcessContext,
) -> (Arc<SharedOutbox>, u32) {
    let recalled = process.persistence.recall(name);
    let epoch = recalled.state.epoch;
    let outbox = Outbox::new(settings.outbox, settings.max_message);
    let charge = Charge::new(&process.memory, MemoryUse::Outboxes);
    let outbox = SharedOutbox::new(name.clone(), outbox, process.persistence.clone(), charge);
    outbox.with(|locked| locked.outbox.set_sessions_only(settings.sessions_only));
    restore(&outbox, settings, process, recalled);
    (outbox, epoch)
}

/// Puts stored messages into an outbox that has accepted nothing yet.
pub(super) fn restore(
    outbox: &Arc<SharedOutbox>,
    settings: &ConnectionSettings,
    process: &ProcessContext,
    recalled: Recalled,
) {
    let Recalled {
        state,
        ids,
        keys,
        captures,
        known,
    } = recalled;
    outbox.restore_kept(captures);
    // Ids go on counting if anything is known by an id.
    let goes_on = settings.outbox.durable || !state.outbox.is_empty() || !keys.is_empty();
    let mut accepted = Vec::new();
    let left = state.outbox.into_iter();
    let (wall, now) = (Timestamp::now(), clock::now());
    let left = left.map(|stored| {
        let age = Duration::try_from(wall.duration_since(stored.at)).unwrap_or_default();
        accepted.push((stored.id, now.checked_sub(age).unwrap_or(now)));
        left_message(stored, wall, now)
    });
    let has_left = outbox.with(|locked| {
        if goes_on {
            locked.outbox.restore(left, state.last_id);
        }
        if state.closed_by_hand {
            locked.outbox.set_open(false);
        }
        !locked.outbox.is_empty()
    });
    if goes_on {
        let earlier = |ids: &IdEpochs| ids.current() < state.epoch;
        outbox.restore(ids.filter(earlier), keys);
        outbox.accepted_at(accepted);
    }
    if has_left {
        outbox.call_persistence();
    }
    if settings.history.durable && (known.is_some() || !state.history.is_empty()) {
        let known = known.unwrap_or(process.hub.start());
        let charge = Charge::new(&process.memory, MemoryUse::Histories);
        outbox
            .history()
            .restore(settings.history, known, charge, state.history);
    }
}
