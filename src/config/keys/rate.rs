//! `rate` and `[rates.KEY]`.

use std::{sync::Arc, time::Duration};

use serde_json::{Value as Json, json};

use crate::{
    config::{
        read::{
            Buckets, Context, IntoField, IntoSettings, Item, Keys, Located, Named, Node, Place,
            Problem, Read, Section, ShowField, ShowSettings, Value, backticked, similar, table,
            table_schema,
        },
        units::format_duration,
        values::{MessageCount, RatePeriod, Text, escaped},
    },
    core::ConnectionName,
};
use everwire_proto::settings::RateSettings;

/// Removes an inherited rate.
const UNLIMITED: &str = "unlimited";

/// The default of `per`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(1);

/// The most buckets that a message waits for at once.
const MAX_BUCKETS: usize = 8;

/// How many of the known buckets an error lists.
const MAX_LISTED: usize = 20;

table! {
    /// A rate limit for outgoing messages: so many within any period.
    pub(in crate::config) struct RateTable <=> RateSettings {
        /// How many messages.
        messages: MessageCount,
        /// The period. If it is a minute or longer, messages written before a restart count, too.
        per: RatePeriod = "1s",
        /// How many of them may be sent back to back after a silence; the rest is spaced evenly. At
        /// most `messages`, which is also the default.
        burst: MessageCount,
        /// Whether pings and pongs count, too. They never wait; messages make room for them.
        control: bool = false,
    }
    no key { bucket, per_node }
}

table! {
    /// A bucket that connections share: so many outgoing messages within any period, over all of
    /// them.
    pub(in crate::config) struct BucketTable {
        /// How many messages.
        messages: MessageCount,
        /// The period. If it is a minute or longer, messages written before a restart count, too.
        per: RatePeriod = "1s",
        /// How many of them may be sent back to back after a silence; the rest is spaced evenly. At
        /// most `messages`, which is also the default.
        burst: MessageCount,
        /// Whether pings and pongs count, too. They never wait; messages make room for them.
        control: bool = false,
        /// Whether each node of a cluster has such a bucket. Otherwise all names with it are on one
        /// node. Without a cluster it changes nothing.
        per_node: bool = false,
    }
}

/// How fast messages may go out: a table, keys of buckets, or "unlimited".
#[derive(Clone, Debug)]
pub(in crate::config) enum RateLayer {
    Unlimited,
    Shared(RateKeys),
    Own(Box<RateTable>),
}

/// Keys of buckets, all of which a message waits for at once: a key, or a list of them.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct RateKeys(Vec<Located<Text>>);

impl Read for RateKeys {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return match &node.value {
                Value::String(_) => Some(Self(vec![Located::read(node, context)?])),
                _ => context.wrong_type(node, "the key of a bucket in [rates], or a list of them"),
            };
        };
        if items.is_empty() {
            let help = "write the keys of buckets: rate = [\"site\"]";
            context.wrong(node.place, "the list of rates is empty", help);
        }
        let keys = items.iter().filter_map(|item| Located::read(item, context));
        Some(Self(keys.collect()))
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            Text::schema(),
            { "type": "array", "items": Text::schema(), "minItems": 1, "maxItems": MAX_BUCKETS },
        ] })
    }
}

impl RateKeys {
    /// The buckets; `None` after errors, which are reported.
    pub fn find(&self, context: &mut Context<'_>) -> Option<Vec<RateSettings>> {
        let mut found: Vec<RateSettings> = Vec::new();
        let mut is_right = true;
        if let Some(key) = self.0.get(MAX_BUCKETS) {
            let message = format!("there are {} rates", self.0.len());
            let help = format!("a message waits for at most {MAX_BUCKETS} at once");
            context.wrong(key.place, message, help);
            return None;
        }
        for Located { value, place } in &self.0 {
            let Text(key) = value;
            let is_double = |rate: &RateSettings| rate.bucket.as_deref() == Some(key);
            match find(key, *place, context) {
                Some(rate) if found.iter().any(is_double) => {
                    let bucket = backticked(rate.bucket.as_deref().unwrap_or_default());
                    let message = format!("the rate {bucket} is listed twice");
                    context.wrong(*place, message, "remove it: a message counts once");
                    is_right = false;
                }
                Some(rate) => found.push(rate),
                None => is_right = false,
            }
        }
        is_right.then_some(found)
    }
}

impl Read for RateLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => RateTable::read(node, context).map(Box::new).map(Self::Own),
            Value::String(text) if text == UNLIMITED => Some(Self::Unlimited),
            Value::String(_) | Value::Array(_) => RateKeys::read(node, context).map(Self::Shared),
            _ => context.wrong_type(
                node,
                "a table such as { messages = 5, per = \"1s\" }, the key of a bucket in [rates], a list of keys, or \"unlimited\"",
            ),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [table_schema::<RateTable>(), RateKeys::schema()] })
    }

    fn overlay(&mut self, nearer: Self) {
        match (self, nearer) {
            (Self::Own(table), Self::Own(nearer)) => table.overlay(*nearer),
            (this, nearer) => *this = nearer,
        }
    }
}

impl IntoField<Vec<RateSettings>> for RateLayer {
    /// Empty if there is no limit, or after errors.
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Vec<RateSettings> {
        match self {
            Self::Unlimited => Vec::new(),
            Self::Shared(keys) => keys.find(context).unwrap_or_default(),
            Self::Own(table) => table.settings(place, context).into_iter().collect(),
        }
    }
}

impl ShowField<Vec<RateSettings>> for RateLayer {
    fn show_field(field: &Vec<RateSettings>) -> Json {
        match &field[..] {
            [] => json!(UNLIMITED),
            rates => show_rates(rates),
        }
    }
}

/// One rate, or several.
pub(in crate::config) fn show_rates(rates: &[RateSettings]) -> Json {
    let show = |rate: &RateSettings| match &rate.bucket {
        Some(key) => json!(escaped(key)),
        None => RateTable::masked(rate),
    };
    match rates {
        [rate] => show(rate),
        rates => rates.iter().map(show).collect(),
    }
}

impl RateTable {
    fn settings(self, place: Place, context: &mut Context<'_>) -> Option<RateSettings> {
        let Some(messages) = &self.messages else {
            let problem = Problem::absence(place, "the rate has no `messages`")
                .help("write how many messages may go out in the time: messages = 5, per = \"1s\"");
            context.problems.push(problem);
            return None;
        };
        let defaults = RateSettings::new(messages.value.0, DEFAULT_PERIOD);
        let burst = self.burst.as_ref().map(|burst| burst.place);
        let rate = self.over(defaults, context);
        if let Some(place) = burst {
            refuse_excess(&rate, place, context);
        }
        Some(rate)
    }
}

impl BucketTable {
    fn settings(self, place: Place, context: &mut Context<'_>) -> Option<RateSettings> {
        let Self {
            messages,
            per,
            burst,
            control,
            per_node,
        } = self;
        let rate = RateTable {
            messages,
            per,
            burst,
            control,
        };
        let mut rate = rate.settings(place, context)?;
        rate.per_node = per_node.is_some_and(|per_node| per_node.value);
        Some(rate)
    }
}

/// A burst is at most what a period may hold.
fn refuse_excess(rate: &RateSettings, place: Place, context: &mut Context<'_>) {
    if rate.burst > rate.messages {
        let message = format!(
            "invalid burst {}: only {} messages may go out in {}",
            rate.burst,
            rate.messages,
            format_duration(rate.per)
        );
        let help = format!(
            "write a burst of 1 to {}; without one all {} may go back to back",
            rate.messages, rate.messages
        );
        context.wrong(place, message, help);
    }
}

/// The buckets of `[rates]`.
pub(in crate::config) fn buckets(rates: Named<BucketTable>, context: &mut Context<'_>) -> Buckets {
    let settings = |item: Item<BucketTable>| {
        let mut rate = item.value.settings(item.place, context);
        if let Some(rate) = &mut rate {
            rate.bucket = Some(Arc::from(item.name.as_str()));
        }
        (item.name, rate)
    };
    rates.0.into_iter().map(settings).collect()
}

fn find(key: &str, place: Place, context: &mut Context<'_>) -> Option<RateSettings> {
    if let Some(rate) = context.buckets.get(key) {
        return rate.clone();
    }
    let problem = Problem::absence(place, format!("unknown rate {}", backticked(key)))
        .help(help(key, &context.buckets));
    context.problems.push(problem);
    None
}

fn help(key: &str, buckets: &Buckets) -> String {
    let keys = || buckets.keys().map(String::as_str);
    let mut list = keys().take(MAX_LISTED).collect::<Vec<_>>().join(", ");
    if buckets.len() > MAX_LISTED {
        list.push_str(", …");
    }
    match similar(key, keys().chain([UNLIMITED])) {
        Some(meant) if list.is_empty() => format!("did you mean {meant:?}?"),
        Some(meant) => format!("did you mean {meant:?}? the rates are {list}"),
        None if list.is_empty() => format!("write [rates.{key}], or a table"),
        None => format!("write [rates.{key}], or a table; the rates are {list}"),
    }
}

impl Section for BucketTable {
    const SECTION: &'static str = "rates";
    const WHAT: &'static str = "rate";
    const KEYS: &'static [&'static [&'static str]] = &[Self::NAMES, Self::LATER];

    fn name(name: &str) -> Result<String, String> {
        if name == UNLIMITED {
            return Err(format!("\"{UNLIMITED}\" stands for no limit"));
        }
        let name = ConnectionName::new(name).map_err(|error| error.to_string())?;
        Ok(name.as_str().to_owned())
    }
}
