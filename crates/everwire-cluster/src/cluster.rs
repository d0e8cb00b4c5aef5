//! A node of a cluster.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use everwire::{
    ConnectionName, WriteLease,
    config::{ClusterSettings, NatsSettings},
};
use everwire_proto::placement::{Labels, ShardId, Term};
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use crate::{
    clocks,
    event::Event,
    log::LogSettings,
    order::{Change, ChangeError, Order},
    requests::{self, AskError, Asked, Incoming, Requests},
    runtime::{Runtime, Shared},
    seen::Former,
    state_file::StateFile,
    status::{self, ClusterStatus, Where},
};

/// How long the thread may take beyond what it was asked for.
const ANSWER: Duration = Duration::from_secs(2);
/// How long a change may take to be in the log.
const CHANGE: Duration = Duration::from_secs(15);
/// What `docs/cluster.md` promises beyond lease and margin.
const TAKES: Duration = Duration::from_secs(2);
/// So many requests wait for the thread, at most.
const ORDERS: usize = 1024;

/// Why a node cannot take part. Servers that do not answer are no reason: it keeps trying.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its folder cannot be used, or its thread cannot be started.
    #[error("the node cannot take part in the cluster: {0}")]
    Io(#[from] io::Error),
}

/// A node of a cluster, on a thread of its own. Clones refer to the same node.
#[derive(Clone, Debug)]
pub struct Cluster {
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
    ask: mpsc::Sender<Asked>,
    incoming: Arc<Mutex<Option<mpsc::Receiver<Incoming>>>>,
}

impl Cluster {
    /// Takes part in the cluster. `folder` is for this node alone: it has the lock that says that the
    /// process before has ended. `lease` is set to the time until which this node may write. `tell`
    /// is called on the cluster's thread, and returns whether it has taken the event. If it has not
    /// taken one that concerns names, the node leaves: nobody would open or close them.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start(
        settings: ClusterSettings,
        nats: NatsSettings,
        folder: &Path,
        lease: WriteLease,
        tell: impl FnMut(Event) -> bool + Send + 'static,
    ) -> Result<Self, StartError> {
        lease.set(None);
        let (file, kept) = StateFile::open(folder)?;
        let (orders, ordered) = mpsc::channel(ORDERS);
        let shared = Arc::new(Shared::new(&settings, kept));
        let log = LogSettings {
            nats: Arc::new(nats),
            replicas: settings.replicas,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (requests, ends) = Requests::new(&shared.node);
        let cluster = Self {
            orders,
            shared: Arc::clone(&shared),
            ask: ends.ask,
            incoming: Arc::new(Mutex::new(Some(ends.incoming))),
        };
        thread::Builder::new()
            .name("everwire-cluster".into())
            .spawn(move || {
                let mut node = Runtime::new(shared, file, lease, Box::new(tell));
                let ended = catch_unwind(AssertUnwindSafe(|| {
                    let nats = Arc::clone(&log.nats);
                    runtime.block_on(async {
                        // It ends with the runtime.
                        tokio::spawn(requests.run(nats));
                        node.run(log, ordered).await;
                    });
                }));
                if ended.is_err() {
                    let _again = catch_unwind(AssertUnwindSafe(|| node.panicked()));
                }
            })?;
        Ok(cluster)
    }

    /// The state of the cluster, as this node sees it.
    pub fn status(&self) -> ClusterStatus {
        self.shared.status()
    }

    /// The shard of a name with these labels; `None` before the cluster knows the labels. `key` is the
    /// name, or that of what it shares with other names.
    pub fn shard_of(&self, key: &str, place: &Labels) -> Option<ShardId> {
        let member = self.shared.member.read();
        let places = member.places();
        places.shard_of(key, place)
    }

    /// Where a shard is.
    pub fn find(&self, shard: ShardId) -> Option<Where> {
        self.shared.find(shard)
    }

    /// The token of a shard that this node holds: all its names.
    pub fn held(&self, shard: ShardId) -> Option<Term> {
        let member = self.shared.member.read();
        let (holder, _) = member.places().shard(shard)?.holder?;
        member.term(shard).filter(|_| member.boot() == Some(holder))
    }

    /// Whether a name was closed by hand.
    pub fn is_closed(&self, name: &ConnectionName) -> bool {
        self.shared.member.read().places().is_closed(name)
    }

    /// Names ask for these labels: the cluster makes room for them.
    pub async fn wants(&self, place: Labels) {
        self.order(Order::Wants(place)).await;
    }

    /// A shard has so many names. A move of it takes as much of the settings' `moves`.
    pub async fn has_names(&self, shard: ShardId, names: u32) {
        self.order(Order::HasNames(shard, names)).await;
    }

    /// All names of a shard are closed that was to be given.
    pub async fn given(&self, shard: ShardId) {
        self.order(Order::Given(shard)).await;
    }

    /// All names are abandoned, after [`Event::Ended`].
    pub async fn abandoned(&self) {
        self.order(Order::Abandoned).await;
    }

    /// Asks a node, at most once. An answer that comes later than `within` is lost.
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
        requests::ask(&self.ask, node, request, Instant::now() + within).await
    }

    /// The requests of other nodes, for the first who asks for them.
    pub fn requests(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.incoming.lock().take()
    }

    /// A node is to give away what it has.
    ///
    /// # Errors
    ///
    /// [`ChangeError`], if that is not in the log within 15 s.
    pub async fn drain(&self, node: &str) -> Result<(), ChangeError> {
        self.change(Change::Drain(node.into())).await
    }

    /// Notes that a name is closed by hand, whoever holds it.
    ///
    /// # Errors
    ///
    /// As [`Cluster::drain`].
    pub async fn close(&self, name: ConnectionName) -> Result<(), ChangeError> {
        self.change(Change::Close(name)).await
    }

    /// Notes that a name is no longer closed by hand.
    ///
    /// # Errors
    ///
    /// As [`Cluster::drain`].
    pub async fn open(&self, name: ConnectionName) -> Result<(), ChangeError> {
        self.change(Change::Open(name)).await
    }

    /// Leaves the cluster: others take over at once. All names must be closed before.
    pub async fn leave(&self, within: Duration) {
        let (answer, left) = oneshot::channel();
        let leaving = async {
            if self.orders.send(Order::Leave(within, answer)).await.is_ok() {
                let _ended = left.await;
            }
        };
        // Who is not told that this node has left, notices it when its lease has run out.
        let _late = timeout(within + ANSWER, leaving).await;
    }

    async fn change(&self, change: Change) -> Result<(), ChangeError> {
        let (answer, changed) = oneshot::channel();
        let changing = async {
            self.orders
                .send(Order::Change(change, answer))
                .await
                .map_err(|_| ChangeError::Left)?;
            changed.await.map_err(|_| ChangeError::Left)?
        };
        let changed = timeout(CHANGE, changing).await;
        changed.unwrap_or(Err(ChangeError::NotInTime))
    }

    async fn order(&self, order: Order) {
        // A node that has left needs no order.
        let _left = self.orders.send(order).await;
    }
}

impl Shared {
    fn status(&self) -> ClusterStatus {
        let now = clocks::now().boot;
        let (log, ended) = (self.log.lock().clone(), self.ended.lock().clone());
        let moved = self.seen.lock().moves;
        status::of(&self.member.read(), &self.node, now, log, ended, moved)
    }

    fn find(&self, shard: ShardId) -> Option<Where> {
        let now = clocks::now().boot;
        let member = self.member.read();
        let seen = self.seen.lock();
        let written = member.places().shard(shard)?.holder;
        let node = |boot| status::node_of(member.places(), boot);
        // A boot of this node that has ended writes no more, whatever the log still says.
        let is_past =
            |boot| member.boot() != Some(boot) && node(boot).as_deref() == Some(&*self.node);
        let holder = written.filter(|(boot, _)| !is_past(*boot));
        let is_mine = holder.is_some_and(|(boot, _)| member.boot() == Some(boot));
        let others = holder.filter(|_| !is_mine);
        let renewed = others.and_then(|(boot, _)| member.renewal(boot));
        Some(Where {
            shard,
            node: holder.and_then(|(boot, _)| node(boot)),
            is_here: is_mine && member.term(shard).is_some(),
            token: holder.map(|(_, term)| term.get()),
            since: holder.and_then(|_| seen.since(shard)),
            silent_seconds: renewed.map(|at| now.saturating_sub(at).as_secs_f64()),
            former: match (holder, written) {
                (Some(_), _) => None,
                (None, Some(_)) => Some(Former::new(&self.node)),
                (None, None) => seen.former(shard, now),
            },
            held_again_seconds: (self.silence + TAKES).as_secs_f64(),
        })
    }
}
