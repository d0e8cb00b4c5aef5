//! What happened: the one story that log, API, page, metrics and subscribers are told.

mod event;
mod json;
mod reports;
mod session;
mod times;

pub(crate) use self::times::{millis, optional_time};
pub use self::{
    event::{Event, Stamp},
    reports::{
        Applied, Connecting, DialTimings, DropReason, Dropped, ErrorReport, Failed, FailedDial,
        Gap, GapReason, Opened, Retrying, Rotated, Sent, StallReason, Stalled, TlsReport, Traffic,
    },
    session::{SessionClosed, SessionEnd, SessionOpened},
    times::rfc3339,
};
