//! The thread of a node: it reads the log, and does what follows from it.

use std::{sync::Arc, time::Duration};

use everwire::{WriteLease, config::ClusterSettings};
use everwire_nats::{BridgeError, Trouble};
use everwire_proto::placement::{
    Command, Effect, Here, Kept, Member, MemberSettings, Outcome, Record, Void,
};
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use crate::{
    clocks::{self, here},
    codes,
    event::Event,
    log::{Log, LogSettings, Step},
    order::{Change, ChangeError, Order},
    seen::{Moment, Seen},
    state_file::StateFile,
    status::{LogStatus, node_of},
};

/// The time goes on in steps of this.
const TICK: Duration = Duration::from_millis(100);
/// What was appended for a caller and is not in the log is appended again after this time.
const AGAIN: Duration = Duration::from_secs(3);
/// The state is written down after so many records.
const SNAPSHOT_AFTER: u64 = 1_000;
/// So many changes wait for the log at once.
const MOST_CHANGES: usize = 1024;

/// What the thread and those who ask share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub node: Box<str>,
    pub member: RwLock<Member>,
    pub log: Mutex<LogStatus>,
    pub seen: Mutex<Seen>,
    /// After so long without a sign of life of a node, others end its boot.
    pub silence: Duration,
    /// Why this node last held nothing any more.
    pub ended: Mutex<Option<Trouble>>,
}

/// What happens is told here. Whether it was taken.
pub(crate) type Tell = Box<dyn FnMut(Event) -> bool + Send>;

/// The node, on its thread.
pub(crate) struct Runtime {
    shared: Arc<Shared>,
    file: StateFile,
    lease: WriteLease,
    tell: Tell,
    /// What callers wait for.
    changes: Vec<Waiting>,
    /// How often all names are to be abandoned. A name of a boot that has ended must not write under
    /// the lease of the next one.
    unabandoned: u32,
    /// Something that had to be done was not taken.
    is_unheard: bool,
}

/// A change that a caller waits for.
struct Waiting {
    change: Change,
    answer: oneshot::Sender<Result<(), ChangeError>>,
    sent: Option<Instant>,
}

impl Shared {
    pub fn new(settings: &ClusterSettings, kept: Option<Kept>) -> Self {
        let member = MemberSettings {
            node: settings.node.clone(),
            weight: settings.weight,
            labels: settings.labels.clone(),
            shards: settings.shards,
            lease: settings.lease,
            moves: settings.moves,
            snapshot_after: SNAPSHOT_AFTER,
        };
        Self {
            node: settings.node.clone(),
            member: RwLock::new(Member::new(member, kept, clocks::now())),
            log: Mutex::default(),
            seen: Mutex::default(),
            silence: settings.lease.silence(),
            ended: Mutex::default(),
        }
    }

    /// Notes what a record has changed.
    fn look(&self, record: &Record) {
        let member = self.member.read();
        let now = Moment {
            boot: clocks::now().boot,
            // Before, old records are read.
            wall: member.boot().map(|_| Timestamp::now()),
        };
        let mut seen = self.seen.lock();
        seen.look(record, member.places(), member.boot(), now);
    }
}

impl Runtime {
    pub fn new(shared: Arc<Shared>, file: StateFile, lease: WriteLease, tell: Tell) -> Self {
        Self {
            shared,
            file,
            lease,
            tell,
            changes: Vec::new(),
            unabandoned: 0,
            is_unheard: false,
        }
    }

    /// Takes part until it is asked to leave.
    pub async fn run(&mut self, log: LogSettings, mut orders: mpsc::Receiver<Order>) {
        let mut log = Log::new(log);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Leave(within, answer)) => {
                        self.leave(&mut log, within).await;
                        let _unheard = answer.send(());
                        return;
                    }
                    Some(order) => self.order(order, &mut log),
                    None => return self.leave(&mut log, Duration::ZERO).await,
                },
                _ = ticks.tick() => {
                    self.with(&mut log, Member::tick);
                    self.go_on_with_changes(&mut log);
                }
                step = log.next() => self.step(step, &mut log),
            }
        }
    }

    /// A panic is a bug: nothing is written any more, and others take over when the lease has run
    /// out.
    pub fn panicked(&mut self) {
        self.lease.set(None);
        let text = Event::Panicked.to_string();
        *self.shared.ended.lock() = Some(Trouble::now(codes::PANICKED, text));
        self.report(Event::Panicked);
    }

    /// Tells what an operator may want to know. A service that has too much to do does not take it.
    fn report(&mut self, event: Event) {
        let _is_taken = (self.tell)(event);
    }

    /// Tells what has to be done. If nobody does it, this node must not be given names.
    fn order_names(&mut self, event: Event, log: &mut Log) {
        if (self.tell)(event) || self.is_unheard {
            return;
        }
        self.is_unheard = true;
        self.with(log, Member::leave);
        let text = "the service does not keep up with the cluster, so this node has left";
        *self.shared.ended.lock() = Some(Trouble::now(codes::UNHEARD, text));
    }

    fn step(&mut self, step: Step, log: &mut Log) {
        match step {
            Step::Up {
                server,
                differences,
            } => {
                self.is_up(&server, &differences);
                self.report(Event::LogUp {
                    server,
                    differences,
                });
            }
            Step::Records(records) => {
                for (number, record) in records {
                    let mut is_next = true;
                    self.with(log, |member, here| {
                        let read = member.read(number, &record, here);
                        // The log gives them in their order. If it does not, nothing of it counts.
                        read.unwrap_or_else(|_| {
                            is_next = false;
                            member.fell_behind(here)
                        })
                    });
                    if !is_next {
                        log.reread();
                        break;
                    }
                    self.shared.look(&record);
                }
                self.go_on_with_changes(log);
            }
            Step::CaughtUp => self.with(log, Member::caught_up),
            Step::Broken(error) => {
                self.with(log, Member::broken);
                if self.is_down(&error) {
                    self.report(Event::LogDown(error));
                }
            }
            Step::WentBack => self.with(log, Member::went_back),
            Step::Behind => self.with(log, Member::fell_behind),
            Step::Refused(text) => self.report(Event::Refused(text)),
        }
    }

    /// Lets the member do something, and does what follows.
    fn with(&mut self, log: &mut Log, act: impl FnOnce(&mut Member, Here) -> Vec<Effect>) {
        let (effects, until) = {
            let mut member = self.shared.member.write();
            let effects = act(&mut member, here());
            (effects, member.write_until())
        };
        let has_ended = |effect: &&Effect| matches!(effect, Effect::End(_));
        let ends = effects.iter().filter(has_ended).count();
        self.unabandoned += u32::try_from(ends).unwrap_or(u32::MAX);
        // Before anything else: what has ended writes no more.
        self.lease.set(until.filter(|_| self.unabandoned == 0));
        for effect in effects {
            self.perform(effect, log);
        }
    }

    fn perform(&mut self, effect: Effect, log: &mut Log) {
        match effect {
            Effect::Append(command) => self.append(&command, log),
            Effect::Keep(kept) => self.keep(&kept, log),
            Effect::Hold(shard, term) => self.order_names(Event::Hold { shard, term }, log),
            Effect::Lose(shard) => self.order_names(Event::Lose(shard), log),
            Effect::Give { shard, to, .. } => {
                let node = node_of(self.shared.member.read().places(), to);
                let to = node.unwrap_or_default();
                self.order_names(Event::Give { shard, to }, log);
            }
            // Its names come all at once, when the holder has closed them.
            Effect::Receive { .. } => {}
            Effect::End(reason) => {
                *self.shared.ended.lock() =
                    Some(Trouble::now(codes::of(reason), reason.to_string()));
                self.order_names(Event::Ended(reason), log);
            }
            // The log does that by itself.
            Effect::Reread => {}
            Effect::Purge(below) => log.purge(below),
            Effect::Report(report) => self.report(Event::Report(report)),
        }
    }

    /// Appends a record. What the server would not take is told; that there is no connection is known.
    fn append(&mut self, command: &Command, log: &mut Log) {
        if let Some(text) = log.append(command) {
            self.report(Event::Refused(text));
        }
    }

    fn keep(&mut self, kept: &Kept, log: &mut Log) {
        let Err(error) = self.file.keep(kept) else {
            return;
        };
        // The next process would believe what stands there.
        self.report(Event::StateLost(error.to_string()));
        self.with(log, Member::leave);
    }

    fn order(&mut self, order: Order, log: &mut Log) {
        match order {
            Order::Given(shard) => self.with(log, |member, here| member.given(shard, here)),
            Order::Abandoned => {
                self.unabandoned = self.unabandoned.saturating_sub(1);
                self.with(log, Member::tick);
            }
            Order::Wants(place) => self.shared.member.write().wants(place),
            Order::HasNames(shard, names) => self.shared.member.write().has_names(shard, names),
            Order::Change(change, answer) => {
                // Callers wait for each of them, and come again.
                if self.changes.len() >= MOST_CHANGES {
                    let _gone = answer.send(Err(ChangeError::NotInTime));
                    return;
                }
                self.changes.push(Waiting {
                    change,
                    answer,
                    sent: None,
                });
                self.go_on_with_changes(log);
            }
            Order::Leave(..) => {}
        }
    }

    /// Appends what callers wait for, and answers where the log has it.
    fn go_on_with_changes(&mut self, log: &mut Log) {
        if self.changes.is_empty() {
            return;
        }
        let member = self.shared.member.read();
        let (places, boot) = (member.places(), member.boot());
        let now = Instant::now();
        let (mut waiting, mut commands) = (Vec::new(), Vec::new());
        for mut wanted in self.changes.drain(..) {
            if wanted.answer.is_closed() {
                continue;
            }
            let answer = match (wanted.change.is_so(places), boot) {
                (Ok(true), _) => Some(Ok(())),
                (Err(error), _) => Some(Err(error)),
                (Ok(false), None) => Some(Err(ChangeError::NotJoined)),
                (Ok(false), Some(boot)) => {
                    let is_due = wanted.sent.is_none_or(|sent| now >= sent + AGAIN);
                    let command = wanted.change.command(boot, places).filter(|_| is_due);
                    match command {
                        Some(command) => match would_be(places, &command) {
                            Some(void) => Some(Err(ChangeError::Refused(void.to_string()))),
                            None => {
                                wanted.sent = Some(now);
                                commands.push(command);
                                None
                            }
                        },
                        None => None,
                    }
                }
            };
            match answer {
                Some(answer) => {
                    let _gone = wanted.answer.send(answer);
                }
                None => waiting.push(wanted),
            }
        }
        drop(member);
        self.changes = waiting;
        for command in commands {
            self.append(&command, log);
        }
    }

    async fn leave(&mut self, log: &mut Log, within: Duration) {
        let until = Instant::now() + within;
        let has_joined = self.shared.member.read().boot().is_some();
        self.with(log, Member::leave);
        if has_joined {
            // Who does not read of it notices when the lease has run out.
            let _late = timeout_at(until, log.flush()).await;
        }
    }

    fn is_up(&self, server: &str, differences: &[String]) {
        let mut log = self.shared.log.lock();
        log.server = Some(server.to_owned());
        log.differences = differences.to_vec();
        if let Some(error) = &mut log.error {
            error.is_now = false;
        }
    }

    /// Notes why the log cannot be read. Whether it is another reason than before.
    fn is_down(&self, error: &BridgeError) -> bool {
        let mut log = self.shared.log.lock();
        let new = Trouble::now(error.code(), error.to_string());
        let is_known = |known: &Trouble| known.is_now && known.text == new.text;
        let is_new = !log.error.as_ref().is_some_and(is_known);
        (log.server, log.error) = (None, Some(new));
        is_new
    }
}

/// Why the state would not take the command, as it is now.
fn would_be(places: &everwire_proto::placement::Places, command: &Command) -> Option<Void> {
    let mut after = places.clone();
    match after.apply(places.applied() + 1, command) {
        Ok(Outcome::Void(void)) => Some(void),
        Ok(Outcome::Applied(_)) | Err(_) => None,
    }
}
