//! Hands the successor over to the next incarnation.

use std::time::Instant;

use super::successor::Successor;
use crate::{
    clock,
    connection::{socket::Socket, state::ActorState},
    core::ClosedReport,
    events::{EventKind, Rotated},
};

impl Successor {
    /// The old socket has ended: publishes that, and leaves the successor in `ready` for the next
    /// incarnation. `is_whole`: everything that the peer sent on the old socket was delivered.
    pub(in crate::connection) fn hand_over(
        &mut self,
        act: &mut ActorState,
        ready: &mut Self,
        old: ClosedReport,
        is_whole: bool,
        now: Instant,
    ) {
        let blind_since = act.last.blind_since.take();
        let messages = act.cut(now);
        *ready = std::mem::take(self);
        let hears_since = match ready {
            Self::Up(ready) => ready.hears_since,
            Self::Lost { hears_since, .. } => *hears_since,
            Self::None | Self::Wanted | Self::Preparing(_) | Self::Dialing(_) => now,
        };
        if let Self::Up(ready) = ready {
            let info = ready.info.clone();
            let rotated = Rotated {
                peer: info.peer,
                subprotocol: info.subprotocol,
                incarnation: act.life.incarnation().wrapping_add(1),
                timings: info.timings,
                tls: info.tls,
                old,
                doubled: act.inbound.deduplication.doubles(),
            };
            act.publish(EventKind::Rotated(Box::new(rotated)));
        }
        // Messages that were in flight on the old socket are lost, and may be older than the first
        // ones of the successor.
        if let Some(since) = blind_since.filter(|_| !is_whole) {
            act.publish_blind_gap(since, hears_since.max(since));
        }
        let socket = match &*ready {
            Self::Up(ready) => Some(&ready.socket),
            _ => None,
        };
        act.deliver_all(messages, |message| socket?.subscription_of(message));
    }

    /// A new incarnation takes over the socket that the last one has made ready, if any.
    pub(in crate::connection) fn adopt(&mut self, act: &mut ActorState) -> Option<Box<Socket>> {
        match std::mem::take(self) {
            Self::Up(ready) => {
                let mut socket = ready.socket;
                act.inbound.begin_numbers();
                act.reported.upgrade = ready.info.upgrade();
                // A socket whose opening messages are not out yet reports that later.
                act.reported.ready = socket.has_spoken();
                socket.serve(act, clock::now());
                act.show_state();
                if std::mem::take(&mut act.rotate_again) {
                    act.life.rotate_anew(&mut act.effects);
                }
                Some(socket)
            }
            Self::Lost { cause, .. } => {
                let now = clock::now();
                act.end_deduplication();
                act.last.blind_since = Some(now);
                act.lost(*cause, now);
                None
            }
            Self::None | Self::Wanted | Self::Preparing(_) | Self::Dialing(_) => None,
        }
    }
}
