//! Conversations in code: implement [`Protocol`] instead of declaring a dialogue.

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

/// The conversation of a name on its sockets: a state machine that receives events, and returns
/// actions.
///
/// It uses no socket, clock or task: the time and all actions are in the [`Cx`] of each call. It is
/// therefore tested without I/O, by a [`Rehearsal`]. Two methods are required, and most protocols
/// implement four. All others have a default that does nothing.
///
/// One value serves the name over all its sockets, one after the other. It keeps its state from one
/// socket to the next; [`opened`](Self::opened) tells it about a new one. A panic in it costs the
/// name its socket, with the cause `panic`; a new value is then created for the next socket.
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
    /// A socket has opened. Nothing is left from an earlier one: no timer runs, and no message
    /// waits.
    fn opened(&mut self, cx: &mut Cx<'_>);

    /// A message has come. The result says what happens with it.
    fn message(&mut self, message: &Message, cx: &mut Cx<'_>) -> Deliver;

    /// A timer that was [set](Cx::set_timer) on this socket has run out.
    fn timer(&mut self, timer: TimerId, cx: &mut Cx<'_>) {
        let _unused = (timer, cx);
    }

    /// The socket is lost, or a dial has failed. Only [`give_up`](Cx::give_up),
    /// [`next_url`](Cx::next_url) and [`error`](Cx::error) have an effect now: messages are
    /// dropped, and the name dials again anyway.
    fn lost(&mut self, cause: &Cause, cx: &mut Cx<'_>) {
        let _unused = (cause, cx);
    }

    /// The name is ready on this socket, the current one: all messages before [`ready`](Cx::ready)
    /// are written, and the outbox follows. On the second socket of a rotation this is when it
    /// replaces the first.
    fn ready(&mut self, cx: &mut Cx<'_>) {
        let _unused = cx;
    }

    /// The turn that was [requested](Cx::compose) has come: returns the message to send now.
    /// `None`: nothing is sent.
    ///
    /// Create messages with signed times here, rather than when they are queued: a signature must
    /// not age behind a rate limit.
    fn compose(&mut self, turn: TurnId, cx: &mut Cx<'_>) -> Option<Message> {
        let _unused = (turn, cx);
        None
    }

    /// The kernel has the message of that turn.
    fn written(&mut self, turn: TurnId, cx: &mut Cx<'_>) {
        let _unused = (turn, cx);
    }

    /// We have sent something other than a control frame.
    fn said(&mut self, now: Instant) {
        let _unused = now;
    }

    /// The text of the ping whose turn has come, if the heartbeat of the settings sends texts. By
    /// default it is the text of the settings.
    fn ping(&mut self, cx: &mut Cx<'_>) -> Ping {
        let _unused = cx;
        Ping::Plain
    }

    /// Whether [`message`](Self::message) decides what answers a ping ([`Deliver::Pong`]).
    /// Otherwise the text of the settings does.
    fn matches_pongs(&self) -> bool {
        false
    }

    /// Whether there are messages before our close frame: [`goodbye`](Self::goodbye) is then
    /// called.
    fn has_goodbye(&self) -> bool {
        false
    }

    /// Sends the messages before our close frame, which follows [`close`](Cx::close), or
    /// `close_timeout` at the latest.
    fn goodbye(&mut self, cx: &mut Cx<'_>) {
        cx.close();
    }

    /// The protocol of a successor's socket: how the second socket of a rotation begins. `None`: it
    /// is created by the factory, as for the first socket of the name.
    fn successor(&self) -> Option<Box<dyn Protocol>> {
        None
    }

    /// The socket of this protocol becomes the current one, in place of one with the protocol
    /// `before`. That has the same type if one factory created both: `(before as Box<dyn
    /// Any>).downcast::<Self>()`.
    fn adopt(&mut self, before: Box<dyn Protocol>) {
        let _unused = before;
    }

    /// The declared dialogue that this protocol wraps, if any: everwire asks it directly for what
    /// only a declared dialogue has.
    fn declared(&self) -> Option<&Conversation> {
        None
    }

    /// The same, mutable.
    fn declared_mut(&mut self) -> Option<&mut Conversation> {
        None
    }
}
