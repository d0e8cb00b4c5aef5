//! `everwire probe`: a dry run of a dial, without touching the connection.

use std::{io, time::Duration};

use actix::System;
use clap::Args;
use everwire::ConnectionName;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Failure,
    client::{ApiArgs, Error, Request},
    output, parse,
    table::Color,
    words,
};
use crate::terminal;

/// The additional time limit: the dials of the service wait for their turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// Test the dials of a connection of a running service, beside its socket
///
/// Each of its URLs is dialled and upgraded as the next attempt would do it, and closed at once. The exit code is 1 if no URL works.
#[derive(Debug, Args)]
pub struct Probe {
    /// The name of the connection
    #[arg(value_parser = parse::name)]
    name: ConnectionName,

    /// Print the result as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Deserialize)]
struct Probes {
    probes: Vec<Probed>,
}

#[derive(Deserialize)]
struct Probed {
    url: String,
    ok: bool,
    peer: Option<String>,
    subprotocol: Option<String>,
    #[serde(default)]
    timings: Value,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    kind: String,
    status: Option<u16>,
    #[serde(default)]
    text: String,
}

impl Probe {
    /// Runs the probe.
    ///
    /// # Errors
    ///
    /// [`Failure`], also if no URL works.
    pub fn execute(self) -> Result<(), Failure> {
        let answer: Value = System::new().block_on(async {
            let path = ["connections", self.name.as_str(), "probe"];
            let request = Request::post(&path).patience(PATIENCE);
            self.api.client()?.read(request).await
        })?;
        let told =
            Probes::deserialize(&answer).map_err(|error| Error::Answer(error.to_string()))?;
        if self.json {
            output::print_json(&answer.to_string())?;
        } else {
            let is_colored = terminal::is_colored(&io::stdout());
            let lines = told.probes.iter().map(|probed| line(probed, is_colored));
            output::print(&lines.collect::<Vec<_>>().join("\n"))?;
        }
        match told.probes.iter().any(|probed| probed.ok) {
            true => Ok(()),
            false => Err(Failure::Undone(format!("no URL of {} works", self.name))),
        }
    }
}

fn line(probed: &Probed, is_colored: bool) -> String {
    let (verdict, color) = match probed.ok {
        true => ("ok", Color::Green),
        false => ("failed", Color::Red),
    };
    let verdict = match is_colored {
        true => color.paint(verdict),
        false => verdict.to_owned(),
    };
    let mut told = vec![format!("{}  {verdict}", words::one_line(&probed.url))];
    told.extend(probed.peer.as_ref().map(|peer| format!("peer {peer}")));
    let subprotocol = probed.subprotocol.as_deref().map(words::one_line);
    told.extend(subprotocol.map(|subprotocol| format!("subprotocol {subprotocol}")));
    told.extend(probed.error.as_ref().map(refusal));
    let steps = words::steps(&probed.timings);
    told.extend(Some(steps).filter(|steps| !steps.is_empty()));
    told.join("  ")
}

fn refusal(error: &Refusal) -> String {
    let status = error.status.map_or(String::new(), |it| format!(" {it}"));
    let text = words::one_line(&error.text);
    format!("{}{status}: {text}", error.kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_the_url_the_verdict_and_the_steps() {
        for (probed, expected) in [
            (
                json!({ "url": "ws://h/", "ok": true, "peer": "1.2.3.4:80", "subprotocol": "chat", "error": null,
                    "timings": { "dns_ms": 0.5, "tcp_ms": 12.34, "proxy_ms": null, "upgrade_ms": 3 } }),
                "ws://h/  ok  peer 1.2.3.4:80  subprotocol chat  dns 0.5 ms, tcp 12.3 ms, upgrade 3.0 ms",
            ),
            (
                json!({ "url": "ws://h/", "ok": false, "peer": null, "subprotocol": null,
                    "error": { "kind": "handshake_status", "status": 503, "text": "busy\n" }, "novel": 1 }),
                "ws://h/  failed  handshake_status 503: busy",
            ),
        ] {
            assert_eq!(line(&Probed::deserialize(probed).unwrap(), false), expected);
        }
    }
}
