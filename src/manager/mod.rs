//! The registry of names.

mod arbiters;
mod epochs;
mod handle;
mod listening;
mod memory;
mod outage;
mod owners;
mod removal;
mod respawn;
mod shutdown;
mod trimming;
mod vigil;

use std::{
    collections::{BTreeMap, btree_map},
    sync::Arc,
};

use actix::{Addr, Supervisor};
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};

use self::{
    arbiters::Arbiters,
    epochs::Epochs,
    memory::{hold, needs_store, recall},
    outage::WhenOpen,
    respawn::Budget,
};
pub use self::{
    arbiters::StartError,
    handle::{CloseError, Gone, Handle},
    shutdown::{Left, ShutdownReport},
};
pub use crate::vault::VaultFull;
use crate::{
    config::{CommonSettings, ConnectionSettings, NameSettings, Secret, Settings},
    connection::{
        Commons, Configure, Connection, Gate, NetworkDialer, Probed, Status, TokenBuckets, probe,
    },
    core::{ConnectionName, Cursor, InvalidName, Owner, Pattern},
    events::Applied,
    hub::Hub,
    keeper::Keeper,
    memory::{MemoryBudget, default_limit},
    transport::{DialBudget, Resolver, TlsCache},
    vault::Vault,
};

/// Keeps named connections: opens, finds, lists, closes and removes them, on one arbiter per core.
///
/// Cloning is cheap; all clones are the same manager. It works from any thread, inside actix or not.
#[derive(Clone)]
pub struct Manager(Arc<Inside>);

struct Inside {
    commons: Arc<Commons>,
    arbiters: Arbiters,
    names: RwLock<Names>,
    /// What the program does once the store is open, which it is not yet.
    when_open: Mutex<Vec<WhenOpen>>,
}

#[derive(Default)]
struct Names {
    entries: BTreeMap<ConnectionName, Entry>,
    /// Of those that were removed.
    epochs: Epochs,
    /// Set by a shutdown: no name is opened or respawned any more.
    closed: bool,
}

/// What the registry knows of a name.
struct Entry {
    addr: Addr<Connection>,
    gate: Arc<Gate>,
    settings: NameSettings,
    arbiter: usize,
    epoch: u32,
    respawns: Budget,
    /// Being removed: it is not respawned any more.
    leaves: bool,
}

/// Why a name was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The text is no name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// It is to be durable, and the store cannot be opened for a reason that does not pass by itself, as in
    /// [`StartError::Store`].
    #[error("the store cannot be opened: {0}")]
    Store(String),
    /// A connection of this name exists.
    #[error("a connection named {0:?} exists already")]
    Duplicate(ConnectionName),
    /// The manager shuts down.
    #[error("the manager is shut down")]
    ShutDown,
}

/// Why a name did not get new settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigureError {
    /// There is no such name.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// It is to be durable, and the store cannot be opened, or holds messages of an earlier process that were not looked for when the
    /// name was opened.
    #[error("the store cannot be used: {0}")]
    Store(String),
}

impl Manager {
    /// Starts inside a running actix system: one arbiter per core (or `service.workers`), and the names of `settings`.
    ///
    /// Where the store is needed and cannot be opened for a reason that can pass, a full disk for example, it starts all the same:
    /// see [`store_outage`](Self::store_outage).
    ///
    /// ```
    /// use everwire::{Manager, Settings};
    ///
    /// #[actix::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let manager = Manager::start(Settings::from_toml(
    ///         "connections.feed = { url = 'ws://localhost:9/', enabled = false }",
    ///     )?)?;
    ///     assert!(manager.find("feed").is_some());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StartError`] outside an actix system, when a thread cannot be started, or when the store cannot be opened for a reason that
    /// does not pass by itself.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let arbiters = Arbiters::in_current_system(settings.service.workers)?;
        Self::with_arbiters(settings, arbiters)
    }

    /// Starts from anywhere, plain tokio for example, with an actix system on a thread of its own; otherwise as [`start`](Self::start).
    ///
    /// ```
    /// use everwire::{Manager, Settings};
    ///
    /// let mut settings = Settings::default();
    /// settings.service.workers = 2; // threads, in place of one per core
    /// let manager = Manager::spawn(settings)?;
    /// assert!(manager.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`StartError`] when a thread cannot be started, or when the store cannot be opened for a reason that does not pass by itself.
    pub fn spawn(settings: Settings) -> Result<Self, StartError> {
        let arbiters = Arbiters::in_own_system(settings.service.workers)?;
        Self::with_arbiters(settings, arbiters)
    }

    fn with_arbiters(settings: Settings, arbiters: Arbiters) -> Result<Self, StartError> {
        let keeper = Keeper::new(settings.service.state_dir.clone());
        if settings.service.remember || settings.connections.values().any(needs_store) {
            keeper.open()?;
        }
        let (obituaries, dead) = mpsc::unbounded_channel();
        let service = settings.service;
        // Microseconds: the next process begins beyond what this one gives out, as long as that is less than a million
        // events a second, year in, year out.
        let start = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default();
        let start = start.max(keeper.position() + 1);
        let memory = MemoryBudget::new(service.memory.unwrap_or_else(default_limit));
        arbiters.begin_leases(&memory);
        let forgotten = keeper.forgotten().unwrap_or(Cursor(start));
        let budget = DialBudget::new(service.max_handshakes, service.dial_rate, service.hosts);
        let (tls, resolver, vault) = (TlsCache::default(), Resolver::default(), Vault::default());
        let manager = Self(Arc::new(Inside {
            commons: Arc::new(Commons {
                hub: Hub::new(start, forgotten, Arc::clone(&memory)),
                memory,
                dialer: Box::new(NetworkDialer::new(&budget, &tls, &resolver, &vault)),
                budget,
                tls,
                resolver,
                vault,
                buckets: TokenBuckets::new(keeper.clone()),
                keeper,
                settings: CommonSettings::default(),
                obituaries,
            }),
            arbiters,
            names: RwLock::default(),
            when_open: Mutex::default(),
        }));
        respawn::watch(&manager, dead);
        outage::watch(&manager);
        vigil::keep(&manager);
        trimming::keep(&manager);
        for (name, settings) in settings.connections {
            // The names of one settings are different, and nobody else can have opened one yet.
            let _opened = manager.open_named(name, settings, None);
        }
        Ok(manager)
    }

    /// Opens a connection: it is dialled at once, if `enabled`. One that is durable waits for a store that
    /// [cannot be opened yet](Self::store_outage).
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// use everwire::manager::OpenError;
    ///
    /// let feed = manager.open("feed", settings.clone())?;
    /// assert_eq!(feed.name(), "feed");
    ///
    /// let again = manager.open("feed", settings);
    /// assert!(matches!(again, Err(OpenError::Duplicate(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing was opened then.
    pub fn open(
        &self,
        name: impl AsRef<str>,
        settings: ConnectionSettings,
    ) -> Result<Handle, OpenError> {
        self.open_named(ConnectionName::new(name)?, settings, None)
    }

    /// Opens a connection that belongs to an owner, through all its lives, until it is removed or [disowned](Self::disown): no change
    /// of its settings gives it to another.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// use everwire::Owner;
    ///
    /// let acme = Owner::new("acme");
    /// manager.open_owned("acme.orders", settings, acme.clone())?;
    /// assert_eq!(manager.owner("acme.orders"), Some(acme));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing was opened then.
    pub fn open_owned(
        &self,
        name: impl AsRef<str>,
        settings: ConnectionSettings,
        owner: Owner,
    ) -> Result<Handle, OpenError> {
        self.open_named(ConnectionName::new(name)?, settings, Some(owner))
    }

    fn open_named(
        &self,
        name: ConnectionName,
        settings: ConnectionSettings,
        owner: Option<Owner>,
    ) -> Result<Handle, OpenError> {
        let mut names = self.0.names.write();
        let names = &mut *names;
        if names.closed {
            return Err(OpenError::ShutDown);
        }
        let btree_map::Entry::Vacant(place) = names.entries.entry(name.clone()) else {
            return Err(OpenError::Duplicate(name));
        };
        let keeper = &self.0.commons.keeper;
        if needs_store(&settings) {
            keeper
                .open()
                .map_err(|error| OpenError::Store(error.to_string()))?;
        }
        // Those that are held go on only when this lock is free.
        let outage = keeper.outage().filter(|_| needs_store(&settings));
        let (gate, epoch) = match outage {
            Some(outage) => hold(&name, &settings, &self.0.commons, &outage),
            None => recall(&name, &settings, &self.0.commons),
        };
        gate.give_to(owner);
        let epoch = names.epochs.begin(&name, epoch);
        let settings = self.0.commons.settings.share(settings);
        let arbiter = self.0.arbiters.next();
        let addr = self.start_actor(&name, &settings, &gate, arbiter, epoch);
        let entry = Entry {
            addr,
            gate,
            settings,
            arbiter,
            epoch,
            respawns: Budget::default(),
            leaves: false,
        };
        let handle = self.handle(&name, &entry);
        place.insert(entry);
        Ok(handle)
    }

    fn start_actor(
        &self,
        name: &ConnectionName,
        settings: &NameSettings,
        gate: &Arc<Gate>,
        arbiter: usize,
        epoch: u32,
    ) -> Addr<Connection> {
        // Before the actor runs: what is sent to it already is of this life.
        gate.begin_epoch(epoch);
        let (name, settings, gate) = (name.clone(), settings.clone(), Arc::clone(gate));
        let commons = Arc::clone(&self.0.commons);
        Supervisor::start_in_arbiter(self.0.arbiters.get(arbiter), move |_| {
            Connection::new(name, settings, commons, gate, epoch)
        })
    }

    fn handle(&self, name: &ConnectionName, entry: &Entry) -> Handle {
        Handle::new(
            name.clone(),
            entry.addr.clone(),
            Arc::clone(&entry.gate),
            Arc::clone(&self.0.commons.hub),
        )
    }

    /// The handle of a name.
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

    /// The handles of all names that the pattern selects, in the order of their names.
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

    /// How many names there are.
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

    /// The settings of a name, as they were opened or last configured.
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

    /// The status of all names that the pattern selects, in the order of their names. A name that does not answer, being
    /// removed or respawned just now, is left out.
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

    /// Gives a name new settings; says whether its socket is replaced for them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let settings = manager.settings("feed").ok_or("no such name")?;
    /// let mut settings = (*settings).clone();
    /// settings.tags.push("production".into());
    ///
    /// let applied = manager.configure("feed", settings).await?;
    /// assert!(!applied.reconnect); // a tag needs no other socket
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigureError`]; the old settings stay in force then.
    pub async fn configure(
        &self,
        name: impl AsRef<str>,
        settings: ConnectionSettings,
    ) -> Result<Applied, ConfigureError> {
        if needs_store(&settings) {
            let opened = self.0.commons.keeper.open();
            opened.map_err(|error| ConfigureError::Store(error.to_string()))?;
        }
        let addr = {
            let mut names = self.0.names.write();
            let entry = names.entries.get_mut(name.as_ref());
            // One that leaves would take the settings along.
            let entry = entry.filter(|entry| !entry.leaves).ok_or(Gone)?;
            match needs_store(&settings) {
                true if !entry.gate.is_held() => self.may_become_durable(name.as_ref())?,
                true => {}
                // It has nothing to wait for any more.
                false => entry.gate.forgo_store(),
            }
            entry.settings = self.0.commons.settings.share(settings.clone());
            entry.addr.clone()
        };
        addr.send(Configure(Box::new(settings)))
            .await
            .map_err(|_| Gone.into())
    }

    /// Whether a name that was opened without a look into the store can have its messages there.
    fn may_become_durable(&self, name: &str) -> Result<(), ConfigureError> {
        let keeper = &self.0.commons.keeper;
        if let Some(outage) = keeper.outage() {
            return Err(ConfigureError::Store(outage.text.to_string()));
        }
        let is_held = ConnectionName::new(name).is_ok_and(|name| keeper.holds_messages_of(&name));
        if is_held {
            let text = "it holds messages of an earlier process for this name, which go out after a restart with these settings";
            return Err(ConfigureError::Store(text.into()));
        }
        Ok(())
    }

    /// Dials all URLs of a name as its settings have it now, when the dial budget allows it, and closes with 1000 what opens. The
    /// name itself, its socket and its attempts know nothing of it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// # let feed = manager.open("feed", settings)?;
    /// for probed in manager.probe("feed").await? {
    ///     match probed.outcome {
    ///         Ok(reached) => println!("{}: {} would serve", probed.url, reached.peer),
    ///         Err(cause) => println!("{}: {}", probed.url, cause.text()),
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Gone`] when there is no such name.
    pub async fn probe(&self, name: impl AsRef<str>) -> Result<Vec<Probed>, Gone> {
        let (settings, owner, arbiter) = {
            let names = self.0.names.read();
            let entry = names.entries.get(name.as_ref()).ok_or(Gone)?;
            (entry.settings.clone(), entry.gate.owner(), entry.arbiter)
        };
        let commons = Arc::clone(&self.0.commons);
        let (mut sender, answer) = oneshot::channel();
        // A dial runs on an arbiter. An arbiter that has stopped carries no name either.
        let _stopped = self.0.arbiters.get(arbiter).spawn_fn(move || {
            actix::spawn(async move {
                tokio::select! {
                    probed = probe(settings, owner, commons) => {
                        let _unheard = sender.send(probed);
                    }
                    // Nobody waits any more.
                    () = sender.closed() => {}
                }
            });
        });
        answer.await.map_err(|_| Gone)
    }

    /// Gives a value to `${secret:ID}`, from the next dial on; whether there was none before. Nothing can read it but a dial.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::{ConnectionName, config::Secret};
    ///
    /// // For a name with `headers = { Authorization = "Bearer ${secret:feed-token}" }`.
    /// let id = ConnectionName::new("feed-token")?;
    /// assert!(manager.put_secret(id.clone(), Secret::new("abc"))?);
    /// // The token was replaced: sockets that are up stay up.
    /// assert!(!manager.put_secret(id, Secret::new("def"))?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultFull`]; nothing was changed then.
    pub fn put_secret(&self, id: ConnectionName, secret: Secret) -> Result<bool, VaultFull> {
        self.0.commons.vault.put(id, secret)
    }

    /// Forgets a secret; whether there was one. What needs it waits for it at its next dial: `secret_missing`.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::{ConnectionName, config::Secret};
    ///
    /// manager.put_secret(ConnectionName::new("feed-token")?, Secret::new("abc"))?;
    /// assert!(manager.remove_secret("feed-token"));
    /// assert!(!manager.remove_secret("feed-token"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_secret(&self, id: impl AsRef<str>) -> bool {
        self.0.commons.vault.remove(id.as_ref())
    }

    /// How many events subscribers of all kinds missed because they were too slow, since the start.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// let missed = manager.missed_events();
    /// if missed > 0 {
    ///     eprintln!("subscribers are too slow: they missed {missed} events");
    /// }
    /// # assert_eq!(missed, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn missed_events(&self) -> u64 {
        self.0.commons.hub.missed()
    }
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager")
            .field("names", &self.len())
            .finish_non_exhaustive()
    }
}
