//! Starting a manager.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;

use super::{
    arbiters::Arbiters,
    error::StartError,
    features, outage,
    recall::needs_store,
    registry::{Inside, Manager},
    respawn, stall_monitor, trimming,
};
use crate::{
    connection::{NetworkDialer, ProcessContext, TokenBuckets},
    core::Cursor,
    hub::Hub,
    memory::{MemoryBudget, default_limit},
    persistence::Persistence,
    secret_store::SecretStore,
    settings::{CommonSettings, Settings},
    transport::{DialBudget, Preparer, Resolver, TlsCache},
};

/// The destinations of names and files, if a test redirects them.
#[derive(Default)]
struct Network {
    resolver: Resolver,
    secret_store: SecretStore,
}

impl Manager {
    /// Starts inside a running actix system, with one arbiter per core (or `service.workers`), and
    /// opens the names of `settings`.
    ///
    /// If the store is needed and cannot be opened for a reason that can pass, for example a full
    /// disk, the manager starts all the same: see [`store_outage`](Self::store_outage).
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
    /// [`StartError`] outside an actix system, when a thread cannot be started, or when the store
    /// cannot be opened for a permanent reason.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let arbiters = Arbiters::in_current_system(settings.service.workers)?;
        Self::with_arbiters(settings, arbiters, Network::default())
    }

    /// Starts like [`spawn`](Self::spawn), but all sockets and calls of its names lead to one peer,
    /// whatever their URLs say.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use everwire::{Manager, Settings, testing::{Detour, Peer}};
    ///
    /// let peer = Peer::start().await?;
    /// let settings = Settings::from_toml("connections.feed.url = 'wss://far.example/echo'")?;
    /// let manager = Manager::spawn_with_detour(settings, Detour::new(peer.addr()))?;
    /// peer.wait_open(1, std::time::Duration::from_secs(30)).await?;
    /// # manager.shutdown(std::time::Duration::from_secs(5)).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    #[cfg(feature = "testing")]
    pub fn spawn_with_detour(
        settings: Settings,
        detour: super::Detour,
    ) -> Result<Self, StartError> {
        let arbiters = Arbiters::in_own_system(settings.service.workers)?;
        let network = Network {
            resolver: Resolver::default().with_detour(detour.to),
            secret_store: SecretStore::default().with_files(detour.files),
        };
        Self::with_arbiters(settings, arbiters, network)
    }

    /// Starts from anywhere, for example plain tokio, with an actix system on a thread of its own.
    /// Otherwise like [`start`](Self::start).
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
    /// [`StartError`] when a thread cannot be started, or when the store cannot be opened for a
    /// permanent reason.
    pub fn spawn(settings: Settings) -> Result<Self, StartError> {
        let arbiters = Arbiters::in_own_system(settings.service.workers)?;
        Self::with_arbiters(settings, arbiters, Network::default())
    }

    fn with_arbiters(
        settings: Settings,
        arbiters: Arbiters,
        network: Network,
    ) -> Result<Self, StartError> {
        let persistence = Persistence::new(settings.service.state_dir.clone());
        features::check_all(&settings)?;
        if settings.service.remember || settings.connections.values().any(needs_store) {
            persistence.open()?;
        }
        let (death_tx, dead) = mpsc::unbounded_channel();
        let service = settings.service;
        let start = persistence.first_position();
        let memory = MemoryBudget::new(service.memory.unwrap_or_else(default_limit));
        memory.set_histories_limit(service.history_bytes);
        arbiters.begin(&memory);
        let forgotten = persistence.forgotten().unwrap_or(Cursor(start));
        let budget = DialBudget::new(service.max_handshakes, service.dial_rate, service.hosts);
        let tls = TlsCache::default();
        let Network {
            resolver,
            secret_store,
        } = network;
        let resolver = resolver.with_lease(settings.write_lease);
        let preparer = Preparer::new(&budget, &tls, &resolver, &secret_store);
        let dialer = NetworkDialer::new(&budget, &tls, &resolver, &secret_store, &preparer);
        let manager = Self(Arc::new(Inside {
            process: Arc::new(ProcessContext {
                hub: Hub::new(start, forgotten, Arc::clone(&memory)),
                memory,
                dialer: Box::new(dialer),
                budget,
                tls,
                resolver,
                secret_store,
                preparer,
                buckets: TokenBuckets::new(persistence.clone()),
                persistence,
                settings: CommonSettings::default(),
                death_tx,
            }),
            arbiters,
            names: RwLock::default(),
            when_open: Mutex::default(),
        }));
        respawn::watch(&manager, dead);
        outage::watch(&manager);
        stall_monitor::keep(&manager);
        trimming::keep(&manager);
        for (name, settings) in settings.connections {
            // The names of one `Settings` are distinct, and nobody else can have opened one yet.
            let _opened = manager.open_named(name, settings, None);
        }
        Ok(manager)
    }
}
