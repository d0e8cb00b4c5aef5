//! `everwire check`: what is wrong with a configuration.

use std::collections::BTreeSet;

use clap::Args;
use everwire::{ConnectionName, Settings};
use serde_json::json;

use super::{Failure, config_path::ConfigPath, output, stderr};
use crate::service::http;

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
            Ok(settings) => self.print(&settings),
            Err(Failure::Config(diagnostics)) if self.json => {
                let errors: Vec<_> = diagnostics.iter().collect();
                output::print_json(&json!({ "valid": false, "errors": errors }).to_string())?;
                Err(Failure::Printed)
            }
            Err(failure) => Err(failure),
        }
    }

    /// The file itself is valid: what it names may not be.
    fn print(&self, settings: &Settings) -> Result<(), Failure> {
        let unusable = unusable_files(settings);
        let connections = settings.connections.len();
        if self.json {
            let errors = unusable
                .iter()
                .map(|(name, text)| json!({ "connection": name, "message": text }));
            let errors: Vec<_> = errors.collect();
            let mut answer = json!({ "valid": errors.is_empty(), "warnings": settings.warnings });
            match errors.is_empty() {
                true => answer["connections"] = connections.into(),
                false => answer["errors"] = errors.into(),
            }
            output::print_json(&answer.to_string())?;
        } else {
            for warning in &settings.warnings {
                stderr::complain(&format!("warning: {}", warning.to_string().trim_end()));
            }
            for (name, text) in &unusable {
                let whose = name
                    .map(|name| format!("connection {name}: "))
                    .unwrap_or_default();
                stderr::complain(&format!("error: {whose}{text}"));
            }
        }
        match (unusable.is_empty(), self.json) {
            (false, _) => Err(Failure::Printed),
            (true, true) => Ok(()),
            (true, false) => self.print_valid(connections),
        }
    }

    fn print_valid(&self, connections: usize) -> Result<(), Failure> {
        let noun = if connections == 1 {
            "connection"
        } else {
            "connections"
        };
        let path = self.config.path().display();
        output::print(&format!("{path}: valid, {connections} {noun}"))
    }
}

/// The files of TLS that `run` could not use: the service's, and those of dials, each with the first name that has it.
fn unusable_files(settings: &Settings) -> Vec<(Option<&ConnectionName>, String)> {
    let mut seen = BTreeSet::new();
    let mut unusable = Vec::new();
    if let Some(tls) = &settings.service.tls
        && let Err(error) = http::tls::config(tls)
    {
        unusable.push((None, error.to_string()));
    }
    for (name, connection) in &settings.connections {
        let tls = &connection.tls;
        if seen.insert((&tls.ca_file, &tls.cert_file, &tls.key_file, tls.insecure))
            && let Err(error) = everwire::check_tls(tls)
        {
            unusable.push((Some(name), error.text().into_owned()));
        }
    }
    unusable
}
