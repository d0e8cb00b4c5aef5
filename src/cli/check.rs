//! `everwire check`: what is wrong with a configuration.

use clap::Args;
use serde_json::json;

use super::{Failure, config_path::ConfigPath, output};

/// Check a configuration, and dial nothing
///
/// Reads everything that `run` would read. All errors are told at once, each with its file, line and column, and with
/// what would be right; the exit code is 2 then.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    config: ConfigPath,

    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Checks.
    ///
    /// # Errors
    ///
    /// [`Failure`], with exit code 2 for an invalid configuration.
    pub fn execute(self) -> Result<(), Failure> {
        match self.config.load() {
            Ok(settings) => self.tell_valid(settings.connections.len()),
            Err(Failure::Config(diagnostics)) if self.json => {
                let errors: Vec<_> = diagnostics.iter().collect();
                output::print(&json!({ "valid": false, "errors": errors }).to_string())?;
                Err(Failure::Told)
            }
            Err(failure) => Err(failure),
        }
    }

    fn tell_valid(&self, connections: usize) -> Result<(), Failure> {
        if self.json {
            return output::print(
                &json!({ "valid": true, "connections": connections }).to_string(),
            );
        }
        let noun = if connections == 1 {
            "connection"
        } else {
            "connections"
        };
        let path = self.config.path().display();
        output::print(&format!("{path}: valid, {connections} {noun}"))
    }
}
