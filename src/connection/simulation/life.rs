//! One life, from its seed.

mod calls;
mod dials;
mod process;
mod settling;
mod traffic;

use std::{cell::RefCell, rc::Rc};

use futures::StreamExt;
use tokio::{
    runtime::Builder,
    task::{JoinHandle, LocalSet, spawn_local},
    time::Instant,
};

use super::{
    keys::{KeyReader, Keys},
    oracle::{Story, Tally},
    peer::{Broadcast, Log},
    plan::{Dice, Plan},
    readers::Readers,
    requests::Asked,
    spin::unless_it_spins,
    store::Disk,
    talks::Talks,
    witness::Witness,
};
use crate::{
    chance,
    events::{Event, Update},
    hub::{Events, SubscriptionGuard},
};

/// Runs one life. Panics if a promise is broken.
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
        let keys = Keys::of(&plan).map(|keys| Rc::new(RefCell::new(keys)));
        let world = Rc::new(World {
            trouble_until: Instant::now() + plan.trouble,
            plan,
            disk: Rc::default(),
            log: Rc::default(),
            broadcast: Rc::default(),
            talks: Rc::default(),
            asked: Rc::default(),
            keys,
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
        if let Some(keys) = &world.keys {
            tally.keys = keys.borrow_mut().judge();
        }
        tally
    })
}

/// State that outlives a process.
struct World {
    plan: Plan,
    trouble_until: Instant,
    disk: Rc<RefCell<Disk>>,
    log: Rc<RefCell<Log>>,
    broadcast: Rc<RefCell<Broadcast>>,
    /// The peer's record of the dialogue on all sockets.
    talks: Rc<RefCell<Talks>>,
    asked: Rc<RefCell<Asked>>,
    /// The record of subscriptions, if the name has any.
    keys: Option<Rc<RefCell<Keys>>>,
    story: RefCell<Story>,
    witness: RefCell<Witness>,
    /// The counters of the slow readers.
    heard: RefCell<Tally>,
    dice: RefCell<Dice>,
    /// Tasks of this process that do not belong to the name. A peer that finds a broken promise
    /// panics in one of them.
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

    /// Panics if one of the tasks has panicked.
    async fn expect_no_panic(&self) {
        let tasks = self.tasks.take();
        for task in tasks {
            expect_no_panic(task).await;
        }
    }

    fn is_troubled(&self) -> bool {
        Instant::now() < self.trouble_until
    }

    fn judge_requests(&self, tally: &mut Tally) {
        let mut asked = self.asked.borrow_mut();
        for of in &self.talks.borrow().requests {
            asked.arrives(*of);
        }
        asked.judge(tally);
    }

    /// Compares, at the end of a process, the received events with the published ones.
    async fn judge(
        &self,
        listening: JoinHandle<()>,
        readers: &Readers,
        noted: Option<(SubscriptionGuard, KeyReader)>,
    ) {
        self.expect_no_panic().await;
        expect_no_panic(listening).await;
        readers.end().await;
        readers.judge(&mut self.heard.borrow_mut());
        if let (Some((_, reader)), Some(keys)) = (noted, &self.keys) {
            reader.judge(&mut keys.borrow_mut().tally);
        }
    }

    /// Receives all events: one by one or in batches.
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
}

/// A task that ends only by a panic.
pub(super) async fn expect_no_panic(task: JoinHandle<()>) {
    if task.is_finished()
        && let Err(panic) = task.await
    {
        std::panic::resume_unwind(panic.into_panic());
    }
}
