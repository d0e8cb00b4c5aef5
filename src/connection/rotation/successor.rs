//! The successor: a socket that is made ready beside the current one.

use std::{
    task::{Context as TaskContext, Poll},
    time::Instant,
};

use crate::{
    chance,
    connection::{
        dialer::{Dial, Preparation},
        socket::{Socket, SocketInfo},
        state::{ActorState, policy},
    },
    core::Cause,
    wire::CloseFrame,
};

/// The state of a successor.
#[derive(Default)]
pub(in crate::connection) enum Successor {
    /// There is none.
    #[default]
    None,
    /// It will be dialled when the duplicates of the last rotation are resolved.
    Wanted,
    /// The preparation for its dial runs, while the old socket is still in use. Then the old socket
    /// is closed.
    Preparing(Preparation),
    /// It is being dialled.
    Dialing(Dial),
    /// Its opening messages are being sent, or were.
    Up(Box<ReadySocket>),
    /// It was lost when the old socket was closing already.
    Lost {
        cause: Box<Cause>,
        hears_since: Instant,
    },
}

/// A socket that is to take over.
pub(in crate::connection) struct ReadySocket {
    pub(super) socket: Box<Socket>,
    pub(super) info: SocketInfo,
    /// Since when it receives the peer's messages.
    pub(super) hears_since: Instant,
}

impl Successor {
    /// Its socket is reset when it is dropped.
    pub(in crate::connection) fn reset_on_drop(&self) {
        if let Self::Up(ready) = self {
            ready.socket.reset_on_drop();
        }
    }

    /// When to ask the rate limit again about its next opening message.
    pub(in crate::connection) fn paced_until(&self) -> Option<Instant> {
        match self {
            Self::Up(ready) => ready.socket.paced_until(),
            Self::None
            | Self::Wanted
            | Self::Preparing(_)
            | Self::Dialing(_)
            | Self::Lost { .. } => None,
        }
    }

    /// When its conversation has something to do.
    pub(in crate::connection) fn conversation_deadline(&self) -> Option<Instant> {
        match self {
            Self::Up(ready) => ready.socket.aside_deadline(),
            Self::None
            | Self::Wanted
            | Self::Preparing(_)
            | Self::Dialing(_)
            | Self::Lost { .. } => None,
        }
    }

    /// Whether it may be dialled now.
    pub(in crate::connection) fn may_dial(&self, act: &ActorState) -> bool {
        matches!(self, Self::Wanted)
            && act.life.wants_successor()
            && act.inbound.deduplication.is_resolved()
    }

    /// Advances the successor, and drops it when it is not needed any more.
    pub(in crate::connection) fn poll(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) {
        if matches!(self, Self::None) {
            return;
        }
        if !act.life.wants_successor() {
            *self = Self::None;
            act.inbound.deduplication.forget_successor();
            return;
        }
        if let Self::Preparing(preparation) = self {
            let Poll::Ready(prepared) = preparation.as_mut().poll(cx) else {
                return;
            };
            match prepared.map_err(|error| act.last.note_failed(error)) {
                Ok(prepared) => {
                    *self = Self::None;
                    act.give_way(Some(prepared), now);
                }
                Err(cause) => self.failed(act, cause, now),
            }
            return;
        }
        if let Self::Dialing(dial) = self {
            let Poll::Ready(result) = dial.as_mut().poll(cx) else {
                return;
            };
            let opened = result.map_err(|error| act.last.note_failed(error));
            match opened.and_then(|opened| Socket::new(act, opened, now)) {
                Ok((mut socket, info)) => {
                    act.life.successor_up(now);
                    let begun = socket.begin_aside(act, now);
                    *self = Self::Up(Box::new(ReadySocket {
                        socket,
                        info,
                        hears_since: now,
                    }));
                    if let Err(cause) = begun {
                        return self.failed(act, cause, now);
                    }
                }
                Err(cause) => return self.failed(act, cause, now),
            }
        }
        if let Self::Up(ready) = self {
            match ready.socket.poll_aside(act, now, cx) {
                Ok(false) => {}
                Ok(true) => {
                    let frame = CloseFrame::new(act.settings.close_code, "");
                    let close_script = act.has_close_script() && !ready.socket.is_handover_aside();
                    let policy = policy(&act.settings);
                    act.life
                        .successor_ready(frame, close_script, policy, now, &mut act.effects);
                }
                Err(cause) => self.failed(act, cause, now),
            }
        }
    }

    fn failed(&mut self, act: &mut ActorState, cause: Cause, now: Instant) {
        if let Self::Up(ready) = self {
            act.last.message = ready.socket.last_message(act);
        }
        if act.life.is_handing_over() {
            // The old socket is closing already: the next incarnation finds this out.
            let hears_since = match self {
                Self::Up(ready) => ready.hears_since,
                Self::None
                | Self::Wanted
                | Self::Preparing(_)
                | Self::Dialing(_)
                | Self::Lost { .. } => now,
            };
            *self = Self::Lost {
                cause: Box::new(cause),
                hears_since,
            };
            return;
        }
        *self = Self::None;
        act.abandon_deduplication(now);
        let random = chance::next_u64();
        let policy = policy(&act.settings);
        act.life
            .successor_failed(cause, policy, now, random, &mut act.effects);
    }
}
