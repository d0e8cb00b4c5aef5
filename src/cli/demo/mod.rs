//! `everwire demo`.
use super::Failure;
use clap::Args;
/// Demo
#[derive(Debug, Args)]
pub struct Demo {}
impl Demo {
    /// Runs
    pub fn execute(self) -> Result<(), Failure> {
        Ok(())
    }
}
