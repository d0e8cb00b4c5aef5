//! `reconnect`.

use serde_json::{Value as Json, json};

use super::give_up::GiveUpOn;
use crate::config::{
    read::{
        Context, IntoField, Node, Place, Read, ShowField, ShowSettings, Value, backticked, table,
        table_schema,
    },
    values::{Factor, Limit, Period, Timeout},
};
use everwire_proto::settings::{Backoff, Jitter, Reconnect};

table! {
    /// The delays between dials: uniform in [min, cap], cap = min(max, initial × factor^attempt).
    pub(in crate::config) struct ReconnectTable <=> Backoff {
        /// The shortest delay, except before another URL.
        min: Period = "100ms",
        /// The first cap; at least `min`.
        initial: Timeout = "500ms",
        /// The longest cap; at least `initial`.
        max: Timeout = "30s",
        /// The factor by which the cap grows.
        factor: Factor = 2.0,
        /// "full": uniform between `min` and the cap; "none": the cap itself.
        jitter: Jitter = "full",
        /// How long a socket must be up before the attempts count from zero again.
        stable_after: Period = "10s",
        /// Give up after this many failed attempts in a row; with several URLs, after this many for
        /// each. 0 is never.
        max_attempts: Limit = 0,
        /// Causes that end the attempts: "status:401", "status:400-499" (of the server, or of its
        /// proxy), "close:4010-4014" (1005: a close frame without a code, 1006: no close frame),
        /// "cause:refused".
        give_up_on: GiveUpOn = [],
    }
}

/// What happens after a loss: a table, or "never".
#[derive(Clone, Debug)]
pub(in crate::config) enum ReconnectLayer {
    Never,
    Backoff(Box<ReconnectTable>),
}

impl Read for ReconnectLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => ReconnectTable::read(node, context)
                .map(Box::new)
                .map(Self::Backoff),
            Value::String(text) if text == "never" => Some(Self::Never),
            Value::String(text) => {
                let message = format!("invalid value {}", backticked(text));
                context.wrong(node.place, message, "write \"never\", or a table");
                None
            }
            _ => context.wrong_type(node, "a table or \"never\""),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [table_schema::<ReconnectTable>(), { "const": "never" }] })
    }

    fn overlay(&mut self, nearer: Self) {
        match (self, nearer) {
            (Self::Backoff(table), Self::Backoff(nearer)) => table.overlay(*nearer),
            (this, nearer) => *this = nearer,
        }
    }
}

impl IntoField<Reconnect> for ReconnectLayer {
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Reconnect {
        match self {
            Self::Never => Reconnect::Never,
            Self::Backoff(table) => Reconnect::Backoff(table.into_field(place, context)),
        }
    }
}

impl ShowField<Reconnect> for ReconnectLayer {
    fn show_field(field: &Reconnect) -> Json {
        match field {
            Reconnect::Never => json!("never"),
            Reconnect::Backoff(backoff) => ReconnectTable::masked(backoff),
        }
    }
}
