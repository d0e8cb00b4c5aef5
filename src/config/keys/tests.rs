//! A key is declared once, and everything else follows. Declared defaults equal those of the
//! settings.

use std::{fmt::Debug, time::Duration};

use serde_json::{Map, Value as Json, json};

use super::{
    AgainTable, ApiLimitsTable, BasicAuthTable, ClusterTable, CompressionLayer, ConnectionTable,
    HeartbeatLayer, HistoryTable, HttpTable, IdsTable, LimitsTable, OutboxTable, PrepareStepTable,
    RateLayer, ReconnectLayer, RequestTable, RuleTable, SequenceLayer, ServiceTable, StepTable,
    WordsTable,
    access::{ServiceTlsTable, TokenTable, Tokens},
    compression::CompressionTable,
    connection::TlsTable,
    dialogue::{CaptureTable, ScheduleTable},
    document::DocumentTable,
    heartbeat::HeartbeatTable,
    metrics::MetricsTable,
    nats::{NatsInTable, NatsOutTable, NatsTable},
    rate::RateTable,
    reconnect::ReconnectTable,
    sequence::SequenceTable,
    service::{HostTable, LogTable},
};
use crate::{
    config::{
        read::{
            Context, IntoField, IntoSettings, Keys, Place, Pointers, Read, ShowField, ShowSettings,
            parse_json, table, table_schema,
        },
        values::{Kept, Period, Size, Timeout},
    },
    settings::{
        ApiLimits, ClusterSettings, LogSettings, MetricsSettings, NatsInSettings, NatsOutSettings,
        ServiceSettings, ServiceTlsSettings, System, TokenSettings,
    },
};
use everwire_proto::settings::{
    BasicAuth, Compression, ConnectionSettings, Heartbeat, HistorySettings, HostSettings,
    OutboxSettings, RateSettings, Reconnect, SequenceSettings, TlsSettings,
};

/// `[history]` with one more key.
#[derive(Clone, Debug, PartialEq)]
struct LongerHistorySettings {
    messages: usize,
    bytes: usize,
    durable: bool,
    max_age: Duration,
}

impl Default for LongerHistorySettings {
    fn default() -> Self {
        let HistorySettings {
            messages,
            bytes,
            durable,
        } = HistorySettings::default();
        let max_age = Duration::from_secs(60);
        Self {
            messages,
            bytes,
            durable,
            max_age,
        }
    }
}

table! {
    /// How many of the last received messages can be read again.
    struct LongerHistoryTable <=> LongerHistorySettings {
        /// How many messages are kept; 0 is none.
        messages: Kept = 0,
        /// How many payload bytes are kept.
        bytes: Size = "256KiB",
        /// Whether they are kept on disk too, and outlive the process.
        durable: bool = false,
        /// How old they may become.
        max_age: Timeout = "1m",
    }
}

#[test]
fn a_new_key_is_its_declaration_and_its_field() {
    // It is read, under its name and in the notation of its type.
    let mut far: LongerHistoryTable = read(json!({ "max_age": "5m", "messages": 7 }));
    let settings = |table: &LongerHistoryTable| field::<_, LongerHistorySettings>(table.clone());
    assert_eq!(settings(&far).max_age, Duration::from_secs(300));

    // A nearer layer overrides it.
    far.overlay(read(json!({ "max_age": "2s" })));
    assert_eq!(settings(&far).max_age, Duration::from_secs(2));
    assert_eq!(settings(&far).messages, 7);
    far.overlay(read(json!({ "messages": 8 })));
    assert_eq!(settings(&far).max_age, Duration::from_secs(2));

    // It has its default.
    let defaults = LongerHistorySettings::default();
    assert_eq!(settings(&read(json!({}))), defaults);
    has_defaults_of_code::<LongerHistoryTable, LongerHistorySettings>(json!({}));

    // The schema has it, with its description.
    let property = &table_schema::<LongerHistoryTable>()["properties"]["max_age"];
    assert_eq!(property["type"], "string");
    assert_eq!(property["default"], "1m");
    assert_eq!(property["description"], "How old they may become.");

    // It is shown, and the shown value can be read back.
    let shown = LongerHistoryTable::masked(&settings(&far));
    assert_eq!(
        shown,
        json!({ "messages": 8, "bytes": "256KiB", "durable": false, "max_age": "2s" })
    );
    assert_eq!(settings(&read(shown)), settings(&far));

    // Errors for a wrong value and a misspelt key say what would be right.
    assert_eq!(
        errors::<LongerHistoryTable>(json!({ "max_age": "0s", "max_ages": "1s" })),
        [
            "the duration must be longer than zero",
            "unknown key `max_ages`"
        ]
    );
}

#[test]
fn a_field_may_have_another_name_and_some_have_no_key() {
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Lamp {
        lit_for: Option<Duration>,
        made_in: u16,
    }
    table! {
        /// A lamp.
        struct LampTable <=> Lamp {
            /// When it goes out; "0s" is never.
            timeout: Period = "0s" => lit_for,
        }
        no key { made_in }
    }
    let lamp = Lamp {
        lit_for: None,
        made_in: 1879,
    };
    let table: LampTable = read(json!({ "timeout": "1h" }));
    let lit = table.over(lamp.clone(), &mut Context::new(&System));
    assert_eq!(lit.lit_for, Some(Duration::from_secs(3600)));
    assert_eq!(lit.made_in, 1879);
    assert_eq!(LampTable::masked(&lit), json!({ "timeout": "1h" }));
    assert_eq!(LampTable::masked(&lamp), json!({ "timeout": "0s" }));
}

#[test]
fn what_is_declared_is_the_default_of_the_settings() {
    let url = json!({ "url": "ws://example.com" });
    let compared = [
        connection_has_defaults_of_code(url),
        has_defaults_of_code::<OutboxTable, OutboxSettings>(json!({})),
        has_defaults_of_code::<HistoryTable, HistorySettings>(json!({})),
        has_defaults_of_code::<TlsTable, TlsSettings>(json!({})),
        reads_and_shows_defaults::<ReconnectTable, ReconnectLayer, Reconnect>(json!({})),
        reads_and_shows_defaults::<CompressionTable, CompressionLayer, Option<Compression>>(json!(
            {}
        )),
        reads_and_shows_defaults::<RateTable, RateLayer, Vec<RateSettings>>(
            json!({ "messages": 5 }),
        ),
        reads_and_shows_defaults::<SequenceTable, SequenceLayer, Option<SequenceSettings>>(
            json!({ "json": "/n" }),
        ),
        // The other kinds have fewer keys.
        reads_and_shows_defaults::<HeartbeatTable, HeartbeatLayer, Heartbeat>(
            json!({ "kind": "text" }),
        ),
        reads_and_shows_defaults::<BasicAuthTable, BasicAuthTable, Option<BasicAuth>>(
            json!({ "user": "u", "password": "p" }),
        ),
        defaults_of::<IdsTable>().len(),
        defaults_of::<RequestTable>().len(),
        // In the open script, periodic steps and the close script.
        3 * defaults_of::<StepTable>().len(),
        defaults_of::<ScheduleTable>().len(),
        defaults_of::<RuleTable>().len(),
        3 * defaults_of::<AgainTable>().len(),
        defaults_of::<PrepareStepTable>().len(),
        defaults_of::<WordsTable>().len(),
        defaults_of::<LimitsTable>().len(),
        // In the three scripts, in `prepare`, and in `on` and `off` for all subscriptions and for
        // one.
        8 * defaults_of::<HttpTable>().len(),
        // In the connection, the steps, a rule, a `prepare` step, all subscriptions and one.
        8 * defaults_of::<CaptureTable>().len(),
    ];
    assert_eq!(
        compared.into_iter().sum::<usize>(),
        defaults_in(&table_schema::<ConnectionTable>()),
        "each table of a connection is compared"
    );

    let files = json!({ "cert_file": "a", "key_file": "b" });
    let token = json!({ "name": "n", "secret": "s" });
    let tokens = |keys: Json| field::<Tokens, Vec<TokenSettings>>(read(json!([keys])));
    assert_eq!(
        tokens(with_defaults::<TokenTable>(token.clone())),
        tokens(token)
    );
    let compared = [
        reads_defaults::<ServiceTable, ServiceSettings>(json!({})),
        reads_defaults::<HostTable, HostSettings>(json!({})),
        reads_defaults::<LogTable, LogSettings>(json!({})),
        reads_defaults::<MetricsTable, MetricsSettings>(json!({})),
        reads_defaults::<ApiLimitsTable, ApiLimits>(json!({})),
        reads_defaults::<ServiceTlsTable, Option<ServiceTlsSettings>>(files),
        defaults_of::<TokenTable>().len(),
    ];
    assert_eq!(
        compared.into_iter().sum::<usize>(),
        defaults_in(&table_schema::<ServiceTable>()),
        "each table of the service is compared"
    );
    let compared = [
        reads_defaults::<NatsInTable, NatsInSettings>(json!({})),
        reads_defaults::<NatsOutTable, NatsOutSettings>(json!({})),
    ];
    assert_eq!(
        compared.into_iter().sum::<usize>(),
        defaults_in(&table_schema::<NatsTable>()),
        "each table of the bridge is compared"
    );
    assert_eq!(
        reads_defaults::<ClusterTable, ClusterSettings>(json!({ "node": "a" })),
        defaults_in(&table_schema::<ClusterTable>()),
        "each key of the cluster is compared"
    );
    assert_eq!(
        field::<ClusterTable, ClusterSettings>(read(json!({ "node": "a" }))),
        ClusterSettings::new("a")
    );
    assert_eq!(
        DocumentTable::properties()
            .values()
            .filter(|property| property.get("default").is_some())
            .count(),
        1,
        "the file's own keys have no defaults, but for schema_version"
    );
}

#[test]
fn the_kind_of_a_heartbeat_is_the_default_one() {
    let kind = &HeartbeatTable::properties()["kind"]["default"];
    let shown = HeartbeatLayer::show_field(&Heartbeat::default());
    assert_eq!(kind, &shown["kind"]);
    assert_eq!(
        field::<HeartbeatLayer, _>(read(shown)),
        Heartbeat::default()
    );
}

/// The value read from JSON, without an error.
fn read<T: Read>(json: Json) -> T {
    let mut context = Context::new(&System);
    let mut pointers = Pointers::default();
    let node = parse_json(json.to_string().as_bytes(), &mut pointers).unwrap();
    let value = T::read(&node, &mut context);
    let (errors, _) = context.problems.into_key_errors(&pointers);
    assert_eq!(errors, [], "{json}");
    value.unwrap()
}

/// The errors of JSON.
fn errors<T: Read>(json: Json) -> Vec<String> {
    let mut context = Context::new(&System);
    let mut pointers = Pointers::default();
    let node = parse_json(json.to_string().as_bytes(), &mut pointers).unwrap();
    T::read(&node, &mut context);
    let (errors, _) = context.problems.into_key_errors(&pointers);
    errors.into_iter().map(|error| error.message).collect()
}

/// The field from a value, without an error.
fn field<T: IntoField<F>, F>(value: T) -> F {
    let mut context = Context::new(&System);
    let field = value.into_field(Place::new(0, 0..0), &mut context);
    let (errors, _) = context.problems.into_key_errors(&Pointers::default());
    assert_eq!(errors, []);
    field
}

/// The declared defaults of a table.
fn defaults_of<T: Keys>() -> Map<String, Json> {
    let properties = T::properties().into_iter();
    properties
        .filter_map(|(key, mut schema)| Some((key, schema.get_mut("default")?.take())))
        .collect()
}

/// These keys, and the declared defaults of the others.
fn with_defaults<T: Keys>(keys: Json) -> Json {
    let mut all = defaults_of::<T>();
    all.extend(keys.as_object().unwrap().clone());
    all.into()
}

/// How many keys of a schema have a default.
fn defaults_in(schema: &Json) -> usize {
    match schema {
        Json::Object(map) => {
            let inner = map.values().map(defaults_in).sum::<usize>();
            inner + usize::from(map.contains_key("default"))
        }
        Json::Array(items) => items.iter().map(defaults_in).sum(),
        _ => 0,
    }
}

/// Compares the result for the required keys with and without the declared defaults. Returns the
/// number of defaults.
fn reads_defaults<T, F>(needed: Json) -> usize
where
    T: Read + Keys + IntoField<F>,
    F: Debug + PartialEq,
{
    let written = with_defaults::<T>(needed.clone());
    assert_eq!(field::<T, F>(read(written)), field::<T, F>(read(needed)));
    defaults_of::<T>().len()
}

/// The same for a table that is shown, by itself or as one form of a value: its defaults are shown
/// as declared.
fn reads_and_shows_defaults<T, V, F>(needed: Json) -> usize
where
    T: Keys,
    V: Read + IntoField<F> + ShowField<F>,
    F: Debug + PartialEq,
{
    let written = with_defaults::<T>(needed.clone());
    let settings = field::<V, F>(read(needed));
    assert_eq!(field::<V, F>(read(written.clone())), settings);
    let shown = V::show_field(&settings);
    for (key, value) in written.as_object().unwrap() {
        assert!(
            &shown[key] == value || shown[key] == "***",
            "{key}: {shown}"
        );
    }
    defaults_of::<T>().len()
}

/// The same for settings whose defaults are those of their type.
fn has_defaults_of_code<T, F>(needed: Json) -> usize
where
    T: Read + IntoField<F> + ShowSettings<Settings = F>,
    F: Debug + Default + PartialEq,
{
    assert_eq!(field::<T, F>(read(needed.clone())), F::default());
    reads_and_shows_defaults::<T, T, F>(needed)
}

/// The same for a connection, whose defaults are those for its URL.
fn connection_has_defaults_of_code(url: Json) -> usize {
    let defaults = ConnectionSettings::new("ws://example.com").unwrap();
    let table: ConnectionTable = read(with_defaults::<ConnectionTable>(url));
    let settings = table.over(defaults.clone(), &mut Context::new(&System));
    assert_eq!(settings, defaults);
    let shown = crate::config::masked(&defaults);
    for (key, value) in defaults_of::<ConnectionTable>() {
        assert_eq!(shown[&key], value, "{key}");
    }
    defaults_of::<ConnectionTable>().len()
}
