//! The pending actions of a protocol on its socket.

use std::time::{Duration, Instant};

use super::{
    queue::{MAX_QUEUED, Next, Queue, Queued},
    timers::{MAX_TIMERS, TimerId, Timers, TooManyTimers},
};
use crate::{
    core::{Cause, Message},
    dialogue::{
        answers::{Answers, MAX_WAITING, TooMany},
        captures::Captures,
        here::Here,
        reply::Reply,
    },
};

/// The longest text of a protocol for an operator, in bytes.
const LONGEST_TEXT: usize = 1_024;

/// The pending actions and state of a protocol on its socket.
#[derive(Debug, Default)]
pub(super) struct HostState {
    phase: Phase,
    pub queue: Queue,
    pub timers: Timers,
    /// Boxed: most sockets answer nothing.
    answers: Option<Box<Answers>>,
    pub times: Times,
    /// Texts to mask if the peer repeats them.
    pub hidden: Captures,
    /// What it waits for, and since when.
    pub step: Option<(String, Instant)>,
    /// The deadline of a declared dialogue.
    pub wake: Option<Instant>,
    is_mute: bool,
    /// Whether it is sending the messages before our close frame.
    pub is_saying_goodbye: bool,
    /// How many errors were published.
    errors: u32,
    max_message: usize,
}

/// The most published errors of a socket: a peer could cause one with each message.
pub(super) const MAX_ERRORS: u32 = 100;

/// The phase of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// There is no socket. Left when one opens.
    #[default]
    Closed,
    /// The protocol has not reported the name as ready. Left when it does, or when the socket is
    /// lost.
    Opening,
    /// It has. Left with the socket.
    Ready,
    /// The socket is about to be lost. Left with the socket.
    Over,
}

/// Times that the protocol has named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub interval: Option<Duration>,
    pub timeout: Option<Duration>,
    pub idle: Option<Duration>,
}

impl HostState {
    /// For a socket that has opened.
    pub fn opened(here: &Here<'_>) -> Self {
        Self {
            phase: Phase::Opening,
            max_message: here.max_message,
            ..Self::default()
        }
    }

    /// The socket is lost. Hidden texts stay hidden.
    pub fn closed(&mut self) {
        *self = Self {
            hidden: std::mem::take(&mut self.hidden),
            times: self.times,
            ..Self::default()
        };
    }

    /// Whether there is a socket that is not about to be lost.
    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Ready)
    }

    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether the protocol is being told of a loss.
    fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Sends an entry in turn.
    pub fn send(&mut self, queued: Queued, out: &mut Vec<Reply>) {
        if !self.is_live() || self.is_mute {
            return;
        }
        if self.queue.push(queued, self.max_message).is_err() {
            let bytes = self.max_message;
            let text =
                format!("{MAX_QUEUED} messages, or {bytes} bytes, wait for their turn already");
            return self.lose(by_protocol(text), out);
        }
        self.go_on(out);
    }

    /// Performs the next action, unless one is under way.
    pub fn go_on(&mut self, out: &mut Vec<Reply>) {
        while let Some(next) = self.queue.next() {
            match next {
                Next::Turn => return out.push(Reply::Compose),
                Next::Ready if self.phase == Phase::Opening => {
                    self.phase = Phase::Ready;
                    self.step = None;
                    out.push(Reply::Passed);
                }
                Next::Ready => {}
                Next::Close => {
                    self.is_saying_goodbye = false;
                    out.push(Reply::MayClose);
                }
            }
        }
    }

    /// Answers the peer, before all waiting messages.
    pub fn answer(&mut self, answer: Message, now: Instant, out: &mut Vec<Reply>) {
        if !self.is_live() || self.is_mute {
            return;
        }
        let answers = self
            .answers
            .get_or_insert_with(|| Box::new(Answers::new(now)));
        if answers.push(answer, now, out) == Err(TooMany) {
            let text = format!("{MAX_WAITING} answers wait already");
            self.lose(by_protocol(text), out);
        }
    }

    /// Sends the answers that the limit allows now.
    pub fn send_due(&mut self, now: Instant, out: &mut Vec<Reply>) {
        if let Some(answers) = &mut self.answers {
            answers.send_due(now, out);
        }
    }

    /// Nothing can be sent any more.
    pub fn mute(&mut self) {
        self.is_mute = true;
        self.answers = None;
        self.queue = Queue::default();
    }

    pub fn answers_waiting(&self) -> usize {
        self.answers.as_ref().map_or(0, |answers| answers.waiting())
    }

    /// Whether so many answers wait that no more may be added.
    pub fn stops_reading(&self) -> bool {
        let is_full = |answers: &Answers| {
            answers.waiting() >= MAX_WAITING || answers.bytes() > self.max_message
        };
        self.answers.as_deref().is_some_and(is_full)
    }

    pub fn set_timer(
        &mut self,
        timer: TimerId,
        after: Duration,
        now: Instant,
        out: &mut Vec<Reply>,
    ) {
        if self.is_live() && self.timers.set(timer, after, now) == Err(TooManyTimers) {
            let text = format!("{MAX_TIMERS} timers run already");
            self.lose(by_protocol(text), out);
        }
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.is_live() {
            return None;
        }
        let answers = self.answers.as_ref().and_then(|it| it.deadline());
        let timers = self.timers.deadline();
        answers.into_iter().chain(timers).chain(self.wake).min()
    }

    /// Sets other times.
    pub fn set_times(&mut self, times: Times, out: &mut Vec<Reply>) {
        if self.times != times && self.is_live() {
            self.times = times;
            out.push(Reply::Times);
        }
    }

    /// Sets the URL of the next dial.
    pub fn next_url(&mut self, url: String, out: &mut Vec<Reply>) {
        if self.phase != Phase::Over {
            out.push(Reply::NextUrl(url));
        }
    }

    /// Publishes an error, without losing the socket.
    pub fn error(&mut self, text: String, out: &mut Vec<Reply>) {
        if self.errors < MAX_ERRORS {
            self.errors += 1;
            out.push(Reply::Error(by_protocol(text)));
        }
    }

    /// The socket is lost for this cause. If the loss was published already, the cause matters only
    /// if it is final.
    pub fn lose(&mut self, cause: Cause, out: &mut Vec<Reply>) {
        if self.is_live() || (self.is_closed() && gives_up(&cause)) {
            out.push(Reply::Lose(cause));
        }
        if self.is_live() {
            self.end();
        }
    }

    /// The protocol has panicked.
    pub fn panicked(&mut self, text: String, out: &mut Vec<Reply>) {
        let cause = Cause::Panic(self.readable(text));
        match self.is_live() {
            true => self.lose(cause, out),
            false => out.push(Reply::Error(cause)),
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Over;
        self.queue = Queue::default();
        self.timers = Timers::default();
        (self.answers, self.wake) = (None, None);
    }

    /// A text in a form that is safe for an operator.
    pub fn readable(&self, text: String) -> String {
        let hidden = self.hidden.secrets();
        let mut text = hidden.fold(text, |text, secret| text.replace(&secret, "***"));
        if text.len() > LONGEST_TEXT {
            text.truncate(text.floor_char_boundary(LONGEST_TEXT));
            text.push('…');
        }
        text
    }
}

/// The protocol itself ends the socket.
pub(super) fn by_protocol(text: String) -> Cause {
    let gives_up = false;
    Cause::Rule { text, gives_up }
}

/// Whether there are no more attempts.
pub(super) fn gives_up(cause: &Cause) -> bool {
    match cause {
        Cause::ScriptRefused { gives_up, .. }
        | Cause::Rule { gives_up, .. }
        | Cause::Prepare { gives_up, .. } => *gives_up,
        _ => false,
    }
}
