//! Checks settings that come over the API against `service.api_limits`.

use std::{fmt, time::Duration};

use super::{
    keys::ConnectionTable,
    read::{Context, Located, Place, Problem},
    units::{format_duration, format_size},
};
use crate::settings::ApiLimits;
use everwire_proto::settings::{ConnectionSettings, Heartbeat};

/// The places of keys in settings that came over the API.
pub(super) struct Written {
    /// The whole settings.
    all: Place,
    group: Option<Place>,
    keys: [Option<Place>; KEYS.len()],
}

impl ApiLimits {
    /// Reports each key of `settings` that exceeds its limit. `usual`: the settings of a name
    /// without keys.
    pub(super) fn check(
        &self,
        settings: &ConnectionSettings,
        written: &Written,
        usual: &ConnectionSettings,
        context: &mut Context<'_>,
    ) {
        let (amounts, usual) = (amounts(settings), amounts(usual));
        for (at, key) in KEYS.into_iter().enumerate() {
            let limit = self.limit(key);
            let Some(amount) = amounts[at].filter(|amount| *amount > limit) else {
                continue;
            };
            if usual[at].is_some_and(|usual| amount <= usual) {
                continue;
            }
            let origin = match (written.keys[at], &settings.group) {
                (None, Some(group)) => format!(", of the group {group:?},"),
                _ => String::new(),
            };
            let (name, limits) = (key.as_str(), self.describe(key));
            let message = format!("invalid {name}: {amount}{origin} is {limits}");
            let place = written.keys[at].or(written.group).unwrap_or(written.all);
            let problem = Problem::new(place, message).help(format!("write {limit} or less"));
            context.problems.push(problem);
        }
    }

    fn limit(&self, key: Key) -> Amount {
        let messages = |bytes: usize| Amount::Messages((bytes / Self::MESSAGE_BYTES).max(1));
        match key {
            Key::ConnectTimeout
            | Key::CloseTimeout
            | Key::HeartbeatInterval
            | Key::HeartbeatTimeout => Amount::Time(self.timeout),
            Key::MaxMessage | Key::MaxFrame => Amount::Bytes(self.max_message),
            Key::OutboxMessages => messages(self.outbox),
            Key::OutboxBytes => Amount::Bytes(self.outbox),
            Key::HistoryMessages => messages(self.history),
            Key::HistoryBytes => Amount::Bytes(self.history),
        }
    }

    /// Compares a value that is too large with its limit, in words.
    fn describe(&self, key: Key) -> String {
        let limit = self.limit(key);
        match key {
            Key::ConnectTimeout
            | Key::CloseTimeout
            | Key::HeartbeatInterval
            | Key::HeartbeatTimeout => format!("longer than service.api_limits.timeout, {limit}"),
            Key::MaxMessage | Key::MaxFrame => {
                format!("more than service.api_limits.max_message, {limit}")
            }
            Key::OutboxBytes => format!("more than service.api_limits.outbox, {limit}"),
            Key::HistoryBytes => format!("more than service.api_limits.history, {limit}"),
            Key::OutboxMessages => format!(
                "more than the {limit} that service.api_limits.outbox, {}, has room for",
                Amount::Bytes(self.outbox)
            ),
            Key::HistoryMessages => format!(
                "more than the {limit} that service.api_limits.history, {}, has room for",
                Amount::Bytes(self.history)
            ),
        }
    }
}

impl Written {
    /// The places of the keys of `own`, all of which are within `all`.
    pub fn of(own: &ConnectionTable, all: Place) -> Self {
        let heartbeat = own.heartbeat.as_ref();
        let heartbeat = heartbeat.map(|heartbeat| &heartbeat.value.0);
        let outbox = own.outbox.as_ref().map(|outbox| &outbox.value);
        let history = own.history.as_ref().map(|history| &history.value);
        let place = |key| match key {
            Key::ConnectTimeout => place(&own.connect_timeout),
            Key::CloseTimeout => place(&own.close_timeout),
            Key::HeartbeatInterval => heartbeat.and_then(|table| place(&table.interval)),
            Key::HeartbeatTimeout => heartbeat.and_then(|table| place(&table.timeout)),
            Key::MaxMessage => place(&own.max_message),
            Key::MaxFrame => place(&own.max_frame),
            Key::OutboxMessages => outbox.and_then(|table| place(&table.messages)),
            Key::OutboxBytes => outbox.and_then(|table| place(&table.bytes)),
            Key::HistoryMessages => history.and_then(|table| place(&table.messages)),
            Key::HistoryBytes => history.and_then(|table| place(&table.bytes)),
        };
        Self {
            all,
            group: own.group.as_ref().map(|group| group.place),
            keys: KEYS.map(place),
        }
    }
}

fn place<T>(value: &Option<Located<T>>) -> Option<Place> {
    value.as_ref().map(|value| value.place)
}

/// A key that has a limit.
#[derive(Clone, Copy)]
enum Key {
    ConnectTimeout,
    CloseTimeout,
    HeartbeatInterval,
    HeartbeatTimeout,
    MaxMessage,
    MaxFrame,
    OutboxMessages,
    OutboxBytes,
    HistoryMessages,
    HistoryBytes,
}

const KEYS: [Key; 10] = [
    Key::ConnectTimeout,
    Key::CloseTimeout,
    Key::HeartbeatInterval,
    Key::HeartbeatTimeout,
    Key::MaxMessage,
    Key::MaxFrame,
    Key::OutboxMessages,
    Key::OutboxBytes,
    Key::HistoryMessages,
    Key::HistoryBytes,
];

impl Key {
    fn as_str(self) -> &'static str {
        match self {
            Self::ConnectTimeout => "connect_timeout",
            Self::CloseTimeout => "close_timeout",
            Self::HeartbeatInterval => "heartbeat.interval",
            Self::HeartbeatTimeout => "heartbeat.timeout",
            Self::MaxMessage => "max_message",
            Self::MaxFrame => "max_frame",
            Self::OutboxMessages => "outbox.messages",
            Self::OutboxBytes => "outbox.bytes",
            Self::HistoryMessages => "history.messages",
            Self::HistoryBytes => "history.bytes",
        }
    }
}

/// The amount of a key. Amounts of one key are of one kind.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Amount {
    Time(Duration),
    Bytes(usize),
    Messages(usize),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: u64 = 24 * 60 * 60;
        match self {
            Self::Time(time)
                if time.as_secs() > DAY && time.as_millis() % (u128::from(DAY) * 1000) == 0 =>
            {
                write!(f, "{}d", time.as_secs() / DAY)
            }
            Self::Time(time) => f.write_str(&format_duration(*time)),
            Self::Bytes(bytes) => f.write_str(&format_size(*bytes as u64)),
            Self::Messages(count) => write!(f, "{count}"),
        }
    }
}

/// The amounts of all keys, in the order of [`KEYS`].
fn amounts(settings: &ConnectionSettings) -> [Option<Amount>; KEYS.len()] {
    let beats = match &settings.heartbeat {
        Heartbeat::Off => None,
        Heartbeat::Protocol { interval, timeout }
        | Heartbeat::Text {
            interval, timeout, ..
        } => Some((*interval, *timeout)),
    };
    KEYS.map(|key| match key {
        Key::ConnectTimeout => Some(Amount::Time(settings.connect_timeout)),
        Key::CloseTimeout => Some(Amount::Time(settings.close_timeout)),
        Key::HeartbeatInterval => beats.map(|(interval, _)| Amount::Time(interval)),
        Key::HeartbeatTimeout => beats.map(|(_, timeout)| Amount::Time(timeout)),
        Key::MaxMessage => Some(Amount::Bytes(settings.max_message)),
        Key::MaxFrame => Some(Amount::Bytes(settings.max_frame)),
        Key::OutboxMessages => Some(Amount::Messages(settings.outbox.messages)),
        Key::OutboxBytes => Some(Amount::Bytes(settings.outbox.bytes)),
        Key::HistoryMessages => Some(Amount::Messages(settings.history.messages)),
        Key::HistoryBytes => Some(Amount::Bytes(settings.history.bytes)),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value as Json;

    use super::*;
    use crate::config::{
        read::table_schema,
        units::{DURATION_PATTERN, SIZE_PATTERN},
    };

    /// Keys without a limit: a larger value costs nobody more, or its type has a bound.
    const UNLIMITED: [&str; 24] = [
        "close_code",
        "compression.client_max_window_bits",
        "compression.level",
        "compression.min_size",
        "compression.server_max_window_bits",
        "idle_timeout",
        "ids.from",
        "outbox.in_flight",
        "outbox.ttl",
        "rate.burst",
        "rate.messages",
        "rate.per",
        "reconnect.factor",
        "reconnect.initial",
        "reconnect.max",
        "reconnect.max_attempts",
        "reconnect.min",
        "reconnect.stable_after",
        "request.in_flight",
        "request.within",
        "rotate_after",
        "subscribe.batch",
        "subscribe.max",
        "subscribe.within",
    ];

    #[test]
    fn each_amount_of_a_connection_has_a_limit_or_needs_none() {
        let mut amounts = BTreeSet::new();
        collect("", &table_schema::<ConnectionTable>(), &mut amounts);
        let limited = KEYS.map(Key::as_str).into_iter();
        let judged: BTreeSet<String> = limited.chain(UNLIMITED).map(str::to_owned).collect();
        assert_eq!(amounts, judged);
    }

    /// Collects the keys whose values are durations, sizes or numbers.
    fn collect(path: &str, schema: &Json, amounts: &mut BTreeSet<String>) {
        for kind in schema["anyOf"].as_array().into_iter().flatten() {
            collect(path, kind, amounts);
        }
        let is_number = ["integer", "number"]
            .iter()
            .any(|kind| schema["type"] == *kind);
        let has_unit = [DURATION_PATTERN, SIZE_PATTERN]
            .iter()
            .any(|pattern| schema["pattern"] == *pattern);
        if is_number || has_unit {
            amounts.insert(path.to_owned());
        }
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            let path = match path {
                "" => key.clone(),
                table => format!("{table}.{key}"),
            };
            collect(&path, schema, amounts);
        }
    }
}
