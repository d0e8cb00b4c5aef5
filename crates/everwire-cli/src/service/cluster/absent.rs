//! A process of a build without clusters: settings for one have been refused.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use everwire::{ConnectionName, ConnectionSettings, Handle, Manager, Owner, manager::OpenError};
use tokio::sync::{mpsc, oneshot};

use super::{
    Beginning, ClusterNotStarted, Elsewhere, NotChanged, ShardChanges,
    alone::open_alone,
    status::{ClusterStatus, NameInCluster},
};

/// Why another node gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are no other nodes")]
#[expect(dead_code, reason = "nobody is asked")]
pub enum AskError {
    /// Nothing was asked.
    Away,
    /// Nothing was asked.
    TooLong,
    /// Nothing was done.
    NobodyListens,
    /// It may have been done.
    Silent,
}

/// A request of another node.
#[derive(Debug)]
pub struct Incoming {
    /// What it asks.
    pub bytes: Bytes,
    /// Takes the answer.
    pub answer: oneshot::Sender<Bytes>,
}

/// No node.
#[derive(Debug, Default)]
pub struct Node;

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
    ///
    /// # Errors
    ///
    /// None.
    pub fn configured(
        &self,
        _: &ConnectionName,
        _: &ConnectionSettings,
    ) -> Result<(), ShardChanges> {
        Ok(())
    }

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
    /// [`AskError::Away`].
    pub async fn ask(&self, _: &str, _: Bytes, _: Duration) -> Result<Bytes, AskError> {
        Err(AskError::Away)
    }

    /// Nobody asks.
    pub fn requests(&self) -> Option<mpsc::Receiver<Incoming>> {
        None
    }

    /// There are no other nodes.
    pub fn others(&self) -> Vec<String> {
        Vec::new()
    }

    /// There are no other nodes.
    pub fn boot_of(&self, _: &str) -> Option<String> {
        None
    }

    /// There is no cluster.
    pub fn status(&self) -> Option<ClusterStatus> {
        None
    }

    /// There is nothing to leave.
    pub async fn leave(&self, _: Duration) {}
}
