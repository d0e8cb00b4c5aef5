//! The files in `config/`, and the JSON Schema that describes them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use everwire::{
    Pattern,
    config::{
        Base, ClusterSettings, ConnectionSettings, NatsInSettings, NatsOutSettings,
        ServiceSettings, Settings, schema,
    },
};
use serde_json::Value as Json;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

/// The program's defaults below `[defaults]`.
fn program() -> Base {
    let path = "crates/everwire-cli/src/service/base.toml";
    let keys = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    Base::new(keys.leak())
}

fn full() -> toml::Table {
    toml::from_str(&fs::read_to_string(folder().join("full.toml")).unwrap()).unwrap()
}

#[test]
fn the_default_file_loads_and_dials_nothing() {
    let settings = Settings::load(folder().join("everwire.toml")).unwrap();
    assert_eq!(settings.connections.len(), 1);
    assert!(
        settings
            .connections
            .values()
            .all(|connection| !connection.enabled)
    );
    let mut expected = ConnectionSettings::new("wss://example.com/feed").unwrap();
    expected.enabled = false;
    assert_eq!(settings.connections["example"], expected);
}

#[test]
fn the_full_file_loads_and_dials_nothing() {
    let settings = Settings::load(folder().join("full.toml")).unwrap();
    assert_eq!(settings.connections.len(), 6 + 100 + 2 + 2 + 2);
    assert!(
        settings
            .connections
            .values()
            .all(|connection| !connection.enabled)
    );
    assert_eq!(
        settings.connections["meter-b"].url.to_string(),
        "wss://b.example.com/meter/1002"
    );
    assert_eq!(settings.connections["cp-0007"].tags, ["under repair"]);
    let bucket = |name: &str| settings.connections[name].rate[0].bucket.as_deref();
    assert_eq!(
        (bucket("text-heartbeat"), bucket("durable")),
        (Some("site"), None)
    );
}

#[test]
fn the_full_file_says_the_defaults() {
    let settings = Settings::load(folder().join("full.toml")).unwrap();
    let mut service = settings.service;
    assert_eq!(
        service.hosts.remove("example.com"),
        Some(Default::default())
    );
    // A key without a default is there as an example.
    let token = service.tokens.remove(0);
    assert_eq!(
        (&*token.name, token.secret.expose()),
        ("operator", "change-me")
    );
    assert!(service.tls.take().is_some());
    let mut defaults = ServiceSettings::default();
    defaults.state_dir = folder().join(defaults.state_dir);
    assert_eq!(service, defaults);

    let mut nats = settings.nats.unwrap();
    let outbound = nats.outbound.as_mut().unwrap();
    assert!(outbound.names != Pattern::all());
    outbound.names = Pattern::all();
    assert_eq!(nats.inbound, Some(NatsInSettings::new(Pattern::all())));
    assert_eq!(nats.outbound, Some(NatsOutSettings::new(Pattern::all())));

    assert_eq!(settings.cluster, Some(ClusterSettings::new("node-1")));

    let connection = settings.connections["full"].clone();
    let mut expected = ConnectionSettings::new("wss://example.com/feed").unwrap();
    // The program's default; the library has none.
    let silent = program()
        .from_toml("connections.a.url = 'wss://h'")
        .unwrap();
    expected.history = silent.connections["a"].history;
    assert_eq!(expected.history.messages, 100);
    // A key without a default is there as an example.
    expected.group = Some("market".into());
    expected.enabled = false;
    expected.headers = connection.headers.clone();
    expected.source_address = Some("127.0.0.1".parse().unwrap());
    expected.on_open = connection.on_open.clone();
    expected.tls.ca_file = Some(folder().join("ca.pem"));
    expected.tls.cert_file = Some(folder().join("client.pem"));
    expected.tls.key_file = Some(folder().join("client.key"));
    expected.tls.server_name = Some("example.com".into());
    assert_eq!(connection, expected);
    assert_eq!((connection.headers.len(), connection.on_open.len()), (1, 3));
}

/// The keys allowed at a path of the file, with `*` for a name.
fn schema_keys(schema: &Json, path: &str, root: &Json, keys: &mut BTreeSet<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => &root["$defs"][reference.rsplit('/').next().unwrap()],
        None => schema,
    };
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        // The keys of a connection are collected once, not for each table that has them.
        let below = |section: &str| path == section && !FLEET_KEYS.contains(&key.as_str());
        if below("fleet.*") || REPEATED.contains(&path) {
            continue;
        }
        let path = format!("{path}.{key}").trim_start_matches('.').to_owned();
        schema_keys(value, &path, root, keys);
        keys.insert(path);
    }
    if schema["additionalProperties"].is_object() {
        schema_keys(
            &schema["additionalProperties"],
            &format!("{path}.*"),
            root,
            keys,
        );
    }
    for option in schema["anyOf"].as_array().into_iter().flatten() {
        schema_keys(option, path, root, keys);
    }
    schema_keys_of_items(schema, path, root, keys);
}

fn schema_keys_of_items(schema: &Json, path: &str, root: &Json, keys: &mut BTreeSet<String>) {
    if schema["items"].is_object() {
        schema_keys(&schema["items"], path, root, keys);
    }
}

/// Tables whose keys also appear elsewhere.
const REPEATED: [&str; 6] = [
    "defaults",
    "groups.*",
    "prepare.*.steps",
    "connections.*.subscribe.on",
    "connections.*.subscribe.off",
    "connections.*.subscriptions.*",
];
const FLEET_KEYS: [&str; 6] = [
    "range",
    "names",
    "names_file",
    "rows_file",
    "name",
    "spread",
];
const SECTIONS: [&str; 6] = [
    "groups",
    "connections",
    "fleet",
    "rates",
    "prepare",
    "service.hosts",
];

fn file_keys(value: &toml::Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let named = SECTIONS.contains(&path)
                    || path.ends_with(".capture")
                    || path.ends_with(".subscriptions");
                let free = [".headers", ".let", ".place", "cluster.labels"]
                    .iter()
                    .any(|table| path.ends_with(table));
                let key = if named { "*" } else { key };
                let below = format!("{path}.{key}").trim_start_matches('.').to_owned();
                file_keys(value, &below, keys);
                if !named && !free {
                    keys.insert(below);
                }
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| file_keys(item, path, keys)),
        _ => {}
    }
}

#[test]
fn the_full_file_has_every_key_of_the_schema_and_no_other() {
    let schema = schema();
    let mut expected = BTreeSet::new();
    schema_keys(&schema, "", &schema, &mut expected);
    let mut found = BTreeSet::new();
    file_keys(&full().into(), "", &mut found);
    // A key that excludes an existing one stands in a comment.
    let text = fs::read_to_string(folder().join("full.toml")).unwrap();
    for key in ["nkey_file", "creds_file"] {
        assert!(text.contains(&format!("\n# {key} = \"")), "{key}");
        assert!(found.insert(format!("nats.{key}")), "{key}");
    }
    let repeated = |path: &String| {
        let inherits = REPEATED.iter().any(|section| {
            let below = path.strip_prefix(section);
            below.is_some_and(|key| key.starts_with('.'))
        });
        let fleet = path
            .strip_prefix("fleet.*.")
            .is_some_and(|key| !FLEET_KEYS.contains(&key));
        inherits || fleet
    };
    found.retain(|path| !repeated(path));
    assert_eq!(found, expected);
    assert!(
        expected.contains("connections.*.reconnect.give_up_on")
            && expected.contains("service.hosts.*.dial_rate")
    );
}

/// The defaults in the schema of a table, as TOML.
fn defaults(schema: &Json) -> String {
    let schema = match schema["anyOf"].as_array() {
        Some(options) => &options[0],
        None => schema,
    };
    let properties: BTreeMap<_, _> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .collect();
    let mut keys = Vec::new();
    for (key, value) in properties {
        match &value["default"] {
            Json::Null
                if value.to_string().contains("\"default\"")
                    && !["basic_auth", "request", "subscribe", "tls"].contains(&key.as_str())
                    && key != "hosts" =>
            {
                keys.push(format!("{key} = {{ {} }}", defaults(value)));
            }
            Json::Null => {}
            // Only arrays, numbers, booleans and plain strings, as JSON that is also TOML. An empty
            // table is one, too.
            default => keys.push(format!("{key} = {default}")),
        }
    }
    keys.join(", ")
}

#[test]
fn the_defaults_of_the_schema_are_those_of_the_settings() {
    let schema = schema();
    let keys =
        defaults(&schema["$defs"]["connection"]).replace("kind = \"protocol\"", "kind = \"text\"");
    let text = format!("connections.a = {{ url = 'wss://h', {keys} }}");
    let settings = Settings::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let mut expected = ConnectionSettings::new("wss://h").unwrap();
    expected.heartbeat =
        Settings::from_toml("connections.a = { url = 'wss://h', heartbeat = 'text' }")
            .unwrap()
            .connections["a"]
            .heartbeat
            .clone();
    assert_eq!(settings.connections["a"], expected);
    assert!(
        keys.contains("stable_after") && keys.contains("when_full"),
        "{keys}"
    );

    let service = defaults(&schema["properties"]["service"]);
    let text = format!("service = {{ {service} }}");
    let settings = Settings::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(settings.service, ServiceSettings::default());

    let nats = defaults(&schema["properties"]["nats"]);
    let text = format!("nats = {{ servers = ['nats://h'], {nats} }}");
    let settings = Settings::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let nats = settings.nats.unwrap();
    assert_eq!(nats.inbound, Some(NatsInSettings::new(Pattern::all())));
    assert_eq!(nats.outbound, Some(NatsOutSettings::new(Pattern::all())));
    assert!(
        text.contains("duplicate_window") && text.contains("ack"),
        "{text}"
    );

    let cluster = defaults(&schema["properties"]["cluster"]);
    let text = format!("nats.servers = ['nats://h']\ncluster = {{ node = 'a', {cluster} }}");
    let settings = Settings::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(settings.cluster, Some(ClusterSettings::new("a")));
    assert!(text.contains("move_timeout"), "{text}");
}

#[test]
fn the_defaults_of_the_programs_schema_are_what_it_has() {
    let schema = program().schema();
    let keys =
        defaults(&schema["$defs"]["connection"]).replace("kind = \"protocol\"", "kind = \"text\"");
    let text = format!("connections.a = {{ url = 'wss://h', {keys} }}");
    let written = Settings::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let silent = program()
        .from_toml("connections.a = { url = 'wss://h', heartbeat = 'text' }")
        .unwrap();
    assert_eq!(written.connections, silent.connections);
    assert_ne!(schema, everwire::config::schema());
}

#[test]
fn every_key_of_the_schema_is_described() {
    fn check(schema: &Json, path: &str) {
        for (key, value) in schema["properties"].as_object().into_iter().flatten() {
            let description = value["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{path}.{key}");
            check(value, &format!("{path}.{key}"));
        }
        for option in schema["anyOf"].as_array().into_iter().flatten() {
            check(option, path);
        }
    }
    let schema = schema();
    check(&schema, "");
    check(&schema["$defs"]["connection"], "connection");
}
