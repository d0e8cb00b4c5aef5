//! One process of a life.

use std::{cell::RefCell, collections::BTreeMap, num::NonZeroU32, rc::Rc, sync::Arc};

use actix::Supervisor;
use tokio::{
    sync::mpsc,
    task::spawn_local,
    time::{sleep, sleep_until},
};

use super::{World, dials::SimulatedDialer};
use crate::{
    connection::{
        Connection, ProcessContext, SharedOutbox, TokenBuckets,
        simulation::{
            keys::{KEYS, KeyReader, Keys, hold_and_release, note_into, restore},
            readers::Readers,
            requests::ask,
            store::write,
        },
    },
    core::{ConnectionName, Cursor, Outbox, Pattern},
    hub::{Delivery, Hub, Kinds, SubscriptionGuard, end_turns},
    memory::{Charge, MemoryBudget, MemoryUse},
    persistence::{PersistSource, Persistence, SimulatedQueue},
    secret_store::SecretStore,
    settings::{CommonSettings, Rate},
    transport::{DialBudget, Preparer, Resolver, TlsCache},
};

impl World {
    /// Runs one process: to its crash, or to the end of the life.
    pub(super) async fn process(self: Rc<Self>, number: u64) {
        let calls = SimulatedQueue::default();
        let outbox = self.outbox(&calls);
        self.begin_talks(number);
        let (death_tx, _dead) = mpsc::unbounded_channel();
        let (dialer, dials) = mpsc::unbounded_channel();
        self.spawn(self.clone().serve_dials(dials));
        let memory = MemoryBudget::unlimited();
        let budget = DialBudget::new(NonZeroU32::MAX, Rate::Unlimited, BTreeMap::new());
        let (tls, resolver, secret_store) = (
            TlsCache::default(),
            Resolver::default(),
            SecretStore::default(),
        );
        let process = Arc::new(ProcessContext {
            hub: Hub::new(number, Cursor(number), Arc::clone(&memory)),
            memory,
            dialer: Box::new(SimulatedDialer(dialer)),
            preparer: Preparer::new(&budget, &tls, &resolver, &secret_store),
            budget,
            tls,
            resolver,
            secret_store,
            buckets: TokenBuckets::new(Persistence::simulated(calls.clone())),
            persistence: Persistence::simulated(SimulatedQueue::default()),
            settings: CommonSettings::default(),
            death_tx,
        });
        let delivery = Delivery::default().events(usize::MAX).kinds(Kinds::all());
        let events = process.hub.stream(Pattern::all(), delivery);
        spawn_local(end_turns());
        let listening = spawn_local(self.clone().listen(number, events));
        let keys = self.keys.clone();
        let noted = keys.as_ref().map(|keys| self.note_keys(&process.hub, keys));
        let readers = Readers::start(
            &process.hub,
            &outbox,
            self.trouble_until,
            &self.plan.readers,
            &mut self.dice(),
        );
        if self.plan.settings.outbox.durable {
            self.spawn(write(calls, self.disk.clone(), self.dice()));
            self.spawn(self.clone().fill_disk());
        }
        let settings = process.settings.share(self.plan.settings.clone());
        let (name, source) = (outbox.name().clone(), outbox.clone());
        let epoch = u32::try_from(number + 1).expect("few");
        let addr =
            Supervisor::start(move |_| Connection::new(name, settings, process, source, epoch));
        self.spawn(self.clone().send(number, outbox.clone()));
        self.spawn(self.clone().close_by_hand(addr.clone()));
        self.spawn(self.clone().rotate(addr.clone()));
        self.spawn(self.clone().keep_broadcasting());
        if self.plan.moods.is_some_and(|moods| moods.requests) {
            let world = self.clone();
            let goes_on = move || world.is_troubled();
            self.spawn(ask(addr.clone(), self.asked.clone(), goes_on, self.dice()));
        }
        if let Some(keys) = &self.keys {
            let (addr, keys) = (addr.clone(), keys.clone());
            restore(&addr, &mut keys.borrow_mut());
            let holds = hold_and_release(addr, keys, self.held_until(), self.dice());
            self.spawn(holds);
        }
        if number < self.plan.crashes {
            let life = self.plan.trouble / u32::try_from(self.plan.crashes + 1).expect("few");
            let from = self
                .dice()
                .millis(u64::try_from(life.as_millis()).expect("short"));
            sleep(from).await;
            return self.judge(listening, &readers, noted).await;
        }
        sleep_until(self.trouble_until).await;
        self.await_completion(&outbox, &addr).await;
        self.judge(listening, &readers, noted).await;
    }

    /// From now on notes the events of subscriptions, and their messages.
    fn note_keys(
        &self,
        hub: &Arc<Hub>,
        keys: &Rc<RefCell<Keys>>,
    ) -> (SubscriptionGuard, KeyReader) {
        let note = note_into(&keys.borrow());
        let guard = hub.callback(Pattern::all(), Kinds::all(), note);
        let key = self.dice().within(0, KEYS as u64) as usize;
        (guard, KeyReader::start(hub, key))
    }

    fn begin_talks(&self, number: u64) {
        let mut talks = self.talks.borrow_mut();
        (talks.has_session, talks.process) = (false, number);
        if let Some(keys) = &self.keys {
            keys.borrow_mut().begin_process();
        }
        // A session that a loss has cleared may come back, because an earlier value was stored.
        let is_kept = self.disk.borrow().kept.contains_key("session");
        talks.forgotten &= !is_kept;
        self.asked.borrow_mut().pending = 0;
    }

    /// The outbox of this process, with the messages that the last process left.
    fn outbox(&self, calls: &SimulatedQueue) -> Arc<SharedOutbox> {
        let name = ConnectionName::new("feed").expect("a name");
        let settings = &self.plan.settings;
        let mut outbox = Outbox::new(settings.outbox, settings.max_message);
        if settings.outbox.durable {
            let disk = self.disk.borrow();
            outbox.restore(disk.left(), disk.last_id);
        }
        let kept = self.disk.borrow().kept.clone();
        let charge = Charge::new(&MemoryBudget::unlimited(), MemoryUse::Outboxes);
        let outbox = SharedOutbox::new(name, outbox, Persistence::simulated(calls.clone()), charge);
        if !kept.is_empty() {
            outbox.restore_kept(kept.into_iter().collect());
        }
        outbox
    }
}
