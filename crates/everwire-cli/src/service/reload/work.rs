//! Carries out a plan name by name, each in its turn.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use everwire::{
    ConnectionName, ConnectionSettings, Manager,
    config::{DialPolicy, Plan},
};
use futures::{StreamExt, stream};

use super::{outcome::Failed, planning::allow};
use crate::service::{
    changes::{Changes, Place, Subject},
    open_files,
    rules::Rules,
    state::AppState,
};

/// How many names are changed at a time.
const AT_A_TIME: usize = 256;
/// The time limit for the wait for one name. The change continues after it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The planned changes, with a place in the queue of each name.
pub(super) struct Work {
    removed: Vec<(ConnectionName, Place)>,
    configured: Vec<(ConnectionName, Place, Wanted)>,
    opened: Vec<(ConnectionName, Place, Wanted)>,
}

/// The target state of a name.
enum Wanted {
    /// The settings of the file. `switched`: the file changes `enabled`.
    Settings {
        settings: Box<ConnectionSettings>,
        switched: bool,
    },
    /// The settings of the API at that time, with this policy.
    Policy(DialPolicy),
}

impl Work {
    /// Puts all changes into the queues, so that no later change comes before them.
    pub fn enter(
        state: &AppState,
        plan: &Plan,
        mut names: BTreeMap<ConnectionName, ConnectionSettings>,
        rules: &Rules,
    ) -> Self {
        let mut wanted = |name: &ConnectionName, keys: &[&str]| match rules.owned.contains(name) {
            false => Some(Wanted::Policy(rules.policy.clone())),
            true => names.remove(name).map(|settings| Wanted::Settings {
                settings: Box::new(settings),
                switched: keys.contains(&"enabled"),
            }),
        };
        let removed = plan.removed.iter();
        let removed = removed.map(|name| (name.clone(), enter(&state.changes, name)));
        let removed = removed.collect();
        let changed = plan.applied.iter().chain(&plan.rotated);
        let changed = changed.map(|change| (&change.name, &*change.keys));
        // A running change may be removing a name that is now in the file.
        let is_changing =
            |name: &&ConnectionName| state.changes.is_busy(&Subject::Connection((*name).clone()));
        let changing: BTreeSet<_> = plan.untouched.iter().filter(is_changing).collect();
        let changing = changing
            .into_iter()
            .filter(|name| rules.owned.contains(*name));
        let configured = changed.chain(changing.map(|name| (name, &[][..])));
        let mut place = |(name, keys): (&ConnectionName, &[&str])| {
            let wanted = wanted(name, keys)?;
            Some((name.clone(), enter(&state.changes, name), wanted))
        };
        let configured = configured.filter_map(&mut place).collect();
        let opened = plan.added.iter().map(|name| (name, &[][..]));
        let opened = opened.filter_map(&mut place).collect();
        Self {
            removed,
            configured,
            opened,
        }
    }

    /// Removes, configures and opens, in this order.
    pub async fn apply(self, state: &AppState) -> Vec<Failed> {
        let manager = &state.manager;
        let added = self.opened.len();
        let removed = self.removed.into_iter().map(|(name, place)| async move {
            let removed = async {
                let _turn = place.turn_at_last().await;
                state.holds.forget(manager, &name);
                state.cluster.removed(&name);
                // An earlier change may have removed it already.
                let _gone = manager.remove(&name).await;
            };
            let removed = tokio::time::timeout(PATIENCE, removed).await;
            let late = removed.is_err();
            late.then(|| failed(&name, "it is still closing"))
        });
        let mut failures = all(removed).await;
        let have = |(name, place, wanted): (ConnectionName, Place, Wanted)| async move {
            let had = async {
                let _turn = place.turn_at_last().await;
                have(state, &name, wanted).await
            };
            let had = tokio::time::timeout(PATIENCE, had).await;
            let had = had.unwrap_or_else(|_| Err("it does not answer".into()));
            had.err().map(|reason| failed(&name, reason))
        };
        failures.extend(all(self.configured.into_iter().map(have)).await);
        open_files::raise(manager.len() + added);
        failures.extend(all(self.opened.into_iter().map(have)).await);
        failures
    }
}

fn enter(changes: &Changes, name: &ConnectionName) -> Place {
    changes.enter_anyway(Subject::Connection(name.clone()))
}

/// Gives a name its target state, from whatever state it has now.
async fn have(state: &AppState, name: &ConnectionName, wanted: Wanted) -> Result<(), String> {
    let manager = &state.manager;
    match wanted {
        Wanted::Policy(policy) => {
            let Some(settings) = manager.settings(name) else {
                return Ok(());
            };
            let mut settings = Arc::unwrap_or_clone(settings);
            allow(&mut settings, &policy);
            let noted = state.cluster.configured(name, &settings);
            noted.map_err(|changes| changes.to_string())?;
            let configured = manager.configure(name, settings).await;
            configured.map(drop).map_err(|error| error.to_string())
        }
        // In its turn, nobody else opens or removes it.
        Wanted::Settings { settings, switched } => {
            let noted = state.cluster.configured(name, &settings);
            noted.map_err(|changes| changes.to_string())?;
            match manager.find(name) {
                Some(_) => {
                    // It no longer belongs to the caller that created it over the API.
                    manager.disown(name);
                    configure(manager, name, *settings, switched).await
                }
                None => {
                    let opened = state.cluster.open(manager, name, *settings, None).await;
                    opened.map(drop).map_err(|error| error.to_string())
                }
            }
        }
    }
}

async fn configure(
    manager: &Manager,
    name: &ConnectionName,
    settings: ConnectionSettings,
    switched: bool,
) -> Result<(), String> {
    let (code, enabled) = (settings.close_code, settings.enabled);
    let configured = manager.configure(name, settings).await;
    configured.map_err(|error| error.to_string())?;
    let Some(handle) = manager.find(name).filter(|_| switched) else {
        return Ok(());
    };
    // A change of `enabled` is an order, and later than any close by hand.
    match enabled {
        true => {
            let connected = handle.connect(None).await;
            connected.map_err(|error| error.to_string())
        }
        false => {
            let closed = handle.close(code, "").await;
            closed.map_err(|error| error.to_string())
        }
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
