//! Restores the subscriptions that callers of earlier processes hold, if possible before the names
//! are dialled.

use everwire::{Manager, dialogue::Holder};

use super::{
    holds::{KeptHold, wish},
    state::AppState,
};

/// Gives the names their held subscriptions. A name that does not exist yet gets them when it is
/// opened.
pub fn recall(state: &AppState, kept: &[(String, Vec<u8>)]) {
    let manager = &state.manager;
    state.holds.keep(manager, kept, |KeptHold { name, key, json }| match wish(&json) {
        Ok(wish) => manager.recall_subscription(&name, &key, wish, Holder::Api),
        Err(text) => {
            tracing::error!(%name, key = &*key, text, "a stored subscription of an earlier process cannot be used");
        }
    });
}

/// Deletes the subscriptions of names that are gone, and reports names that cannot have them.
/// `names_are_open`: the names of the configuration are open.
pub fn settle(state: &AppState, names_are_open: bool) {
    let manager = &state.manager;
    for (name, subscriptions) in state.holds.ready(names_are_open) {
        // A name of the cluster has them as soon as this node opens it.
        if manager.find(&name).is_none() && state.cluster.elsewhere(&name).is_some() {
            continue;
        }
        if manager.find(&name).is_none() {
            tracing::warn!(%name, subscriptions, "the connection is gone, so its stored subscriptions were removed");
            manager.forget_recalled(&name);
            state.holds.forget(manager, &name);
        } else if !subscribes(manager, name.as_str()) {
            tracing::error!(%name, subscriptions, "the connection has no `subscribe` any more: its subscriptions wait until it has one");
        }
    }
}

fn subscribes(manager: &Manager, name: &str) -> bool {
    let settings = manager.settings(name);
    let dialogue = settings.and_then(|settings| settings.dialogue.clone());
    dialogue.is_some_and(|dialogue| dialogue.subscribe.is_some())
}
