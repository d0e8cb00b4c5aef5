//! `everwire schema`: the JSON Schema of the configuration.

use clap::Args;

use super::{Failure, output};
use crate::service;

/// Print the JSON Schema of the configuration
///
/// An editor can use it to check and complete the TOML file.
#[derive(Debug, Args)]
pub struct Schema {
    /// Accepted for symmetry: the output is always JSON
    #[arg(long, hide = true)]
    json: bool,
}

impl Schema {
    /// Prints the schema.
    ///
    /// # Errors
    ///
    /// [`Failure::Output`].
    pub fn execute(self) -> Result<(), Failure> {
        output::print_json(&format!("{:#}", service::BASE.schema()))
    }
}
