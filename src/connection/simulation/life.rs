//! One life, from its seed.

mod dials;

use std::{
    cell::RefCell, collections::BTreeMap, num::NonZeroU32, rc::Rc, sync::Arc, time::Duration,
};

use actix::{Addr, Supervisor};
use futures::StreamExt;
use tokio::{
    runtime::Builder,
    sync::mpsc,
    task::{JoinHandle, LocalSet, spawn_local},
    time::{Instant, sleep, sleep_until, timeout},
};

use self::dials::SimulatedDialer;
use super::{
    oracle::{Accepted, Story, Tally},
    peer::{Broadcast, Log},
    plan::{Dice, Plan},
    readers::Readers,
    requests::{Asked, ask},
    spin::unless_it_spins,
    store::{Disk, write},
    talks::Talks,
    witness::Witness,
};
use crate::{
    chance,
    connection::{
        CloseMyself, Connect, Connection, ProcessContext, Rotate, SharedOutbox, TokenBuckets,
    },
    core::{ConnectionName, Cursor, Fate, Message, Outbox, Pattern},
    events::{Event, Update},
    hub::{Delivery, Events, Hub, Kinds, end_turns},
    memory::{Charge, MemoryBudget, MemoryUse},
    persistence::{PersistSource, Persistence, SimulatedQueue},
    secret_store::SecretStore,
    settings::{CommonSettings, Rate},
    transport::{DialBudget, Preparer, Resolver, TlsCache},
};

/// After the trouble has stopped a name must be up, and all messages must have met their fate, within this time.
const SETTLED: Duration = Duration::from_secs(120);

/// Lives one life; panics where a promise is broken.
pub(super) fn live(seed: u64, tell: bool) -> Tally {
    chance::seed(seed);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut dice = Dice::new(seed);
        let plan = Plan::draw(&mut dice);
        if tell {
            println!("{plan:#?}");
        }
        let story = Story::of(&plan);
        let world = Rc::new(World {
            trouble_until: Instant::now() + plan.trouble,
            plan,
            disk: Rc::default(),
            log: Rc::default(),
            broadcast: Rc::default(),
            talks: Rc::default(),
            asked: Rc::default(),
            story: RefCell::new(story),
            witness: RefCell::default(),
            heard: RefCell::default(),
            dice: RefCell::new(dice),
            tasks: RefCell::default(),
            tell,
        });
        for process in 0..=world.plan.crashes {
            let tasks = LocalSet::new();
            let process = world.clone().process(process);
            tasks.run_until(unless_it_spins(process)).await;
        }
        if world.plan.crashes == 0 {
            world.talks.borrow().expect_no_leak();
        }
        let log = world.log.borrow();
        let mut tally = world
            .story
            .borrow()
            .judge(&world.plan, &log.numbers, log.sockets);
        tally += *world.heard.borrow();
        tally.said = world.talks.borrow().said;
        world.judge_requests(&mut tally);
        tally
    })
}

/// What outlives a process.
struct World {
    plan: Plan,
    trouble_until: Instant,
    disk: Rc<RefCell<Disk>>,
    log: Rc<RefCell<Log>>,
    broadcast: Rc<RefCell<Broadcast>>,
    /// What the peer knows of the dialogue on all sockets.
    talks: Rc<RefCell<Talks>>,
    asked: Rc<RefCell<Asked>>,
    story: RefCell<Story>,
    witness: RefCell<Witness>,
    /// What the slow readers have heard.
    heard: RefCell<Tally>,
    dice: RefCell<Dice>,
    /// The tasks of this process that are not the name's: a peer finds a broken promise in one of them.
    tasks: RefCell<Vec<JoinHandle<()>>>,
    tell: bool,
}

impl World {
    fn dice(&self) -> Dice {
        self.dice.borrow_mut().fork()
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.tasks.borrow_mut().push(spawn_local(task));
    }

    /// Fails where one of the tasks has.
    async fn expect_no_panic(&self) {
        let tasks = self.tasks.take();
        for task in tasks {
            expect_no_panic(task).await;
        }
    }

    fn is_troubled(&self) -> bool {
        Instant::now() < self.trouble_until
    }

    /// One process: to its crash, or to the end of the life.
    async fn process(self: Rc<Self>, number: u64) {
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
        if number < self.plan.crashes {
            let life = self.plan.trouble / u32::try_from(self.plan.crashes + 1).expect("few");
            let from = self
                .dice()
                .millis(u64::try_from(life.as_millis()).expect("short"));
            sleep(from).await;
            return self.judge(listening, &readers).await;
        }
        sleep_until(self.trouble_until).await;
        self.await_completion(&outbox, &addr).await;
        self.judge(listening, &readers).await;
    }

    fn judge_requests(&self, tally: &mut Tally) {
        let mut asked = self.asked.borrow_mut();
        for of in &self.talks.borrow().requests {
            asked.arrives(*of);
        }
        asked.judge(tally);
    }

    fn begin_talks(&self, number: u64) {
        let mut talks = self.talks.borrow_mut();
        (talks.has_session, talks.process) = (false, number);
        // What a loss has taken may come back with what was stored before it.
        let is_kept = self.disk.borrow().kept.contains_key("session");
        talks.forgotten &= !is_kept;
        self.asked.borrow_mut().pending = 0;
    }

    /// A process has ended: what was heard in it must be what was told.
    async fn judge(&self, listening: JoinHandle<()>, readers: &Readers) {
        self.expect_no_panic().await;
        expect_no_panic(listening).await;
        readers.end().await;
        readers.judge(&mut self.heard.borrow_mut());
    }

    /// The outbox of this process: with what the last one has left.
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

    /// Hears all that happens: one event after the other, or by the batch.
    async fn listen(self: Rc<Self>, process: u64, mut events: Events) {
        let by_the_batch = self.dice().percent(50);
        loop {
            let heard: Vec<Update> = match by_the_batch {
                true => events.next_batch().await.into_iter().flatten().collect(),
                false => events.next().await.into_iter().collect(),
            };
            if heard.is_empty() {
                return;
            }
            for update in heard {
                self.note(process, update.event().expect("nobody is slow here"));
            }
        }
    }

    fn note(&self, process: u64, event: &Event) {
        if self.tell {
            let at = Instant::now() - (self.trouble_until - self.plan.trouble);
            println!("{at:>10.3?} {event:?}");
        }
        self.story.borrow_mut().note(process, event);
        if self.plan.moods.is_some() {
            let (mut witness, mut talks) = (self.witness.borrow_mut(), self.talks.borrow_mut());
            witness.note(process, event, &self.plan, &mut talks);
        }
    }

    /// Sends messages until the trouble is over, and waits for the fate of some.
    async fn send(self: Rc<Self>, process: u64, outbox: Arc<SharedOutbox>) {
        let mut dice = self.dice();
        let pause = self.plan.trouble.as_millis() as u64 * 2 / self.plan.messages + 1;
        while self.is_troubled() {
            let burst = if dice.percent(20) {
                dice.within(2, 12)
            } else {
                1
            };
            for _ in 0..burst {
                self.send_one(process, &outbox, &mut dice);
            }
            sleep(Duration::from_millis(dice.within(0, pause * burst))).await;
        }
    }

    fn send_one(self: &Rc<Self>, process: u64, outbox: &Arc<SharedOutbox>, dice: &mut Dice) {
        let accepted = self.story.borrow().accepted.len();
        let number = accepted as u64;
        let padding = match dice.percent(4) {
            true => dice.within(0, 10_000),
            false => dice.within(0, 60),
        };
        let text = format!("{number}:{}", "x".repeat(padding as usize));
        let Ok(receipt) = outbox.send(Message::text(text)) else {
            return;
        };
        self.story.borrow_mut().accepted.push(Accepted {
            number,
            id: receipt.id(),
            process,
            queued: false,
        });
        let world = self.clone();
        let wait_for_end = dice.percent(30);
        spawn_local(async move {
            let fate = receipt.fate(Fate::Queued).await;
            world.story.borrow_mut().accepted[accepted].queued = fate.reaches(Fate::Queued);
            if wait_for_end {
                receipt.fate(Fate::Confirmed).await;
            }
        });
    }

    async fn close_by_hand(self: Rc<Self>, addr: Addr<Connection>) {
        let mut dice = self.dice();
        let third = self.plan.trouble.as_millis() as u64 / 3;
        for _ in 0..self.plan.closes {
            sleep(dice.millis(third)).await;
            addr.do_send(CloseMyself::normal());
            sleep(dice.millis(4_000)).await;
            addr.do_send(Connect::default());
        }
        self.log.borrow_mut().hands_off = true;
    }

    async fn rotate(self: Rc<Self>, addr: Addr<Connection>) {
        let mut dice = self.dice();
        let part = self.plan.trouble.as_millis() as u64 / (self.plan.rotations + 1) * 2;
        for _ in 0..self.plan.rotations {
            sleep(dice.millis(part + 1)).await;
            addr.do_send(Rotate);
        }
    }

    /// The peer tells something on all its sockets now and then, until everything is settled.
    async fn keep_broadcasting(self: Rc<Self>) {
        let mut dice = self.dice();
        loop {
            sleep(dice.millis(2_000)).await;
            // More than one turn takes, where a rule looks at each.
            let most = if self.plan.moods.is_some() { 400 } else { 50 };
            let numbers = match dice.percent(4) {
                true => dice.within(2, most),
                false => 1,
            };
            for _ in 0..numbers {
                self.broadcast.borrow_mut().broadcast();
            }
        }
    }

    /// Has the disk fill up now and then.
    async fn fill_disk(self: Rc<Self>) {
        let mut dice = self.dice();
        while self.is_troubled() {
            sleep(dice.millis(20_000)).await;
            self.disk.borrow_mut().full = dice.percent(30);
            sleep(dice.millis(3_000)).await;
            self.disk.borrow_mut().full = false;
        }
    }

    /// The trouble is over: everything has to come to its end.
    async fn await_completion(&self, outbox: &Arc<SharedOutbox>, addr: &Addr<Connection>) {
        let limit = match self.plan.dies_after {
            None => SETTLED,
            // A socket confirms one message at least.
            Some(_) => SETTLED * u32::try_from(self.plan.settings.outbox.messages).expect("few"),
        };
        let settled = timeout(limit, async {
            while !self.is_complete(outbox) {
                sleep(Duration::from_millis(100)).await;
            }
        });
        if settled.await.is_err() {
            self.expect_no_panic().await;
            let status = addr.send(crate::Snapshot).await;
            panic!(
                "not settled after {limit:?}: {} messages, {status:#?}",
                outbox.with(|locked| locked.outbox.len())
            );
        }
        // What the last events are must have been heard.
        sleep(Duration::from_millis(10)).await;
    }

    fn is_complete(&self, outbox: &Arc<SharedOutbox>) -> bool {
        if !self.log.borrow().hands_off || self.asked.borrow().pending > 0 {
            return false;
        }
        let serving = self.witness.borrow().current;
        let answered = |socket| self.talks.borrow().is_answered(socket);
        if self.plan.moods.is_some() && !serving.is_none_or(answered) {
            return false;
        }
        outbox.with(|locked| {
            let story = self.story.borrow();
            let mut ids = story.accepted.iter().map(|message| message.id);
            locked.outbox.is_empty()
                && ids.all(|id| locked.outbox.fate(id).is_none_or(Fate::is_final))
        })
    }
}

/// A task that only a panic ends.
pub(super) async fn expect_no_panic(task: JoinHandle<()>) {
    if task.is_finished()
        && let Err(panic) = task.await
    {
        std::panic::resume_unwind(panic.into_panic());
    }
}
