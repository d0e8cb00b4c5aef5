//! `rate` and `[rates.KEY]`.

use std::{sync::Arc, time::Duration};

use serde_json::{Value as Json, json};

use crate::{
    config::{
        read::{
            Buckets, Context, IntoField, IntoSettings, Item, Keys, Named, Node, Place, Problem,
            Read, Section, ShowField, ShowSettings, Value, backticked, similar, table,
            table_schema,
        },
        units::format_duration,
        values::{MessageCount, RatePeriod, Text, escaped},
    },
    core::ConnectionName,
};
use everwire_proto::settings::RateSettings;

/// What turns an inherited rate off.
const UNLIMITED: &str = "unlimited";

/// `per`, unless the settings say otherwise.
const DEFAULT_PERIOD: Duration = Duration::from_secs(1);

/// How many of the buckets are listed where one is not known.
const MAX_LISTED: usize = 20;

table! {
    /// How fast messages may go out: so many in any time of this length.
    pub(in crate::config) struct RateTable <=> RateSettings {
        /// How many messages.
        messages: MessageCount,
        /// In any time of this length. What was written within a period of a minute or more counts after a restart, too.
        per: RatePeriod = "1s",
        /// How many of them may go back to back after a silence; the rest is evenly spaced. At most `messages`, which is also the
        /// default.
        burst: MessageCount,
        /// Whether pings and pongs count too. They never wait; messages make room for them.
        control: bool = false,
    }
    no key { bucket }
}

/// How fast messages may go out: a table, a bucket's key, or "unlimited".
#[derive(Clone, Debug)]
pub(in crate::config) enum RateLayer {
    Unlimited,
    Shared(Text),
    Own(Box<RateTable>),
}

impl Read for RateLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => RateTable::read(node, context).map(Box::new).map(Self::Own),
            Value::String(text) if text == UNLIMITED => Some(Self::Unlimited),
            Value::String(_) => Text::read(node, context).map(Self::Shared),
            _ => context.wrong_type(
                node,
                "a table such as { messages = 5, per = \"1s\" }, the key of a bucket in [rates], or \"unlimited\"",
            ),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [table_schema::<RateTable>(), Text::schema()] })
    }

    fn overlay(&mut self, nearer: Self) {
        match (self, nearer) {
            (Self::Own(table), Self::Own(nearer)) => table.overlay(*nearer),
            (this, nearer) => *this = nearer,
        }
    }
}

impl IntoField<Option<RateSettings>> for RateLayer {
    /// None where there is no limit, or what is wrong has been told.
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Option<RateSettings> {
        match self {
            Self::Unlimited => None,
            Self::Shared(Text(key)) => find(&key, place, context),
            Self::Own(table) => table.settings(place, context),
        }
    }
}

impl ShowField<Option<RateSettings>> for RateLayer {
    fn show_field(field: &Option<RateSettings>) -> Json {
        let Some(rate) = field else {
            return json!(UNLIMITED);
        };
        match &rate.bucket {
            Some(key) => json!(escaped(key)),
            None => RateTable::masked(rate),
        }
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

/// A burst is a part of what a period may hold.
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
pub(in crate::config) fn buckets(rates: Named<RateTable>, context: &mut Context<'_>) -> Buckets {
    let settings = |item: Item<RateTable>| {
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
    let problem = Problem::absence(place, format!("there is no rate {}", backticked(key)))
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

impl Section for RateTable {
    const SECTION: &'static str = "rates";
    const WHAT: &'static str = "rate";
    const KEYS: &'static [&'static [&'static str]] = &[Self::NAMES, Self::LATER];

    fn name(name: &str) -> Result<String, String> {
        if name == UNLIMITED {
            return Err(format!("rate = \"{UNLIMITED}\" is no limit at all"));
        }
        let name = ConnectionName::new(name).map_err(|error| error.to_string())?;
        Ok(name.as_str().to_owned())
    }
}
