//! What is said and expected on a socket, in code: whoever prefers that over a declared dialogue implements [`Protocol`].

mod cx;
mod declared;
mod deliver;
mod factory;
mod host;
mod queue;
mod rehearsal;
mod state;
mod timers;

use std::{any::Any, fmt, time::Instant};

pub use self::{
    cx::Cx,
    deliver::Deliver,
    host::ProtocolHost,
    queue::{MAX_QUEUED, TurnId},
    rehearsal::{Done, Rehearsal},
    timers::{LONGEST_TIMER, MAX_TIMERS, SHORTEST_TIMER, TimerId},
};
use super::{conversation::Conversation, reply::Ping};
use crate::core::{Cause, Message};

/// What is said and expected on the sockets of a name: a state machine that is told what happens, and answers what is to be done.
///
/// It knows no socket, clock or task: the moment and all effects are in the [`Cx`] that comes with each call, so it is tested without any
/// I/O, by a [`Rehearsal`]. Two methods are needed, and most protocols write four. All others have a default that does nothing.
///
/// One value serves the name over all its sockets, one after the other: what it has learned on one it knows on the next, until it is
/// told that another one has [`opened`](Self::opened). A panic in it costs the name its socket, for the cause `panic`; then a new value
/// is made for the next one.
///
/// The declared dialogue is a protocol, too: [`Conversation`].
///
/// ```
/// use std::time::Duration;
/// use everwire_proto::{
///     core::Message,
///     dialogue::{Cx, Deliver, Protocol, TimerId},
/// };
///
/// const LOGIN: TimerId = TimerId(0);
///
/// /// Says a token, and is ready when the server takes it.
/// #[derive(Debug)]
/// struct Login {
///     token: String,
/// }
///
/// impl Protocol for Login {
///     fn opened(&mut self, cx: &mut Cx<'_>) {
///         cx.hide(&self.token);
///         cx.send(format!("login {}", self.token));
///         cx.step("the answer to the login");
///         cx.set_timer(LOGIN, Duration::from_secs(10));
///     }
///
///     fn message(&mut self, message: &Message, cx: &mut Cx<'_>) -> Deliver {
///         match message.as_text() {
///             Some("welcome") => {
///                 cx.cancel_timer(LOGIN);
///                 cx.ready();
///                 Deliver::Own
///             }
///             Some("go away") => {
///                 cx.refused(format!("the login was refused: {}", cx.shown(message)));
///                 Deliver::Own
///             }
///             Some("are you there?") => {
///                 cx.answer("yes");
///                 Deliver::No
///             }
///             _ => Deliver::Yes,
///         }
///     }
///
///     fn timer(&mut self, _: TimerId, cx: &mut Cx<'_>) {
///         cx.timed_out("the login was not answered in 10 s");
///     }
/// }
/// ```
pub trait Protocol: Any + fmt::Debug + Send {
    /// A socket has opened. Nothing of what was asked for on an earlier one goes on: no timer runs, and nothing waits to be sent.
    fn opened(&mut self, cx: &mut Cx<'_>);

    /// A message has come. Says what becomes of it.
    fn message(&mut self, message: &Message, cx: &mut Cx<'_>) -> Deliver;

    /// A timer has run out that was [set](Cx::set_timer) on this socket.
    fn timer(&mut self, timer: TimerId, cx: &mut Cx<'_>) {
        let _unused = (timer, cx);
    }

    /// The socket is lost, or a dial has failed. Only [`give_up`](Cx::give_up), [`next_url`](Cx::next_url) and [`error`](Cx::error)
    /// have an effect now: nobody hears what is sent, and the name is dialled again anyway.
    fn lost(&mut self, cause: &Cause, cx: &mut Cx<'_>) {
        let _unused = (cause, cx);
    }

    /// The name is ready on this socket, which serves: all that was sent before [`ready`](Cx::ready) is written, and the outbox follows.
    /// On the second socket of a rotation that is when it takes the place of the first.
    fn ready(&mut self, cx: &mut Cx<'_>) {
        let _unused = cx;
    }

    /// The turn that was [asked for](Cx::compose) has come: the message that goes out now. `None`: nothing goes out.
    ///
    /// What signs the time is made here, and not when it is queued: a signature must not age behind a rate.
    fn compose(&mut self, turn: TurnId, cx: &mut Cx<'_>) -> Option<Message> {
        let _unused = (turn, cx);
        None
    }

    /// The kernel has the message of that turn.
    fn written(&mut self, turn: TurnId, cx: &mut Cx<'_>) {
        let _unused = (turn, cx);
    }

    /// Something of ours went out that is no control frame.
    fn said(&mut self, now: Instant) {
        let _unused = now;
    }

    /// The text of the ping whose turn has come, where the heartbeat of the settings sends texts; unless this says otherwise it is that
    /// of the settings.
    fn ping(&mut self, cx: &mut Cx<'_>) -> Ping {
        let _unused = cx;
        Ping::Plain
    }

    /// Whether [`message`](Self::message) finds what answers a ping ([`Deliver::Pong`]); else it is the text that the settings say.
    fn matches_pongs(&self) -> bool {
        false
    }

    /// Whether something is to be said before our close frame: then [`goodbye`](Self::goodbye) is told.
    fn has_goodbye(&self) -> bool {
        false
    }

    /// Our close frame goes out when this asks for it by [`close`](Cx::close), or at the latest after `close_timeout`.
    fn goodbye(&mut self, cx: &mut Cx<'_>) {
        cx.close();
    }

    /// The protocol of a socket that is made ready beside this one's: how the second socket of a rotation begins. `None`: it is made
    /// anew, as for the first socket of the name.
    fn successor(&self) -> Option<Box<dyn Protocol>> {
        None
    }

    /// The socket of this protocol serves from now on, in the place of one whose protocol is `before`. It is of the same type where
    /// one factory made both: `(before as Box<dyn Any>).downcast::<Self>()`.
    fn adopt(&mut self, before: Box<dyn Protocol>) {
        let _unused = before;
    }

    /// The declared dialogue that this protocol wraps, if it wraps one: what only that knows is asked there.
    fn declared(&self) -> Option<&Conversation> {
        None
    }

    /// The same, to be told something.
    fn declared_mut(&mut self) -> Option<&mut Conversation> {
        None
    }
}
