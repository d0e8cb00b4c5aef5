//! Readers that are slow, hold batches, leave and come back. Each receives what it was promised.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, WrapFuture};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::{
    task::{JoinHandle, spawn_local},
    time::{Instant, sleep},
};

use super::{
    hearing::{Amount, Hearing, Told},
    life::expect_no_panic,
    oracle::Tally,
    plan::Dice,
};
use crate::{
    connection::SharedOutbox,
    core::{Cursor, Pattern},
    events::Update,
    hub::{
        Batch, Delivery, Events, HasHistory, Hub, Kinds, Overflow, SubscriptionGuard, Updates,
        mailbox,
    },
};

/// The behaviour of a reader.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub delivery: Delivery,
    pub by: By,
    /// The longest pause between reads in milliseconds, and the percentage of reads with a pause.
    pub slow: u64,
    pub often: u64,
    /// The percentage of reads after which it leaves and comes back.
    pub leaves: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Update,
    Batch,
    UpdateActor,
    BatchActor,
}

impl Reader {
    pub fn draw(dice: &mut Dice) -> Self {
        let overflow = [Overflow::Drop, Overflow::Disconnect, Overflow::Pause];
        let kinds = match dice.percent(50) {
            true => Kinds::all(),
            false => Kinds::none().with("message").expect("a kind"),
        };
        let mut delivery = Delivery::default()
            .overflow(overflow[dice.within(0, 3) as usize])
            .kinds(kinds)
            .events(match dice.percent(50) {
                true => dice.within(1, 8) as usize,
                false => dice.within(8, 65) as usize,
            });
        if dice.percent(50) {
            delivery.bytes = dice.within(1, 300) as usize;
        }
        Self {
            delivery,
            by: match dice.within(0, 10) {
                0..4 => By::Update,
                4..8 => By::Batch,
                8 => By::UpdateActor,
                _ => By::BatchActor,
            },
            slow: [100, 2_000, 12_000][dice.within(0, 3) as usize],
            often: dice.within(5, 60),
            leaves: dice.within(0, 8),
        }
    }
}

/// The readers of one process.
pub(super) struct Readers {
    hub: Arc<Hub>,
    outbox: Arc<SharedOutbox>,
    /// All published events.
    told: Arc<Mutex<Vec<Told>>>,
    hearings: RefCell<Vec<Rc<RefCell<Hearing>>>>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
    actors: RefCell<Vec<Addr<Listening>>>,
    /// From this time on they are fast.
    hurry_from: Instant,
    _guard: SubscriptionGuard,
}

impl Readers {
    pub fn start(
        hub: &Arc<Hub>,
        outbox: &Arc<SharedOutbox>,
        hurry_from: Instant,
        plans: &[Reader],
        dice: &mut Dice,
    ) -> Rc<Self> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&told);
        let guard = hub.callback(Pattern::all(), Kinds::all(), move |update| {
            note.lock().extend(update.event().map(Told::from));
        });
        let readers = Rc::new(Self {
            hub: Arc::clone(hub),
            outbox: Arc::clone(outbox),
            told,
            hearings: RefCell::default(),
            tasks: RefCell::default(),
            actors: RefCell::default(),
            hurry_from,
            _guard: guard,
        });
        for plan in plans {
            let (this, dice) = (readers.clone(), dice.fork());
            match plan.by {
                By::Update | By::Batch => {
                    let task = spawn_local(this.read(plan.clone(), dice));
                    readers.tasks.borrow_mut().push(task);
                }
                By::UpdateActor => {
                    let actor = this.actor(plan, dice);
                    hub.actor(
                        Pattern::all(),
                        mailbox::<Update>(actor),
                        plan.delivery.clone(),
                    );
                }
                By::BatchActor => {
                    let actor = this.actor(plan, dice);
                    hub.actor(
                        Pattern::all(),
                        mailbox::<Batch>(actor),
                        plan.delivery.clone(),
                    );
                }
            }
        }
        readers
    }

    /// Waits until all have read everything.
    pub async fn end(&self) {
        for task in self.tasks.take() {
            expect_no_panic(task).await;
        }
    }

    /// Checks what all have received, at the end.
    pub fn judge(&self, tally: &mut Tally) {
        // A panic is reported where it happened.
        let mut actors = self.actors.take().into_iter();
        assert!(actors.all(|actor| actor.connected()), "an actor panicked");
        let told = self.told.lock();
        for hearing in &*self.hearings.borrow() {
            hearing.borrow().judge(&told, tally);
        }
    }

    fn hearing(&self, plan: &Reader, since: Cursor, resumed: bool) -> Rc<RefCell<Hearing>> {
        let now = self.hub.now();
        let through = if resumed { now } else { since };
        let hearing = Hearing::new(plan.delivery.clone(), since, through, resumed);
        let hearing = Rc::new(RefCell::new(hearing));
        self.hearings.borrow_mut().push(hearing.clone());
        hearing
    }

    fn actor(self: &Rc<Self>, plan: &Reader, dice: Dice) -> Addr<Listening> {
        let actor = Listening {
            hearing: self.hearing(plan, self.hub.now(), false),
            readers: self.clone(),
            plan: plan.clone(),
            dice,
        };
        let actor = actor.start();
        self.actors.borrow_mut().push(actor.clone());
        actor
    }

    fn is_slow(&self, plan: &Reader, dice: &mut Dice) -> bool {
        dice.percent(plan.often) && Instant::now() < self.hurry_from
    }

    async fn read(self: Rc<Self>, plan: Reader, mut dice: Dice) {
        let mut last = None;
        loop {
            let history = self.outbox.clone() as Arc<dyn HasHistory>;
            let forgotten = self.hub.forgotten();
            let names = || (vec![history], forgotten);
            let mut events = match last {
                None if dice.percent(50) => self.hub.stream(Pattern::all(), plan.delivery.clone()),
                since => self
                    .hub
                    .resume(Pattern::all(), plan.delivery.clone(), since, names),
            };
            let hearing = self.hearing(&plan, events.start(), last.is_some());
            match plan.by {
                By::Batch => {
                    self.read_batches(&plan, &mut dice, &mut events, &hearing)
                        .await
                }
                _ => {
                    self.read_updates(&plan, &mut dice, &mut events, &hearing)
                        .await
                }
            }
            drop(events);
            sleep(dice.millis(plan.slow)).await;
            last = dice.percent(80).then_some(hearing.borrow().last);
        }
    }

    async fn read_updates(
        &self,
        plan: &Reader,
        dice: &mut Dice,
        events: &mut Events,
        hearing: &RefCell<Hearing>,
    ) {
        loop {
            let takes = events.waiting() == 0;
            let Some(update) = events.next().await else {
                return hearing.borrow_mut().end(self.hub.now());
            };
            {
                let mut hearing = hearing.borrow_mut();
                hearing.hear(&update, Some(self.hub.now()));
                if takes && hearing.is_present(&update) {
                    let events = events.waiting() + usize::from(update.event().is_some());
                    hearing.take(Amount { events, bytes: 0 }, Amount::default());
                }
            }
            if dice.percent(plan.leaves) {
                return;
            }
            if self.is_slow(plan, dice) {
                sleep(dice.millis(plan.slow)).await;
            }
        }
    }

    async fn read_batches(
        &self,
        plan: &Reader,
        dice: &mut Dice,
        events: &mut Events,
        hearing: &RefCell<Hearing>,
    ) {
        let mut holding: Vec<Held> = Vec::new();
        loop {
            let held = holding
                .iter()
                .fold(Amount::default(), |sum, held| sum + held.amount);
            let Some(batch) = events.next_batch().await else {
                return hearing.borrow_mut().end(self.hub.now());
            };
            let leaves = dice.percent(plan.leaves);
            let held = hearing.borrow_mut().open(
                &batch,
                held,
                Some(self.hub.now()),
                leaves.then_some(&mut *dice),
            );
            if leaves {
                return;
            }
            let slow = self.is_slow(plan, dice);
            if slow && let Some(amount) = held {
                holding.push(Held::new(batch, amount, dice));
            } else {
                drop(batch);
                hearing.borrow_mut().release();
            }
            if slow {
                sleep(dice.millis(plan.slow)).await;
            }
            while !holding.is_empty() && (dice.percent(60) || Instant::now() >= self.hurry_from) {
                holding.swap_remove(dice.within(0, holding.len() as u64) as usize);
                hearing.borrow_mut().release();
            }
        }
    }
}

/// A batch that is held, in one of several forms.
struct Held {
    amount: Amount,
    _batches: Vec<Batch>,
    _half_read: Option<Updates>,
}

impl Held {
    fn new(batch: Batch, amount: Amount, dice: &mut Dice) -> Self {
        let mut batches = vec![batch.clone(); dice.within(0, 3) as usize];
        let mut half_read = None;
        match dice.percent(50) {
            true => batches.push(batch),
            false => {
                let mut updates = batch.into_iter();
                updates.nth(dice.within(0, updates.len() as u64) as usize);
                half_read = Some(updates);
            }
        }
        Self {
            amount,
            _batches: batches,
            _half_read: half_read,
        }
    }
}

/// An actor that receives events, in batches or one by one.
struct Listening {
    readers: Rc<Readers>,
    hearing: Rc<RefCell<Hearing>>,
    plan: Reader,
    dice: Dice,
}

impl Listening {
    /// The time that it takes for a message.
    fn pause(&mut self) -> Option<Duration> {
        let slow = self.readers.is_slow(&self.plan, &mut self.dice);
        slow.then(|| self.dice.millis(self.plan.slow))
    }
}

impl Actor for Listening {
    type Context = Context<Self>;
}

impl Handler<Batch> for Listening {
    type Result = ();

    fn handle(&mut self, batch: Batch, ctx: &mut Self::Context) {
        // At most one is in the mailbox or held.
        let held = self.hearing.borrow().holds;
        assert_eq!(held, 0, "another batch while one is held");
        let mut hearing = self.hearing.borrow_mut();
        hearing.open(&batch, Amount::default(), None, None);
        hearing.holds = usize::from(batch.iter().any(|update| update.event().is_some()));
        drop(hearing);
        let hearing = self.hearing.clone();
        let let_go = move |batch: Batch| {
            hearing.borrow_mut().holds = 0;
            drop(batch);
        };
        match self.pause() {
            Some(pause) => {
                ctx.run_later(pause, move |_, _| let_go(batch));
            }
            None => let_go(batch),
        }
    }
}

impl Handler<Update> for Listening {
    type Result = ();

    fn handle(&mut self, update: Update, ctx: &mut Self::Context) {
        self.hearing.borrow_mut().hear(&update, None);
        if let Some(pause) = self.pause() {
            ctx.wait(sleep(pause).into_actor(self).map(|(), _, _| ()));
        }
    }
}
