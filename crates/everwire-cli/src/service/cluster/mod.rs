//! This node's part in a cluster, in a build that has it.

#[cfg(feature = "nats")]
mod holding;
#[cfg(feature = "nats")]
mod names;
#[cfg(feature = "nats")]
mod running;
mod status;
mod whereabouts;

#[cfg(feature = "nats")]
use std::sync::Arc;
use std::{collections::BTreeMap, path::Path, time::Duration};

use bytes::Bytes;
use everwire::{
    ConnectionName, ConnectionSettings, Handle, Manager, Owner, WriteLease,
    config::{ClusterSettings, NatsSettings},
    manager::OpenError,
};
#[cfg(feature = "nats")]
use everwire_cluster::Event;
#[cfg(feature = "nats")]
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

#[cfg(feature = "nats")]
use self::{
    names::{Known, Names},
    running::Running,
};
pub use self::{
    status::{ClusterPart, ClusterStatus, NameInCluster},
    whereabouts::Elsewhere,
};

/// Why this node takes no part in the cluster.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClusterNotStarted(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Why the cluster was not changed.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(
    not(feature = "nats"),
    expect(dead_code, reason = "a build without the bridge has no cluster")
)]
pub enum NotChanged {
    /// There is no such node.
    #[error("there is no node {0:?} in the cluster")]
    NoNode(String),
    /// The process takes no part in a cluster.
    #[error("this process is no node of a cluster: its configuration has no [cluster]")]
    NoCluster,
    /// The change is not in the log.
    #[error("{0}")]
    NotInLog(String),
}

/// Why a node gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(
    not(feature = "nats"),
    expect(dead_code, reason = "a build without the bridge has no cluster")
)]
pub enum NotAsked {
    /// Nothing was asked: no server of NATS answers.
    #[error("no NATS server answers, so it cannot be asked")]
    Away,
    /// Nothing was asked.
    #[error("the request is too long to be passed on")]
    TooLong,
    /// Nothing was done: it does not listen.
    #[error("it does not listen to requests")]
    NobodyListens,
    /// It may have been done.
    #[error("it did not answer in time; it may have done what was asked")]
    Silent,
}

/// A request of another node.
pub struct Incoming {
    /// What it asks.
    pub bytes: Bytes,
    /// Takes the answer.
    pub answer: oneshot::Sender<Bytes>,
}

/// This node, if the settings have a cluster.
#[derive(Debug, Default)]
pub struct Node {
    #[cfg(feature = "nats")]
    running: Option<Arc<Running>>,
    /// What the cluster says, until the work begins.
    #[cfg(feature = "nats")]
    events: Mutex<Option<mpsc::UnboundedReceiver<Event>>>,
}

/// What a node needs to begin.
#[cfg_attr(
    not(feature = "nats"),
    expect(dead_code, reason = "a build without the bridge has no cluster")
)]
pub struct Beginning<'a> {
    /// The connections.
    pub manager: &'a Manager,
    /// `[cluster]`.
    pub settings: ClusterSettings,
    /// `[nats]`.
    pub nats: NatsSettings,
    /// The lease of the manager.
    pub lease: WriteLease,
    /// `service.state_dir`.
    pub state_dir: &'a Path,
    /// The names of the file.
    pub names: BTreeMap<ConnectionName, ConnectionSettings>,
}

#[cfg(feature = "nats")]
impl Node {
    /// Takes part in the cluster.
    ///
    /// # Errors
    ///
    /// When its folder cannot be used.
    pub async fn start(beginning: Beginning<'_>) -> Result<Self, ClusterNotStarted> {
        let names = Names::default();
        let mut places = std::collections::BTreeSet::new();
        for (name, settings) in beginning.names {
            places.insert(settings.place.clone());
            let settings = Arc::new(settings);
            names.put(
                &name,
                Known {
                    settings,
                    owner: None,
                },
            );
        }
        let inbound = beginning.nats.inbound.as_ref();
        let inbound = inbound.map(|inbound| (inbound.names.clone(), inbound.subject.clone()));
        let (tell, events) = mpsc::unbounded_channel();
        let folder = beginning.state_dir.join("cluster");
        let move_timeout = beginning.settings.move_timeout;
        let cluster = everwire_cluster::Cluster::start(
            beginning.settings,
            beginning.nats,
            &folder,
            beginning.lease,
            // Without a service there is nothing to open.
            move |event| drop(tell.send(event)),
        )
        .map_err(|error| ClusterNotStarted(error.into()))?;
        for place in places.into_iter().filter(|place| !place.is_empty()) {
            cluster.wants(place).await;
        }
        let running = Arc::new(Running {
            cluster,
            manager: beginning.manager.clone(),
            names,
            move_timeout,
            inbound,
        });
        Ok(Self {
            running: Some(running),
            events: Mutex::new(Some(events)),
        })
    }

    /// Whether the process is a node of a cluster.
    pub fn takes_part(&self) -> bool {
        self.running.is_some()
    }

    /// Begins to open names, inside a running actix system.
    pub fn begin(&self) {
        if let (Some(running), Some(events)) = (&self.running, self.events.lock().take()) {
            actix::spawn(holding::run(Arc::clone(running), events));
        }
    }

    /// Opens a name, or notes it for the node that holds it. The handle, if it is open here.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(
        &self,
        manager: &Manager,
        name: &ConnectionName,
        settings: ConnectionSettings,
        owner: Option<Owner>,
    ) -> Result<Option<Handle>, OpenError> {
        let Some(running) = &self.running else {
            return open_alone(manager, name, settings, owner).map(Some);
        };
        let known = Known {
            settings: Arc::new(settings),
            owner,
        };
        running.names.put(name, known.clone());
        if !known.settings.place.is_empty() {
            running.cluster.wants(known.settings.place.clone()).await;
        }
        let shard = known.shard(name, &running.cluster);
        if let Some(term) = shard.and_then(|shard| running.cluster.held(shard)) {
            holding::open(running, name, &known, term);
        }
        Ok(manager.find(name))
    }

    /// Notes new settings of a name.
    pub fn configured(&self, name: &ConnectionName, settings: &ConnectionSettings) {
        if let Some(running) = &self.running
            && let Some(known) = running.names.get(name)
        {
            let settings = Arc::new(settings.clone());
            running.names.put(name, Known { settings, ..known });
        }
    }

    /// Forgets a name that is removed.
    pub fn removed(&self, name: &ConnectionName) {
        if let Some(running) = &self.running {
            running.names.remove(name);
        }
    }

    /// The settings of all names of the cluster; `None` without one.
    pub fn settings(&self) -> Option<BTreeMap<ConnectionName, ConnectionSettings>> {
        Some(self.running.as_ref()?.names.settings())
    }

    /// Where a name of the cluster is that is not open here; `None` if it is unknown.
    pub fn elsewhere(&self, name: &ConnectionName) -> Option<Elsewhere> {
        let running = self.running.as_ref()?;
        let known = running.names.get(name)?;
        let found = known.shard(name, &running.cluster);
        let found = found.and_then(|shard| running.cluster.find(shard));
        Some(Elsewhere::of(found))
    }

    /// Where a name is; `None` without a cluster, and for names that it does not have.
    pub fn find(&self, name: &ConnectionName) -> Option<NameInCluster> {
        let running = self.running.as_ref()?;
        let known = running.names.get(name)?;
        let shard = known.shard(name, &running.cluster);
        let found = shard.and_then(|shard| running.cluster.find(shard));
        let published = running.inbound.as_ref();
        let published = published.filter(|(names, _)| names.matches(name));
        let subject = published.map(|(_, subject)| everwire_nats::subject_of(subject, name));
        Some(status::name(name, shard, found, subject))
    }

    /// Tells the cluster that a name is closed by hand, or no longer.
    ///
    /// # Errors
    ///
    /// [`NotChanged`].
    pub async fn closed(&self, name: &ConnectionName, is_closed: bool) -> Result<(), NotChanged> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        let name = name.clone();
        let changed = match is_closed {
            true => running.cluster.close(name).await,
            false => running.cluster.open(name).await,
        };
        changed.map_err(not_changed)
    }

    /// Has a node give away what it has.
    ///
    /// # Errors
    ///
    /// [`NotChanged`].
    pub async fn drain(&self, node: &str) -> Result<(), NotChanged> {
        let running = self.running.as_ref().ok_or(NotChanged::NoCluster)?;
        running.cluster.drain(node).await.map_err(not_changed)
    }

    /// Asks a node.
    ///
    /// # Errors
    ///
    /// [`NotAsked`].
    pub async fn ask(
        &self,
        node: &str,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, NotAsked> {
        use everwire_cluster::AskError;
        let running = self.running.as_ref().ok_or(NotAsked::Away)?;
        let asked = running.cluster.ask(node, request, within).await;
        asked.map_err(|error| match error {
            AskError::Away => NotAsked::Away,
            AskError::TooLong => NotAsked::TooLong,
            AskError::NobodyListens => NotAsked::NobodyListens,
            AskError::Silent => NotAsked::Silent,
        })
    }

    /// The requests of other nodes, for the first who asks for them.
    pub fn requests(&self) -> Option<mpsc::Receiver<Incoming>> {
        let mut requests = self.running.as_ref()?.cluster.requests()?;
        let (tell, told) = mpsc::channel(1);
        actix::spawn(async move {
            while let Some(everwire_cluster::Incoming { bytes, answer }) = requests.recv().await {
                if tell.send(Incoming { bytes, answer }).await.is_err() {
                    return;
                }
            }
        });
        Some(told)
    }

    /// The other nodes that are alive.
    pub fn others(&self) -> Vec<String> {
        let Some(running) = &self.running else {
            return Vec::new();
        };
        let status = running.cluster.status();
        let others = status.nodes.into_iter().map(|node| node.node);
        others
            .filter(|node| *node != status.node)
            .map(Into::into)
            .collect()
    }

    /// The status of the cluster; `None` without one.
    pub fn status(&self) -> Option<ClusterStatus> {
        let running = self.running.as_ref()?;
        let status = running.cluster.status();
        Some(ClusterStatus::of(status, running.names.len()))
    }

    /// Leaves the cluster, when all names are closed.
    pub async fn leave(&self, within: Duration) {
        if let Some(running) = &self.running {
            running.cluster.leave(within).await;
        }
    }
}

#[cfg(feature = "nats")]
fn not_changed(error: everwire_cluster::ChangeError) -> NotChanged {
    match error {
        everwire_cluster::ChangeError::NoNode(node) => NotChanged::NoNode(node.into()),
        error => NotChanged::NotInLog(error.to_string()),
    }
}

/// Opens a name of a process that is no node.
fn open_alone(
    manager: &Manager,
    name: &ConnectionName,
    settings: ConnectionSettings,
    owner: Option<Owner>,
) -> Result<Handle, OpenError> {
    match owner {
        Some(owner) => manager.open_owned(name, settings, owner),
        None => manager.open(name, settings),
    }
}

/// In a build without it, settings for a cluster have been refused.
#[cfg(not(feature = "nats"))]
impl Node {
    /// This program takes part in no cluster.
    pub async fn start(_: Beginning<'_>) -> Result<Self, ClusterNotStarted> {
        Ok(Self::default())
    }

    /// This program is no node of a cluster.
    pub fn takes_part(&self) -> bool {
        false
    }

    /// Nothing is to be begun.
    pub fn begin(&self) {}

    /// Opens a name.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(
        &self,
        manager: &Manager,
        name: &ConnectionName,
        settings: ConnectionSettings,
        owner: Option<Owner>,
    ) -> Result<Option<Handle>, OpenError> {
        open_alone(manager, name, settings, owner).map(Some)
    }

    /// Nobody else needs them.
    pub fn configured(&self, _: &ConnectionName, _: &ConnectionSettings) {}

    /// Nobody else knows it.
    pub fn removed(&self, _: &ConnectionName) {}

    /// There is no cluster.
    pub fn settings(&self) -> Option<BTreeMap<ConnectionName, ConnectionSettings>> {
        None
    }

    /// There is no cluster.
    pub fn elsewhere(&self, _: &ConnectionName) -> Option<Elsewhere> {
        None
    }

    /// There is no cluster.
    pub fn find(&self, _: &ConnectionName) -> Option<NameInCluster> {
        None
    }

    /// Nobody is to be told.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn closed(&self, _: &ConnectionName, _: bool) -> Result<(), NotChanged> {
        Ok(())
    }

    /// There is no cluster.
    ///
    /// # Errors
    ///
    /// [`NotChanged::NoCluster`].
    pub async fn drain(&self, _: &str) -> Result<(), NotChanged> {
        Err(NotChanged::NoCluster)
    }

    /// There are no other nodes.
    ///
    /// # Errors
    ///
    /// [`NotAsked::Away`].
    pub async fn ask(&self, _: &str, _: Bytes, _: Duration) -> Result<Bytes, NotAsked> {
        Err(NotAsked::Away)
    }

    /// Nobody asks.
    pub fn requests(&self) -> Option<mpsc::Receiver<Incoming>> {
        None
    }

    /// There are no other nodes.
    pub fn others(&self) -> Vec<String> {
        Vec::new()
    }

    /// There is no cluster.
    pub fn status(&self) -> Option<ClusterStatus> {
        None
    }

    /// There is nothing to leave.
    pub async fn leave(&self, _: Duration) {}
}
