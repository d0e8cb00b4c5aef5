//! What an actor holds in every incarnation.

mod ahead;
mod asking;
mod beating;
mod beats;
pub(super) mod conversation;
mod conversing;
mod counters;
pub(super) mod ending;
#[cfg(feature = "faults")]
pub(super) mod fault;
pub(super) mod hold;
mod inbound;
mod last;
mod publisher;
mod publishing;
mod receive;
pub(super) mod reported;
pub(super) mod requests;
pub(super) mod sessions;
mod show;
mod subscribing;
mod wakeups;
mod watched;
mod watching;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use jiff::Timestamp;

#[cfg(feature = "faults")]
use self::fault::Fault;
use self::{
    ahead::Ahead,
    beats::Beats,
    conversation::Serving,
    counters::Counters,
    ending::Ending,
    hold::Hold,
    inbound::Inbound,
    last::Last,
    publisher::Publisher,
    reported::Reported,
    requests::Requests,
    sessions::Sessions,
    wakeups::{Turns, Wakeups},
};
use crate::{
    chance, clock,
    connection::{ProcessContext, SharedOutbox, outbox::rate_limit::BucketSet},
    core::{Cause, ConnectionName, Effect, Lifecycle, Policy},
    panics::panic_text,
    settings::{ConnectionSettings, NameSettings, Template},
    wire::CloseFrame,
};

/// The state of a name's actor.
pub(in crate::connection) struct ActorState {
    pub(in crate::connection) name: ConnectionName,
    /// All URLs of the settings, at least one.
    pub(in crate::connection) urls: Arc<[Template]>,
    /// The settings without their URLs.
    pub(in crate::connection) settings: Arc<ConnectionSettings>,
    pub(in crate::connection) process: Arc<ProcessContext>,
    pub(in crate::connection) outbox: Arc<SharedOutbox>,
    /// The rate limit; `None`: unlimited.
    pub(in crate::connection) buckets: Option<Box<BucketSet>>,
    pub(in crate::connection) life: Lifecycle,
    /// The core's decisions, for the driver to carry out.
    pub(in crate::connection) effects: Vec<Effect>,
    pub(in crate::connection) publisher: Publisher,
    pub(in crate::connection) beats: Beats,
    pub(in crate::connection) ahead: Ahead,
    pub(in crate::connection) inbound: Inbound,
    /// Settings changed too late for the successor that is taking over, so another one is needed.
    pub(in crate::connection) rotate_again: bool,
    pub(in crate::connection) reported: Reported,
    pub(in crate::connection) counters: Counters,
    pub(in crate::connection) last: Last,
    pub(in crate::connection) wakeups: Wakeups,
    pub(in crate::connection) turns: Turns,
    pub(in crate::connection) ending: Ending,
    /// Whether it waits for the store.
    pub(in crate::connection) hold: Hold,
    /// The conversation of the current or next socket, if the settings have one.
    pub(in crate::connection) serving: Option<Box<Serving>>,
    /// Boxed: usually there are none.
    pub(in crate::connection) requests: Option<Box<Requests>>,
    /// Boxed: few names have any.
    pub(in crate::connection) sessions: Option<Box<Sessions>>,
    #[cfg(feature = "faults")]
    pub(in crate::connection) fault: Option<Fault>,
}

/// jemalloc's size class: beyond it each name takes 128 bytes more.
const _: () = assert!(size_of::<ActorState>() <= 640);

impl ActorState {
    /// The state of a name whose actor has not started yet.
    pub(in crate::connection) fn new(
        name: ConnectionName,
        settings: NameSettings,
        process: Arc<ProcessContext>,
        outbox: Arc<SharedOutbox>,
        epoch: u32,
    ) -> Self {
        let NameSettings {
            urls,
            common: settings,
        } = settings;
        let (mut life, mut effects) = (Lifecycle::default(), Vec::new());
        life.set_endpoints(urls.len());
        // A respawned name finds its outbox unchanged: closed, if it was closed by hand.
        let (is_open, wanted, is_held) = outbox.with(|locked| {
            let outbox = &mut locked.outbox;
            outbox.lost();
            (outbox.is_open(), locked.wanted, outbox.is_held())
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
        let buckets = process.buckets.get(&name, &settings.rate, None);
        let serving = Serving::of(&settings, &outbox);
        outbox.wishes_are_unknown();
        Self {
            name,
            urls,
            process,
            outbox,
            buckets,
            life,
            effects,
            publisher: Publisher::new(epoch),
            beats: Beats::default(),
            ahead: Ahead::default(),
            inbound: Inbound::default(),
            rotate_again: false,
            reported: Reported::new(is_open),
            counters: Counters::default(),
            last: Last::default(),
            wakeups: Wakeups::default(),
            turns: Turns::default(),
            ending: Ending::Stays,
            hold: if is_held { Hold::Waits } else { Hold::None },
            serving,
            settings,
            requests: None,
            sessions: None,
            #[cfg(feature = "faults")]
            fault: None,
        }
    }

    /// Begins an incarnation; `false` if the name is gone.
    pub(in crate::connection) fn begin(&mut self) -> bool {
        if self.ending.is_gone() {
            return false;
        }
        self.beats = Beats::default();
        // A socket that ended without an event has left them.
        self.lose_requests();
        self.turns.begin();
        self.reported.begin();
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

    /// The only way to tell the core that a dial failed or a socket is gone.
    pub(in crate::connection) fn lost(&mut self, cause: Cause, now: Instant) {
        let random = chance::next_u64();
        let policy = policy(&self.settings);
        self.life
            .lost(cause, policy, now, random, &mut self.effects);
    }

    /// Makes the driver run again in this turn or the next.
    pub(in crate::connection) fn wake(&self) {
        self.turns.touch();
        self.wakeups.wake();
    }

    pub(in crate::connection) fn wall(&mut self) -> Timestamp {
        self.publisher.wall()
    }

    /// Everything that was taken from the outbox up to `id` has arrived.
    pub(in crate::connection) fn confirmed(&mut self, id: u64) {
        self.turns.touch();
        let written = self.outbox.with(|locked| locked.outbox.confirmed(id));
        self.counters.count_sent(written);
    }

    /// The URL that is in use or dialled next.
    pub(in crate::connection) fn url(&self) -> &Template {
        &self.urls[self.url_number()]
    }

    /// Its index.
    pub(in crate::connection) fn url_number(&self) -> usize {
        self.life.endpoints().current().min(self.urls.len() - 1)
    }

    /// Whether it has a session that has not ended.
    pub(in crate::connection) fn has_sessions(&self) -> bool {
        self.sessions
            .as_ref()
            .is_some_and(|sessions| sessions.any())
    }

    /// Panics if this fault was asked for.
    #[cfg(feature = "faults")]
    #[allow(clippy::panic, reason = "it is what was asked for")]
    pub(in crate::connection) fn trip(&mut self, here: Fault) {
        if self.fault == Some(here) {
            self.fault = None;
            panic!("a panic that was asked for, in the {here:?}");
        }
    }
}

impl Drop for ActorState {
    fn drop(&mut self) {
        if !self.ending.is_gone() {
            // Without a manager nobody receives the report.
            let _alone = self
                .process
                .death_tx
                .send((self.name.clone(), self.publisher.epoch()));
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
