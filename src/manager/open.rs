//! Opening a name.

use std::{collections::btree_map, sync::Arc};

use actix::{Addr, Supervisor};

use super::{
    error::OpenError,
    features,
    handle::Handle,
    placed::Placed,
    recall::{hold, needs_store, recall},
    registry::{Entry, Manager},
    respawn_budget::Budget,
};
use crate::{
    connection::{Connection, SharedOutbox},
    core::{ConnectionName, Owner},
    persistence::Order,
    settings::{ConnectionSettings, NameSettings},
};

impl Manager {
    /// Opens a connection and dials it at once, if `enabled`. A durable name waits if the store
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
    /// [`OpenError`]; nothing is opened then.
    pub fn open(
        &self,
        name: impl AsRef<str>,
        settings: ConnectionSettings,
    ) -> Result<Handle, OpenError> {
        self.open_named(ConnectionName::new(name)?, settings, None)
    }

    /// Opens a connection that belongs to an owner. It keeps its owner, whatever its settings
    /// become, until it is removed or [disowned](Self::disown).
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
    /// [`OpenError`]; nothing is opened then.
    pub fn open_owned(
        &self,
        name: impl AsRef<str>,
        settings: ConnectionSettings,
        owner: Owner,
    ) -> Result<Handle, OpenError> {
        self.open_named(ConnectionName::new(name)?, settings, Some(owner))
    }

    /// Opens a connection whose name is valid.
    pub(super) fn open_named(
        &self,
        name: ConnectionName,
        settings: ConnectionSettings,
        owner: Option<Owner>,
    ) -> Result<Handle, OpenError> {
        self.open_as(name, settings, owner, None)
    }

    /// The same, with what a cluster says about the name.
    pub(super) fn open_as(
        &self,
        name: ConnectionName,
        settings: ConnectionSettings,
        owner: Option<Owner>,
        placed: Option<Placed>,
    ) -> Result<Handle, OpenError> {
        let mut names = self.0.names.write();
        let names = &mut *names;
        if names.closed {
            return Err(OpenError::ShutDown);
        }
        let btree_map::Entry::Vacant(place) = names.entries.entry(name.clone()) else {
            return Err(OpenError::Duplicate(name));
        };
        features::check_conversation(&settings)?;
        features::check(&settings)?;
        let persistence = &self.0.process.persistence;
        if needs_store(&settings) {
            persistence
                .open()
                .map_err(|error| OpenError::Store(error.to_string()))?;
        }
        // Waiting names are released only under this lock.
        let outage = persistence.outage().filter(|_| needs_store(&settings));
        let (outbox, known) = match (names.abandoned.get(&name), outage) {
            (Some(outbox), _) => (Arc::clone(outbox), 0),
            (None, Some(outage)) => hold(&name, &settings, &self.0.process, &outage),
            (None, None) => recall(&name, &settings, &self.0.process),
        };
        let (first, last) = placed.as_ref().map_or((known, u32::MAX), Placed::epochs);
        let is_placed = placed.is_some();
        let is_closed = placed.as_ref().is_some_and(|placed| placed.is_closed);
        let epoch = match placed {
            None => {
                outbox.give_to(owner);
                names.epochs.begin(&name, first)
            }
            Some(placed) => {
                outbox.give_to(placed.owner);
                let bounds = (first, last);
                let epoch = names.epochs.begin_within(&name, bounds, Some(known));
                let epoch = epoch.ok_or_else(|| OpenError::NoEpochLeft(name.clone()))?;
                outbox.with(|locked| locked.outbox.set_open(!placed.is_closed));
                persistence.order(Order::Closed(name.clone(), placed.is_closed));
                if needs_store(&settings) {
                    persistence.order(Order::Epoch(name.clone(), epoch));
                }
                epoch
            }
        };
        if let Some(outbox) = names.abandoned.remove(&name) {
            outbox.take_up(&settings, is_closed);
        }
        // Before the first dial, so that they are requested together with the subscriptions of the
        // settings, and before the outbox is written.
        for wish in names.recalled.remove(&name).into_iter().flatten() {
            outbox.recall_wish(wish, &self.0.process.memory);
        }
        let settings = self.0.process.settings.share(settings);
        let arbiter = self.0.arbiters.next();
        let addr = self.start_actor(&name, &settings, &outbox, arbiter, epoch);
        let entry = Entry {
            addr,
            outbox,
            settings,
            arbiter,
            epoch,
            last_epoch: last,
            is_placed,
            respawns: Budget::default(),
            leaves: false,
        };
        let handle = self.handle(&name, &entry);
        place.insert(entry);
        Ok(handle)
    }

    /// Starts the actor of a name, for the first time or after a death.
    pub(super) fn start_actor(
        &self,
        name: &ConnectionName,
        settings: &NameSettings,
        outbox: &Arc<SharedOutbox>,
        arbiter: usize,
        epoch: u32,
    ) -> Addr<Connection> {
        // Before the actor runs, so that earlier messages already belong to this epoch.
        outbox.begin_epoch(epoch);
        let (name, settings, outbox) = (name.clone(), settings.clone(), Arc::clone(outbox));
        let process = Arc::clone(&self.0.process);
        Supervisor::start_in_arbiter(self.0.arbiters.get(arbiter), move |_| {
            Connection::new(name, settings, process, outbox, epoch)
        })
    }
}
