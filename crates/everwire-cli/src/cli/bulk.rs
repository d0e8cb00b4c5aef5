//! `everwire connect`, `close`, `rotate` and `retry`: commands for all connections of a pattern.

use std::collections::BTreeSet;

use actix::System;
use clap::Args;
use everwire::Pattern;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure,
    client::{ApiArgs, Error, Request},
    missing_nodes, output, parse, words,
};

/// The connections and the service.
#[derive(Debug, Args)]
struct Bulk {
    /// Which connections; * stands for any characters, a comma separates alternatives
    #[arg(value_parser = parse::pattern)]
    pattern: Pattern,

    /// Print the number of connections as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

/// Connect connections: dial those that have no socket
#[derive(Debug, Args)]
pub struct Connect {
    #[command(flatten)]
    bulk: Bulk,
}

/// Close connections by hand: they stay closed until `connect`
#[derive(Debug, Args)]
pub struct Close {
    #[command(flatten)]
    bulk: Bulk,

    /// The close code
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1000..5000))]
    code: u16,

    /// The reason, at most 123 bytes
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// Replace the sockets of connections; each old one serves until the new one is ready
#[derive(Debug, Args)]
pub struct Rotate {
    #[command(flatten)]
    bulk: Bulk,
}

/// Dial at once the connections that wait for their next attempt or have given up
#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    bulk: Bulk,
}

#[derive(Deserialize)]
struct Matched {
    matched: u64,
    changed: u64,
    #[serde(default)]
    missing_nodes: BTreeSet<String>,
}

impl Connect {
    /// Connects them.
    ///
    /// # Errors
    ///
    /// [`Failure`], also if the pattern selects nothing.
    pub fn execute(self) -> Result<(), Failure> {
        self.bulk.post("connect", None)
    }
}

impl Close {
    /// Closes them.
    ///
    /// # Errors
    ///
    /// [`Failure`], also if the pattern selects nothing.
    pub fn execute(self) -> Result<(), Failure> {
        let body = json!({ "code": self.code, "reason": self.reason });
        self.bulk.post("close", Some(body))
    }
}

impl Rotate {
    /// Rotates them.
    ///
    /// # Errors
    ///
    /// [`Failure`], also if the pattern selects nothing.
    pub fn execute(self) -> Result<(), Failure> {
        self.bulk.post("rotate", None)
    }
}

impl Retry {
    /// Retries them.
    ///
    /// # Errors
    ///
    /// [`Failure`], also if the pattern selects nothing.
    pub fn execute(self) -> Result<(), Failure> {
        self.bulk.post("retry", None)
    }
}

impl Bulk {
    fn post(&self, what: &str, body: Option<Value>) -> Result<(), Failure> {
        let mut request = Request::post(&[what]).query("match", self.pattern.to_string());
        if let Some(body) = body {
            request = request.body("application/json", body.to_string());
        }
        let answer: Value =
            System::new().block_on(async { self.api.client()?.read(request).await })?;
        let matched =
            Matched::deserialize(&answer).map_err(|error| Error::Answer(error.to_string()))?;
        missing_nodes::complain_of(&matched.missing_nodes);
        if self.json {
            output::print_json(&answer.to_string())?;
        } else if matched.matched > 0 {
            let all = words::count(matched.matched, "connection");
            output::print(&format!("{what}: {} of {all}", matched.changed))?;
        }
        match matched.matched {
            0 => Err(Failure::Undone(format!(
                "no connection matches {}",
                self.pattern
            ))),
            _ => Ok(()),
        }
    }
}
