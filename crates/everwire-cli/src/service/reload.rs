//! Reads the configuration again, makes a plan, and carries it out. An invalid configuration
//! changes nothing.

mod outcome;
mod planning;
mod source;
mod triggers;
mod work;

use std::mem;

use actix_web::web::{self, Data};
use everwire::{
    Settings,
    config::{Plan, ServiceSettings},
};

pub use self::{
    outcome::{ReloadError, Reloaded},
    source::Source,
    triggers::{TriggerError, start},
};
use self::{planning::plan, work::Work};
use super::{base::BASE, persisted, rules::Rules, state::AppState};

/// Reads the configuration again, and carries out the plan if `apply`.
///
/// It runs to its end even if the caller stops waiting, so that no reload is left half done.
///
/// # Errors
///
/// [`ReloadError`]; nothing was changed then.
pub async fn reload(state: &Data<AppState>, apply: bool) -> Result<Reloaded, ReloadError> {
    let state = state.clone();
    let reloaded = actix::spawn(async move { plan_and_apply(&state, apply).await });
    reloaded.await.map_err(|_| ReloadError::Ending)?
}

async fn plan_and_apply(state: &AppState, apply: bool) -> Result<Reloaded, ReloadError> {
    let path = state.source.path.clone().ok_or(ReloadError::NoFile)?;
    let mut service = state.source.service.lock().await;
    let read = web::block(move || BASE.load(path)).await;
    let mut new = read
        .map_err(|_| ReloadError::Ending)?
        .map_err(ReloadError::Invalid)?;
    let rules = Rules::of(&new);
    let names = mem::take(&mut new.connections);
    if !apply {
        let (_, plan) = plan(state, names, &state.rules().owned, &rules.policy);
        let plan = with_process(plan, &service, state, &new);
        return Ok(Reloaded::planned(plan));
    }
    // Between the plan and the new rules, no change may use the old rules. By then, all planned
    // changes have their places in the queues.
    let (plan, work) = {
        let _alone = state.changes.replacing().await;
        let before = state.rules();
        let (names, plan) = plan(state, names, &before.owned, &rules.policy);
        let plan = with_process(plan, &service, state, &new);
        for taken_over in rules.owned.difference(&before.owned) {
            persisted::forget_connection(&state.manager, taken_over);
            state.manager.disown(taken_over);
        }
        let work = Work::enter(state, &plan, names, &rules);
        put_service_in_force(state, &plan, &mut service, &mut new.service);
        state.replace_rules(rules);
        (plan, work)
    };
    let mut reloaded = Reloaded::planned(plan);
    reloaded.done = true;
    reloaded.failed = work.apply(state).await;
    Ok(reloaded)
}

/// The plan, with what becomes of what all names share.
fn with_process(plan: Plan, service: &ServiceSettings, state: &AppState, new: &Settings) -> Plan {
    plan.with_service(service, &new.service)
        .with_nats(state.source.nats.as_ref(), new.nats.as_ref())
        .with_cluster(state.source.cluster.as_ref(), new.cluster.as_ref())
}

fn put_service_in_force(
    state: &AppState,
    plan: &Plan,
    service: &mut ServiceSettings,
    new: &mut ServiceSettings,
) {
    for key in &plan.service {
        match *key {
            "tokens" => {
                service.tokens = mem::take(&mut new.tokens);
                state.replace_tokens(service.tokens.clone());
            }
            "memory" => {
                service.memory = new.memory;
                state.manager.set_memory(new.memory);
            }
            "history_bytes" => {
                service.history_bytes = new.history_bytes;
                state.manager.set_history_bytes(new.history_bytes);
            }
            "public_url" => service.public_url = new.public_url.take(),
            "allow_urls" => service.allow_urls = mem::take(&mut new.allow_urls),
            "api_limits" => service.api_limits = new.api_limits,
            _ => {}
        }
    }
}
