//! What happened: one account for the log, API, page, metrics and subscribers.

mod event;
mod json;
mod kind;
mod notice;
mod reports;
mod session;
mod times;

pub(crate) use self::{
    event::write_json,
    kind::KIND_NAMES,
    times::{millis, optional_time},
};
pub use self::{
    event::{Event, Stamp, Update},
    kind::EventKind,
    notice::{Lagged, Notice, StallReason, Stalled},
    reports::{
        Applied, Connecting, DialTimings, DropReason, Dropped, ErrorReport, Failed, FailedDial,
        Gap, GapReason, Opened, Retrying, Rotated, Sent, SubscriptionReport, TlsReport, Traffic,
    },
    session::{SessionClosed, SessionEnd, SessionOpened},
    times::rfc3339,
};
