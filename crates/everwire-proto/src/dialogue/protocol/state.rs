//! What a protocol has asked for on its socket, and was not done yet.

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

/// The longest text of a protocol that an operator reads, in bytes.
const LONGEST_TEXT: usize = 1_024;

/// What a protocol has asked for on its socket.
#[derive(Debug, Default)]
pub(super) struct HostState {
    phase: Phase,
    pub queue: Queue,
    pub timers: Timers,
    /// Boxed: most sockets answer nothing.
    answers: Option<Box<Answers>>,
    pub times: Times,
    /// What must not be shown if the peer says it.
    pub hidden: Captures,
    /// What it waits for, and since when.
    pub step: Option<(String, Instant)>,
    /// When a declared dialogue has something to do.
    pub wake: Option<Instant>,
    is_mute: bool,
    /// Whether it says what is to be said before our close frame.
    pub is_saying_goodbye: bool,
    /// How many errors were told.
    errors: u32,
    max_message: usize,
}

/// The most errors that are told on a socket: a peer could ask for one with each message.
pub(super) const MAX_ERRORS: u32 = 100;

/// How far a socket has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// There is no socket. It is left when one opens.
    #[default]
    Closed,
    /// The protocol has not said that the name is ready. It is left when it does, or when the socket is lost.
    Opening,
    /// It has. It is left with the socket.
    Ready,
    /// The socket is to be lost. It is left with the socket.
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
    /// That of a socket that has opened.
    pub fn opened(here: &Here<'_>) -> Self {
        Self {
            phase: Phase::Opening,
            max_message: here.max_message,
            ..Self::default()
        }
    }

    /// The socket is lost. What must not be shown is still not to be shown.
    pub fn closed(&mut self) {
        *self = Self {
            hidden: std::mem::take(&mut self.hidden),
            times: self.times,
            ..Self::default()
        };
    }

    /// Whether there is a socket that is not to be lost.
    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Ready)
    }

    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether the protocol is told of a loss.
    fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Sends this in turn.
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

    /// Does what is next, if nothing is on its way.
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

    /// Answers the peer, ahead of all that waits.
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

    /// Sends the answers that may go by now.
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

    /// Whether so many answers wait that no more may be asked for.
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

    /// Other times count from now on.
    pub fn set_times(&mut self, times: Times, out: &mut Vec<Reply>) {
        if self.times != times && self.is_live() {
            self.times = times;
            out.push(Reply::Times);
        }
    }

    /// The next dial is at this URL.
    pub fn next_url(&mut self, url: String, out: &mut Vec<Reply>) {
        if self.phase != Phase::Over {
            out.push(Reply::NextUrl(url));
        }
    }

    /// Something went wrong, and no socket is lost for it.
    pub fn error(&mut self, text: String, out: &mut Vec<Reply>) {
        if self.errors < MAX_ERRORS {
            self.errors += 1;
            out.push(Reply::Error(by_protocol(text)));
        }
    }

    /// The socket is lost for this. Of a loss that is told already only that it is final counts.
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

    /// A text as an operator may read it.
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

/// Whether there is no further attempt.
pub(super) fn gives_up(cause: &Cause) -> bool {
    match cause {
        Cause::ScriptRefused { gives_up, .. }
        | Cause::Rule { gives_up, .. }
        | Cause::Prepare { gives_up, .. } => *gives_up,
        _ => false,
    }
}
