//! The conversation of a socket, and of the sockets after it.

mod concern;
mod hearing;
mod pings;
mod seldom;
mod storing;

use std::{
    fmt, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use self::seldom::Seldom;

pub use self::concern::Concern;
use super::{
    before_dial::BeforeDial,
    beside::Beside,
    captures::Captures,
    context::Context,
    here::Here,
    ids::Ids,
    parts::Parts,
    place::StepList,
    prepared::Prepared,
    progress::Progress,
    reply::Reply,
    report,
    rules::{self, Loss, Rules},
    running::Running,
    script::Script,
    subscriptions::Subscriptions,
    times::Times,
    trace::Trace,
};
use crate::{
    core::{Cause, Message},
    language::Lets,
    settings::dialogue::Dialogue,
};

/// The conversation on a socket, as a [`Dialogue`] declares it: its scripts, periodic steps,
/// message numbers, unanswered pings and rules; and the captures, which outlive sockets.
///
/// It takes events, and adds the resulting actions to `out`.
///
/// ```
/// use std::{sync::Arc, time::{Duration, Instant}};
/// use everwire_proto::{
///     core::Message,
///     dialogue::{Conversation, Here, Reply},
///     settings::dialogue::{Dialogue, DialogueRule, Sending, Trigger},
/// };
/// # use everwire_proto::{dialogue::Variables, language::*};
/// # use everwire_proto::language::json::PointerSet;
/// # struct Nothing;
/// # impl Signer for Nothing {
/// #     fn hash(&self, _: HashAlgorithm, _: &[u8]) -> Vec<u8> { Vec::new() }
/// #     fn hmac(&self, _: HashAlgorithm, _: &[u8], _: &[u8]) -> Vec<u8> { Vec::new() }
/// #     fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> { None }
/// # }
/// # impl Variables for Nothing {
/// #     fn get(&self, _: Variable<'_>) -> Option<&str> { None }
/// # }
/// # fn main() -> Result<(), Vec<LanguageError>> {
/// let (names, mut pointers) = (Names::default(), PointerSet::default());
/// let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
/// let when = Expression::condition("exists(/ping)", &mut scope)?;
/// let pong = MessageTemplate::parse(r#"{"pong":${/ping}}"#, TemplateKind::Text, &mut scope)?;
/// let rule = DialogueRule { send: Some(Sending::Text(pong)), ..DialogueRule::new(Trigger::Message(when)) };
/// let dialogue = Dialogue { pointers, rules: vec![rule], ..Dialogue::default() };
///
/// let here = Here {
///     now: Instant::now(),
///     wall: Duration::ZERO,
///     random: &|bytes: &mut [u8]| bytes.fill(4),
///     # signer: &Nothing,
///     # variables: &Nothing,
///     name: "feed",
///     handover: false,
///     sequence: None,
///     max_message: 1 << 20,
///     slow: Duration::from_secs(30),
///     backoff: None,
/// };
/// let mut conversation = Conversation::new(Arc::new(dialogue.with_needles()));
/// let mut out = Vec::new();
/// conversation.opened(&here, &mut out);
/// assert_eq!(out, [Reply::Passed]);
///
/// out.clear();
/// let heard = conversation.message(&Message::text(r#"{"ping":17}"#), &here, &mut out);
/// assert!(heard.deliver);
/// assert_eq!(out, [Reply::Answer(Message::text(r#"{"pong":17}"#))]);
/// # Ok(())
/// # }
/// ```
pub struct Conversation {
    pub(super) dialogue: Arc<Dialogue>,
    pub(super) captures: Captures,
    times: Times,
    pub(super) script: Script,
    pub(super) ids: Ids,
    rules: Rules,
    /// Boxed: few dialogues have any of it.
    pub(super) beside: Option<Box<Beside>>,
    /// Boxed: few dialogues subscribe.
    pub(super) subscriptions: Option<Box<Subscriptions>>,
    pub(super) seldom: Seldom,
}

impl Conversation {
    /// The conversation of a name that has no socket yet.
    pub fn new(dialogue: Arc<Dialogue>) -> Self {
        Self {
            captures: Captures::default(),
            times: Times::new(&dialogue),
            script: Script::default(),
            ids: Ids::from(dialogue.first_id),
            rules: Rules::default(),
            beside: Beside::of(&dialogue),
            subscriptions: Subscriptions::of(&dialogue),
            seldom: Seldom::of(&dialogue),
            dialogue,
        }
    }

    /// The conversation of a successor: it begins with a copy of the captures.
    pub fn successor(&self) -> Self {
        let mut seldom = Seldom::of(&self.dialogue);
        seldom.set_trace(self.seldom.trace().map(|_| Trace::default()));
        Self {
            captures: self.captures.copy(),
            seldom,
            subscriptions: self.subscriptions.as_ref().map(|it| it.successor()),
            ..Self::new(Arc::clone(&self.dialogue))
        }
    }

    /// The dialogue.
    pub fn dialogue(&self) -> &Arc<Dialogue> {
        &self.dialogue
    }

    /// The `let`s of the dialogue.
    pub(super) fn lets(&self) -> &Lets {
        &self.dialogue.lets
    }

    /// The successor's socket becomes the current one. Captures that the successor has set or
    /// cleared are taken over; the others keep their values. A periodic step stays due at the same
    /// time.
    pub fn adopt(&mut self, mut successor: Self, out: &mut Vec<Reply>) {
        let mut captures = mem::take(&mut self.captures);
        captures.adopt(successor.captures);
        let keeping = self.seldom.take_keeping();
        if let (Some(before), Some(beside)) = (self.beside.take(), &mut successor.beside) {
            beside.periodic.follow(before.periodic);
        }
        if let (Some(before), Some(subscriptions)) =
            (&self.subscriptions, &mut successor.subscriptions)
        {
            subscriptions.follow(before, out);
        }
        // Its schedule for storing changes stays.
        successor.seldom.set_keeping(keeping);
        *self = Self {
            captures,
            ..successor
        };
    }

    /// A socket is open: the script begins with its first step, and the numbers with the first.
    /// Nothing is unanswered.
    pub fn opened(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        self.ids = Ids::from(self.dialogue.first_id);
        self.captures.forget_passing();
        self.seldom.forget_pings();
        self.rules = Rules::of_socket(here.max_message);
        self.beside = Beside::of(&self.dialogue);
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.open(here.handover);
        }
        let mut parts = self.parts(here, out);
        parts.times.opened(&mut parts.cx);
        parts.script.begin(StepList::OpenScript, &mut parts.cx);
        parts.refresh();
    }

    /// Our close frame was sent, or the peer takes nothing any more: rules answer nothing on this
    /// socket from now on. Everything else goes on.
    pub fn mute(&mut self, now: Instant) {
        self.rules.mute(now);
    }

    /// When [`timer`](Self::timer) has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.script.is_live() {
            return None;
        }
        let subscriptions = self.subscriptions.as_ref();
        let subscriptions = subscriptions.and_then(|it| it.deadline());
        let due = self.script.deadline().into_iter().chain(subscriptions);
        let beside = self.beside.as_ref().and_then(|beside| {
            let periodic = beside.periodic.deadline(&self.dialogue);
            let close_script = beside.close_script.deadline();
            periodic.into_iter().chain(close_script).min()
        });
        due.chain(self.rules.deadline()).chain(beside).min()
    }

    /// The deadline may have come.
    pub fn timer(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        let mut parts = self.parts(here, out);
        if !parts.script.is_live() {
            return;
        }
        match parts.rules.timer(&mut parts.cx) {
            true => parts.script.end(),
            false => parts.step_timer(),
        }
        parts.refresh();
    }

    /// The socket is lost, or a dial has failed: `close` is the close code as for the retry rule.
    /// The state of the socket is dropped. Captures stay, except those that a rule clears. A rule
    /// may make this loss final (a [`Reply::Lose`] that replaces its cause), or name the next URL
    /// to dial.
    pub fn lost(
        &mut self,
        loss: &Cause,
        close: Option<u16>,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) {
        let loss = Loss {
            cause: loss,
            close,
            is_dial: !self.script.is_open(),
        };
        self.script = Script::default();
        self.seldom.forget_pings();
        self.rules = Rules::default();
        self.beside = Beside::of(&self.dialogue);
        self.seldom.forget_spans();
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.forget_socket();
        }
        rules::lost(loss, &mut self.parts(here, out).cx);
    }

    /// Whether the script of this socket has passed, and the awaited subscriptions are decided.
    pub fn has_passed(&self) -> bool {
        let subscriptions = self.subscriptions.as_ref();
        self.script.has_passed() && subscriptions.is_none_or(|it| it.have_passed())
    }

    /// The time between two pings, once its template has a value.
    pub fn interval(&self) -> Option<Duration> {
        self.times.interval()
    }

    /// The time limit from a ping to its answer, once its template has a value.
    pub fn timeout(&self) -> Option<Duration> {
        self.times.timeout()
    }

    /// How long the peer may be silent, once the template has a value.
    pub fn idle(&self) -> Option<Duration> {
        self.times.idle()
    }

    /// The known values for a dial that begins now.
    pub fn before_dial(&self) -> BeforeDial {
        BeforeDial::with(Arc::clone(&self.dialogue), self.captures.copy())
    }

    /// Adds the result of the preparation. Comes before [`opened`](Self::opened).
    pub fn prepared(&mut self, prepared: &Prepared) {
        prepared.put_into(&mut self.captures, &self.dialogue.names);
    }

    /// The progress of the script; `None`: there is no current step.
    pub fn step(&self) -> Option<Progress<'_>> {
        let running = self.running()?;
        Some(Progress {
            place: running.place,
            steps: running.place.list.len(&self.dialogue),
            step: running.place.step(&self.dialogue)?,
            state: running.state(),
            since: running.since(),
            until: running.deadline(),
            met: running.met(),
        })
    }

    /// The start of a message of the peer with `***` for each captured secret; `None` if it
    /// contains none. It ends with `…` if the message goes on.
    pub fn masked(&self, message: &Message) -> Option<String> {
        report::masked(message, &self.captures)
    }

    /// How many answers of rules wait: for the store, or because of the limit of
    /// [`MAX_ANSWERS`](super::MAX_ANSWERS) per second.
    pub fn answers_waiting(&self) -> usize {
        self.rules.answers_waiting()
    }

    /// Whether so many answers wait that no message may be read.
    pub fn stops_reading(&self) -> bool {
        self.rules.is_full()
    }

    /// The current step.
    pub(super) fn running(&self) -> Option<&Running> {
        let beside = || self.beside.as_ref()?.step();
        self.script.step().or_else(beside)
    }

    /// Its parts, and their context.
    pub(super) fn parts<'c>(
        &'c mut self,
        here: &'c Here<'c>,
        out: &'c mut Vec<Reply>,
    ) -> Parts<'c> {
        Parts {
            script: &mut self.script,
            times: &mut self.times,
            rules: &mut self.rules,
            beside: self.beside.as_deref_mut(),
            cx: Context {
                subscribes: self.subscriptions.is_some(),
                dialogue: &self.dialogue,
                captures: &mut self.captures,
                ids: &mut self.ids,
                here,
                out,
                trace: self.seldom.trace_mut(),
            },
            subscriptions: self.subscriptions.as_deref_mut(),
        }
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("script", &self.script)
            .field("captures", &self.captures)
            .field("seldom", &self.seldom)
            .field("rules", &self.rules)
            .field("beside", &self.beside)
            .finish_non_exhaustive()
    }
}
