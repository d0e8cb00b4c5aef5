//! `everwire check`: reports the errors of a configuration.

use clap::Args;
use everwire::{
    Pattern, Settings,
    config::{self, Explanation},
};
use serde_json::json;

use super::{Failure, config_path::ConfigPath, explain, output, parse, stderr, table};
/// Check a configuration, and dial nothing
///
/// Reads everything that `run` and its dials would read. All errors are told at once, each with its file, line and column, and with
/// what would be right; the exit code is 2 then. A secret file that is missing is a warning: only its connections wait for it. With
/// --explain it also tells what each connection will do: where it dials, what it sends and expects, what its rules do, and which
/// variables, files and secrets it reads (their names only).
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    config: ConfigPath,

    /// Explain what connections will do: those of these names or patterns, or all; equal connections are explained together
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
        match self.config.check() {
            Ok(settings) => self.print(&settings),
            Err(Failure::Config(diagnostics)) if self.json => {
                let errors: Vec<_> = diagnostics.iter().collect();
                output::print_json(&json!({ "valid": false, "errors": errors }).to_string())?;
                Err(Failure::Printed)
            }
            Err(failure) => Err(failure),
        }
    }

    fn print(&self, settings: &Settings) -> Result<(), Failure> {
        let patterns = self.explain.as_deref();
        let explained = patterns.map(|patterns| explain::of(settings, patterns));
        let explained = explained.transpose()?;
        match self.json {
            true => print_json(settings, explained.as_deref()),
            false => self.print_text(settings, explained.as_deref()),
        }
    }

    fn print_text(
        &self,
        settings: &Settings,
        explained: Option<&[Explanation]>,
    ) -> Result<(), Failure> {
        for warning in &settings.warnings {
            stderr::complain(&format!("warning: {}", warning.to_string().trim_end()));
        }
        self.print_valid(settings.connections.len())?;
        if let Some(bridge) = config::explain_nats(settings) {
            let with_details = explained.is_some();
            let text = explain::bridge(&bridge, with_details, table::terminal_width());
            output::print(&text)?;
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

fn print_json(settings: &Settings, explained: Option<&[Explanation]>) -> Result<(), Failure> {
    let mut answer = json!({
        "valid": true,
        "warnings": settings.warnings,
        "connections": settings.connections.len(),
    });
    if let Some(bridge) = config::explain_nats(settings) {
        answer["nats"] = json!(bridge.lines);
    }
    if let Some(explained) = explained {
        answer["explained"] = json!(explained);
    }
    output::print_json(&answer.to_string())
}
