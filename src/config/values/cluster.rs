//! What only a cluster has: the name of a node, and how fast names move.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{has_holes, text::plain};
use crate::config::{
    read::{Context, NAME_PATTERN, Node, Read, Value, backticked, field},
    units,
};
use everwire_proto::settings::{ConnectionName, Rate};

/// The name of a node; empty after errors, which were reported.
#[derive(Clone, Debug)]
pub(in crate::config) struct NodeName(String);

/// How many names may move in a second: at least one.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct MoveRate(u32);

field! { NodeName => Box<str>: |name| name.0.into() }
field! { MoveRate => u32: |rate| rate.0 }

impl Read for NodeName {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = plain(node, context, "the name of this node").unwrap_or_default();
        let is_literal = matches!(&node.value, Value::String(text) if !has_holes(text));
        match ConnectionName::new(&text) {
            Ok(name) => return Some(Self(name.as_str().to_owned())),
            // It was reported already.
            Err(_) if !is_literal => {}
            Err(error) => {
                let message = format!("invalid node {}: {error}", backticked(&text));
                let help = "write a name that no other node has, such as \"node-1\"";
                context.wrong(node.place, message, help);
            }
        }
        Some(Self(String::new()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": NAME_PATTERN })
    }
}

impl Read for MoveRate {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else {
            return context.wrong_type(node, "a number of names and a time such as \"50/s\"");
        };
        let reason = match units::parse_rate(text) {
            Err(_) => "it is not a number of names and a time",
            Ok(Rate::Unlimited) => "names do not move all at once",
            Ok(Rate::Limited { count, per }) => match each_second(count.get(), per) {
                0 => "it is less than one name a second",
                names => return Some(Self(names)),
            },
        };
        let message = format!("invalid moves {}: {reason}", backticked(text));
        let help = "write \"1/s\" or more: \"50/s\", \"300/m\"";
        context.wrong(node.place, message, help);
        None
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": r"^\d+/(\d*(d|h|m|s|ms))+$" })
    }
}

/// So many in this time are how many in a second, rounded down.
fn each_second(count: u32, per: Duration) -> u32 {
    let nanos = per.as_nanos().max(1);
    let names = u128::from(count) * 1_000_000_000 / nanos;
    u32::try_from(names).unwrap_or(u32::MAX)
}
