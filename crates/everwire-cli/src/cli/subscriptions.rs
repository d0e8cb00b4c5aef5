//! `everwire subscribe`, `unsubscribe` and `subscriptions`: the subscriptions of a connection of a
//! running service.

use actix::System;
use clap::Args;
use everwire::{
    ConnectionName,
    dialogue::{MAX_SUBSCRIPTION_KEY, SubscriptionState},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure,
    client::{ApiArgs, Client, Error, Request},
    output, parse,
    table::{Cell, Color, Column, Table},
    words,
};

/// The page size.
const PAGE: usize = 1000;

/// Add a subscription to a connection, on the socket that it has
///
/// The subscription outlives reconnects and rotations until `unsubscribe`, and restarts if the service has a store.
#[derive(Debug, Args)]
pub struct Subscribe {
    /// The name of the connection
    #[arg(value_parser = parse::name)]
    name: ConnectionName,

    /// The key of the subscription
    #[arg(value_parser = key, allow_hyphen_values = true)]
    key: String,

    /// What to ask for: a text, or JSON if it begins with { or [; by default the key, or what the settings say for the key
    #[arg(allow_hyphen_values = true)]
    item: Option<String>,

    /// Print the answer as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

/// End a subscription of a connection
///
/// The server is told when nobody else holds the key.
#[derive(Debug, Args)]
pub struct Unsubscribe {
    /// The name of the connection
    #[arg(value_parser = parse::name)]
    name: ConnectionName,

    /// The key of the subscription
    #[arg(value_parser = key, allow_hyphen_values = true)]
    key: String,

    #[command(flatten)]
    api: ApiArgs,
}

/// List the subscriptions of a connection
///
/// `everwire retry NAME` asks again at once for those that the server refused, did not answer, or ended.
#[derive(Debug, Args)]
pub struct Subscriptions {
    /// The name of the connection
    #[arg(value_parser = parse::name)]
    name: ConnectionName,

    /// Only those in this state; write commas between several
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = state)]
    state: Vec<SubscriptionState>,

    /// Print each subscription as a JSON line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

/// The shown parts of a subscription.
#[derive(Debug, Deserialize)]
struct Subscription {
    key: String,
    state: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    holders: Vec<String>,
    #[serde(default)]
    item: Value,
    #[serde(default)]
    routed: u64,
}

#[derive(Deserialize)]
struct Page {
    subscriptions: Vec<Value>,
    next_cursor: Option<String>,
}

/// A key that fits into a path: "." and ".." would be removed.
fn key(text: &str) -> Result<String, String> {
    match text {
        "" => Err("invalid key: it is empty; write at least one character".into()),
        "." | ".." => Err("a path cannot hold this key; hold it over /v1/ws".into()),
        text if text.len() > MAX_SUBSCRIPTION_KEY => Err(format!(
            "it has {} bytes, at most {MAX_SUBSCRIPTION_KEY} are allowed",
            text.len()
        )),
        text => Ok(text.to_owned()),
    }
}

fn state(text: &str) -> Result<SubscriptionState, String> {
    let mut states = SubscriptionState::ALL.into_iter();
    let found = states.find(|state| state.as_str() == text);
    found.ok_or_else(|| {
        let known = SubscriptionState::ALL.map(SubscriptionState::as_str);
        format!("the states are {}", known.join(", "))
    })
}

impl Subscribe {
    /// Subscribes.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer, or refuses.
    pub fn execute(self) -> Result<(), Failure> {
        let item = self.item.as_deref().map(item).transpose()?;
        let body = item.map_or_else(|| json!({}), |item| json!({ "item": item }));
        let held: Value = System::new().block_on(async {
            let path = [
                "connections",
                self.name.as_str(),
                "subscriptions",
                &self.key,
            ];
            let request = Request::put(&path).body("application/json", body.to_string());
            self.api.client()?.read(request).await
        })?;
        if self.json {
            return output::print_json(&held.to_string());
        }
        let held = read(held)?;
        let key = words::one_line(&held.key);
        output::print(&format!("{key} is {}", words::one_line(&held.state)))
    }
}

/// Parses an item from the command line.
fn item(text: &str) -> Result<Value, Failure> {
    match text.trim_start().starts_with(['{', '[']) {
        true => serde_json::from_str(text).map_err(|error| {
            Failure::Undone(format!(
                "the item begins like JSON, but is not JSON: {error}"
            ))
        }),
        false => Ok(text.into()),
    }
}

impl Unsubscribe {
    /// Ends it.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer, or does not hold it.
    pub fn execute(self) -> Result<(), Failure> {
        System::new().block_on(async {
            let path = [
                "connections",
                self.name.as_str(),
                "subscriptions",
                &self.key,
            ];
            self.api.client()?.ask(Request::delete(&path)).await
        })?;
        Ok(())
    }
}

impl Subscriptions {
    /// Lists them.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer, or has no such name.
    pub fn execute(self) -> Result<(), Failure> {
        let all = System::new().block_on(async {
            let client = self.api.client()?;
            self.list(&client).await
        })?;
        if self.json {
            return all
                .iter()
                .try_for_each(|one| output::print_json(&one.to_string()));
        }
        let mut table = Table::new([
            Column::text("KEY"),
            Column::text("STATE"),
            Column::text("HELD BY"),
            Column::number("ROUTED"),
            Column::text("DETAIL"),
        ]);
        for one in all {
            table.push(row(&read(one)?));
        }
        output::print(&table.render())
    }

    async fn list(&self, client: &Client) -> Result<Vec<Value>, Error> {
        let (mut all, mut cursor) = (Vec::new(), None);
        let states: Vec<_> = self.state.iter().map(|state| state.as_str()).collect();
        loop {
            let request = Request::get(&["connections", self.name.as_str(), "subscriptions"])
                .query("limit", PAGE.to_string())
                .query("state", states.join(","))
                .maybe("cursor", cursor);
            let page: Page = client.read(request).await?;
            all.extend(page.subscriptions);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }
}

fn read(told: Value) -> Result<Subscription, Error> {
    serde_json::from_value(told).map_err(|error| Error::Answer(error.to_string()))
}

/// A row: for a failed subscription the peer's text, for others the item if it differs from the
/// key.
fn row(one: &Subscription) -> [Cell; 5] {
    let detail = match (&one.text, &one.item) {
        (Some(text), _) => words::printable(text),
        (None, Value::String(item)) if *item == one.key => String::new(),
        (None, Value::String(item)) => words::printable(item),
        (None, item) => words::printable(&item.to_string()),
    };
    [
        Cell::from(&one.key),
        Cell::colored(&one.state, color(&one.state)),
        one.holders.join(", ").into(),
        one.routed.to_string().into(),
        detail.into(),
    ]
}

fn color(state: &str) -> Color {
    match state {
        "active" => Color::Green,
        "refused" | "ended" | "unanswered" => Color::Red,
        _ => Color::Yellow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_json_where_it_begins_like_that() {
        assert_eq!(item("7").unwrap(), json!("7"));
        assert_eq!(item(r#" {"a":1}"#).unwrap(), json!({ "a": 1 }));
        assert!(item("{a").is_err());
    }

    #[test]
    fn a_key_fits_into_a_path() {
        assert_eq!(key("a/b c").as_deref(), Ok("a/b c"));
        for wrong in ["", ".", "..", &"k".repeat(1025)] {
            assert!(key(wrong).is_err());
        }
    }
}
