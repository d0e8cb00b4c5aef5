//! `everwire ls`: the connections of a running service.

use std::collections::BTreeSet;

use actix::System;
use clap::Args;
use everwire::{Pattern, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Failure,
    client::{ApiArgs, Client, Error, Request, Status},
    missing_nodes, output, parse, step,
    table::{Cell, Color, Column, Table},
    words,
};

/// The page size.
const PAGE: usize = 1000;

/// List the connections of a running service
///
/// In a pattern `*` stands for any characters, and a comma separates alternatives: everwire ls 'market.*,feed-1'
#[derive(Debug, Args)]
pub struct Ls {
    /// Which connections
    #[arg(default_value = "*", value_parser = parse::pattern)]
    pattern: Pattern,

    /// Only those in this state; write commas between several
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<State>,

    /// Only connections with this tag; may be repeated, one match is enough
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,

    /// Print each connection's status as a JSON line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Deserialize)]
struct Page {
    connections: Vec<Value>,
    next_cursor: Option<String>,
    #[serde(default)]
    missing_nodes: BTreeSet<String>,
}

impl Ls {
    /// Lists them.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer.
    pub fn execute(self) -> Result<(), Failure> {
        let connections = System::new().block_on(async {
            let client = self.api.client()?;
            self.list(&client).await
        })?;
        if self.json {
            return connections
                .iter()
                .try_for_each(|status| output::print_json(&status.to_string()));
        }
        let now = Timestamp::now();
        let mut table = Table::new([
            Column::text("NAME"),
            Column::text("STATE"),
            Column::number("SINCE"),
            Column::number("RTT"),
            Column::number("IN"),
            Column::number("OUT"),
            Column::number("QUEUED"),
            Column::text("DETAIL"),
        ]);
        for status in connections {
            let status =
                serde_json::from_value(status).map_err(|error| Error::Answer(error.to_string()))?;
            table.push(row(&status, now));
        }
        output::print(&table.render())
    }

    async fn list(&self, client: &Client) -> Result<Vec<Value>, Error> {
        let (mut connections, mut missing) = (Vec::new(), BTreeSet::new());
        let mut cursor = None;
        loop {
            let mut request = Request::get(&["connections"])
                .query("match", self.pattern.to_string())
                .query("limit", PAGE.to_string())
                .maybe("cursor", cursor);
            for state in &self.state {
                request = request.query("state", state.as_str());
            }
            for tag in &self.tag {
                request = request.query("tag", tag);
            }
            let page: Page = client.read(request).await?;
            connections.extend(page.connections);
            missing.extend(page.missing_nodes);
            cursor = page.next_cursor;
            if cursor.is_none() {
                missing_nodes::complain_of(&missing);
                return Ok(connections);
            }
        }
    }
}

fn row(status: &Status, now: Timestamp) -> [Cell; 8] {
    let rtt = status
        .rtt_ms
        .map(|rtt| words::duration(rtt).replace(' ', ""));
    [
        Cell::from(&status.name),
        Cell::colored(&status.state, Color::of_state(&status.state)),
        words::span(words::between(status.since, now)).into(),
        rtt.unwrap_or_default().into(),
        status.received.messages.to_string().into(),
        status.sent.messages.to_string().into(),
        status.outbox.messages.to_string().into(),
        detail(status, now).into(),
    ]
}

/// For a connection that is up, its target; for others, why they are down and until when.
fn detail(status: &Status, now: Timestamp) -> String {
    let Some(cause) = &status.cause else {
        let error = status.last_error.as_ref().map(|error| &*error.text);
        return match status.rotation {
            Some(rotation) => format!("rotation {}", step::rotation(rotation, error, now)),
            None => status.url.clone(),
        };
    };
    let text = &cause.text;
    match (&*status.state, status.retry_at) {
        ("backoff", Some(at)) => {
            let wait = words::until(words::between(now, at));
            format!("next dial {wait}: {text}")
        }
        ("connecting", _) => format!("dials again after: {text}"),
        ("failed", _) => format!("gave up: {text}"),
        _ => text.clone(),
    }
}
