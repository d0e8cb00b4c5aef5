//! A process that may be a node of a cluster.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use everwire::{
    ConnectionName, ConnectionSettings, Handle, Manager, Owner, config::shard_key,
    manager::OpenError,
};
use everwire_cluster::{AskError, ChangeError, Cluster, Event, Incoming};
use everwire_proto::placement::MAX_TABLE;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::{
    Beginning, ClusterNotStarted, Elsewhere, NotChanged, ShardChanges,
    alone::open_alone,
    holding,
    names::{Known, Names},
    running::Running,
    status::{self, ClusterStatus, NameInCluster},
};

/// So many events wait to be done: four for each shard that a cluster can have.
const MOST_EVENTS: usize = 4 * MAX_TABLE;

/// This node, if the settings have a cluster.
#[derive(Debug, Default)]
pub struct Node {
    running: Option<Arc<Running>>,
    /// What the cluster says, until the work begins.
    events: Mutex<Option<mpsc::Receiver<Event>>>,
}

impl Node {
    /// Takes part in the cluster.
    ///
    /// # Errors
    ///
    /// When its folder cannot be used.
    pub async fn start(beginning: Beginning<'_>) -> Result<Self, ClusterNotStarted> {
        let names = Names::default();
        let mut places = BTreeSet::new();
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
        let (tell, events) = mpsc::channel(MOST_EVENTS);
        let folder = beginning.state_dir.join("cluster");
        let move_timeout = beginning.settings.move_timeout;
        let cluster = Cluster::start(
            beginning.settings,
            beginning.nats,
            &folder,
            beginning.lease,
            move |event| tell.try_send(event).is_ok(),
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
    ///
    /// # Errors
    ///
    /// [`ShardChanges`], if by these settings the name would be in another shard. Nodes read their
    /// files one after the other, so for a while two of them would hold it.
    pub fn configured(
        &self,
        name: &ConnectionName,
        settings: &ConnectionSettings,
    ) -> Result<(), ShardChanges> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        let Some(known) = running.names.get(name) else {
            return Ok(());
        };
        let of = |settings: &ConnectionSettings| {
            let key = shard_key(name, settings).into_owned();
            (key, settings.place.clone())
        };
        if of(&known.settings) != of(settings) {
            return Err(ShardChanges);
        }
        let settings = Arc::new(settings.clone());
        running.names.put(name, Known { settings, ..known });
        Ok(())
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
    /// [`AskError`].
    pub async fn ask(
        &self,
        node: &str,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, AskError> {
        let running = self.running.as_ref().ok_or(AskError::Away)?;
        running.cluster.ask(node, request, within).await
    }

    /// The requests of other nodes, for the first who asks for them.
    pub fn requests(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.running.as_ref()?.cluster.requests()
    }

    /// The boot of a node, if it is alive.
    pub fn boot_of(&self, node: &str) -> Option<String> {
        let nodes = self.running.as_ref()?.cluster.status().nodes;
        let found = nodes.into_iter().find(|found| *found.node == *node);
        found.map(|found| found.boot)
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

fn not_changed(error: ChangeError) -> NotChanged {
    match error {
        ChangeError::NoNode(node) => NotChanged::NoNode(node.into()),
        error => NotChanged::NotInLog(error.to_string()),
    }
}
