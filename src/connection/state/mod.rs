//! What the actor of a name holds, whatever its incarnation.

mod ahead;
mod beats;
pub(super) mod conversation;
mod counters;
pub(super) mod ending;
#[cfg(feature = "faults")]
pub(super) mod fault;
pub(super) mod hold;
mod inbound;
mod last;
mod publisher;
mod receive;
pub(super) mod reported;
pub(super) mod sessions;
mod show;
mod signing;
mod wakeups;
mod watched;
mod watching;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use everwire_proto::dialogue::{KeptChange, Reply};
use jiff::Timestamp;

#[cfg(feature = "faults")]
use self::fault::Fault;
use self::{
    ahead::Ahead,
    beats::Beats,
    conversation::{LiveConversation, Serving, Surroundings},
    counters::Counters,
    ending::Ending,
    hold::Hold,
    inbound::Inbound,
    last::Last,
    publisher::Publisher,
    reported::Reported,
    sessions::Sessions,
    wakeups::{Turns, Wakeups},
};
use crate::{
    chance, clock,
    connection::{ProcessContext, SharedOutbox, Traffic, outbox::rate_limit::BucketSet},
    core::{Cause, ConnectionName, Cursor, Effect, FateRun, Lifecycle, Policy, Removed, Rule},
    events::{DropReason, Dropped, EventKind, Sent},
    hub::HistoryRef,
    panics::panic_text,
    settings::{ConnectionSettings, Heartbeat, NameSettings, Template},
    transport::Secrets,
    wire::{CloseFrame, code},
};

/// What is behind the actor of a name.
pub(in crate::connection) struct ActorState {
    pub(in crate::connection) name: ConnectionName,
    /// All URLs of the settings, at least one.
    pub(in crate::connection) urls: Arc<[Template]>,
    /// The settings without their URLs.
    pub(in crate::connection) settings: Arc<ConnectionSettings>,
    pub(in crate::connection) process: Arc<ProcessContext>,
    pub(in crate::connection) outbox: Arc<SharedOutbox>,
    /// How fast messages may go out; `None`: as fast as they can.
    pub(in crate::connection) buckets: Option<Box<BucketSet>>,
    pub(in crate::connection) life: Lifecycle,
    /// What it has decided, and the driver is to do.
    pub(in crate::connection) effects: Vec<Effect>,
    pub(in crate::connection) publisher: Publisher,
    pub(in crate::connection) beats: Beats,
    pub(in crate::connection) ahead: Ahead,
    pub(in crate::connection) inbound: Inbound,
    /// Settings have changed too late for the successor that is taking over: another one is needed.
    pub(in crate::connection) rotate_again: bool,
    pub(in crate::connection) reported: Reported,
    pub(in crate::connection) counters: Counters,
    pub(in crate::connection) last: Last,
    pub(in crate::connection) wakeups: Wakeups,
    pub(in crate::connection) turns: Turns,
    pub(in crate::connection) ending: Ending,
    /// Whether it waits for the store.
    pub(in crate::connection) hold: Hold,
    /// What is said and expected, where the settings say so; on the socket that serves, or else on the next one.
    pub(in crate::connection) serving: Option<Box<Serving>>,
    /// Boxed: few names have any.
    pub(in crate::connection) sessions: Option<Box<Sessions>>,
    #[cfg(feature = "faults")]
    pub(in crate::connection) fault: Option<Fault>,
}

/// So many fates are told at a time.
const FATES: usize = 1024;

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
        // A respawned name finds its outbox as it was: closed, if it was closed by hand.
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
            sessions: None,
            #[cfg(feature = "faults")]
            fault: None,
        }
    }

    /// An incarnation begins; whether there is to be one.
    pub(in crate::connection) fn begin(&mut self) -> bool {
        if self.ending.is_gone() {
            return false;
        }
        self.beats = Beats::default();
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

    /// Tells the conversation of a socket that is lost, or of a dial that has failed: its rules may forget what was captured, say
    /// where to dial next, or that this loss is final. True if it is.
    pub(in crate::connection) fn gives_up_after(&mut self, cause: &Cause, now: Instant) -> bool {
        if self.serving.is_none() {
            return false;
        }
        let wall = self.wall();
        let close = match cause {
            Cause::Closed(frame) => Some(frame.code.unwrap_or(code::NO_STATUS)),
            Cause::Eof | Cause::Reset(_) => Some(code::ABNORMAL),
            _ => None,
        };
        let Some(serving) = &mut self.serving else {
            return false;
        };
        let nothing = Secrets::default();
        let here = Surroundings {
            name: &self.name,
            settings: &self.settings,
            secrets: &nothing,
            sequence: self.inbound.last_number(),
            wall,
            now,
        };
        serving.conversation.lost(cause, close, here);
        let replies = serving.conversation.take_replies();
        replies.into_iter().any(|reply| self.follows_loss(reply))
    }

    /// What a rule says of a loss; whether that the loss is final.
    fn follows_loss(&mut self, reply: Reply) -> bool {
        match reply {
            Reply::Lose(cause) => {
                self.life
                    .give_up(cause, Rule::RuleGivesUp, &mut self.effects);
                return true;
            }
            Reply::NextUrl(url) | Reply::Rotate { url: Some(url) } => self.dial_next(&url),
            Reply::Error(cause) => self.publish(EventKind::Error(Box::new(cause.into()))),
            Reply::Happened(happening) => {
                let at = self.wall();
                if let Some(serving) = &mut self.serving {
                    serving.conversation.tell(*happening, at, |_| None);
                }
            }
            // These are of a socket, and there is none.
            Reply::Compose
            | Reply::ComposeNow
            | Reply::Sign(_)
            | Reply::MayClose
            | Reply::Answer(_)
            | Reply::Passed
            | Reply::Times
            | Reply::Stale
            | Reply::Beat
            | Reply::Rotate { url: None } => {}
        }
        false
    }

    /// The next dial is of this URL, unless it must not be dialled: then that is told, and the usual one is dialled.
    pub(in crate::connection) fn dial_next(&mut self, url: &str) {
        let refused = match &mut self.serving {
            Some(serving) => serving.dial_next(url, &self.settings).err(),
            None => None,
        };
        if let Some(cause) = refused {
            self.publish(EventKind::Error(Box::new(cause.into())));
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
        self.turns.touch();
        self.wakeups.wake();
    }

    pub(in crate::connection) fn wall(&mut self) -> Timestamp {
        self.publisher.wall()
    }

    /// Numbers an event and tells all subscribers, behind the messages that came before it.
    pub(in crate::connection) fn publish(&mut self, kind: EventKind) {
        self.publish_all(&mut vec![kind]);
    }

    /// Numbers events of one kind and tells all subscribers, behind the messages that came before them.
    fn publish_all(&mut self, kinds: &mut Vec<EventKind>) {
        self.flush();
        let (outbox, settings) = (&self.outbox, &self.settings);
        let history_ref = history_ref(outbox, settings);
        self.publisher
            .publish(&self.process.hub, &self.name, history_ref, kinds);
        // Of a history that is durable from now on it is the first that the store hears.
        self.note_history();
    }

    /// Tells the messages that came in this turn and are not told yet.
    #[inline]
    pub(in crate::connection) fn flush(&mut self) {
        if self.publisher.has_waiting() {
            self.flush_waiting();
        }
    }

    fn flush_waiting(&mut self) {
        let (outbox, settings) = (&self.outbox, &self.settings);
        let history_ref = history_ref(outbox, settings);
        self.publisher
            .flush(&self.process.hub, &self.name, history_ref);
        self.note_history();
    }

    fn note_history(&self) {
        if self.settings.history.durable {
            self.outbox.history_grew();
        }
    }

    pub(in crate::connection) fn publish_dropped(&mut self, count: u64, reason: DropReason) {
        if count > 0 {
            self.counters.dropped += count;
            self.publish(EventKind::Dropped(Dropped { count, reason }));
        }
    }

    pub(in crate::connection) fn publish_removed(&mut self, removed: Removed, reason: DropReason) {
        // What the peer may have was not dropped unsent: its fate is told as `in_doubt`.
        self.counters.in_doubt += removed.in_doubt;
        self.publish_dropped(removed.unsent, reason);
    }

    /// Tells the fates of messages one by one, if a subscriber asks for that.
    pub(in crate::connection) fn publish_sent(&mut self, runs: Vec<FateRun>) {
        for FateRun {
            first,
            last,
            fate,
            resent,
        } in runs
        {
            let sent = |id| EventKind::Sent(Sent { id, fate, resent });
            let mut ids = first..=last;
            while !ids.is_empty() {
                self.publish_all(&mut ids.by_ref().take(FATES).map(sent).collect());
            }
        }
    }

    /// Opening messages, or `Connect`'s data, are with the kernel.
    pub(in crate::connection) fn publish_openings(&mut self, openings: Traffic) {
        self.counters
            .count_sent((openings.messages, openings.bytes));
        if self.publisher.want_sent(&self.process.hub, &self.name) {
            let sent = (0..openings.messages).map(|_| EventKind::Sent(Sent::OPENING));
            self.publish_all(&mut sent.collect());
        }
    }

    /// The socket that serves has beats from now on.
    pub(in crate::connection) fn want_interval(&mut self) {
        self.beats.want(self.heartbeat().interval());
    }

    /// The heartbeat, with the times that the peer has named.
    pub(in crate::connection) fn heartbeat(&self) -> &Heartbeat {
        let serving = self.serving.as_ref();
        let named = serving.and_then(|serving| serving.named.as_deref());
        named.unwrap_or(&self.settings.heartbeat)
    }

    /// What is said and expected on the socket that serves, or on the next one.
    pub(in crate::connection) fn conversation(&self) -> Option<&LiveConversation> {
        let serving = self.serving.as_ref();
        serving.map(|serving| &serving.conversation)
    }

    /// Whether an expression says what answers a ping.
    pub(in crate::connection) fn matches_pongs(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_some_and(|conversation| conversation.matches_pongs())
    }

    /// When the conversation of the socket that serves has something to do.
    pub(in crate::connection) fn conversation_deadline(&self) -> Option<Instant> {
        let serving = self.serving.as_ref()?;
        let conversation = serving.conversation.deadline();
        conversation.into_iter().chain(serving.first_beat).min()
    }

    /// When captures are to be handed to the store.
    pub(in crate::connection) fn keeps_deadline(&self, now: Instant) -> Option<Instant> {
        let keeps = self.serving.as_ref()?.conversation.keeps_at(now);
        // What is held back has a deadline of its own.
        keeps.filter(|_| !self.inbound.deduplication.holds_back())
    }

    /// Hands captures that are to outlive the process to the store, if it is time: behind the messages of which they came, all of which
    /// were told.
    pub(in crate::connection) fn keep_captures(&mut self, now: Instant) {
        let Some(serving) = &mut self.serving else {
            return;
        };
        let keeps_at = serving.conversation.keeps_at(now);
        if keeps_at.is_some_and(|at| at <= now) && !self.inbound.deduplication.holds_back() {
            let changes = serving.conversation.take_kept(now);
            self.hand_to_store(changes);
        }
    }

    /// Of a conversation whose settings are not those of the name any more only what these keep, too.
    fn hand_to_store(&self, mut changes: Vec<KeptChange>) {
        let dialogue = self.settings.dialogue.as_deref();
        changes.retain(|(name, _)| dialogue.is_some_and(|dialogue| dialogue.keeps(name)));
        self.outbox.keep(changes);
    }

    /// The same, whenever it was done last: this conversation goes, or the process does.
    pub(in crate::connection) fn keep_last_captures(&mut self, now: Instant) {
        self.flush();
        if let Some(serving) = &mut self.serving
            && !self.inbound.deduplication.holds_back()
        {
            let changes = serving.conversation.take_kept(now);
            self.hand_to_store(changes);
        }
    }

    /// Whether a message is answered once it is stored, of which it is not known where it lies.
    pub(in crate::connection) fn wants_place(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_some_and(|conversation| conversation.wants_place())
    }

    /// The place of the last message that the history of the name has heard of. All that came was told.
    pub(in crate::connection) fn history_position(&mut self) -> Cursor {
        self.flush();
        let start = self.process.hub.start();
        self.outbox.history().position(start)
    }

    /// Nothing can be sent any more on the socket that serves: its rules answer nothing.
    pub(in crate::connection) fn mute(&mut self, now: Instant) {
        if let Some(serving) = &mut self.serving {
            serving.conversation.mute(now);
        }
    }

    /// How long the peer may be silent.
    pub(in crate::connection) fn idle_timeout(&self) -> Option<Duration> {
        let conversation = self.conversation();
        let named = conversation.and_then(|conversation| conversation.idle());
        named.or(self.settings.idle_timeout)
    }

    /// Whether the script of the socket that serves has passed, where there is one.
    pub(in crate::connection) fn has_passed(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_none_or(|conversation| conversation.has_passed())
    }

    /// Whether a step of the socket that serves waits for a signature.
    pub(in crate::connection) fn is_signing(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_some_and(LiveConversation::is_signing)
    }

    /// Whether something is to be said on the socket that serves before our close frame.
    pub(in crate::connection) fn has_close_script(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_some_and(LiveConversation::has_close_script)
    }

    /// The first ping is due by now, once: with it the interval begins.
    pub(in crate::connection) fn take_first_beat(&mut self, now: Instant) -> bool {
        let first = self.serving.as_mut().map(|serving| &mut serving.first_beat);
        let is_due = first.is_some_and(|first| first.take_if(|first| *first <= now).is_some());
        if is_due {
            self.beats.beat_due = true;
            self.want_interval();
        }
        is_due
    }

    /// The interval of the heartbeat has passed.
    pub(in crate::connection) fn beat(&mut self) {
        #[cfg(feature = "faults")]
        self.trip(Fault::Timer);
        self.beats.beat_due = true;
        self.wake();
    }

    /// All that was taken from the outbox up to `id` has arrived.
    pub(in crate::connection) fn confirmed(&mut self, id: u64) {
        self.turns.touch();
        let written = self.outbox.with(|locked| locked.outbox.confirmed(id));
        self.counters.count_sent(written);
    }

    /// The URL that is in use or dialled next.
    pub(in crate::connection) fn url(&self) -> &Template {
        &self.urls[self.url_number()]
    }

    /// Which of the URLs that is.
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
            // Without a manager nobody is left to mourn.
            let _alone = self
                .process
                .death_tx
                .send((self.name.clone(), self.publisher.epoch()));
        }
    }
}

fn history_ref<'a>(outbox: &'a SharedOutbox, settings: &ConnectionSettings) -> HistoryRef<'a> {
    HistoryRef {
        history: outbox.history(),
        limit: settings.history,
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
