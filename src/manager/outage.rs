//! A store that cannot be opened yet: names that need it wait, all others work.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    recall,
    registry::{Inside, Manager},
};
use crate::{
    connection::{StoreIsOpen, StoreOutage},
    core::ConnectionName,
    persistence::{Order, Outage},
};

impl Manager {
    /// Why the store is not open although something needs it. `None`: it is open, or nothing needs
    /// it.
    ///
    /// A full disk, a read-only file system, and read and write errors can pass, so the store is
    /// tried again after 1 s at first and 30 s at most. Until it opens, durable names are not
    /// dialled and accept no messages ([`Rejected::NotStored`](crate::Rejected)). All other names
    /// work as usual. If an earlier process closed one of them by hand, that becomes known, and
    /// takes effect, only when the store opens.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// if let Some(why) = manager.store_outage() {
    ///     eprintln!("durable names wait until the store can be opened: {why}");
    /// }
    /// # assert_eq!(manager.store_outage(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn store_outage(&self) -> Option<String> {
        let outage = self.0.process.persistence.outage()?;
        Some(outage.text.to_string())
    }

    /// Calls `work` on an arbiter once the store is open, before the waiting names go on. If
    /// nothing keeps the store from being open, it is called at once, on this thread. Values that
    /// earlier processes have [kept](Self::take_kept) are available then. `work` must not block.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// manager.when_store_opens(|manager| {
    ///     for (key, value) in manager.take_kept() {
    ///         println!("{key}: {} bytes of an earlier process", value.len());
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn when_store_opens(&self, work: impl FnOnce(&Self) + Send + 'static) {
        {
            let mut when_open = self.0.when_open.lock();
            if self.0.process.persistence.outage().is_some() {
                when_open.push(Box::new(work));
                return;
            }
        }
        work(self);
    }
}

/// Reports each attempt to the waiting names, and releases them when the store is open, for as long
/// as the manager lives.
pub(super) fn watch(manager: &Manager) {
    let Some(mut outage) = manager.0.process.persistence.watch_outage() else {
        return;
    };
    let inside = Arc::downgrade(&manager.0);
    // The arbiters were started a moment ago.
    let _running = manager.0.arbiters.get(0).spawn(async move {
        while outage.changed().await.is_ok() {
            let Some(inside) = inside.upgrade() else {
                return;
            };
            let now = outage.borrow_and_update().clone();
            match now {
                Some(outage) => notify_held(&inside, &outage),
                None => go_on(&inside),
            }
        }
    });
}

/// Tells the waiting names why they wait.
fn notify_held(inside: &Inside, outage: &Outage) {
    let names = inside.names.read();
    for entry in names
        .entries
        .values()
        .filter(|entry| entry.outbox.is_held())
    {
        // One message for each attempt; attempts are seconds apart.
        entry.addr.do_send(StoreOutage(outage.clone()));
    }
}

/// The store is open: everything goes on as after a start with it.
fn go_on(inside: &Arc<Inside>) {
    let process = &inside.process;
    process.hub.go_on_behind(
        process.persistence.position(),
        process.persistence.forgotten(),
    );
    process.buckets.recall();
    let manager = Manager(Arc::clone(inside));
    // Before the names that need these secrets are dialled. Work that is added from now on is
    // called at once.
    let when_open = std::mem::take(&mut *inside.when_open.lock());
    for work in when_open {
        // The names go on even if it panics.
        let _panicked = catch_unwind(AssertUnwindSafe(|| work(&manager)));
    }
    let names: Vec<_> = inside.names.read().entries.keys().cloned().collect();
    for name in names {
        go_on_with(inside, &name);
    }
}

fn go_on_with(inside: &Inside, name: &ConnectionName) {
    let mut names = inside.names.write();
    let Some(entry) = names.entries.get_mut(name).filter(|entry| !entry.leaves) else {
        return;
    };
    let persistence = &inside.process.persistence;
    let was_open = entry.outbox.with(|locked| locked.outbox.is_open());
    let (mut epoch, mut is_closed) = match entry.outbox.is_held() {
        true => {
            let recalled = persistence.recall(name);
            let (epoch, is_closed) = (recalled.state.epoch, recalled.state.closed_by_hand);
            let settings = entry.settings.whole();
            recall::restore(&entry.outbox, &settings, &inside.process, recalled);
            entry.outbox.release();
            (epoch, is_closed)
        }
        // Stored messages from its durable time stay in the store: this process has already given
        // out ids.
        false => match persistence.look_up(name) {
            Some(known) => known,
            None => return,
        },
    };
    if entry.is_placed {
        // The store was told so when the name was opened.
        entry.outbox.with(|locked| locked.outbox.set_open(was_open));
        is_closed = false;
        if epoch > entry.last_epoch {
            epoch = entry.epoch;
        }
    }
    if entry.epoch > epoch {
        // The name was respawned meanwhile.
        persistence.order(Order::Epoch(name.clone(), entry.epoch));
    }
    entry.epoch = entry.epoch.max(epoch);
    entry.outbox.begin_epoch(entry.epoch);
    // One message for each name, once.
    entry.addr.do_send(StoreIsOpen {
        epoch: entry.epoch,
        is_closed,
    });
}
