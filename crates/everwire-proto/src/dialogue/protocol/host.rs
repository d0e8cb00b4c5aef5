//! Runs a protocol over the sockets of a name, and enforces its limits.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use super::{
    Cx, Deliver, Protocol,
    queue::{Composed, Queue},
    state::HostState,
    timers::{MAX_TIMERS, TimerId},
};
use crate::{
    core::{Cause, Message, panic_text},
    dialogue::{
        conversation::Conversation,
        here::Here,
        reply::{Heard, Ping, Reply},
        report,
    },
    settings::ProtocolFactory,
};

/// The deadline of a declared dialogue.
const DECLARED: TimerId = TimerId(u32::MAX);

/// Runs a [`Protocol`] over the sockets of a name: passes events on, enforces limits on its
/// actions, and adds them to `out`.
///
/// Authors of protocols need only the [`Rehearsal`](super::Rehearsal), which runs on top of this.
pub struct ProtocolHost {
    factory: ProtocolFactory,
    /// `None`: it has panicked, and the next socket gets a new one.
    protocol: Option<Box<dyn Protocol>>,
    state: HostState,
}

impl ProtocolHost {
    /// For a name that has no socket yet.
    pub fn new(factory: ProtocolFactory) -> Self {
        Self {
            factory,
            protocol: None,
            state: HostState::default(),
        }
    }

    /// The factory of its protocols.
    pub fn factory(&self) -> &ProtocolFactory {
        &self.factory
    }

    /// For the successor of this socket.
    pub fn successor(&self) -> Self {
        let protocol = self.protocol.as_ref();
        let successor = || protocol.and_then(|protocol| protocol.successor());
        Self {
            // After a panic here it starts with a new protocol.
            protocol: catch_unwind(AssertUnwindSafe(successor)).unwrap_or_default(),
            ..Self::new(self.factory.clone())
        }
    }

    /// The successor's socket becomes the current one.
    pub fn adopt(&mut self, successor: Self, out: &mut Vec<Reply>) {
        let before = std::mem::replace(self, successor);
        if let (Some(before), Some(protocol)) = (before.protocol, &mut self.protocol) {
            let adopt = || protocol.adopt(before);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(adopt)) {
                self.panicked(&*panic, out);
            }
        }
    }

    /// A socket is open.
    pub fn opened(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        self.state = HostState::opened(here);
        if self.protocol.is_none() {
            let factory = &self.factory;
            match catch_unwind(AssertUnwindSafe(|| factory.make())) {
                Ok(protocol) => self.protocol = protocol,
                Err(panic) => return self.panicked(&*panic, out),
            }
        }
        self.tell(here, out, |protocol, cx| protocol.opened(cx));
    }

    /// A message has come. Ask [`stops_reading`](Self::stops_reading) after each.
    pub fn message(&mut self, message: &Message, here: &Here<'_>, out: &mut Vec<Reply>) -> Heard {
        if !self.state.is_live() {
            return Heard::MESSAGE;
        }
        let heard = self.tell(here, out, |protocol, cx| protocol.message(message, cx));
        heard.unwrap_or(Deliver::Yes).into()
    }

    /// The name is ready on this socket, the current one.
    pub fn ready(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        self.tell(here, out, |protocol, cx| protocol.ready(cx));
    }

    /// We have sent a message other than a control frame.
    pub fn said(&mut self, now: Instant, out: &mut Vec<Reply>) {
        if let Some(protocol) = &mut self.protocol
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| protocol.said(now)))
        {
            self.panicked(&*panic, out);
        }
    }

    /// The turn requested by [`Reply::Compose`] has come. `None`: nothing is written.
    pub fn compose(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) -> Option<Message> {
        let turn = match self.state.queue.compose()? {
            Composed::Message(message) => return Some(message),
            Composed::Turn(turn) => turn,
        };
        let before = out.len();
        let message = self.tell(here, out, |protocol, cx| protocol.compose(turn, cx))?;
        match message {
            Some(_) => self.state.queue.made(turn),
            // It is asked again when its signatures are made.
            None if out[before..].iter().any(|it| matches!(it, Reply::Sign(_))) => {}
            None => {
                self.state.queue.forget();
                self.state.go_on(out);
            }
        }
        message
    }

    /// The kernel has the message of that turn.
    pub fn written(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        if let Some(turn) = self.state.queue.written() {
            self.tell(here, out, |protocol, cx| protocol.written(turn, cx));
        }
        self.state.go_on(out);
    }

    /// The text of a ping whose turn has come.
    pub fn ping(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) -> Ping {
        let ping = self.tell(here, out, |protocol, cx| protocol.ping(cx));
        ping.unwrap_or(Ping::Unfilled)
    }

    /// The deadline may have come.
    pub fn timer(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        if !self.state.is_live() {
            return;
        }
        self.state.send_due(here.now, out);
        if self.state.wake.is_some_and(|wake| wake <= here.now) {
            self.tell(here, out, |protocol, cx| protocol.timer(DECLARED, cx));
        }
        for _ in 0..MAX_TIMERS {
            let Some(timer) = self.state.timers.take_due(here.now) else {
                return;
            };
            self.tell(here, out, |protocol, cx| protocol.timer(timer, cx));
        }
    }

    /// When [`timer`](Self::timer) has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        self.state.deadline()
    }

    /// The socket is lost, or a dial has failed. A [`Reply::Lose`] makes this final.
    pub fn lost(&mut self, cause: &Cause, here: &Here<'_>, out: &mut Vec<Reply>) {
        self.state.closed();
        self.tell(here, out, |protocol, cx| protocol.lost(cause, cx));
    }

    /// Nothing can be sent any more on this socket.
    pub fn mute(&mut self, now: Instant) {
        self.state.mute();
        if let Some(declared) = self.declared_mut() {
            declared.mute(now);
        }
    }

    /// We are about to close the socket. `true` if waiting steps are dropped.
    pub fn closing(&mut self, now: Instant) -> bool {
        let stops = self.declared_mut().is_some_and(|it| it.closing(now));
        if stops {
            self.state.queue = Queue::default();
        }
        stops
    }

    /// Whether there are messages before our close frame.
    pub fn has_goodbye(&self) -> bool {
        self.state.is_ready() && self.asks(Protocol::has_goodbye)
    }

    /// Sends them; a [`Reply::MayClose`] follows.
    pub fn begin_goodbye(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) {
        if !self.state.is_ready() {
            return out.push(Reply::MayClose);
        }
        self.state.is_saying_goodbye = true;
        self.tell(here, out, |protocol, cx| protocol.goodbye(cx));
    }

    /// Our close frame goes out now. If the messages before it were not sent, that is published.
    pub fn closes(&mut self, was_due: bool, out: &mut Vec<Reply>) {
        if std::mem::take(&mut self.state.is_saying_goodbye) && was_due {
            let text = "what was to be said before the close frame was not said in time".into();
            out.push(Reply::Error(Cause::ScriptTimeout(text)));
        }
    }

    /// Whether the protocol has reported the name as ready, and all its earlier messages are
    /// written.
    pub fn has_passed(&self) -> bool {
        self.state.is_ready()
    }

    /// Whether [`message`](Self::message) decides what answers a ping.
    pub fn matches_pongs(&self) -> bool {
        self.asks(Protocol::matches_pongs)
    }

    /// The time between two pings, if the peer has named it.
    pub fn interval(&self) -> Option<Duration> {
        self.state.times.interval
    }

    /// The time limit from a ping to its answer, if the peer has named it.
    pub fn timeout(&self) -> Option<Duration> {
        self.state.times.timeout
    }

    /// How long the peer may be silent, if it has named that.
    pub fn idle(&self) -> Option<Duration> {
        self.state.times.idle
    }

    /// What the protocol says it waits for, and since when.
    pub fn step(&self) -> Option<(&str, Instant)> {
        let (what, since) = self.state.step.as_ref()?;
        Some((what, *since))
    }

    /// The start of a message with `***` for hidden texts; `None` if it contains none.
    pub fn masked(&self, message: &Message) -> Option<String> {
        let hidden = report::masked(message, &self.state.hidden);
        hidden.or_else(|| self.declared()?.masked(message))
    }

    /// How many answers wait.
    pub fn answers_waiting(&self) -> usize {
        let declared = self.declared().map_or(0, Conversation::answers_waiting);
        self.state.answers_waiting() + declared
    }

    /// Whether so many answers wait that no message may be read.
    pub fn stops_reading(&self) -> bool {
        self.state.stops_reading() || self.declared().is_some_and(Conversation::stops_reading)
    }

    /// The declared dialogue that the protocol wraps.
    pub fn declared(&self) -> Option<&Conversation> {
        self.protocol.as_ref()?.declared()
    }

    /// The same, mutable.
    pub fn declared_mut(&mut self) -> Option<&mut Conversation> {
        self.protocol.as_mut()?.declared_mut()
    }

    /// Calls the protocol. `None`: it was broken, or has just broken; its actions of this call are
    /// then dropped.
    fn tell<T>(
        &mut self,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
        tell: impl FnOnce(&mut dyn Protocol, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        let protocol = self.protocol.as_deref_mut()?;
        let before = out.len();
        let mut cx = Cx::new(here, &mut self.state, out);
        match catch_unwind(AssertUnwindSafe(|| tell(protocol, &mut cx))) {
            Ok(told) => Some(told),
            Err(panic) => {
                out.truncate(before);
                self.panicked(&*panic, out);
                None
            }
        }
    }

    fn asks(&self, question: impl FnOnce(&dyn Protocol) -> bool) -> bool {
        let Some(protocol) = self.protocol.as_deref() else {
            return false;
        };
        catch_unwind(AssertUnwindSafe(|| question(protocol))).unwrap_or_default()
    }

    /// A panic in the protocol costs the name its socket, and nothing else.
    fn panicked(&mut self, panic: &(dyn std::any::Any + Send), out: &mut Vec<Reply>) {
        self.drop_protocol();
        self.state.panicked(panic_text(panic), out);
    }

    /// Its destructor may panic again.
    fn drop_protocol(&mut self) {
        let protocol = self.protocol.take();
        let _also_panicked = catch_unwind(AssertUnwindSafe(|| drop(protocol)));
    }
}

impl fmt::Debug for ProtocolHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtocolHost")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
