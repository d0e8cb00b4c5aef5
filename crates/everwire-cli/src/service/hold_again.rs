//! What callers of earlier processes hold is held again, before the names are dialled where that is possible.

use everwire::{Manager, dialogue::Holder};

use super::{
    holds::{KeptHold, wish},
    state::AppState,
};

/// Gives the names what callers of earlier processes hold of them. Those that are not there yet have it when they are opened.
pub fn recall(state: &AppState, kept: &[(String, Vec<u8>)]) {
    let manager = &state.manager;
    state.holds.keep(manager, kept, |KeptHold { name, key, json }| match wish(&json) {
        Ok(wish) => manager.recall_subscription(&name, &key, wish, Holder::Api),
        Err(text) => {
            tracing::error!(%name, key = &*key, text, "a stored subscription of an earlier process cannot be used");
        }
    });
}

/// Forgets what is held of names that are gone, and tells of those that cannot have it. `names_are_open`: those of the configuration are.
pub fn settle(state: &AppState, names_are_open: bool) {
    let manager = &state.manager;
    for (name, subscriptions) in state.holds.ready(names_are_open) {
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
