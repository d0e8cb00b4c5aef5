//! The names that the cluster has, as far as this node knows them. It opens those that it holds.

use std::{collections::BTreeMap, sync::Arc};

use everwire::{ConnectionName, ConnectionSettings, Owner, config::shard_key};
use everwire_cluster::Cluster;
use everwire_proto::placement::ShardId;
use parking_lot::Mutex;

/// All names, with their settings.
#[derive(Debug, Default)]
pub struct Names(Mutex<BTreeMap<ConnectionName, Known>>);

/// A name of the cluster.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its settings.
    pub settings: Arc<ConnectionSettings>,
    /// The caller that made it; `None` for names of the file.
    pub owner: Option<Owner>,
}

impl Known {
    /// The shard; `None` before the cluster knows its place.
    pub fn shard(&self, name: &ConnectionName, cluster: &Cluster) -> Option<ShardId> {
        cluster.shard_of(&shard_key(name, &self.settings), &self.settings.place)
    }
}

impl Names {
    /// Notes a name, or its new settings.
    pub fn put(&self, name: &ConnectionName, known: Known) {
        self.0.lock().insert(name.clone(), known);
    }

    /// Forgets a name.
    pub fn remove(&self, name: &ConnectionName) {
        self.0.lock().remove(name);
    }

    /// A name.
    pub fn get(&self, name: &ConnectionName) -> Option<Known> {
        self.0.lock().get(name).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// The settings of all.
    pub fn settings(&self) -> BTreeMap<ConnectionName, ConnectionSettings> {
        let names = self.0.lock();
        let settings = names
            .iter()
            .map(|(name, known)| (name.clone(), ConnectionSettings::clone(&known.settings)));
        settings.collect()
    }

    /// The names of a shard.
    pub fn of_shard(&self, shard: ShardId, cluster: &Cluster) -> Vec<(ConnectionName, Known)> {
        let names = self.0.lock();
        let of_shard = names
            .iter()
            .filter(|(name, known)| known.shard(name, cluster) == Some(shard));
        of_shard
            .map(|(name, known)| (name.clone(), known.clone()))
            .collect()
    }
}
