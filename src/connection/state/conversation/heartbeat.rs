//! What a conversation has to say to the heartbeat: the texts of pings, what answers them, and times that the peer has named.

use std::time::Duration;

use everwire_proto::{
    dialogue::Ping,
    settings::dialogue::{FirstBeat, HeartbeatStart, HeartbeatTemplates},
};

use super::{LiveConversation, Surroundings, engine::led};
use crate::settings::{ConnectionSettings, Heartbeat};

impl LiveConversation {
    /// The text of a ping whose turn to be written has come.
    pub fn ping(&mut self, at: Surroundings<'_>) -> Ping {
        let here = at.here(self.is_handover());
        led!(&mut self.engine, it => it.ping(&here, &mut self.replies.open()))
    }

    /// Whether an expression, or a protocol, says what answers a ping.
    pub fn matches_pongs(&self) -> bool {
        led!(&self.engine, it => it.matches_pongs())
    }

    /// How long the peer may be silent, if it has said so.
    pub fn idle(&self) -> Option<Duration> {
        led!(&self.engine, it => it.idle())
    }

    /// The templates of the heartbeat, if it has any.
    pub fn heartbeat_templates(&self) -> Option<&HeartbeatTemplates> {
        self.engine.declared()?.dialogue().heartbeat.as_ref()
    }

    /// The heartbeat of the settings with the times that the peer has named, if it has named any.
    pub fn heartbeat(&self, settings: &ConnectionSettings) -> Option<Heartbeat> {
        let (named_interval, named_timeout) =
            led!(&self.engine, it => (it.interval(), it.timeout()));
        if named_interval.is_none() && named_timeout.is_none() {
            return None;
        }
        let mut heartbeat = settings.heartbeat.clone();
        match &mut heartbeat {
            Heartbeat::Off => {}
            Heartbeat::Protocol { interval, timeout }
            | Heartbeat::Text {
                interval, timeout, ..
            } => {
                *interval = named_interval.unwrap_or(*interval);
                *timeout = named_timeout.unwrap_or(*timeout);
            }
        }
        Some(heartbeat)
    }

    /// When the beats of a socket begin: how the first is timed, if they begin `at` this point and their interval is known.
    pub fn first_beat(&self, at: HeartbeatStart) -> Option<FirstBeat> {
        let templates = self.heartbeat_templates()?;
        let interval = led!(&self.engine, it => it.interval());
        let is_known = templates.interval.is_none() || interval.is_some();
        (templates.from == at && is_known).then_some(templates.first)
    }
}
