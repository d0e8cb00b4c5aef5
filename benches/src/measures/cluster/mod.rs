//! Clusters of nodes that are processes of the program.

mod failover;
mod log;
mod moves;

pub use self::{
    failover::failover,
    log::{leader, races, rest},
    moves::{drain, join},
};

use super::Effort;

/// A number of a variable of the environment, or this one.
fn count(variable: &str, effort: Effort, usual: usize) -> usize {
    let wanted = std::env::var(variable).ok();
    let wanted = wanted.and_then(|text| text.parse().ok());
    wanted.unwrap_or(usual).div_ceil(effort.less).max(1)
}
