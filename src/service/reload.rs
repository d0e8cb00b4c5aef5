//! The configuration is read again: a plan first, then what it says. An invalid one changes nothing.

mod triggers;

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use actix_web::web::{self, Data};
use everwire::{
    ConnectionName, ConnectionSettings, Manager, Pattern, Settings,
    config::{Diagnostics, DialPolicy, Plan, ServiceSettings},
};
use futures::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::Mutex;

pub use self::triggers::{TriggerError, start};
use super::{
    http::{Api, Rules},
    kept, open_files,
};

/// How many names are changed at a time.
const AT_A_TIME: usize = 256;
/// How long one name may take; it goes on all the same.
const PATIENCE: Duration = Duration::from_secs(30);

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
    let mut names = mem::take(&mut new.connections);
    let old = settings_of_all(&api.manager);
    add_those_of_the_api(&mut names, &old, &api.rules().owned, &rules.policy);
    let plan = Plan::between(&old, &names).with_service(&service, &new.service);
    let mut reloaded = Reloaded {
        done: apply,
        plan,
        failed: Vec::new(),
    };
    if !apply {
        return Ok(reloaded);
    }
    for key in &reloaded.plan.service {
        match *key {
            "tokens" => {
                service.tokens = mem::take(&mut new.service.tokens);
                api.access.replace(service.tokens.clone());
            }
            "public_url" => service.public_url = new.service.public_url.take(),
            "allow_urls" => service.allow_urls = mem::take(&mut new.service.allow_urls),
            _ => {}
        }
    }
    for taken_over in rules.owned.difference(&api.rules().owned) {
        kept::connection(&api.manager, taken_over, None);
    }
    api.replace_rules(rules);
    reloaded.failed = carry_out(api, &reloaded.plan, names).await;
    Ok(reloaded)
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
            settings.dial_policy = policy.clone();
            // One that is inherited may be dialled, whatever the API may.
            if settings.proxy_policy != DialPolicy::Any {
                settings.proxy_policy = policy.clone();
            }
            settings
        });
    }
}

/// Removes, configures and opens, in this order.
async fn carry_out(
    api: &Api,
    plan: &Plan,
    mut names: BTreeMap<ConnectionName, ConnectionSettings>,
) -> Vec<Failed> {
    let removed = plan.removed.iter().map(|name| async move {
        let removed = tokio::time::timeout(PATIENCE, api.manager.remove(name)).await;
        let late = removed.is_err();
        late.then(|| failed(name, "it is still closing"))
    });
    let mut failures = all(removed).await;
    let mut changed = Vec::new();
    for change in plan.applied.iter().chain(&plan.rotated) {
        if let Some(settings) = names.remove(&change.name) {
            changed.push((change, settings));
        }
    }
    let configured = changed.into_iter().map(|(change, settings)| async move {
        let switched = change.keys.contains(&"enabled").then_some(settings.enabled);
        let work = configure(&api.manager, &change.name, settings, switched);
        let done = tokio::time::timeout(PATIENCE, work).await;
        let done = done.unwrap_or_else(|_| Err("it does not answer".into()));
        done.err().map(|reason| failed(&change.name, reason))
    });
    failures.extend(all(configured).await);
    open_files::raise(api.manager.len() + plan.added.len());
    for name in &plan.added {
        if let Some(settings) = names.remove(name) {
            let opened = api.manager.open(name, settings);
            failures.extend(opened.err().map(|error| failed(name, error.to_string())));
        }
    }
    failures
}

async fn configure(
    manager: &Manager,
    name: &ConnectionName,
    settings: ConnectionSettings,
    switched: Option<bool>,
) -> Result<(), String> {
    let code = settings.close_code;
    let configured = manager.configure(name, settings).await;
    configured.map_err(|error| error.to_string())?;
    let Some(handle) = switched.and_then(|_| manager.find(name)) else {
        return Ok(());
    };
    // Who changes `enabled` gives an order, and a later one than any close by hand.
    match switched {
        Some(true) => {
            let connected = handle.connect(None).await;
            connected.map_err(|error| error.to_string())
        }
        Some(false) => {
            let closed = handle.close(code, "").await;
            closed.map_err(|error| error.to_string())
        }
        None => Ok(()),
    }
}

/// Waits for all of them, some at a time.
async fn all(work: impl Iterator<Item = impl Future<Output = Option<Failed>>>) -> Vec<Failed> {
    stream::iter(work)
        .buffer_unordered(AT_A_TIME)
        .filter_map(std::future::ready)
        .collect()
        .await
}

fn failed(name: &ConnectionName, reason: impl Into<String>) -> Failed {
    Failed {
        name: name.clone(),
        reason: reason.into(),
    }
}
