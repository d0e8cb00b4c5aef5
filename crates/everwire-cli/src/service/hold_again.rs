//! What callers of earlier processes hold is held again.

use actix_web::web::Data;
use everwire::{ConnectionName, dialogue::Holder};
use futures::{StreamExt, stream};

use super::{
    changes::Subject,
    holds::{KeptHold, wish},
    state::AppState,
};

/// How many names have theirs back at a time.
const AT_A_TIME: usize = 256;

/// Holds again what callers of earlier processes hold, as soon as the names are there: at once, before a peer can have answered a dial.
/// `names_are_open`: those of the configuration are.
pub fn restore(state: &Data<AppState>, names_are_open: bool) {
    let ready = state.holds.ready(names_are_open);
    if ready.is_empty() {
        return;
    }
    let state = state.clone();
    actix::spawn(async move {
        let names = ready.into_iter();
        let names = names.map(|(name, kept)| restore_name(&state, name, kept));
        stream::iter(names)
            .buffer_unordered(AT_A_TIME)
            .collect::<()>()
            .await;
    });
}

/// In the turn of the name: a caller who lets go of one of them does so before or after.
async fn restore_name(state: &AppState, name: ConnectionName, kept: Vec<KeptHold>) {
    let place = state
        .changes
        .enter_anyway(Subject::Connection(name.clone()));
    let _turn = place.turn_at_last().await;
    let Some(handle) = state.manager.find(&name) else {
        tracing::warn!(%name, subscriptions = kept.len(), "the connection is gone, and its subscriptions with it");
        return state.holds.forget(&state.manager, &name);
    };
    for KeptHold { key, json } in kept {
        if !state.holds.has(&name, &key) {
            continue;
        }
        let held = match wish(&json) {
            Ok(wish) => {
                let held = handle.hold_subscription(&key, wish, Holder::Api);
                let held = state.in_time(held).await;
                held.map_err(|late| late.to_string())
                    .and_then(|held| held.map_err(|error| error.to_string()))
            }
            Err(text) => Err(text),
        };
        if let Err(text) = held {
            let key = &*key;
            tracing::error!(%name, key, text, "a subscription that was kept of an earlier process cannot be used");
        }
    }
}
