//! Runs a protocol on imaginary sockets.

mod done;
mod world;

use std::{
    cell::Cell,
    fmt,
    time::{Duration, Instant},
};

pub use self::done::Done;
use self::world::World;
use super::{Deliver, host::ProtocolHost, state::gives_up};
use crate::{
    core::{Cause, Message},
    dialogue::{
        here::Here,
        reply::{Ping, Reply},
        response::Unanswered,
    },
    language::{SignatureRequest, Signer},
    settings::ProtocolFactory,
};

/// Runs a [`Protocol`](super::Protocol) on imaginary sockets: for its author's tests, without I/O,
/// clock or waiting.
///
/// Everything that it sends is written at once, and its actions are [recorded](Self::done) in
/// order. Random bytes are the same in each run.
///
/// ```
/// use std::time::{Duration, Instant};
/// use everwire_proto::{
///     core::{Cause, Message},
///     dialogue::{Cx, Deliver, Done, Protocol, Rehearsal, TimerId},
///     settings::ProtocolFactory,
/// };
/// # use everwire_proto::language::{HashAlgorithm, SignatureAlgorithm, Signer};
/// # struct Nothing;
/// # impl Signer for Nothing {
/// #     fn hash(&self, _: HashAlgorithm, _: &[u8]) -> Vec<u8> { Vec::new() }
/// #     fn hmac(&self, _: HashAlgorithm, _: &[u8], _: &[u8]) -> Vec<u8> { Vec::new() }
/// #     fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> { None }
/// # }
///
/// #[derive(Debug)]
/// struct Greeting;
///
/// impl Protocol for Greeting {
///     fn opened(&mut self, cx: &mut Cx<'_>) {
///         cx.send("hello");
///         cx.set_timer(TimerId(0), Duration::from_secs(10));
///     }
///
///     fn message(&mut self, _: &Message, cx: &mut Cx<'_>) -> Deliver {
///         cx.cancel_timer(TimerId(0));
///         cx.ready();
///         Deliver::Own
///     }
///
///     fn timer(&mut self, _: TimerId, cx: &mut Cx<'_>) {
///         cx.timed_out("nobody greeted us in 10 s");
///     }
/// }
///
/// # let signer = Nothing;
/// // The signer of `everwire` is `everwire::dialogue::signer()`.
/// let mut rehearsal = Rehearsal::new(ProtocolFactory::new(|| Greeting), &signer, Instant::now());
/// rehearsal.open();
/// assert_eq!(rehearsal.done(), [Done::Sent("hello".into())]);
/// assert_eq!(rehearsal.hear("hello yourself"), Deliver::Own);
/// assert_eq!(rehearsal.done(), [Done::Ready]);
///
/// rehearsal.lose(Cause::Eof);
/// rehearsal.open();
/// rehearsal.wait(Duration::from_secs(10));
/// assert!(matches!(
///     rehearsal.done().as_slice(),
///     [Done::Lost(Cause::Eof), Done::Sent(_), Done::Lost(Cause::ScriptTimeout(_))]
/// ));
/// ```
pub struct Rehearsal<'s> {
    host: ProtocolHost,
    world: World<'s>,
    done: Vec<Done>,
}

impl<'s> Rehearsal<'s> {
    /// Rehearses a name that has no socket yet. It begins `now`, which is 2026-01-01T00:00:00Z.
    /// Signatures come from `signer`.
    pub fn new(factory: ProtocolFactory, signer: &'s dyn Signer, now: Instant) -> Self {
        Self {
            host: ProtocolHost::new(factory),
            world: World {
                signer,
                name: "name".to_owned(),
                now,
                wall: Duration::from_secs(1_767_225_600),
                drawn: Cell::new(0),
                dials_named: false,
                is_handover: false,
                max_message: 16 << 20,
            },
            done: Vec::new(),
        }
    }

    /// The same at another time of day, since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn at(mut self, wall: Duration) -> Self {
        self.world.wall = wall;
        self
    }

    /// Opens a socket; an earlier one counts as lost.
    pub fn open(&mut self) {
        self.world.is_handover = std::mem::take(&mut self.world.dials_named);
        self.told(|host, here, out| host.opened(here, out));
    }

    /// The peer sends this. Returns what happens with it.
    pub fn hear(&mut self, message: impl Into<Message>) -> Deliver {
        let message = message.into();
        self.told(|host, here, out| host.message(&message, here, out))
            .into()
    }

    /// Lets time pass: each timer runs out at its time.
    pub fn wait(&mut self, time: Duration) {
        let until = self.world.now + time;
        while let Some(due) = self.host.deadline().filter(|due| *due <= until) {
            self.world.reach(due);
            self.told(|host, here, out| host.timer(here, out));
        }
        self.world.reach(until);
    }

    /// The heartbeat is due: returns the text of its ping, if the protocol creates it.
    pub fn ping(&mut self) -> Option<String> {
        match self.told(|host, here, out| host.ping(here, out)) {
            Ping::Text(text) => Some(text),
            Ping::Plain | Ping::Unfilled => None,
        }
    }

    /// The socket is lost, or a dial has failed.
    pub fn lose(&mut self, cause: Cause) {
        self.done.push(Done::Lost(cause.clone()));
        self.lost(&cause);
    }

    /// Closes the socket by hand: the messages before our close frame are sent. [`Done::Closes`]
    /// follows.
    pub fn close(&mut self) {
        match self.host.has_goodbye() {
            true => self.told(|host, here, out| host.begin_goodbye(here, out)),
            false => self.done.push(Done::Closes),
        }
    }

    /// The second socket of a rotation, which is not open yet.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self {
            host: self.host.successor(),
            world: self.world.clone(),
            done: Vec::new(),
        }
    }

    /// It replaces the first. Its actions are recorded here, too.
    pub fn take_over(&mut self, successor: Self) {
        let Self { host, world, done } = successor;
        (self.world, self.done) = (world, done);
        let is_ready = host.has_passed();
        self.told(|it, here, out| {
            it.adopt(host, out);
            if is_ready {
                it.ready(here, out);
            }
        });
    }

    /// Whether the name is ready.
    pub fn is_ready(&self) -> bool {
        self.host.has_passed()
    }

    /// What it says it waits for.
    pub fn step(&self) -> Option<&str> {
        self.host.step().map(|(what, _)| what)
    }

    /// The actions since the last call.
    pub fn done(&mut self) -> Vec<Done> {
        std::mem::take(&mut self.done)
    }

    /// Calls it, and performs its actions until there are none.
    fn told<T>(
        &mut self,
        tell: impl FnOnce(&mut ProtocolHost, &Here<'_>, &mut Vec<Reply>) -> T,
    ) -> T {
        let mut out = Vec::new();
        let told = tell(&mut self.host, &self.world.here(), &mut out);
        while !out.is_empty() {
            let mut next = Vec::new();
            for reply in out {
                self.follow(reply, &mut next);
            }
            out = next;
        }
        told
    }

    fn follow(&mut self, reply: Reply, out: &mut Vec<Reply>) {
        let here = self.world.here();
        let done = match reply {
            Reply::Compose | Reply::ComposeNow => {
                let composed = self.host.compose(&here, out);
                if composed.is_some() {
                    self.host.said(here.now, out);
                    self.host.written(&here, out);
                }
                composed.map(Done::Sent)
            }
            Reply::Sign(requests) => {
                let sign = |request: SignatureRequest| {
                    let signature = request.sign(here.signer);
                    (request, signature)
                };
                let made = requests.into_iter().map(sign).collect();
                if let Some(declared) = self.host.declared_mut() {
                    declared.signed(made, &here, out);
                }
                None
            }
            Reply::Call(call) => {
                let why = Unanswered {
                    text: "a rehearsal calls nothing".into(),
                    is_refusal: true,
                };
                if let Some(declared) = self.host.declared_mut() {
                    declared.answered(call.owner, Err(why), &here, out);
                }
                None
            }
            Reply::Answer(message) => {
                self.host.said(here.now, out);
                Some(Done::Answered(message))
            }
            Reply::Passed => {
                self.host.ready(&here, out);
                Some(Done::Ready)
            }
            Reply::Times => Some(Done::Times {
                interval: self.host.interval(),
                timeout: self.host.timeout(),
                idle: self.host.idle(),
            }),
            Reply::MayClose => Some(Done::Closes),
            Reply::Beat => Some(Done::Beats),
            Reply::Rotate { url } => {
                self.world.dials_named = url.is_some();
                Some(Done::Rotates { url })
            }
            Reply::NextUrl(url) => Some(self.named(url)),
            Reply::Error(cause) => Some(Done::Error(cause)),
            Reply::Lose(cause) => {
                self.done.push(match gives_up(&cause) {
                    true => Done::Failed(cause.clone()),
                    false => Done::Lost(cause.clone()),
                });
                self.lost(&cause);
                None
            }
            // These matter only for kept captures, calls and watchers.
            Reply::Stale
            | Reply::Answered(_)
            | Reply::Subscribe
            | Reply::Subscription(_)
            | Reply::Happened(_) => None,
        };
        self.done.extend(done);
    }

    fn named(&mut self, url: String) -> Done {
        self.world.dials_named = true;
        Done::NextUrl(url)
    }

    fn lost(&mut self, cause: &Cause) {
        let mut out = Vec::new();
        self.host.lost(cause, &self.world.here(), &mut out);
        for reply in out {
            let done = match reply {
                Reply::Lose(cause) => Some(Done::Failed(cause)),
                Reply::NextUrl(url) => Some(self.named(url)),
                Reply::Error(cause) => Some(Done::Error(cause)),
                // There is no socket for anything else.
                _ => None,
            };
            self.done.extend(done);
        }
    }
}

impl fmt::Debug for Rehearsal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rehearsal")
            .field("host", &self.host)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
