//! The keys of a dialogue: `prepare`, `open_script`, `periodic`, `close_script`, `rules`,
//! `capture`, `let`, `request`, `ids`, `subscribe`, `subscriptions`.

mod call;
mod capture;
mod ids;
mod periodic;
mod prepare;
mod request;
mod rule;
mod sending;
mod step;
mod subscribe;
mod subscriptions;

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
    subscribe::{AskLayer, LimitsTable, RouteTable, SubscribeLayer, WordsTable},
    subscriptions::{LongForm, Spread, SubscriptionLayer, Subscriptions, check_key},
};
