//! The heartbeat's templates.

use super::TemplateDuration;
use crate::language::{Expression, MessageTemplate};

/// The templates and expressions of a text heartbeat. The plain parts are in
/// [`Heartbeat`](crate::settings::Heartbeat).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatTemplates {
    /// The ping; `None`: the plain text of the heartbeat.
    pub ping: Option<MessageTemplate>,
    /// The condition for an answer, tried with the number of each unanswered ping; `None`: the
    /// plain text of the heartbeat.
    pub pong: Option<Expression>,
    /// The time between pings. It takes effect when it first has a value.
    pub interval: Option<TemplateDuration>,
    /// The time limit from a ping to its answer. It takes effect when it first has a value.
    pub timeout: Option<TemplateDuration>,
    /// When the first ping is sent.
    pub first: FirstBeat,
    /// When the interval starts.
    pub from: HeartbeatStart,
}

/// When the first ping is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstBeat {
    /// After one interval.
    #[default]
    Interval,
    /// At once.
    Now,
    /// After a random part of the interval.
    Jitter,
}

/// When the interval of a heartbeat starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeartbeatStart {
    /// When the name is ready.
    #[default]
    Ready,
    /// When the socket is open.
    Open,
}
