//! `everwire check`: reports the errors of a configuration.

use std::collections::BTreeSet;

use clap::Args;
use everwire::{ConnectionName, Pattern, Settings, config::Explanation};
use serde_json::json;

use super::{Failure, config_path::ConfigPath, explain, output, parse, stderr, table};
use crate::service::http;

/// Check a configuration without dialling
///
/// Reads everything that `run` would read. Reports all errors at once, each with its file, line and
/// column, and with what would be right; the exit code is 2 then. With --explain, it also says what
/// each connection will do: where it dials, what it sends and expects, what its rules do, and the
/// names of the variables, files and secrets that it reads.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    config: ConfigPath,

    /// Explain what connections will do: those of these names or patterns, or all; connections that
    /// do the same are grouped
    #[arg(long, value_name = "NAME", num_args = 0.., value_parser = parse::pattern)]
    explain: Option<Vec<Pattern>>,

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

    /// The file itself is valid, but files that it names may not be.
    fn print(&self, settings: &Settings) -> Result<(), Failure> {
        let unusable = unusable_files(settings);
        let patterns = self.explain.as_deref();
        let explained = patterns.map(|patterns| explain::of(settings, patterns));
        let explained = explained.transpose()?;
        match self.json {
            true => print_json(settings, &unusable, explained.as_deref())?,
            false => self.print_text(settings, &unusable, explained.as_deref())?,
        }
        match unusable.is_empty() {
            true => Ok(()),
            false => Err(Failure::Printed),
        }
    }

    fn print_text(
        &self,
        settings: &Settings,
        unusable: &[Unusable<'_>],
        explained: Option<&[Explanation]>,
    ) -> Result<(), Failure> {
        for warning in &settings.warnings {
            stderr::complain(&format!("warning: {}", warning.to_string().trim_end()));
        }
        for (name, text) in unusable {
            let whose = name
                .map(|name| format!("connection {name}: "))
                .unwrap_or_default();
            stderr::complain(&format!("error: {whose}{text}"));
        }
        if unusable.is_empty() {
            self.print_valid(settings.connections.len())?;
        }
        match explained {
            Some(explained) if !explained.is_empty() => {
                let text = explain::text(explained, table::terminal_width());
                output::print(&format!("\n{text}"))
            }
            _ => Ok(()),
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

fn print_json(
    settings: &Settings,
    unusable: &[Unusable<'_>],
    explained: Option<&[Explanation]>,
) -> Result<(), Failure> {
    let errors = unusable
        .iter()
        .map(|(name, text)| json!({ "connection": name, "message": text }));
    let errors: Vec<_> = errors.collect();
    let mut answer = json!({ "valid": errors.is_empty(), "warnings": settings.warnings });
    match errors.is_empty() {
        true => answer["connections"] = settings.connections.len().into(),
        false => answer["errors"] = errors.into(),
    }
    if let Some(explained) = explained {
        answer["explained"] = json!(explained);
    }
    output::print_json(&answer.to_string())
}

/// A file that `run` could not use, and the first name that needs it; `None` for the service.
type Unusable<'s> = (Option<&'s ConnectionName>, String);

/// The TLS files that `run` could not use: those of the service and of dials, each with the first
/// name that needs it.
fn unusable_files(settings: &Settings) -> Vec<Unusable<'_>> {
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
