//! The dial of a name.

use std::sync::Arc;

use crate::{
    connection::{arbiter::dial_scheduler::ByTurns, rotation::successor::Dial, state::Name},
    transport::{self, DialRequest},
};

/// A dial of the URL that is in use, or next; it begins when the budget allows it.
pub(in crate::connection) fn dial(act: &Name) -> Dial {
    let (urls, number) = (Arc::clone(&act.urls), act.url_number());
    let (settings, commons) = (Arc::clone(&act.settings), Arc::clone(&act.commons));
    let (name, owner) = (act.name.clone(), act.gate.owner());
    let attempt = act.life.dials();
    Box::pin(async move {
        #[cfg(test)]
        if let Some(scripted) = crate::connection::simulation::dial() {
            return scripted.await.map_err(transport::Undialled::from);
        }
        let (url, owner) = (&urls[number], owner.as_ref());
        let turn = match transport::written_host_key(url) {
            Some(host) => commons.budget.acquire(host, owner),
            // Boxed, so that a name that waits for its permit does not hold the memory of a handshake: thousands may wait.
            None => {
                let host = Box::pin(transport::host_key(url, &commons.vault)).await?;
                commons.budget.acquire(&host, owner)
            }
        };
        let permit = turn.await;
        let dial = transport::dial(DialRequest {
            settings: &settings,
            url,
            owner,
            may_choose_none: false,
            tls: &commons.tls,
            resolver: &commons.resolver,
            vault: &commons.vault,
        });
        let dialled = ByTurns::new(transport::in_span(&name, attempt, dial)).await;
        permit.finish(dialled.is_ok());
        dialled
    })
}
