//! What outlives the process: what a name has left behind, and small values of the program's own.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::timeout;

use super::Manager;
use crate::{
    clock,
    config::ConnectionSettings,
    connection::{Commons, Gate},
    core::{ConnectionName, IdEpochs, Outbox},
    memory::{Charge, MemoryUsage, MemoryUse, default_limit},
    persistence::{Order, Outage, Recalled, left as left_message},
};

/// A store that has not written after so long is failing.
const WRITTEN: Duration = Duration::from_secs(2);

impl Manager {
    /// What was wrong with the store when it was opened, in words, if anything was: something is lost then.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// if let Some(damage) = manager.store_damage() {
    ///     eprintln!("the store was damaged, something is lost: {damage}");
    /// }
    /// # assert_eq!(manager.store_damage(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn store_damage(&self) -> Option<String> {
        self.0.commons.keeper.damage()
    }

    /// Keeps a small value of the program's own beyond the end of the process; `None` forgets it. It is written soon, and nothing is
    /// kept where nothing needs the store: `service.remember` opens it at the start.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let dir = std::env::temp_dir().join(format!("everwire-keep-{}", std::process::id()));
    /// # let mut settings = everwire::Settings::default();
    /// # settings.service.state_dir = dir.clone();
    /// # settings.service.remember = true;
    /// # let manager = everwire::Manager::spawn(settings)?;
    /// // `service.remember` is set.
    /// manager.keep("last_order", Some(b"4711"));
    /// println!("on disk: {}", manager.written().await);
    ///
    /// manager.keep("last_order", None); // not needed any more
    /// # manager.shutdown(std::time::Duration::from_secs(5)).await;
    /// # std::fs::remove_dir_all(dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep(&self, key: impl Into<String>, value: Option<&[u8]>) {
        let order = Order::Value(key.into(), value.map(<[u8]>::to_vec));
        self.0.commons.keeper.order(order);
    }

    /// How much memory is used, of what [`ServiceSettings::memory`](crate::config::ServiceSettings::memory) allows, and for what.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// let usage = manager.memory_usage();
    /// println!("{} of {} bytes, {} of them in outboxes", usage.used(), usage.limit, usage.outboxes);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn memory_usage(&self) -> MemoryUsage {
        self.0.commons.memory.usage()
    }

    /// An account of memory that the program holds for its names.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::memory::MemoryUse;
    ///
    /// let body = vec![0; 100_000];
    /// let mut charge = manager.charge(MemoryUse::Bodies);
    /// charge.try_set(body.len())?; // refused when memory is short
    /// feed.send(body)?;
    /// drop(charge); // the outbox has it now, and counts it itself
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge(&self, of: MemoryUse) -> Charge {
        Charge::new(&self.0.commons.memory, of)
    }

    /// From now on so many bytes may be used, or half of what the machine allows. Nothing that was accepted is dropped for it.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// manager.set_memory(Some(256 << 20));
    /// assert_eq!(manager.memory_usage().limit, 256 << 20);
    /// manager.set_memory(None); // half of what the machine allows
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_memory(&self, limit: Option<usize>) {
        let limit = limit.unwrap_or_else(default_limit);
        self.0.commons.memory.set_limit(limit);
    }

    /// Waits until what was to be [kept](Self::keep) so far, closes by hand and removals, is safe on disk. `false`: the store fails, and
    /// writes it as soon as it can. At once where there is no store.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let dir = std::env::temp_dir().join(format!("everwire-written-{}", std::process::id()));
    /// # let mut settings = everwire::Settings::default();
    /// # settings.service.state_dir = dir.clone();
    /// # settings.service.remember = true;
    /// # let manager = everwire::Manager::spawn(settings)?;
    /// manager.keep("last_order", Some(b"4711"));
    /// if !manager.written().await {
    ///     eprintln!("the disk is full, or fails: the order is not safe yet");
    /// }
    /// # manager.shutdown(std::time::Duration::from_secs(5)).await;
    /// # std::fs::remove_dir_all(dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn written(&self) -> bool {
        let written = self.0.commons.keeper.written();
        timeout(WRITTEN, written).await.unwrap_or(false)
    }

    /// The values that earlier processes have [kept](Self::keep), by key. They are read when the store is opened and handed out once; none
    /// as long as it [cannot be](Self::store_outage).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let dir = std::env::temp_dir().join(format!("everwire-take_kept-{}", std::process::id()));
    /// # let mut settings = everwire::Settings::default();
    /// # settings.service.state_dir = dir.clone();
    /// # settings.service.remember = true;
    /// # use everwire::Manager;
    /// # use std::time::Duration;
    /// let manager = Manager::spawn(settings.clone())?;
    /// manager.keep("last_order", Some(b"4711"));
    /// manager.shutdown(Duration::from_secs(20)).await;
    ///
    /// // The next process.
    /// let manager = Manager::spawn(settings)?;
    /// assert_eq!(manager.take_kept(), [("last_order".into(), b"4711".to_vec())]);
    /// # manager.shutdown(std::time::Duration::from_secs(5)).await;
    /// # std::fs::remove_dir_all(dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_kept(&self) -> Vec<(String, Vec<u8>)> {
        self.0.commons.keeper.take_values()
    }
}

/// Whether these settings promise something that outlives the process.
pub(super) fn needs_store(settings: &ConnectionSettings) -> bool {
    (settings.outbox.durable || settings.history.durable) && !settings.sessions_only
}

/// The door of a name that waits for the store, and its epoch: it takes nothing until the store is open.
pub(super) fn hold(
    name: &ConnectionName,
    settings: &ConnectionSettings,
    commons: &Commons,
    outage: &Outage,
) -> (Arc<Gate>, u32) {
    let epoch = commons.keeper.recall(name).state.epoch;
    let outbox = Outbox::new(settings.outbox, settings.max_message);
    let charge = Charge::new(&commons.memory, MemoryUse::Outboxes);
    let gate = Gate::new(name.clone(), outbox, commons.keeper.clone(), charge);
    gate.hold(&outage.text);
    (gate, epoch)
}

/// The door of a name with what earlier processes have left behind it, and the epoch of its new life.
pub(super) fn recall(
    name: &ConnectionName,
    settings: &ConnectionSettings,
    commons: &Commons,
) -> (Arc<Gate>, u32) {
    let recalled = commons.keeper.recall(name);
    let epoch = recalled.state.epoch;
    let outbox = Outbox::new(settings.outbox, settings.max_message);
    let charge = Charge::new(&commons.memory, MemoryUse::Outboxes);
    let gate = Gate::new(name.clone(), outbox, commons.keeper.clone(), charge);
    gate.with(|inside| inside.outbox.set_sessions_only(settings.sessions_only));
    restore(&gate, settings, commons, recalled);
    (gate, epoch)
}

/// Puts behind a door, which has accepted nothing yet, what earlier processes have left.
pub(super) fn restore(
    gate: &Arc<Gate>,
    settings: &ConnectionSettings,
    commons: &Commons,
    recalled: Recalled,
) {
    let Recalled {
        state,
        ids,
        keys,
        known,
    } = recalled;
    // Ids go on counting where something is known by them.
    let goes_on = settings.outbox.durable || !state.outbox.is_empty() || !keys.is_empty();
    let mut accepted = Vec::new();
    let left = state.outbox.into_iter();
    let (wall, now) = (Timestamp::now(), clock::now());
    let left = left.map(|stored| {
        let age = Duration::try_from(wall.duration_since(stored.at)).unwrap_or_default();
        accepted.push((stored.id, now.checked_sub(age).unwrap_or(now)));
        left_message(stored, wall, now)
    });
    let has_left = gate.with(|inside| {
        if goes_on {
            inside.outbox.restore(left, state.last_id);
        }
        if state.closed_by_hand {
            inside.outbox.set_open(false);
        }
        !inside.outbox.is_empty()
    });
    if goes_on {
        let earlier = |ids: &IdEpochs| ids.current() < state.epoch;
        gate.restore(ids.filter(earlier), keys);
        gate.accepted_at(accepted);
    }
    if has_left {
        gate.call_keeper();
    }
    if settings.history.durable && (known.is_some() || !state.history.is_empty()) {
        let known = known.unwrap_or(commons.hub.start());
        let charge = Charge::new(&commons.memory, MemoryUse::Histories);
        gate.history()
            .restore(settings.history, known, charge, state.history);
    }
}
