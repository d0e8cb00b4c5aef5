//! The conversation's part in the heartbeat: texts of pings, matching of answers, and times that
//! the peer has named.

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

    /// Whether an expression, or a protocol, decides what answers a ping.
    pub fn matches_pongs(&self) -> bool {
        led!(&self.engine, it => it.matches_pongs())
    }

    /// The silence that the conversation allows the peer, if it sets one.
    pub fn idle(&self) -> Option<Duration> {
        led!(&self.engine, it => it.idle())
    }

    /// The templates of the heartbeat, if it has any.
    pub fn heartbeat_templates(&self) -> Option<&HeartbeatTemplates> {
        self.engine.declared()?.dialogue().heartbeat.as_ref()
    }

    /// The settings' heartbeat with the times that the peer has named, if it has named any.
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

    /// The timing of the first ping, if the heartbeat begins `at` this point and its interval is
    /// known.
    pub fn first_beat(&self, at: HeartbeatStart) -> Option<FirstBeat> {
        let templates = self.heartbeat_templates()?;
        let interval = led!(&self.engine, it => it.interval());
        let is_known = templates.interval.is_none() || interval.is_some();
        (templates.from == at && is_known).then_some(templates.first)
    }
}
