//! The conversation of a socket: what the pure engine is told, and what it wants done.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use ::url::Url;
use everwire_proto::{
    dialogue::{
        BeforeDial, Conversation, Heard, Here, HistorySpan, KeptChange, KeptValue, Ping, Progress,
        Reply, Stored,
    },
    language::SignatureRequest,
    settings::dialogue::{Dialogue, FirstBeat, HeartbeatStart, HeartbeatTemplates},
};
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    signing::{Made, sign},
    watching::Watching,
};
use crate::{
    chance,
    connection::SharedOutbox,
    core::{Cause, ConnectionName, Cursor, Message},
    settings::{ConnectionSettings, DialPolicy, Heartbeat, RateSettings, Reconnect, url},
    signer::RingSigner,
    transport::{Generation, PreparedDial, Preparing, Secrets},
};

/// The conversation of the socket that serves, and the heartbeat that it leads to.
pub(in crate::connection) struct Serving {
    pub conversation: LiveConversation,
    /// The heartbeat with the times that the peer has named; `None`: that of the settings.
    pub named: Option<Box<Heartbeat>>,
    /// When the first ping goes out, if not after an interval. With it the interval begins.
    pub first_beat: Option<Instant>,
    /// The URL of the next dial, and of that one only: the peer has named it.
    next_url: Option<Box<str>>,
    /// What is being done before the dial under way, if anything is.
    pub preparing: Option<Preparing>,
    /// Whether the dial under way, or the one that has just come up, is of such a URL.
    dials_named: bool,
}

/// The conversation of one socket. What it has captured outlives the socket.
pub(in crate::connection) struct LiveConversation {
    pub(super) dialogue: Arc<Dialogue>,
    pub(super) engine: Conversation,
    /// Whether its socket was dialled at a URL that the peer named.
    pub is_handover: bool,
    /// What names share that its dial was made with.
    shared: Option<Box<Generation>>,
    /// What it wants done, and was not done yet.
    replies: Vec<Reply>,
    /// Boxed: nearly none is watched.
    pub(super) watcher: Option<Box<Watching>>,
    /// Signatures that are being made for the step that is on its way.
    signing: Option<oneshot::Receiver<Made>>,
    /// Behind this place of the history lie the messages that are answered once they are stored, and were not placed.
    unplaced_behind: Cursor,
}

/// Where a conversation takes place.
#[derive(Clone, Copy)]
pub(in crate::connection) struct Surroundings<'a> {
    pub name: &'a ConnectionName,
    pub settings: &'a ConnectionSettings,
    pub secrets: &'a Secrets,
    /// The last of the peer's own numbers.
    pub sequence: Option<u64>,
    pub wall: Timestamp,
    pub now: Instant,
}

/// Where the conversation of a socket takes place. A macro: each of these is another field, so that the conversation can be borrowed too.
macro_rules! surroundings {
    ($socket:expr, $act:expr, $now:expr) => {{
        let wall = $act.wall();
        $crate::connection::state::conversation::Surroundings {
            name: &$act.name,
            settings: &$act.settings,
            secrets: $socket.sent.secrets(),
            sequence: $act.inbound.last_number(),
            wall,
            now: $now,
        }
    }};
}
pub(in crate::connection) use surroundings;

impl Serving {
    /// The conversation of a name with these settings, if they ask for one. It begins with what is kept of earlier ones.
    pub fn of(settings: &ConnectionSettings, outbox: &Arc<SharedOutbox>) -> Option<Box<Self>> {
        let kept = outbox.kept_for(settings.dialogue.as_deref());
        let dialogue = settings.dialogue.as_ref()?;
        let mut conversation = LiveConversation::new(dialogue);
        conversation.restore(&kept);
        Some(Box::new(Self::from(conversation)))
    }

    /// The same with other settings. Who watches goes on watching.
    pub fn renewed(
        known: Option<Box<Self>>,
        settings: &ConnectionSettings,
        outbox: &Arc<SharedOutbox>,
    ) -> Option<Box<Self>> {
        let watcher = known.and_then(|known| known.conversation.watcher);
        let mut fresh = Self::of(settings, outbox)?;
        if let Some(watching) = watcher {
            fresh.conversation.watch(watching.watcher);
        }
        Some(fresh)
    }

    /// The successor's socket serves from now on.
    pub fn hand_over(known: Option<Box<Self>>, successor: LiveConversation) -> Box<Self> {
        let conversation = match known {
            Some(known) if known.conversation.is_of(&successor.dialogue) => {
                known.conversation.adopt(successor)
            }
            _ => successor,
        };
        Box::new(Self::from(conversation.serving()))
    }
}

impl Serving {
    /// The next dial is of this URL, which the peer has named. Those behind it are of the usual ones again.
    ///
    /// # Errors
    ///
    /// [`Cause::Forbidden`]: it is no `wss://` URL, or leads where these settings must not lead, or a peer must not.
    pub fn dial_next(&mut self, url: &str, settings: &ConnectionSettings) -> Result<(), Cause> {
        let forbidden = |why: String| {
            Cause::Forbidden(format!("the peer named a url that is not dialled: {why}"))
        };
        let parsed = url::parse(url).map_err(|error| forbidden(error.to_string()))?;
        if parsed.scheme() != "wss" {
            return Err(forbidden("it is no wss URL".into()));
        }
        match policy_of_named(settings, &parsed).refusal(&parsed) {
            Some(why) => Err(forbidden(why)),
            None => {
                self.next_url = Some(url.into());
                Ok(())
            }
        }
    }

    /// The URL of the dial that begins now, if the peer has named it.
    pub fn begin_dial(&mut self) -> Option<Box<str>> {
        let named = self.next_url.take();
        self.dials_named = named.is_some();
        named
    }

    /// Whether the socket that has come up was dialled at a URL that the peer named, once.
    pub fn take_handover(&mut self) -> bool {
        std::mem::take(&mut self.dials_named)
    }
}

/// What may be dialled for this URL, which a peer has named: the Internet, and what the service allows besides.
pub(in crate::connection) fn policy_of_named(
    settings: &ConnectionSettings,
    named: &Url,
) -> DialPolicy {
    let dialogue = settings.dialogue.as_ref();
    let allowed = dialogue.map(|dialogue| &dialogue.peer_urls);
    let allowed = allowed.filter(|patterns| patterns.iter().any(|pattern| pattern.matches(named)));
    match (&settings.dial_policy, allowed) {
        (DialPolicy::Any, Some(patterns)) => DialPolicy::Urls(Arc::clone(patterns)),
        (DialPolicy::Any, None) => DialPolicy::PublicOnly,
        (narrower, _) => narrower.clone(),
    }
}

impl From<LiveConversation> for Serving {
    fn from(conversation: LiveConversation) -> Self {
        Self {
            conversation,
            named: None,
            first_beat: None,
            next_url: None,
            preparing: None,
            dials_named: false,
        }
    }
}

impl LiveConversation {
    /// Whether it says and expects what this dialogue does.
    pub fn is_of(&self, dialogue: &Arc<Dialogue>) -> bool {
        Arc::ptr_eq(&self.dialogue, dialogue) || self.dialogue.says_the_same(dialogue)
    }

    /// Whether it is the dialogue of another one.
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        self.dialogue == other.dialogue
    }

    fn new(dialogue: &Arc<Dialogue>) -> Self {
        Self {
            dialogue: Arc::clone(dialogue),
            engine: Conversation::new(Arc::clone(dialogue)),
            is_handover: false,
            shared: None,
            replies: Vec::new(),
            watcher: None,
            signing: None,
            unplaced_behind: Cursor::default(),
        }
    }

    /// Where the script stands.
    pub fn step(&self) -> Option<Progress<'_>> {
        self.engine.step()
    }

    /// The start of a message without the secrets that are captured now, if it holds any.
    pub fn masked(&self, message: &Message) -> Option<String> {
        self.engine.masked(message)
    }

    /// How many answers of rules wait.
    pub fn answers_waiting(&self) -> usize {
        self.engine.answers_waiting()
    }

    /// It is that of the socket that serves.
    fn serving(mut self) -> Self {
        if let Some(watching) = &mut self.watcher {
            watching.watcher.is_successor = false;
        }
        self
    }

    /// Puts in what is kept of earlier conversations of the name.
    pub fn restore(&mut self, kept: &[(String, KeptValue)]) {
        let kept = kept.iter().map(|(name, value)| (name.as_str(), value));
        self.engine.restore(kept);
    }

    /// When [`take_kept`](Self::take_kept) has something to hand out.
    pub fn keeps_at(&self, now: Instant) -> Option<Instant> {
        self.engine.keeps_at(now)
    }

    /// What has changed of what is kept over restarts.
    pub fn take_kept(&mut self, now: Instant) -> Vec<KeptChange> {
        self.engine.take_kept(now)
    }

    /// Messages that are answered once they are stored lie behind this place of the history.
    pub fn begin_places(&mut self, behind: Cursor) {
        self.unplaced_behind = behind;
    }

    /// Whether a message is answered once it is stored, of which it is not known where it lies.
    pub fn wants_place(&self) -> bool {
        self.engine.wants_place()
    }

    /// The messages so far that are answered once they are stored lie at this place of the history, or before it.
    pub fn placed(&mut self, through: Cursor) {
        let after = std::mem::replace(&mut self.unplaced_behind, through);
        self.engine.placed(HistorySpan { after, through });
    }

    /// Whether answers wait until their messages are stored.
    pub fn awaits_store(&self) -> bool {
        self.engine.awaits_store()
    }

    /// The store has so much of the history.
    pub fn stored(&mut self, stored: Stored, at: Surroundings<'_>) {
        self.engine
            .stored(stored, &at.here(self.is_handover), &mut self.replies);
    }

    /// The conversation of a socket that is made ready beside this one's, under these settings. It begins with what this one has captured,
    /// if both are the same dialogue.
    pub fn successor(known: Option<&Self>, settings: &ConnectionSettings) -> Option<Box<Self>> {
        let dialogue = settings.dialogue.as_ref()?;
        let mut fresh = Self::new(dialogue);
        match known {
            Some(known) if known.is_of(dialogue) => fresh.engine = known.engine.successor(),
            Some(known) => fresh.restore(&known.engine.kept()),
            None => {}
        }
        if let Some(watching) = known.and_then(|known| known.watcher.as_deref()) {
            fresh.watch(watching.watcher.of_successor());
        }
        Some(Box::new(fresh))
    }

    fn adopt(mut self, successor: Self) -> Self {
        self.engine.adopt(successor.engine);
        self.is_handover = successor.is_handover;
        self.shared = successor.shared;
        self.replies = successor.replies;
        self.watcher = successor.watcher;
        self.signing = successor.signing;
        self.unplaced_behind = successor.unplaced_behind;
        self
    }

    /// What is known for a dial that begins now.
    pub fn before_dial(&self) -> BeforeDial {
        self.engine.before_dial()
    }

    /// What was done before the dial of the socket that opens next; `None`: nothing.
    pub fn prepared(&mut self, dial: Option<Box<PreparedDial>>) {
        self.shared = None;
        if let Some(dial) = dial {
            self.engine.prepared(&dial.prepared);
            self.shared = dial.shared.map(Box::new);
        }
    }

    /// The peer does not take what names share: nobody gets that any more.
    pub fn discard_shared(&self) {
        if let Some(shared) = &self.shared {
            shared.discard();
        }
    }

    /// A socket has opened.
    pub fn opened(&mut self, at: Surroundings<'_>) {
        self.replies.clear();
        if let Some(watching) = &mut self.watcher {
            watching.secrets = at.secrets.clone();
        }
        self.signing = None;
        self.engine
            .opened(&at.here(self.is_handover), &mut self.replies);
    }

    /// The name is ready on its socket.
    pub fn ready(&mut self, at: Surroundings<'_>) {
        self.engine
            .ready(&at.here(self.is_handover), &mut self.replies);
    }

    /// A message of ours went out.
    pub fn said(&mut self, now: Instant) {
        self.engine.said(now);
    }

    /// Its socket is to be closed by us. Returns whether periodic steps were taken until now.
    pub fn closing(&mut self, now: Instant) -> bool {
        let stops = self.engine.closing(now);
        if stops {
            self.signing = None;
        }
        stops
    }

    /// Whether something is to be said before our close frame.
    pub fn has_close_script(&self) -> bool {
        self.engine.has_close_script()
    }

    /// That is to be said now.
    pub fn begin_close_script(&mut self, at: Surroundings<'_>) {
        self.engine
            .begin_close_script(&at.here(self.is_handover), &mut self.replies);
    }

    /// Our close frame goes out. `was_due`: whether something was to be said before it.
    pub fn closes(&mut self, was_due: bool, at: Surroundings<'_>) {
        self.signing = None;
        self.engine
            .closes(was_due, &at.here(self.is_handover), &mut self.replies);
    }

    /// The buckets that the step on its way waits for besides the connection's.
    pub fn step_rates(&self) -> &[RateSettings] {
        self.engine
            .step()
            .map_or(&[], |progress| &progress.step.rate)
    }

    /// The signatures are to be made that a step lacks.
    pub fn sign(&mut self, requests: Vec<SignatureRequest>) {
        self.signing = Some(sign(requests));
    }

    /// Whether a step waits for signatures.
    pub fn is_signing(&self) -> bool {
        self.signing.is_some()
    }

    /// Takes the signatures, once they are made; until then the waker is to be called. Returns whether they are there.
    pub fn poll_signing(&mut self, at: Surroundings<'_>, cx: &mut TaskContext<'_>) -> bool {
        let Some(signing) = &mut self.signing else {
            return false;
        };
        let Poll::Ready(made) = Pin::new(signing).poll(cx) else {
            return false;
        };
        self.signing = None;
        match made {
            Ok(made) => {
                let here = at.here(self.is_handover);
                self.engine.signed(made, &here, &mut self.replies);
            }
            // The thread is gone, and with it what the step waits for.
            Err(_) => {
                let cause = Cause::Panic("a signature could not be made".into());
                self.replies.push(Reply::Lose(cause));
            }
        }
        true
    }

    /// The text of the step whose turn to be written has come.
    pub fn compose(&mut self, at: Surroundings<'_>) -> Option<Message> {
        self.engine
            .compose(&at.here(self.is_handover), &mut self.replies)
    }

    /// The kernel has that step.
    pub fn written(&mut self, at: Surroundings<'_>) {
        self.engine
            .written(&at.here(self.is_handover), &mut self.replies);
    }

    /// A message has come.
    pub fn message(&mut self, message: &Message, at: Surroundings<'_>) -> Heard {
        self.engine
            .message(message, &at.here(self.is_handover), &mut self.replies)
    }

    /// The text of a ping whose turn to be written has come.
    pub fn ping(&mut self, at: Surroundings<'_>) -> Ping {
        self.engine
            .ping(&at.here(self.is_handover), &mut self.replies)
    }

    /// Its deadline may have come.
    pub fn timer(&mut self, at: Surroundings<'_>) {
        if self.deadline().is_some_and(|deadline| deadline <= at.now) {
            self.engine
                .timer(&at.here(self.is_handover), &mut self.replies);
        }
    }

    /// The socket is lost, or a dial has failed.
    pub fn lost(&mut self, cause: &Cause, close: Option<u16>, at: Surroundings<'_>) {
        self.replies.clear();
        self.signing = None;
        self.engine
            .lost(cause, close, &at.here(self.is_handover), &mut self.replies);
    }

    /// Nothing can be sent on its socket any more.
    pub fn mute(&mut self, now: Instant) {
        self.engine.mute(now);
    }

    /// When [`timer`](Self::timer) has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        self.engine.deadline()
    }

    /// Whether the script has passed.
    pub fn has_passed(&self) -> bool {
        self.engine.has_passed()
    }

    /// Whether an expression says what answers a ping.
    pub fn matches_pongs(&self) -> bool {
        self.engine.matches_pongs()
    }

    /// Whether so many answers wait that no more may be read.
    pub fn stops_reading(&self) -> bool {
        self.engine.stops_reading()
    }

    /// How long the peer may be silent, if it has said so.
    pub fn idle(&self) -> Option<Duration> {
        self.engine.idle()
    }

    /// The templates of the heartbeat, if it has any.
    pub fn heartbeat_templates(&self) -> Option<&HeartbeatTemplates> {
        self.dialogue.heartbeat.as_ref()
    }

    /// Whether something waits to be done.
    pub fn has_replies(&self) -> bool {
        !self.replies.is_empty()
    }

    /// What is to be done next.
    pub fn take_replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.replies)
    }

    /// Gives back the memory of [`take_replies`](Self::take_replies).
    pub fn give_back(&mut self, mut replies: Vec<Reply>) {
        if self.replies.is_empty() {
            replies.clear();
            self.replies = replies;
        }
    }

    /// The heartbeat of the settings with the times that the peer has named, if it has named any.
    pub fn heartbeat(&self, settings: &ConnectionSettings) -> Option<Box<Heartbeat>> {
        let (named_interval, named_timeout) = (self.engine.interval(), self.engine.timeout());
        if named_interval.is_none() && named_timeout.is_none() {
            return None;
        }
        let mut heartbeat = settings.heartbeat.clone();
        match &mut heartbeat {
            Heartbeat::Off => {}
            Heartbeat::Protocol { interval, timeout }
            | Heartbeat::Text {
                interval, timeout, ..
            } => {
                *interval = named_interval.unwrap_or(*interval);
                *timeout = named_timeout.unwrap_or(*timeout);
            }
        }
        Some(Box::new(heartbeat))
    }

    /// When the beats of a socket begin: how the first is timed, if they begin `at` this point and their interval is known.
    pub fn first_beat(&self, at: HeartbeatStart) -> Option<FirstBeat> {
        let templates = self.heartbeat_templates()?;
        let is_known = templates.interval.is_none() || self.engine.interval().is_some();
        (templates.from == at && is_known).then_some(templates.first)
    }
}

impl Surroundings<'_> {
    pub(super) fn here(&self, is_handover: bool) -> Here<'_> {
        let since_epoch = self.wall.as_duration();
        Here {
            now: self.now,
            wall: since_epoch.try_into().unwrap_or_default(),
            random: &fill,
            signer: &RingSigner,
            name: self.name.as_str(),
            handover: is_handover,
            sequence: self.sequence,
            max_message: self.settings.max_message,
            variables: self.secrets,
            slow: match &self.settings.reconnect {
                Reconnect::Backoff(backoff) => backoff.max,
                Reconnect::Never => Duration::from_secs(30),
            },
        }
    }
}

/// Random bytes that nobody can guess.
fn fill(bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(size_of::<u64>()) {
        let random = chance::next_u64().to_ne_bytes();
        chunk.copy_from_slice(&random[..chunk.len()]);
    }
}
