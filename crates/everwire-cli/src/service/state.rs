//! The shared state of all request handlers.

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use everwire::{
    ConnectionName, ConnectionSettings, Handle, Manager, Pattern, Status,
    config::{ServiceSettings, TokenSettings},
};
use parking_lot::{Mutex, RwLock};

use super::{
    bridge::Bridge,
    changes::Changes,
    cluster::Node,
    holds::Holds,
    http::{
        access::{Access, Caller, ReachedName},
        problem::Problem,
        streams::{ConnectionLimit, Subscriptions, raw::Bridges},
        waits::Waits,
    },
    metrics::Metrics,
    reload::Source,
    rules::Rules,
    secrets::Secrets,
    tenants::Tenants,
    why::Why,
};

/// The time limit for actors to answer. They answer at once unless a callback blocks their thread.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The shared state of all request handlers.
pub struct AppState {
    /// The connections.
    pub manager: Manager,
    /// Authentication of callers.
    pub access: Arc<Access>,
    /// The recent events of each name.
    pub why: Why,
    /// The source of a reload.
    pub source: Source,
    /// The queues of changes.
    pub changes: Changes,
    /// Locked while a connection is created, so that limits hold.
    pub opening: Mutex<()>,
    /// The owners of the secrets.
    pub secrets: Secrets,
    /// The subscriptions of callers of the API.
    pub holds: Holds,
    /// Replaced as a whole by a reload.
    rules: RwLock<Arc<Rules>>,
    /// The limit for clients that stay connected.
    pub connection_limit: ConnectionLimit,
    /// The subscriptions of all WebSockets.
    pub subscriptions: Subscriptions,
    /// The clients of the raw bridge that have their own sockets.
    pub bridges: Bridges,
    /// The requests that wait for the fate of a message.
    pub waits: Waits,
    /// The bridge to NATS.
    pub bridge: Bridge,
    /// This node, if the process is one of a cluster.
    pub cluster: Node,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Whether the process is about to end.
    pub ending: AtomicBool,
    /// Whether it is known what earlier processes have stored. `false` while the store cannot be
    /// opened.
    pub knows_kept: AtomicBool,
    /// Whether the metrics require a token.
    pub guards_metrics: bool,
}

impl AppState {
    /// The API of a manager with these settings.
    pub fn new(
        manager: Manager,
        service: ServiceSettings,
        rules: Rules,
        config: Option<PathBuf>,
    ) -> Self {
        let access = Arc::new(Access::new(service.tokens.clone()));
        let tenants = Tenants::new(manager.clone(), Arc::clone(&access));
        manager.set_owner_shares(access.owner_shares());
        Self {
            metrics: Metrics::start(&manager, service.metrics.max_names, tenants),
            why: Why::start(&manager),
            knows_kept: AtomicBool::new(manager.store_outage().is_none()),
            bridge: Bridge::default(),
            cluster: Node::default(),
            manager,
            access,
            changes: Changes::default(),
            opening: Mutex::default(),
            secrets: Secrets::default(),
            holds: Holds::default(),
            rules: RwLock::new(Arc::new(rules)),
            connection_limit: ConnectionLimit::default(),
            subscriptions: Subscriptions::default(),
            bridges: Bridges::default(),
            waits: Waits::default(),
            ending: AtomicBool::new(false),
            guards_metrics: service.metrics.token,
            source: Source::new(config, service),
        }
    }

    /// The owners of the names.
    pub fn tenants(&self) -> Tenants {
        Tenants::new(self.manager.clone(), Arc::clone(&self.access))
    }

    /// The current rules.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read())
    }

    /// Replaces the rules from the next request on.
    pub fn replace_rules(&self, rules: Rules) {
        *self.rules.write() = Arc::new(rules);
    }

    /// Replaces the tokens from the next request on. The names count towards the shares of the new
    /// tokens at once.
    pub fn replace_tokens(&self, tokens: Vec<TokenSettings>) {
        self.access.replace(tokens);
        self.manager.set_owner_shares(self.access.owner_shares());
    }

    /// A connection and its settings.
    ///
    /// # Errors
    ///
    /// 404; 503 while the store may have a connection that is not known yet.
    pub fn find(&self, name: &ReachedName) -> Result<(Handle, Arc<ConnectionSettings>), Problem> {
        let name: &ConnectionName = name;
        let found = self.manager.find(name).zip(self.manager.settings(name));
        found.ok_or_else(|| match self.cluster.elsewhere(name) {
            Some(elsewhere) => Problem::moved(name.as_str(), &elsewhere),
            None if self.knows_kept() => Problem::unknown(name.as_str()),
            None => self.unknown_yet(&format!("there may be a connection named {name:?}")),
        })
    }

    /// The connections of a pattern that the caller reaches.
    pub fn list(&self, caller: &Caller, pattern: &Pattern) -> Vec<Handle> {
        let mut handles = self.manager.list(pattern);
        handles.retain(|handle| caller.reaches(handle.name()));
        handles
    }

    fn knows_kept(&self) -> bool {
        self.knows_kept.load(Ordering::Acquire)
    }

    /// 503: it is not known what earlier processes have stored.
    pub fn unknown_yet(&self, what: &str) -> Problem {
        let outage = self.manager.store_outage();
        let why = outage.as_deref().unwrap_or("it is being read");
        Problem::store_outage(format!("{what}: the store is not open ({why})"))
    }

    /// Refuses to change what earlier processes may have stored.
    ///
    /// # Errors
    ///
    /// 503 while nobody knows what that is.
    pub fn refuse_unknown(&self) -> Result<(), Problem> {
        match self.knows_kept() {
            true => Ok(()),
            false => Err(self.unknown_yet("nothing was changed")),
        }
    }

    /// The status of a connection.
    ///
    /// # Errors
    ///
    /// 404 if it is gone, 503 if it does not answer.
    pub async fn status(&self, handle: &Handle) -> Result<Status, Problem> {
        let status = self.in_time(handle.status()).await?;
        status.map_err(|_gone| Problem::unknown(handle.name().as_str()))
    }

    /// Refuses to change a name of the configuration's file.
    ///
    /// # Errors
    ///
    /// 409.
    pub fn refuse_owned(&self, name: &ConnectionName) -> Result<(), Problem> {
        match self.rules().owned.contains(name) {
            true => {
                let detail = format!("the configuration's file owns {name:?}; change it there");
                Err(Problem::conflict(detail))
            }
            false => Ok(()),
        }
    }

    /// Completes a change even if its client stops waiting for it.
    ///
    /// # Errors
    ///
    /// The errors of the change; 503 when the service ends.
    pub async fn whole<T: 'static>(
        change: impl Future<Output = Result<T, Problem>> + 'static,
    ) -> Result<T, Problem> {
        let changed = actix::spawn(change).await;
        changed.map_err(|_| Problem::unavailable("the service shuts down"))?
    }

    /// Waits for actors, with a time limit.
    ///
    /// # Errors
    ///
    /// 503.
    pub async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Result<T, Problem> {
        tokio::time::timeout(ANSWER_TIMEOUT, answer)
            .await
            .map_err(|_| Problem::unavailable("the connections do not answer"))
    }
}
