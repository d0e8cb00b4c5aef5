//! The cluster: several processes that share names, and which of a name's keys decides its shard.

use std::{borrow::Cow, collections::BTreeSet, fmt, time::Duration};

use everwire_proto::{
    placement::LeaseSettings,
    settings::{ConnectionName, ConnectionSettings, Labels, RateSettings, dialogue::Prepare},
};

/// `[cluster]`.
///
/// ```
/// use everwire::config::ClusterSettings;
///
/// let settings = ClusterSettings::new("a");
/// assert_eq!((settings.shards, settings.moves), (256, 50));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterSettings {
    /// The name of this node: different from all others of the cluster.
    pub node: Box<str>,
    /// How many shards there are for each place: 1 to 16,384. All nodes have the same number.
    pub shards: u32,
    /// How long a node may write after a sign of life: the keys `lease` and `margin`.
    pub lease: LeaseSettings,
    /// What ends the process when its lease ends.
    pub lease_guard: LeaseGuard,
    /// What becomes of sockets when the lease ends.
    pub without_lease: WithoutLease,
    /// How many names move from this node in a second at most; at least 1.
    pub moves: u32,
    /// What has not moved after this time moves break before make.
    pub move_timeout: Duration,
    /// What this node has, for names with a `place`.
    pub labels: Labels,
    /// Its share of the names, compared with that of other nodes: 1 to 1,000.
    pub weight: u32,
    /// On how many servers the cluster's streams are kept, if this node creates them: 1, 3 or 5.
    pub replicas: u8,
}

/// What ends the process when its lease ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaseGuard {
    /// Nothing: it ends its writes itself.
    #[default]
    None,
    /// A timer of the kernel, even while the process is stopped.
    Kill,
}

/// What becomes of sockets when the lease of their node ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WithoutLease {
    /// They are closed.
    #[default]
    Close,
    /// They are read, and only pongs are written.
    Listen,
}

impl ClusterSettings {
    /// Of a node with this name, by the defaults of the file.
    pub fn new(node: impl Into<Box<str>>) -> Self {
        Self {
            node: node.into(),
            shards: 256,
            lease: LeaseSettings::default(),
            lease_guard: LeaseGuard::default(),
            without_lease: WithoutLease::default(),
            moves: 50,
            move_timeout: Duration::from_secs(30),
            labels: Labels::default(),
            weight: 1,
            replicas: 1,
        }
    }
}

/// The text whose hash is the number of a name's shard: the name itself; or `rates.KEY` or
/// `prepare.KEY`, if the name shares one that is not `per_node`, so that all names of KEY are on
/// one node.
///
/// A file in which a name shares two of them is refused, if it has a `[cluster]`. Otherwise the
/// first one in the order of the text counts.
///
/// ```
/// use everwire::config::{Settings, shard_key};
///
/// # #[cfg(feature = "config")] {
/// let settings = Settings::from_toml("
///     [rates.site]
///     messages = 5
///     [connections.a]
///     url = 'wss://example.com'
///     [connections.b]
///     url = 'wss://example.com'
///     rate = 'site'
/// ")?;
/// let keys: Vec<_> = settings.connections.iter().map(|(name, settings)| shard_key(name, settings)).collect();
/// assert_eq!(keys, ["a", "rates.site"]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn shard_key<'a>(name: &'a ConnectionName, settings: &ConnectionSettings) -> Cow<'a, str> {
    match shared_keys(settings).first() {
        Some(key) => key.to_string().into(),
        None => name.as_str().into(),
    }
}

/// A table that names share, which has one state for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SharedKey<'a> {
    /// `[prepare.KEY]`.
    Prepare(&'a str),
    /// `[rates.KEY]`.
    Rate(&'a str),
}

impl fmt::Display for SharedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare(key) => write!(f, "prepare.{key}"),
            Self::Rate(key) => write!(f, "rates.{key}"),
        }
    }
}

/// What a name shares with others, in the order of the text, without what is `per_node`.
pub(crate) fn shared_keys(settings: &ConnectionSettings) -> BTreeSet<SharedKey<'_>> {
    let dialogue = settings.dialogue.as_deref();
    let prepare = dialogue.and_then(|dialogue| dialogue.prepare.as_ref());
    let prepare = prepare.and_then(|prepare| match prepare {
        Prepare::Shared(shared) => (!shared.per_node).then_some(SharedKey::Prepare(&shared.key)),
        Prepare::Own(_) => None,
    });
    let rates = dialogue.into_iter().flat_map(|dialogue| dialogue.rates());
    let rates = settings.rate.iter().chain(rates).filter_map(shared_bucket);
    rates.chain(prepare).collect()
}

/// The bucket of a rate that all names with it share over all nodes.
fn shared_bucket(rate: &RateSettings) -> Option<SharedKey<'_>> {
    let bucket = rate.bucket.as_deref();
    bucket.filter(|_| !rate.per_node).map(SharedKey::Rate)
}
