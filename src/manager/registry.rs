//! The names, and access to them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use actix::Addr;
use parking_lot::{Mutex, RwLock};

use super::{arbiters::Arbiters, epochs::Epochs, handle::Handle, respawn_budget::Budget};
use crate::{
    connection::{Connection, ProcessContext, RecalledWish, SharedOutbox, Status},
    core::{ConnectionName, Pattern},
    settings::{ConnectionSettings, NameSettings},
};

/// Manages named connections: opens, finds, lists, closes and removes them, on one arbiter per
/// core.
///
/// Cloning is cheap, and all clones are the same manager. It works from any thread, with or without
/// actix.
#[derive(Clone)]
pub struct Manager(pub(super) Arc<Inside>);

/// The state that all clones of a manager share.
pub(super) struct Inside {
    pub process: Arc<ProcessContext>,
    pub arbiters: Arbiters,
    pub names: RwLock<Names>,
    /// Work that waits for the store to open.
    pub when_open: Mutex<Vec<WhenOpen>>,
}

/// All names.
#[derive(Default)]
pub(super) struct Names {
    pub entries: BTreeMap<ConnectionName, Entry>,
    /// The epochs of removed names.
    pub epochs: Epochs,
    /// Subscriptions of callers from an earlier process, for names that are not open yet.
    pub recalled: BTreeMap<ConnectionName, Vec<RecalledWish>>,
    /// The outboxes of abandoned names that the store keeps, for the case that they are opened here
    /// again: only an outbox itself knows which of its messages the store has.
    pub abandoned: BTreeMap<ConnectionName, Arc<SharedOutbox>>,
    /// Set by a shutdown: no name is opened or respawned any more.
    pub closed: bool,
}

/// The registry's entry for a name.
pub(super) struct Entry {
    pub addr: Addr<Connection>,
    pub outbox: Arc<SharedOutbox>,
    pub settings: NameSettings,
    pub arbiter: usize,
    pub epoch: u32,
    /// The highest epoch that the name may have.
    pub last_epoch: u32,
    /// Whether a cluster has placed the name here.
    pub is_placed: bool,
    pub respawns: Budget,
    /// The name is being removed, so it is not respawned.
    pub leaves: bool,
}

/// Work that runs once the store is open.
pub(super) type WhenOpen = Box<dyn FnOnce(&Manager) + Send>;

impl Manager {
    pub(super) fn handle(&self, name: &ConnectionName, entry: &Entry) -> Handle {
        Handle::new(
            name.clone(),
            entry.addr.clone(),
            Arc::clone(&entry.outbox),
            Arc::clone(&self.0.process.hub),
        )
    }

    /// The handle of a name; `None` if there is no such name.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// // Where nothing but the name is known.
    /// let feed = manager.find("feed").ok_or("no such name")?;
    /// feed.send("hello")?;
    /// assert!(manager.find("news").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find(&self, name: impl AsRef<str>) -> Option<Handle> {
        let names = self.0.names.read();
        let (name, entry) = names.entries.get_key_value(name.as_ref())?;
        Some(self.handle(name, entry))
    }

    /// The handles of all names that the pattern selects, sorted by name.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// use everwire::Pattern;
    ///
    /// for name in ["eu.orders", "eu.prices", "us.prices"] {
    ///     manager.open(name, settings.clone())?;
    /// }
    /// for handle in manager.list(&Pattern::new("eu.*")?) {
    ///     handle.send("hello, Europe")?;
    /// }
    /// # assert_eq!(manager.list(&Pattern::new("eu.*")?).len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn list(&self, pattern: &Pattern) -> Vec<Handle> {
        self.0
            .names
            .read()
            .entries
            .iter()
            .filter(|(name, _)| pattern.matches(name))
            .map(|(name, entry)| self.handle(name, entry))
            .collect()
    }

    /// The number of names.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// for name in ["orders", "prices"] {
    ///     manager.open(name, settings.clone())?;
    /// }
    /// assert_eq!(manager.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.0.names.read().entries.len()
    }

    /// Whether there is no name.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// assert!(manager.is_empty());
    /// manager.open("feed", settings)?;
    /// assert!(!manager.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The settings of a name, from its opening or its last change.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let settings = manager.settings("feed").ok_or("no such name")?;
    /// println!("closes with {} within {:?}", settings.close_code, settings.close_timeout);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settings(&self, name: impl AsRef<str>) -> Option<Arc<ConnectionSettings>> {
        let names = self.0.names.read();
        names
            .entries
            .get(name.as_ref())
            .map(|entry| Arc::new(entry.settings.whole()))
    }

    /// The status of all names that the pattern selects, sorted by name. Names that do not answer,
    /// because they are being removed or respawned, are left out.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::{Pattern, State};
    ///
    /// let statuses = manager.statuses(&Pattern::all()).await;
    /// let down = statuses.iter().filter(|status| status.state != State::Open);
    /// for status in down {
    ///     println!("{} is {}", status.name, status.state.as_str());
    /// }
    /// # assert_eq!(statuses.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn statuses(&self, pattern: &Pattern) -> Vec<Status> {
        let asked = self
            .list(pattern)
            .into_iter()
            .map(|handle| async move { handle.status().await.ok() });
        futures::future::join_all(asked)
            .await
            .into_iter()
            .flatten()
            .collect()
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("names", &self.len())
            .finish_non_exhaustive()
    }
}
