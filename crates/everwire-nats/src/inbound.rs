//! Messages from sockets, on their way into a stream.

mod link;
mod publisher;
mod spooling;

use std::{path::Path, sync::Arc, time::Duration};

use everwire::{
    Delivery, Events, Manager, Notice, Overflow, Update,
    config::{NatsInSettings, NatsSettings},
    core::Cursor,
    events::EventKind,
    hub::Kinds,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use self::{link::InLink, publisher::Publisher};
use crate::{report::Observer, spool::SpoolError, status::Shared};

/// The interval of regular checks.
const TICK: Duration = Duration::from_millis(250);
/// How long the end waits for an unreachable server.
const GRACE: Duration = Duration::from_secs(1);
/// How many events may wait to be read. They are read faster than they arrive, and never wait for
/// the servers.
const WAITING_EVENTS: usize = 65_536;
const WAITING_BYTES: usize = 32 << 20;

/// An order to the bridge.
#[derive(Debug)]
pub(crate) enum Order {
    /// Publish the waiting messages until then, keep the rest in the spool, and report its number.
    Stop(Instant, oneshot::Sender<u64>),
    /// How many messages of a name are not acknowledged.
    Pending(everwire::ConnectionName, oneshot::Sender<u64>),
}

/// Publishes messages until it is stopped.
pub(crate) struct Inbound {
    manager: Manager,
    settings: NatsInSettings,
    events: Events,
    /// The position of the reader.
    cursor: Option<Cursor>,
    publisher: Publisher,
    link: InLink,
    status: Shared,
}

impl Inbound {
    /// Reads the messages of the names from now on.
    ///
    /// # Errors
    ///
    /// If the spool cannot be opened.
    pub fn new(
        manager: Manager,
        nats: Arc<NatsSettings>,
        settings: NatsInSettings,
        folder: &Path,
        status: Shared,
        observer: Observer,
    ) -> Result<Self, SpoolError> {
        let publisher = Publisher::new(
            manager.clone(),
            &settings,
            folder,
            status.clone(),
            observer.clone(),
        )?;
        Ok(Self {
            events: subscribe(&manager, &settings, None),
            manager,
            link: link::link(nats, settings.clone(), status.clone(), observer),
            settings,
            cursor: None,
            publisher,
            status,
        })
    }

    /// Runs until it is told to stop.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                batch = self.events.next_batch() => match batch {
                    Some(batch) => self.hear(batch),
                    // It was cut off: it continues at its position.
                    None => self.events = subscribe(&self.manager, &self.settings, self.cursor),
                },
                change = link::next(&mut self.link) => self.publisher.changed(change, &mut self.link),
                _ = ticks.tick() => self.tick(),
                order = orders.recv() => match order {
                    Some(Order::Pending(name, answer)) => {
                        // The caller may be gone.
                        let _heard = answer.send(self.publisher.pending_of(&name));
                    }
                    Some(Order::Stop(until, answer)) => {
                        let left = self.stop(until).await;
                        let _heard = answer.send(left);
                        return;
                    }
                    None => {
                        self.stop(Instant::now()).await;
                        return;
                    }
                },
            }
            self.publisher.pump(&mut self.link).await;
        }
    }

    fn hear(&mut self, batch: everwire::Batch) {
        for update in batch {
            match update {
                Update::Event(event) => {
                    self.cursor = Some(event.stamp.cursor);
                    match event.kind {
                        EventKind::Message(message) => {
                            self.publisher.hear(event.stamp, message);
                        }
                        EventKind::Removed => self.publisher.removed(&event.stamp.name),
                        _ => {}
                    }
                }
                Update::Notice(Notice::Lagged(_)) => self.publisher.lagged(),
                Update::Notice(_) => {}
            }
        }
    }

    fn tick(&mut self) {
        self.publisher.tick();
        self.publisher.show(&self.status);
        if let Some(silent) = self.publisher.silence() {
            self.link.give_up(silent);
            self.publisher.disconnected();
        }
    }

    /// Publishes the waiting messages, and keeps the rest. Returns how many are kept.
    async fn stop(&mut self, until: Instant) -> u64 {
        while let Some(batch) = futures::FutureExt::now_or_never(self.events.next_batch()).flatten()
        {
            self.hear(batch);
        }
        let mut ticks = tokio::time::interval(TICK);
        let without = Instant::now() + GRACE;
        while self.publisher.pending() > 0 {
            // Kept messages are safe, so nobody needs to wait for an unreachable server.
            let until = if self.link.up().is_some() {
                until
            } else {
                until.min(without)
            };
            if Instant::now() >= until {
                break;
            }
            self.publisher.pump(&mut self.link).await;
            tokio::select! {
                change = link::next(&mut self.link) => self.publisher.changed(change, &mut self.link),
                _ = ticks.tick() => self.publisher.tick(),
                () = tokio::time::sleep_until(until) => {}
            }
        }
        let left = self.publisher.keep();
        self.publisher.show(&self.status);
        left
    }
}

fn subscribe(manager: &Manager, settings: &NatsInSettings, since: Option<Cursor>) -> Events {
    let delivery = Delivery {
        events: WAITING_EVENTS,
        bytes: WAITING_BYTES,
        overflow: Overflow::Pause,
        kinds: Kinds::parse("message,removed").unwrap_or_default(),
        subscriptions: None,
    };
    let names = settings.names.clone();
    match since {
        Some(_) => manager.resume(names, delivery, since),
        None => manager.subscribe(names, delivery),
    }
}
