//! What the actor of a name holds, whatever its incarnation.

#[cfg(feature = "testing")]
pub(super) mod fault;
pub(super) mod hold;
mod receive;
pub(super) mod sessions;
mod show;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::oneshot;

#[cfg(feature = "testing")]
use self::fault::Fault;
use self::{hold::Hold, sessions::Sessions};
use crate::{
    chance, clock,
    config::{ConnectionSettings, NameSettings, Template},
    connection::{
        Commons, Gate, LastClose, LastError, LastMessage, State, StateCause, Traffic,
        outbox::rate_limit::TokenBucket,
    },
    core::{
        Cause, ConnectionName, Cursor, Effect, HeartbeatState, Journal, Lifecycle, Message,
        Passage, Policy, Removed, Sequence, Told,
    },
    events::{DropReason, Dropped, Event, FailedDial, Sent, Stamp, TlsReport},
    hub::{Listeners, Memory},
    panics::panic_text,
    wire::CloseFrame,
};

/// What is behind the actor of a name.
pub(in crate::connection) struct Name {
    pub(in crate::connection) name: ConnectionName,
    /// All URLs of the settings, at least one.
    pub(in crate::connection) urls: Arc<[Template]>,
    /// The settings without their URLs.
    pub(in crate::connection) settings: Arc<ConnectionSettings>,
    pub(in crate::connection) commons: Arc<Commons>,
    pub(in crate::connection) gate: Arc<Gate>,
    pub(in crate::connection) life: Lifecycle,
    pub(in crate::connection) journal: Journal,
    pub(in crate::connection) listeners: Listeners,
    pub(in crate::connection) heartbeat: HeartbeatState,
    /// How fast messages may go out; `None`: as fast as they can.
    pub(in crate::connection) pace: Option<Arc<TokenBucket>>,
    /// Messages of ours for the socket that is up.
    pub(in crate::connection) ahead: Vec<Message>,
    /// What is between two sockets of a rotation.
    pub(in crate::connection) passage: Passage,
    /// Settings have changed too late for the successor that is taking over: another one is needed.
    pub(in crate::connection) rotate_again: bool,
    /// The peer's own numbers, where `sequence` says how to read them.
    pub(in crate::connection) sequence: Option<Box<Sequence>>,
    pub(in crate::connection) beat_due: bool,
    /// A ping is due though another one may be unanswered.
    pub(in crate::connection) probe_due: bool,
    /// Heartbeat intervals that this incarnation has started; only the last one counts.
    pub(in crate::connection) intervals: u32,
    /// The last one is to be started.
    interval_waits: bool,
    pub(in crate::connection) effects: Vec<Effect>,
    pub(in crate::connection) record: Record,
    pub(in crate::connection) mailbox_turn: u32,
    pub(in crate::connection) waker: Option<Waker>,
    /// The wall clock of this turn, read once.
    pub(in crate::connection) wall: Option<Timestamp>,
    pub(in crate::connection) callback_panic: Option<Box<str>>,
    pub(in crate::connection) ending: Ending,
    /// Whether it waits for the store.
    pub(in crate::connection) hold: Hold,
    /// Boxed: few names have any.
    pub(in crate::connection) sessions: Option<Box<Sessions>>,
    #[cfg(feature = "testing")]
    pub(in crate::connection) fault: Option<Fault>,
}

/// jemalloc's size class: beyond it each name takes 128 bytes more.
const _: () = assert!(size_of::<Name>() <= 640);

/// What a name remembers for its status. What is seldom there is boxed: an actor's memory comes in steps of 128 bytes.
pub(in crate::connection) struct Record {
    pub(in crate::connection) since: Timestamp,
    pub(in crate::connection) shown: State,
    pub(in crate::connection) ready: bool,
    pub(in crate::connection) retry_at: Option<Box<Timestamp>>,
    /// Why `shown` is what it is. Changes with it, in [`Name::explain`] alone.
    pub(in crate::connection) cause: Option<Box<StateCause>>,
    pub(in crate::connection) last_error: Option<Box<LastError>>,
    /// The dial that failed just now, until that is told.
    pub(in crate::connection) failed_dial: Option<Box<FailedDial>>,
    pub(in crate::connection) last_close: Option<Box<LastClose>>,
    /// What the peer said last before a young socket ended, until another one has stayed.
    pub(in crate::connection) last_message: Option<Box<LastMessage>>,
    pub(in crate::connection) upgrade: Option<Box<Upgrade>>,
    /// Losses that were followed by a dial.
    pub(in crate::connection) reconnects: u64,
    /// There was a loss, and no dial since.
    pub(in crate::connection) lost: bool,
    pub(in crate::connection) sent: Traffic,
    pub(in crate::connection) received: Traffic,
    pub(in crate::connection) last_message_at: Option<Timestamp>,
    /// Messages that have ended in doubt. Those that are sent again are counted by the outbox.
    pub(in crate::connection) in_doubt: u64,
    pub(in crate::connection) dropped: u64,
    /// When the last frame of the last socket came, until the next one is ready.
    pub(in crate::connection) blind_since: Option<Instant>,
}

/// What the upgrade of the socket that serves agreed on, where that is anything.
pub(in crate::connection) struct Upgrade {
    pub(in crate::connection) subprotocol: Option<String>,
    pub(in crate::connection) tls: Option<TlsReport>,
}

/// Those who wait for the end of a name.
#[derive(Default)]
pub(in crate::connection) struct Waiting(pub(in crate::connection) Vec<oneshot::Sender<()>>);

/// Whether the name is to stay.
#[derive(Default)]
pub(in crate::connection) enum Ending {
    #[default]
    Stays,
    /// Told once the socket is closed; the name stays.
    Drains(Box<Waiting>),
    /// Told once the socket is closed; then the name is gone.
    Leaves(Box<Waiting>),
    Gone,
}

impl Name {
    /// The state of a name whose actor has not started yet.
    pub(in crate::connection) fn new(
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
        let (is_open, wanted, is_held) = gate.with(|inside| {
            let outbox = &mut inside.outbox;
            outbox.lost();
            (outbox.is_open(), inside.wanted, outbox.is_held())
        });
        if !is_open {
            life.close(
                CloseFrame::default(),
                policy(&settings),
                clock::now(),
                &mut effects,
            );
        } else if (settings.enabled || wanted) && !settings.sessions_only {
            life.connect(&mut Vec::new());
        }
        let pace = commons.buckets.get(&name, settings.rate.as_ref(), None);
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
            rotate_again: false,
            sequence: None,
            beat_due: false,
            probe_due: false,
            intervals: 0,
            interval_waits: false,
            effects,
            record: Record {
                since: Timestamp::now(),
                shown: if is_open { State::Idle } else { State::Closed },
                ready: false,
                retry_at: None,
                cause: (!is_open).then(|| Box::new(StateCause::closed_by_hand())),
                last_error: None,
                failed_dial: None,
                last_close: None,
                last_message: None,
                upgrade: None,
                reconnects: 0,
                lost: false,
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
            hold: if is_held { Hold::Waits } else { Hold::None },
            sessions: None,
            #[cfg(feature = "testing")]
            fault: None,
        }
    }

    /// An incarnation begins; whether there is to be one.
    pub(in crate::connection) fn begin(&mut self) -> bool {
        if matches!(self.ending, Ending::Gone) {
            return false;
        }
        self.heartbeat = HeartbeatState::default();
        self.beat_due = false;
        self.probe_due = false;
        self.intervals = 0;
        self.interval_waits = false;
        self.mailbox_turn = 0;
        self.record.ready = false;
        self.record.upgrade = None;
        self.life.started(&mut self.effects);
        if self.hold.is_on() || self.settings.sessions_only {
            self.show_state();
        }
        true
    }

    /// Runs a handler. A panic becomes a loss of this name's socket.
    pub(in crate::connection) fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
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
    pub(in crate::connection) fn lost(&mut self, cause: Cause, now: Instant) {
        let random = chance::next_u64();
        let policy = policy(&self.settings);
        self.life
            .lost(cause, policy, now, random, &mut self.effects);
    }

    /// Has the driver run again in this turn or the next.
    pub(in crate::connection) fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    pub(in crate::connection) fn wall(&mut self) -> Timestamp {
        *self.wall.get_or_insert_with(Timestamp::now)
    }

    /// Numbers an event and tells all subscribers.
    pub(in crate::connection) fn publish(&mut self, event: impl FnOnce(Stamp) -> Event) {
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

    pub(in crate::connection) fn tell_dropped(&mut self, count: u64, reason: DropReason) {
        if count > 0 {
            self.record.dropped += count;
            self.publish(|stamp| Event::Dropped(stamp, Dropped { count, reason }));
        }
    }

    pub(in crate::connection) fn tell_removed(&mut self, removed: Removed, reason: DropReason) {
        // What the peer may have was not dropped unsent: its fate is told as `in_doubt`.
        self.record.in_doubt += removed.in_doubt;
        self.tell_dropped(removed.unsent, reason);
    }

    /// Tells the fates of messages one by one, if a subscriber asks for that.
    pub(in crate::connection) fn tell_sent(&mut self, told: Vec<Told>) {
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

    /// Opening messages, or `Connect`'s data, are with the kernel.
    pub(in crate::connection) fn tell_openings(&mut self, openings: Traffic) {
        self.count_sent((openings.messages, openings.bytes));
        if self.listeners.want_sent(&self.commons.hub, &self.name) {
            for _ in 0..openings.messages {
                self.publish(|stamp| Event::Sent(stamp, Sent::OPENING));
            }
        }
    }

    /// The socket that serves has beats from now on.
    pub(in crate::connection) fn want_interval(&mut self) {
        if self.settings.heartbeat.interval().is_some() {
            self.intervals += 1;
            self.interval_waits = true;
        }
    }

    /// The heartbeat interval that is to be started, once: its number, and its length.
    pub(in crate::connection) fn take_interval(&mut self) -> Option<(u32, Duration)> {
        if !std::mem::take(&mut self.interval_waits) {
            return None;
        }
        let interval = self.settings.heartbeat.interval()?;
        Some((self.intervals, interval))
    }

    /// The interval of the heartbeat has passed.
    pub(in crate::connection) fn beat(&mut self) {
        #[cfg(feature = "testing")]
        self.trip(Fault::Timer);
        self.beat_due = true;
        self.wake();
    }

    /// All that was taken from the outbox up to `id` has arrived.
    pub(in crate::connection) fn confirmed(&mut self, id: u64) {
        let written = self.gate.with(|inside| inside.outbox.confirmed(id));
        self.count_sent(written);
    }

    pub(in crate::connection) fn count_sent(&mut self, (messages, bytes): (u64, u64)) {
        self.record.sent.messages += messages;
        self.record.sent.bytes += bytes;
    }

    /// Which of the URLs is in use or dialled next.
    pub(in crate::connection) fn url_number(&self) -> usize {
        self.life.endpoints().current().min(self.urls.len() - 1)
    }

    /// Whether a session of it has not ended.
    pub(in crate::connection) fn has_sessions(&self) -> bool {
        self.sessions
            .as_ref()
            .is_some_and(|sessions| sessions.any())
    }

    /// Panics if this fault was asked for.
    #[cfg(feature = "testing")]
    #[allow(clippy::panic, reason = "it is what was asked for")]
    pub(in crate::connection) fn trip(&mut self, here: Fault) {
        if self.fault == Some(here) {
            self.fault = None;
            panic!("a panic that was asked for, in the {here:?}");
        }
    }
}

impl Drop for Name {
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

/// The settings that the core's decisions depend on.
pub(in crate::connection) fn policy(settings: &ConnectionSettings) -> Policy<'_> {
    Policy {
        reconnect: &settings.reconnect,
        close_timeout: settings.close_timeout,
        rotate_after: settings.rotate_after,
    }
}
