//! The socket that is made ready beside the one that serves.

use std::{
    task::{Context as TaskContext, Poll},
    time::Instant,
};

use actix::Context;

use crate::{
    chance, clock,
    connection::{
        Connection,
        driver::{
            Driver,
            effects::{Dial, dial},
        },
        policy,
        socket::{Face, Socket, start_heartbeat},
        state::Name,
    },
    core::{Cause, ClosedReport},
    events::{Event, Rotated},
    wire::CloseFrame,
};

/// What a successor is at.
#[derive(Default)]
pub(in crate::connection) enum Successor {
    /// There is none.
    #[default]
    None,
    /// It is to be dialled when the seam of the last rotation is settled.
    Wanted,
    /// It is dialled.
    Dialing(Dial),
    /// Its opening messages go out, or have.
    Up(Box<Heir>),
    /// It was lost when the old socket was being closed already.
    Lost {
        cause: Box<Cause>,
        hears_since: Instant,
    },
}

/// A socket that is to serve.
pub(in crate::connection) struct Heir {
    socket: Box<Socket>,
    face: Face,
    /// Since when it hears what the peer says.
    hears_since: Instant,
}

impl Successor {
    /// When to ask whether its next opening message may go out, if the rate keeps that waiting.
    pub(in crate::connection) fn paced_until(&self) -> Option<Instant> {
        match self {
            Self::Up(heir) => heir.socket.paced_until(),
            Self::None | Self::Wanted | Self::Dialing(_) | Self::Lost { .. } => None,
        }
    }
}

impl Driver {
    /// Lets the successor come on, and go when it is of no use any more.
    pub(in crate::connection) fn poll_successor(
        &mut self,
        act: &mut Name,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) {
        if matches!(self.successor, Successor::None) {
            return;
        }
        if !act.life.wants_successor() {
            self.successor = Successor::None;
            act.passage.forget_successor();
            return;
        }
        if matches!(self.successor, Successor::Wanted) && act.passage.is_settled() {
            act.begin_passage();
            self.successor = Successor::Dialing(dial(act));
        }
        if let Successor::Dialing(dial) = &mut self.successor {
            let Poll::Ready(result) = dial.as_mut().poll(cx) else {
                return;
            };
            let opened = result.map_err(|undialled| act.note_failed(undialled));
            match opened.and_then(|opened| Socket::new(act, opened, now)) {
                Ok((socket, face)) => {
                    act.life.successor_up(now);
                    self.successor = Successor::Up(Box::new(Heir {
                        socket,
                        face,
                        hears_since: now,
                    }));
                }
                Err(cause) => return self.successor_failed(act, cause, now),
            }
        }
        if let Successor::Up(heir) = &mut self.successor {
            match heir.socket.poll_aside(act, now, cx) {
                Ok(false) => {}
                Ok(true) => {
                    let frame = CloseFrame::new(act.settings.close_code, "");
                    let policy = policy(&act.settings);
                    act.life
                        .successor_ready(frame, policy, now, &mut act.effects);
                }
                Err(cause) => self.successor_failed(act, cause, now),
            }
        }
    }

    fn successor_failed(&mut self, act: &mut Name, cause: Cause, now: Instant) {
        if let Successor::Up(heir) = &mut self.successor {
            act.record.last_message = heir.socket.last_message(act);
        }
        if act.life.is_handing_over() {
            // The old socket is on its way out already: the next incarnation finds this out.
            let hears_since = match &self.successor {
                Successor::Up(heir) => heir.hears_since,
                Successor::None
                | Successor::Wanted
                | Successor::Dialing(_)
                | Successor::Lost { .. } => now,
            };
            self.successor = Successor::Lost {
                cause: Box::new(cause),
                hears_since,
            };
            return;
        }
        self.successor = Successor::None;
        act.abandon_passage(now);
        let random = chance::next_u64();
        let policy = policy(&act.settings);
        act.life
            .successor_failed(cause, policy, now, random, &mut act.effects);
    }

    /// The old socket has ended: tells so, and leaves the successor in the actor's state, for the next incarnation.
    pub(in crate::connection) fn hand_over(
        &mut self,
        act: &mut Name,
        old: ClosedReport,
        now: Instant,
    ) {
        let clean = old.clean;
        let blind_since = act.record.blind_since.take();
        let messages = act.cut(now);
        act.heir = std::mem::take(&mut self.successor);
        let hears_since = match &act.heir {
            Successor::Up(heir) => heir.hears_since,
            Successor::Lost { hears_since, .. } => *hears_since,
            Successor::None | Successor::Wanted | Successor::Dialing(_) => now,
        };
        if let Successor::Up(heir) = &act.heir {
            let face = heir.face.clone();
            let rotated = Rotated {
                peer: face.peer,
                subprotocol: face.subprotocol,
                incarnation: act.life.incarnation().wrapping_add(1),
                timings: face.timings,
                tls: face.tls,
                old,
                doubled: act.passage.doubles(),
            };
            act.publish(|stamp| Event::Rotated(stamp, Box::new(rotated)));
        }
        // What was still on its way on the old socket is lost, and may be older than what the successor has heard.
        if let Some(since) = blind_since.filter(|_| !clean) {
            act.tell_blind(since, hears_since.max(since));
        }
        act.deliver_all(messages);
    }
}

impl Name {
    /// A new incarnation takes over the socket that the last one has made ready, if there is one.
    pub(in crate::connection) fn adopt(
        &mut self,
        ctx: &mut Context<Connection>,
    ) -> Option<Box<Socket>> {
        match std::mem::take(&mut self.heir) {
            Successor::Up(heir) => {
                self.begin_numbers();
                start_heartbeat(self, ctx);
                self.record.upgrade = heir.face.upgrade();
                // One whose opening messages are not out yet tells when they are.
                self.record.ready = heir.socket.has_spoken();
                self.show_state();
                if std::mem::take(&mut self.rotate_again) {
                    self.life.rotate_anew(&mut self.effects);
                }
                Some(heir.socket)
            }
            Successor::Lost { cause, .. } => {
                let now = clock::now();
                self.end_passage();
                self.record.blind_since = Some(now);
                self.lost(*cause, now);
                None
            }
            Successor::None | Successor::Wanted | Successor::Dialing(_) => None,
        }
    }
}
