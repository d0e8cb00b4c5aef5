//! When the heartbeat of a socket begins.

use std::time::{Duration, Instant};

use everwire_proto::settings::dialogue::{FirstBeat, HeartbeatStart};

use crate::{
    chance,
    connection::state::{ActorState, conversation::LiveConversation},
};

/// Starts the heartbeat of the current socket, if it begins `at` this point.
pub(super) fn begin_beats(act: &mut ActorState, at: HeartbeatStart, now: Instant) {
    let conversation = act.conversation();
    let templates = conversation.and_then(LiveConversation::heartbeat_templates);
    let first = match (templates, at) {
        // Without templates it begins with the socket.
        (None, HeartbeatStart::Open) => FirstBeat::Interval,
        (None, HeartbeatStart::Ready) => return,
        (Some(_), at) => match conversation.and_then(|it| it.first_beat(at)) {
            Some(first) => first,
            None => return,
        },
    };
    let Some(interval) = act.heartbeat().interval() else {
        return;
    };
    let wait = match first {
        FirstBeat::Interval => return act.want_interval(),
        FirstBeat::Now => Duration::ZERO,
        FirstBeat::Jitter => {
            let share = f64::from(chance::next_u32()) / f64::from(u32::MAX);
            interval.mul_f64(share)
        }
    };
    if let Some(serving) = &mut act.serving {
        serving.beats.set_first(now + wait);
    }
}
