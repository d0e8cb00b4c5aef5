//! `everwire fate`: what became of a message that was sent before.

use actix::System;
use clap::Args;
use everwire::ConnectionName;
use serde_json::Value;

use super::{
    Failure,
    client::{ApiArgs, Request},
    output, parse,
};

/// Show the fate of a message that was sent before
///
/// `everwire send` prints the id of each message. An id counts within an epoch of its connection: after a restart of the service, give the
/// epoch too, as `everwire send --json` prints it. The exit code is 1 if the fate is no longer known.
#[derive(Debug, Args)]
pub struct FateOf {
    /// The name of the connection
    #[arg(value_parser = parse::name)]
    name: ConnectionName,

    /// The id of the message
    id: u64,

    /// The epoch of the id; without it, the present one
    #[arg(long)]
    epoch: Option<u32>,

    /// Print it as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

impl FateOf {
    /// Shows it.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the service does not answer, or knows no such message.
    pub fn execute(self) -> Result<(), Failure> {
        let id = self.id.to_string();
        let path = ["connections", self.name.as_str(), "sends", &id];
        let epoch = self.epoch.map(|epoch| epoch.to_string());
        let request = Request::get(&path).maybe("epoch", epoch);
        let answer: Value =
            System::new().block_on(async { self.api.client()?.read(request).await })?;
        if self.json {
            return output::print_json(&answer.to_string());
        }
        let fate = answer["fate"].as_str().unwrap_or_default();
        output::print(&format!("{id} {fate}"))
    }
}
