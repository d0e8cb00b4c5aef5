//! What a protocol has with each call: the moment, and what it may ask for.

use std::time::{Duration, Instant};

use super::{
    queue::{Queued, TurnId},
    state::{HostState, Times, by_protocol},
    timers::TimerId,
};
use crate::{
    core::{Cause, Message},
    dialogue::{here::Here, reply::Reply, report},
    language::{Secret, Signer},
    settings::dialogue::{LONGEST, SHORTEST},
};

/// The moment of a call to a [`Protocol`](super::Protocol), and what it may ask for.
///
/// What it asks for is done behind the call, in its order. Once it has asked for the end of its socket, all else is left out.
pub struct Cx<'a> {
    here: &'a Here<'a>,
    state: &'a mut HostState,
    out: &'a mut Vec<Reply>,
}

/// The moment.
impl<'a> Cx<'a> {
    pub(super) fn new(
        here: &'a Here<'a>,
        state: &'a mut HostState,
        out: &'a mut Vec<Reply>,
    ) -> Self {
        Self { here, state, out }
    }

    /// The time, which never goes back.
    pub fn now(&self) -> Instant {
        self.here.now
    }

    /// The time of day: since 1970-01-01T00:00:00Z.
    pub fn wall(&self) -> Duration {
        self.here.wall
    }

    /// Fills these bytes with random ones that nobody can guess.
    pub fn random(&self, bytes: &mut [u8]) {
        self.here.random.fill(bytes);
    }

    /// What hashes and signs. An RSA signature takes some 0.8 ms, in which no other name of the thread goes on.
    pub fn signer(&self) -> &dyn Signer {
        self.here.signer
    }

    /// The connection's name.
    pub fn name(&self) -> &str {
        self.here.name
    }

    /// The last of the peer's own numbers, where the settings say where those stand.
    pub fn sequence(&self) -> Option<u64> {
        self.here.sequence
    }

    /// Whether this socket was dialled at a URL that the peer has named.
    pub fn is_handover(&self) -> bool {
        self.here.handover
    }

    /// The longest message, in bytes.
    pub fn max_message(&self) -> usize {
        self.here.max_message
    }

    /// A message as an operator may see it: its first 256 bytes, with `***` for what is [hidden](Self::hide).
    pub fn shown(&self, message: &Message) -> String {
        report::shown(message, &self.state.hidden)
    }
}

/// What is sent.
impl Cx<'_> {
    /// Sends this in turn: behind what was sent before, as fast as the connection's rate allows, ahead of the outbox.
    ///
    /// At most [`MAX_QUEUED`](super::MAX_QUEUED) messages wait, and `max_message` bytes of them: one more costs the socket.
    pub fn send(&mut self, message: impl Into<Message>) {
        self.state.send(Queued::Message(message.into()), self.out);
    }

    /// The same for a message that is made when its turn has come: by [`Protocol::compose`](super::Protocol::compose).
    pub fn compose(&mut self, turn: TurnId) {
        self.state.send(Queued::Turn(turn), self.out);
    }

    /// Answers what the peer has said: ahead of all that waits, and never held back by a rate.
    ///
    /// At most [`MAX_ANSWERS`](crate::dialogue::MAX_ANSWERS) go out in a second, further ones behind them, in order; while
    /// [`MAX_WAITING`](crate::dialogue::MAX_WAITING) wait, nothing is read, and one more costs the socket.
    pub fn answer(&mut self, message: impl Into<Message>) {
        self.state.answer(message.into(), self.here.now, self.out);
    }

    /// A ping of the heartbeat goes out at once.
    pub fn beat(&mut self) {
        if self.state.is_live() {
            self.out.push(Reply::Beat);
        }
    }

    /// Where this text stands in what the peer says, `***` is shown: in the status, in events and causes. The last 32 count, until
    /// another socket opens.
    pub fn hide(&mut self, secret: impl AsRef<str>) {
        let secret = Secret::new(secret.as_ref());
        self.state.hidden.remember_sent(vec![secret]);
    }
}

/// How far the socket is.
impl Cx<'_> {
    /// The name is ready, as soon as what was sent until now is written.
    pub fn ready(&mut self) {
        self.state.send(Queued::Ready, self.out);
    }

    /// What it waits for now, for the status and `why`: its first 256 bytes. It waits for nothing when it is ready.
    pub fn step(&mut self, what: impl Into<String>) {
        let what = self.state.readable(what.into());
        self.state.step = Some((report::clipped(&what), self.here.now));
    }

    /// What was to be said before our close frame is said, as soon as it is written.
    pub fn close(&mut self) {
        self.state.send(Queued::Close, self.out);
    }

    /// Tells [`Protocol::timer`](super::Protocol::timer) after this time, and at no other that was set for it.
    ///
    /// The time is clamped to [`SHORTEST_TIMER`](super::SHORTEST_TIMER) … [`LONGEST_TIMER`](super::LONGEST_TIMER). At most
    /// [`MAX_TIMERS`](super::MAX_TIMERS) run: one more costs the socket.
    pub fn set_timer(&mut self, timer: TimerId, after: Duration) {
        let now = self.here.now;
        self.state.set_timer(timer, after, now, self.out);
    }

    /// That timer runs no more, if it did.
    pub fn cancel_timer(&mut self, timer: TimerId) {
        self.state.timers.cancel(timer);
    }

    /// The peer has named the interval and the timeout of the heartbeat: they take the place of those of the settings, on this socket.
    /// Both are clamped to 1 s … 24 h.
    pub fn set_heartbeat(&mut self, interval: Duration, timeout: Duration) {
        let times = Times {
            interval: Some(interval.clamp(SHORTEST, LONGEST)),
            timeout: Some(timeout.clamp(SHORTEST, LONGEST)),
            ..self.state.times
        };
        self.state.set_times(times, self.out);
    }

    /// The same for `idle_timeout`.
    pub fn set_idle_timeout(&mut self, idle: Duration) {
        let times = Times {
            idle: Some(idle.clamp(SHORTEST, LONGEST)),
            ..self.state.times
        };
        self.state.set_times(times, self.out);
    }
}

/// How the socket ends, and what follows it. Texts are read by an operator, in the status and in events: the first 1,024 bytes.
impl Cx<'_> {
    /// A successor is made ready, and takes the place of this socket. On a successor it has no effect.
    pub fn rotate(&mut self) {
        if self.state.is_live() {
            self.out.push(Reply::Rotate { url: None });
        }
    }

    /// The same, dialled at this URL, which the peer has named: `wss`, and at an address that is public or allowed. What follows that
    /// dial is at the usual URLs again.
    pub fn rotate_to(&mut self, url: impl Into<String>) {
        if self.state.is_live() {
            let url = Some(url.into());
            self.out.push(Reply::Rotate { url });
        }
    }

    /// The next dial, and that one only, is at this URL, as for [`rotate_to`](Self::rotate_to). On a successor it has no effect.
    pub fn next_url(&mut self, url: impl Into<String>) {
        self.state.next_url(url.into(), self.out);
    }

    /// The socket is lost (cause `rule`), and the name is dialled again.
    pub fn reconnect(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.lose(by_protocol(text));
    }

    /// The peer refused what was asked for (cause `script_refused`): the socket is lost, and the name is dialled again after
    /// `reconnect.max`.
    pub fn refused(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.lose(Cause::script_refused(text, false));
    }

    /// The peer did not answer in time (cause `script_timeout`): the socket is lost, and the name is dialled again.
    pub fn timed_out(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.lose(Cause::ScriptTimeout(text));
    }

    /// Asking again cannot help (cause `script_refused`): the socket is lost, and the name fails until somebody connects it.
    pub fn give_up(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.lose(Cause::script_refused(text, true));
    }

    /// Something went wrong, and the socket is not lost for it: an `error` event with the cause `rule`. The first 100 of a socket are
    /// told.
    pub fn error(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.state.error(text, self.out);
    }

    fn lose(&mut self, cause: Cause) {
        self.state.lose(cause, self.out);
    }
}

/// What only a declared dialogue asks for.
impl<'a> Cx<'a> {
    pub(super) fn here(&self) -> &'a Here<'a> {
        self.here
    }

    /// Does what a declared dialogue wants done.
    pub(super) fn forward(&mut self, reply: Reply) {
        match reply {
            Reply::Compose => self.compose(TurnId(0)),
            Reply::Passed => self.ready(),
            Reply::MayClose => self.close(),
            Reply::Lose(cause) => self.lose(cause),
            Reply::ComposeNow
            | Reply::Sign(_)
            | Reply::Call(_)
            | Reply::Answer(_)
            | Reply::Times
            | Reply::Beat
            | Reply::Rotate { .. }
            | Reply::NextUrl(_)
            | Reply::Stale
            | Reply::Answered(_)
            | Reply::Error(_)
            | Reply::Happened(_) => self.out.push(reply),
        }
    }

    /// When it has something to do, and the times that the peer has named.
    pub(super) fn follow(&mut self, wake: Option<Instant>, times: Times) {
        (self.state.wake, self.state.times) = (wake, times);
    }
}
