//! What is said and expected on a socket: `prepare`, `open_script`, `periodic`, `close_script`, `rules`, `capture`, `let`, `request`, `ids`.

mod call;
mod capture;
mod ids;
mod periodic;
mod prepare;
mod request;
mod rule;
mod sending;
mod step;

#[cfg(test)]
pub(in crate::config) use self::periodic::ScheduleTable;
pub(in crate::config) use self::{
    call::{Exec, HttpTable},
    capture::{CaptureLayer, CaptureNames, CaptureTable},
    ids::IdsTable,
    periodic::{Periodic, PeriodicTable},
    prepare::{PrepareLayer, PrepareStepTable, PrepareTable},
    request::RequestTable,
    rule::{RuleTable, Rules},
    sending::SendLayer,
    step::{AgainTable, Script, StepTable, without_expect},
};
