//! The configuration is read again: a plan first, then what it says. An invalid one changes nothing.

mod triggers;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    path::PathBuf,
    sync::Arc,
};

use actix_web::web::{self, Data};
use everwire::{
    ConnectionName, ConnectionSettings, Manager, Pattern, Settings,
    config::{Diagnostics, DialPolicy, Plan, ServiceSettings},
};
use serde::Serialize;
use tokio::sync::Mutex;

pub use self::triggers::{TriggerError, start};
use self::work::Work;
use super::{
    http::{Api, Rules},
    persisted,
};

/// Where the configuration is read again from, and what of `[service]` is in force.
pub struct Source {
    path: Option<PathBuf>,
    // Held for as long as a reload takes: the next one begins where it ended.
    service: Mutex<ServiceSettings>,
}

/// What a reload does, or has done.
#[derive(Debug, Serialize)]
pub struct Reloaded {
    /// Whether it was done; a plan is not.
    pub done: bool,
    /// What becomes of each name.
    #[serde(flatten)]
    pub plan: Plan,
    /// What was planned and could not be done.
    pub failed: Vec<Failed>,
}

/// A name that could not be changed as planned.
#[derive(Debug, Serialize)]
pub struct Failed {
    name: ConnectionName,
    reason: String,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The service was started without a file.
    #[error("the service runs without a configuration file")]
    NoFile,
    /// What is wrong with the configuration.
    #[error("the configuration is invalid, and nothing was changed")]
    Invalid(Diagnostics),
    /// The process ends.
    #[error("the service shuts down")]
    Ending,
}

impl Reloaded {
    fn planned(plan: Plan) -> Self {
        Self {
            done: false,
            plan,
            failed: Vec::new(),
        }
    }
}

impl Source {
    /// The file or folder, and the settings that the service was started with.
    pub fn new(path: Option<PathBuf>, service: ServiceSettings) -> Self {
        Self {
            path,
            service: Mutex::new(service),
        }
    }
}

/// Reads the configuration again, and does what its plan says if `apply`.
///
/// It runs to its end also where the caller stops waiting: half a reload is none.
///
/// # Errors
///
/// [`ReloadError`]; nothing was changed then.
pub async fn reload(api: &Data<Api>, apply: bool) -> Result<Reloaded, ReloadError> {
    let api = api.clone();
    let reloaded = actix::spawn(async move { plan_and_apply(&api, apply).await });
    reloaded.await.map_err(|_| ReloadError::Ending)?
}

async fn plan_and_apply(api: &Api, apply: bool) -> Result<Reloaded, ReloadError> {
    let path = api.source.path.clone().ok_or(ReloadError::NoFile)?;
    let mut service = api.source.service.lock().await;
    let read = web::block(move || Settings::load(path)).await;
    let mut new = read
        .map_err(|_| ReloadError::Ending)?
        .map_err(ReloadError::Invalid)?;
    let rules = Rules::of(&new);
    let names = mem::take(&mut new.connections);
    if !apply {
        let (_, plan) = plan(&api.manager, names, &api.rules().owned, &rules.policy);
        let plan = plan.with_service(&service, &new.service);
        return Ok(Reloaded::planned(plan));
    }
    // From the plan to the rules' exchange nothing is changed by the old ones; what is planned has its places by then.
    let (plan, work) = {
        let _alone = api.changes.replacing().await;
        let before = api.rules();
        let (names, plan) = plan(&api.manager, names, &before.owned, &rules.policy);
        let plan = plan.with_service(&service, &new.service);
        for taken_over in rules.owned.difference(&before.owned) {
            persisted::forget_connection(&api.manager, taken_over);
            api.manager.disown(taken_over);
        }
        let work = Work::enter(api, &plan, names, &rules);
        put_service_in_force(api, &plan, &mut service, &mut new.service);
        api.replace_rules(rules);
        (plan, work)
    };
    let mut reloaded = Reloaded::planned(plan);
    reloaded.done = true;
    reloaded.failed = work.carry_out(api).await;
    Ok(reloaded)
}

/// What is to become of all names, and of each.
fn plan(
    manager: &Manager,
    mut names: BTreeMap<ConnectionName, ConnectionSettings>,
    owned: &BTreeSet<ConnectionName>,
    policy: &DialPolicy,
) -> (BTreeMap<ConnectionName, ConnectionSettings>, Plan) {
    let old = settings_of_all(manager);
    add_those_of_the_api(&mut names, &old, owned, policy);
    let plan = Plan::between(&old, &names);
    (names, plan)
}

fn put_service_in_force(
    api: &Api,
    plan: &Plan,
    service: &mut ServiceSettings,
    new: &mut ServiceSettings,
) {
    for key in &plan.service {
        match *key {
            "tokens" => {
                service.tokens = mem::take(&mut new.tokens);
                api.replace_tokens(service.tokens.clone());
            }
            "memory" => {
                service.memory = new.memory;
                api.manager.set_memory(new.memory);
            }
            "public_url" => service.public_url = new.public_url.take(),
            "allow_urls" => service.allow_urls = mem::take(&mut new.allow_urls),
            "api_limits" => service.api_limits = new.api_limits,
            _ => {}
        }
    }
}

fn settings_of_all(manager: &Manager) -> BTreeMap<ConnectionName, ConnectionSettings> {
    let handles = manager.list(&Pattern::all()).into_iter();
    handles
        .filter_map(|handle| {
            let settings = manager.settings(handle.name())?;
            Some((handle.name().clone(), Arc::unwrap_or_clone(settings)))
        })
        .collect()
}

/// What the API has created stays as it is, but for what it may dial.
fn add_those_of_the_api(
    names: &mut BTreeMap<ConnectionName, ConnectionSettings>,
    old: &BTreeMap<ConnectionName, ConnectionSettings>,
    owned: &BTreeSet<ConnectionName>,
    policy: &DialPolicy,
) {
    for (name, settings) in old.iter().filter(|(name, _)| !owned.contains(*name)) {
        names.entry(name.clone()).or_insert_with(|| {
            let mut settings = settings.clone();
            allow(&mut settings, policy);
            settings
        });
    }
}

/// Lets a connection of the API dial what this policy allows.
fn allow(settings: &mut ConnectionSettings, policy: &DialPolicy) {
    settings.dial_policy = policy.clone();
    // One that is inherited may be dialled, whatever the API may.
    if settings.proxy_policy != DialPolicy::Any {
        settings.proxy_policy = policy.clone();
    }
}
