//! The context of a protocol's methods: the time, and the available actions.

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

/// The context of a call to a [`Protocol`](super::Protocol): the time, and the available actions.
///
/// Actions are performed after the call, in order. After an action that ends the socket, all others
/// are ignored.
pub struct Cx<'a> {
    here: &'a Here<'a>,
    state: &'a mut HostState,
    out: &'a mut Vec<Reply>,
}

/// Time, randomness and settings.
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

    /// Fills the buffer with unpredictable random bytes.
    pub fn random(&self, bytes: &mut [u8]) {
        self.here.random.fill(bytes);
    }

    /// Hashes and signs. An RSA signature takes some 0.8 ms, which blocks all other names of the
    /// thread.
    pub fn signer(&self) -> &dyn Signer {
        self.here.signer
    }

    /// The connection's name.
    pub fn name(&self) -> &str {
        self.here.name
    }

    /// The last of the peer's own numbers, if the settings say where they are.
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

    /// A message as an operator may see it: its first 256 bytes, with `***` for
    /// [hidden](Self::hide) texts.
    pub fn shown(&self, message: &Message) -> String {
        report::shown(message, &self.state.hidden)
    }
}

/// Sending.
impl Cx<'_> {
    /// Sends a message in turn: after earlier ones, as fast as the connection's rate allows, and
    /// before the outbox.
    ///
    /// At most [`MAX_QUEUED`](super::MAX_QUEUED) messages of `max_message` bytes in total may wait;
    /// one more costs the socket.
    pub fn send(&mut self, message: impl Into<Message>) {
        self.state.send(Queued::Message(message.into()), self.out);
    }

    /// Sends a message that [`Protocol::compose`](super::Protocol::compose) creates when its turn
    /// has come.
    pub fn compose(&mut self, turn: TurnId) {
        self.state.send(Queued::Turn(turn), self.out);
    }

    /// Answers the peer: before all waiting messages, and without a rate limit.
    ///
    /// At most [`MAX_ANSWERS`](crate::dialogue::MAX_ANSWERS) are sent per second; others wait in
    /// order. While [`MAX_WAITING`](crate::dialogue::MAX_WAITING) wait, nothing is read, and one
    /// more costs the socket.
    pub fn answer(&mut self, message: impl Into<Message>) {
        self.state.answer(message.into(), self.here.now, self.out);
    }

    /// Sends a ping of the heartbeat at once.
    pub fn beat(&mut self) {
        if self.state.is_live() {
            self.out.push(Reply::Beat);
        }
    }

    /// Masks this text with `***` wherever the peer repeats it: in the status, in events and
    /// causes. Only the last 32 texts are masked, until another socket opens.
    pub fn hide(&mut self, secret: impl AsRef<str>) {
        let secret = Secret::new(secret.as_ref());
        self.state.hidden.remember_sent(vec![secret]);
    }
}

/// The progress of the socket.
impl Cx<'_> {
    /// The name is ready as soon as all earlier messages are written.
    pub fn ready(&mut self) {
        self.state.send(Queued::Ready, self.out);
    }

    /// What it waits for now, for the status and `why`: the first 256 bytes. Cleared when it is
    /// ready.
    pub fn step(&mut self, what: impl Into<String>) {
        let what = self.state.readable(what.into());
        self.state.step = Some((report::clipped(&what), self.here.now));
    }

    /// The messages before our close frame are complete as soon as they are written.
    pub fn close(&mut self) {
        self.state.send(Queued::Close, self.out);
    }

    /// Calls [`Protocol::timer`](super::Protocol::timer) after this time. Replaces an earlier time
    /// of the same timer.
    ///
    /// The time is clamped to [`SHORTEST_TIMER`](super::SHORTEST_TIMER) …
    /// [`LONGEST_TIMER`](super::LONGEST_TIMER). At most [`MAX_TIMERS`](super::MAX_TIMERS) may run;
    /// one more costs the socket.
    pub fn set_timer(&mut self, timer: TimerId, after: Duration) {
        let now = self.here.now;
        self.state.set_timer(timer, after, now, self.out);
    }

    /// Stops a timer, if it runs.
    pub fn cancel_timer(&mut self, timer: TimerId) {
        self.state.timers.cancel(timer);
    }

    /// Sets the interval and the timeout of the heartbeat that the peer has named, in place of
    /// those of the settings, on this socket. Both are clamped to 1 s … 24 h.
    pub fn set_heartbeat(&mut self, interval: Duration, timeout: Duration) {
        let times = Times {
            interval: Some(interval.clamp(SHORTEST, LONGEST)),
            timeout: Some(timeout.clamp(SHORTEST, LONGEST)),
            ..self.state.times
        };
        self.state.set_times(times, self.out);
    }

    /// Sets `idle_timeout` in the same way.
    pub fn set_idle_timeout(&mut self, idle: Duration) {
        let times = Times {
            idle: Some(idle.clamp(SHORTEST, LONGEST)),
            ..self.state.times
        };
        self.state.set_times(times, self.out);
    }
}

/// Ending the socket. Texts are for an operator, in the status and in events: the first 1,024
/// bytes.
impl Cx<'_> {
    /// Makes a successor ready, which replaces this socket. No effect on a successor.
    pub fn rotate(&mut self) {
        if self.state.is_live() {
            self.out.push(Reply::Rotate { url: None });
        }
    }

    /// Like [`rotate`](Self::rotate), but dials this URL, which the peer has named. It must be
    /// `wss`, with a public or allowed address. Later dials use the usual URLs again.
    pub fn rotate_to(&mut self, url: impl Into<String>) {
        if self.state.is_live() {
            let url = Some(url.into());
            self.out.push(Reply::Rotate { url });
        }
    }

    /// Makes the next dial, and only that one, use this URL, with the same restrictions as
    /// [`rotate_to`](Self::rotate_to). No effect on a successor.
    pub fn next_url(&mut self, url: impl Into<String>) {
        self.state.next_url(url.into(), self.out);
    }

    /// Closes the socket as lost (cause `rule`); the name dials again.
    pub fn reconnect(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.lose(by_protocol(text));
    }

    /// The peer has refused a request (cause `script_refused`): the socket is lost, and the name
    /// dials again after `reconnect.max`.
    pub fn refused(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.lose(Cause::script_refused(text, false));
    }

    /// The peer did not answer in time (cause `script_timeout`): the socket is lost, and the name
    /// dials again.
    pub fn timed_out(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.lose(Cause::ScriptTimeout(text));
    }

    /// Retrying cannot help (cause `script_refused`): the socket is lost, and the name fails until
    /// somebody connects it.
    pub fn give_up(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.lose(Cause::script_refused(text, true));
    }

    /// Publishes an `error` event with the cause `rule`, without losing the socket. At most 100 per
    /// socket are published.
    pub fn error(&mut self, text: impl Into<String>) {
        let text = self.state.readable(text.into());
        self.state.error(text, self.out);
    }

    fn lose(&mut self, cause: Cause) {
        self.state.lose(cause, self.out);
    }
}

/// Only for a declared dialogue.
impl<'a> Cx<'a> {
    pub(super) fn here(&self) -> &'a Here<'a> {
        self.here
    }

    /// Performs an action of a declared dialogue.
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
            | Reply::Subscribe
            | Reply::Subscription(_)
            | Reply::Error(_)
            | Reply::Happened(_) => self.out.push(reply),
        }
    }

    /// Takes over its deadline, and the times that the peer has named.
    pub(super) fn follow(&mut self, wake: Option<Instant>, times: Times) {
        (self.state.wake, self.state.times) = (wake, times);
    }
}
