//! The heartbeat's templates.

use super::TemplateDuration;
use crate::language::{Expression, MessageTemplate};

/// What of a text heartbeat is a template or an expression. The rest stands in [`Heartbeat`](crate::settings::Heartbeat).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatTemplates {
    /// The ping; `None`: the plain text of the heartbeat.
    pub ping: Option<MessageTemplate>,
    /// What is an answer, tried with the number of each ping that is unanswered; `None`: the plain text of the heartbeat.
    pub pong: Option<Expression>,
    /// Between pings. It takes effect when it first has a value.
    pub interval: Option<TemplateDuration>,
    /// From a ping to its answer. It takes effect when it first has a value.
    pub timeout: Option<TemplateDuration>,
    /// When the first ping goes out.
    pub first: FirstBeat,
    /// From when the interval runs.
    pub from: HeartbeatStart,
}

/// When the first ping goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstBeat {
    /// After one interval.
    #[default]
    Interval,
    /// At once.
    Now,
    /// After a part of the interval that is drawn.
    Jitter,
}

/// From when a heartbeat runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeartbeatStart {
    /// From when the name is ready.
    #[default]
    Ready,
    /// From when the socket is open.
    Open,
}
