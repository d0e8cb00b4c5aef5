//! The actor of one name, and its messages.
//!
//! Handlers only change what is wanted; the driver alone carries out. Whatever belongs to a socket lives in the driver,
//! a future on the actor's context, and goes down with it when the supervisor restarts the actor. What must outlive a
//! socket (outbox, receipts, counters, numbering) lives in [`Connection`] or behind its gate.

mod ages;
mod carry;
mod codec;
mod driver;
mod encoder;
mod forward;
mod gate;
mod handlers;
mod messages;
mod pace;
mod passage;
mod probe;
mod pulse;
mod reader;
mod scratch;
mod shared;
#[cfg(test)]
mod simulation;
mod socket;
mod status;
mod successor;
mod turnstile;
mod writer;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Waker,
    time::Instant,
};

use actix::{Actor, AsyncContext, Context, Supervised};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

#[cfg(feature = "testing")]
pub use self::messages::Fault;
pub(crate) use self::{
    forward::forward,
    gate::Gate,
    messages::{Drain, Probe, Remove},
    pace::Paces,
    probe::probe,
    pulse::{Finding, beat as pulse},
};
pub use self::{
    gate::Receipt,
    messages::{
        CloseMyself, Configure, Connect, InvalidClose, NotUp, Rotate, Send, Snapshot, Subscribe,
    },
    probe::{Probed, Reached},
    status::{LastError, OutboxStatus, State, Status, Traffic, UnknownState, UrlStatus},
};
use self::{passage::Passage, successor::Successor};
use crate::{
    chance, clock,
    config::{CommonSettings, ConnectionSettings, NameSettings, Template},
    core::{
        Cause, ClosedReport, ConnectionName, Cursor, Effect, HeartbeatState, Journal, Lifecycle,
        Message, Policy, Removed, Sequence, Told,
    },
    events::{DropReason, Dropped, Event, FailedDial, Sent, Stamp, TlsReport},
    hub::{Hub, Listeners, Memory},
    keeper::Keeper,
    panics::panic_text,
    transport::{DialBudget, Resolver, TlsCache},
    vault::Vault,
    wire::CloseFrame,
};

/// What all names of a process share.
pub(crate) struct Commons {
    pub hub: Arc<Hub>,
    pub budget: DialBudget,
    pub tls: TlsCache,
    pub resolver: Resolver,
    /// The secrets that templates name.
    pub vault: Vault,
    pub paces: Paces,
    /// Writes down closes by hand.
    pub keeper: Keeper,
    /// What names that are alike share.
    pub settings: CommonSettings,
    /// Told when an actor died without having been removed.
    pub obituaries: mpsc::UnboundedSender<(ConnectionName, u32)>,
}

/// Heartbeat intervals in one incarnation: a change of the heartbeat beyond that takes a new socket.
const MAX_INTERVALS: u32 = 16;

/// Messages that may wait to go out ahead of the outbox.
const MAX_AHEAD: usize = 64;

/// How many messages of its mailbox a name handles before others of its arbiter have their turn.
const MAILBOX_TURN: u32 = 128;

/// The actor of one name: keeps at most one socket up.
///
/// It is started by the [`Manager`](crate::Manager), under an actix supervisor. Its address takes [`Connect`], [`Send`],
/// [`CloseMyself`], [`Subscribe`], [`Snapshot`] and [`Configure`].
///
/// `Addr::do_send` knows no bound: what it puts into the mailbox stands outside the promise that everything is bounded.
/// `Addr::send`, `Addr::try_send` and [`Handle::send`](crate::Handle::send) keep to bounds.
pub struct Connection {
    name: ConnectionName,
    /// All URLs of the settings, at least one.
    urls: Arc<[Template]>,
    /// The settings without their URLs.
    settings: Arc<ConnectionSettings>,
    commons: Arc<Commons>,
    gate: Arc<Gate>,
    life: Lifecycle,
    journal: Journal,
    listeners: Listeners,
    heartbeat: HeartbeatState,
    /// How fast messages may go out; `None`: as fast as they can.
    pace: Option<Arc<pace::Pace>>,
    /// Messages of ours for the socket that is up.
    ahead: Vec<Message>,
    /// What is between two sockets of a rotation.
    passage: Passage,
    /// The socket that the next incarnation takes over.
    heir: Successor,
    /// Settings have changed too late for the successor that is taking over: another one is needed.
    rotate_again: bool,
    /// The peer's own numbers, where `sequence` says how to read them.
    sequence: Option<Box<Sequence>>,
    beat_due: bool,
    /// A ping is due though another one may be unanswered.
    probe_due: bool,
    /// Heartbeat intervals that this incarnation has started; only the last one counts.
    intervals: u32,
    effects: Vec<Effect>,
    record: Record,
    mailbox_turn: u32,
    waker: Option<Waker>,
    /// The wall clock of this turn, read once.
    wall: Option<Timestamp>,
    callback_panic: Option<Box<str>>,
    ending: Ending,
    #[cfg(feature = "testing")]
    fault: Option<Fault>,
}

/// What a name remembers for its status. What is seldom there is boxed: an actor's memory comes in steps of 128 bytes.
struct Record {
    since: Timestamp,
    shown: State,
    ready: bool,
    retry_at: Option<Box<Timestamp>>,
    last_error: Option<Box<LastError>>,
    /// The dial that failed just now, until that is told.
    failed_dial: Option<Box<FailedDial>>,
    last_close: Option<Box<ClosedReport>>,
    upgrade: Option<Box<Upgrade>>,
    sent: Traffic,
    received: Traffic,
    last_message_at: Option<Timestamp>,
    in_doubt: u64,
    dropped: u64,
    /// When the last frame of the last socket came, until the next one is ready.
    blind_since: Option<Instant>,
}

/// What the upgrade of the socket that serves agreed on, where that is anything.
struct Upgrade {
    subprotocol: Option<String>,
    tls: Option<TlsReport>,
}

/// Those who wait for the end of a name.
#[derive(Default)]
struct Waiting(Vec<oneshot::Sender<()>>);

/// Whether the name is to stay.
#[derive(Default)]
enum Ending {
    #[default]
    Stays,
    /// Told once the socket is closed; the name stays.
    Drains(Box<Waiting>),
    /// Told once the socket is closed; then the name is gone.
    Leaves(Box<Waiting>),
    Gone,
}

impl Connection {
    /// The actor of a name that has not started yet.
    pub(crate) fn new(
        name: ConnectionName,
        settings: NameSettings,
        commons: Arc<Commons>,
        gate: Arc<Gate>,
        epoch: u32,
    ) -> Self {
        let NameSettings {
            urls,
            common: settings,
        } = settings;
        let (mut life, mut effects) = (Lifecycle::default(), Vec::new());
        life.set_endpoints(urls.len());
        // A respawned name finds its door as it was: closed, if it was closed by hand.
        let (is_open, wanted) = gate.with(|inside| {
            inside.outbox.lost();
            (inside.outbox.is_open(), inside.wanted)
        });
        if !is_open {
            life.close(
                CloseFrame::default(),
                policy(&settings),
                clock::now(),
                &mut effects,
            );
        } else if settings.enabled || wanted {
            life.connect(&mut Vec::new());
        }
        let pace = commons.paces.get(settings.rate.as_ref(), None);
        Self {
            name,
            urls,
            settings,
            commons,
            gate,
            life,
            journal: Journal::new(epoch),
            listeners: Listeners::default(),
            heartbeat: HeartbeatState::default(),
            pace,
            ahead: Vec::new(),
            passage: Passage::default(),
            heir: Successor::default(),
            rotate_again: false,
            sequence: None,
            beat_due: false,
            probe_due: false,
            intervals: 0,
            effects,
            record: Record {
                since: Timestamp::now(),
                shown: if is_open { State::Idle } else { State::Closed },
                ready: false,
                retry_at: None,
                last_error: None,
                failed_dial: None,
                last_close: None,
                upgrade: None,
                sent: Traffic::default(),
                received: Traffic::default(),
                last_message_at: None,
                in_doubt: 0,
                dropped: 0,
                blind_since: None,
            },
            mailbox_turn: 0,
            waker: None,
            wall: None,
            callback_panic: None,
            ending: Ending::Stays,
            #[cfg(feature = "testing")]
            fault: None,
        }
    }

    /// Runs a handler. A panic becomes a loss of this name's socket.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(result) => Some(result),
            Err(panic) => {
                self.lost(Cause::Panic(panic_text(&*panic)), clock::now());
                self.wake();
                None
            }
        }
    }

    /// The one way to tell the core that a dial failed or a socket is gone.
    fn lost(&mut self, cause: Cause, now: Instant) {
        let random = chance::next_u64();
        let policy = policy(&self.settings);
        self.life
            .lost(cause, policy, now, random, &mut self.effects);
    }

    /// Has the driver run again in this turn or the next.
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    fn wall(&mut self) -> Timestamp {
        *self.wall.get_or_insert_with(Timestamp::now)
    }

    /// Numbers an event and tells all subscribers.
    fn publish(&mut self, event: impl FnOnce(Stamp) -> Event) {
        let stamp = Stamp {
            name: self.name.clone(),
            epoch: self.journal.epoch(),
            seq: self.journal.advance(),
            // Its place over all names is found where it is told.
            cursor: Cursor::default(),
            at: self.wall(),
        };
        let memory = Memory {
            history: self.gate.history(),
            limit: self.settings.history,
        };
        let told = self
            .listeners
            .publish(&self.commons.hub, &self.name, memory, event(stamp));
        if self.settings.history.durable {
            self.gate.history_grew();
        }
        if let Err(panic) = told {
            self.callback_panic.get_or_insert(panic.into());
        }
    }

    fn tell_dropped(&mut self, count: u64, reason: DropReason) {
        if count > 0 {
            self.record.dropped += count;
            self.publish(|stamp| Event::Dropped(stamp, Dropped { count, reason }));
        }
    }

    fn tell_removed(&mut self, removed: Removed, reason: DropReason) {
        self.record.in_doubt += removed.in_doubt;
        self.tell_dropped(removed.unsent + removed.in_doubt, reason);
    }

    /// Tells the fates of messages one by one, if a subscriber asks for that.
    fn tell_sent(&mut self, told: Vec<Told>) {
        for run in told {
            for id in run.first..=run.last {
                let sent = Sent {
                    id,
                    fate: run.fate,
                    resent: run.resent,
                };
                self.publish(|stamp| Event::Sent(stamp, sent));
            }
        }
    }

    /// Begins a handler: the wall clock is read anew, and other names of the arbiter have their turn when this one's
    /// mailbox is flooded.
    fn take_turn(&mut self, ctx: &mut Context<Self>) {
        self.wall = None;
        self.mailbox_turn += 1;
        if self.mailbox_turn >= MAILBOX_TURN {
            self.mailbox_turn = 0;
            ctx.wait(actix::fut::wrap_future(tokio::task::yield_now()));
        }
    }
}

/// The settings that the core's decisions depend on.
fn policy(settings: &ConnectionSettings) -> Policy<'_> {
    Policy {
        reconnect: &settings.reconnect,
        close_timeout: settings.close_timeout,
        rotate_after: settings.rotate_after,
    }
}

impl Actor for Connection {
    type Context = Context<Self>;

    /// The one place where an incarnation's driver is spawned: with it come and go socket, dial and timers.
    fn started(&mut self, ctx: &mut Context<Self>) {
        if matches!(self.ending, Ending::Gone) {
            return;
        }
        self.heartbeat = HeartbeatState::default();
        self.beat_due = false;
        self.probe_due = false;
        self.intervals = 0;
        self.mailbox_turn = 0;
        self.record.ready = false;
        self.record.upgrade = None;
        self.life.started(&mut self.effects);
        let socket = self.adopt(ctx);
        if socket.is_none() {
            self.ahead.clear();
        }
        ctx.spawn(driver::Driver::new(socket));
    }
}

impl Supervised for Connection {}

impl Drop for Connection {
    fn drop(&mut self) {
        if !matches!(self.ending, Ending::Gone) {
            // Without a manager nobody is left to mourn.
            let _alone = self
                .commons
                .obituaries
                .send((self.name.clone(), self.journal.epoch()));
        }
    }
}
