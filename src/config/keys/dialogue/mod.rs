//! What is said and expected on a socket: `open_script`, `rules`, `capture`, `let`, `ids`.

mod capture;
mod ids;
mod rule;
mod sending;
mod step;

#[cfg(test)]
pub(in crate::config) use self::capture::CaptureTable;
pub(in crate::config) use self::{
    capture::{CaptureLayer, CaptureNames},
    ids::IdsTable,
    rule::{RuleTable, Rules},
    sending::SendLayer,
    step::{AgainTable, Script, StepTable, without_expect},
};
