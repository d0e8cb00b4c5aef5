//! `everwire where`: the node that holds a name.

use actix::System;
use clap::Args;
use everwire::ConnectionName;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Failure,
    client::{ApiArgs, Error, Request, cluster::Place},
    output, parse, words,
};

/// Show where a name of the cluster is: its shard, the node that holds it, its token and its subject
///
/// Each node of the cluster knows it, whichever is asked.
#[derive(Debug, Args)]
pub struct Where {
    /// The name of the connection
    #[arg(value_parser = parse::name)]
    name: ConnectionName,

    /// Print the answer as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

impl Where {
    /// Prints it.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer, is no node of a cluster, or has no such name.
    pub fn execute(self) -> Result<(), Failure> {
        let answer: Value = System::new().block_on(async {
            let request = Request::get(&["cluster", "names", self.name.as_str()]);
            self.api.client()?.read(request).await
        })?;
        if self.json {
            return output::print_json(&answer.to_string());
        }
        let place = Place::deserialize(answer).map_err(|error| Error::Answer(error.to_string()))?;
        let lines = lines(&place).into_iter();
        let lines = lines.map(|(key, value)| format!("{key:<8} {}", words::printable(&value)));
        output::print(&lines.collect::<Vec<_>>().join("\n"))
    }
}

fn lines(place: &Place) -> Vec<(&'static str, String)> {
    let shard = place.shard.map(|shard| shard.to_string());
    let node = place.node.as_ref().map(|node| match place.is_here {
        true => format!("{node} (answers)"),
        false => node.clone(),
    });
    let told = [
        ("name", Some(place.name.clone())),
        ("shard", shard),
        ("node", Some(node.unwrap_or_else(|| "none".into()))),
        ("token", place.token.map(|token| token.to_string())),
        ("subject", place.subject.clone()),
        ("state", Some(place.text.clone())),
    ];
    let told = told.into_iter();
    told.filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(place: Value) -> Vec<(&'static str, String)> {
        lines(&Place::deserialize(place).unwrap())
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let held = json!({
            "name": "feed", "shard": 12, "node": "a", "is_here": true, "token": 3, "subject": "everwire.in.feed", "text": "on this node, a",
        });
        let expected = [
            ("name", "feed"),
            ("shard", "12"),
            ("node", "a (answers)"),
            ("token", "3"),
            ("subject", "everwire.in.feed"),
            ("state", "on this node, a"),
        ];
        assert_eq!(
            told(held),
            expected.map(|(key, value)| (key, value.to_owned()))
        );
        let free = json!({
            "name": "feed", "shard": null, "node": null, "is_here": false, "token": null, "subject": null, "text": "unknown yet",
        });
        let expected = [("name", "feed"), ("node", "none"), ("state", "unknown yet")];
        assert_eq!(
            told(free),
            expected.map(|(key, value)| (key, value.to_owned()))
        );
    }
}
