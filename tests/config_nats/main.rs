//! `[nats]`: the settings from its keys, and the messages for wrong ones.

#[path = "../config/memory.rs"]
mod memory;
mod told;
mod wrong;

use std::{collections::BTreeMap, time::Duration};

use everwire::{
    ConnectionName, Pattern,
    config::{
        Base, DialPolicy, NatsAck, NatsInSettings, NatsOutSettings, NatsSettings, NatsTlsSettings,
        Part, Plan, Settings,
    },
};
use memory::Memory;

const ALL: &str = "in = {}\n[connections.a]\nurl = 'wss://h'\n";

fn settings(text: &str) -> Settings {
    Memory::default()
        .with_variable("WHO", "me")
        .with_variable("PASS", "s3cret")
        .read(text)
        .unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

/// The settings of a bridge with these keys.
fn nats(keys: &str) -> NatsSettings {
    settings(&format!("[nats]\n{keys}")).nats.unwrap()
}

/// The settings of a bridge with a server and these keys.
fn with_server(keys: &str) -> NatsSettings {
    nats(&format!("servers = ['nats://h']\n{keys}"))
}

#[test]
fn without_the_table_there_is_no_bridge() {
    assert_eq!(settings("").nats, None);
}

#[test]
fn a_bridge_of_little_has_the_defaults() {
    let mut expected = NatsSettings::new(vec!["nats://127.0.0.1:4222".into()]);
    expected.inbound = Some(NatsInSettings::new(Pattern::all()));
    assert_eq!(
        nats("servers = ['nats://127.0.0.1:4222']\nin = {}"),
        expected
    );
    expected.outbound = Some(NatsOutSettings::new(Pattern::all()));
    assert_eq!(
        nats("servers = ['nats://127.0.0.1:4222']\nin = {}\nout = {}"),
        expected
    );
    let inbound = expected.inbound.unwrap();
    assert_eq!(inbound.subject, "everwire.in");
    assert_eq!(inbound.duplicate_window, Duration::from_secs(30));
    assert_eq!(inbound.spool, 1 << 30);
    let outbound = expected.outbound.unwrap();
    assert_eq!(outbound.subject, "everwire.out");
    assert_eq!(outbound.ack, NatsAck::Confirmed);
    for (stream, name) in [
        (inbound.stream, "EVERWIRE_IN"),
        (outbound.stream, "EVERWIRE_OUT"),
    ] {
        assert_eq!((&*stream.name, stream.replicas), (name, 1));
        assert_eq!(
            (stream.max_bytes, stream.max_age),
            (Some(1 << 30), Duration::ZERO)
        );
    }
}

#[test]
fn each_key_of_the_servers_is_read() {
    let found = nats(
        "servers = ['nats://h', 'tls://b.example:4223', 'nats://[::1]:4222', 'NATS://C']\nin = {}",
    );
    assert_eq!(
        found.servers,
        [
            "nats://h",
            "tls://b.example:4223",
            "nats://[::1]:4222",
            "NATS://C"
        ]
    );
    let many: Vec<_> = (0..16).map(|at| format!("'nats://h{at}'")).collect();
    assert_eq!(
        nats(&format!("servers = [{}]\nin = {{}}", many.join(",")))
            .servers
            .len(),
        16
    );

    let found = with_server("user = '${WHO}-x'\npassword = '${file:p}${PASS}'\nin = {}");
    assert_eq!(found.user.as_ref().unwrap().to_string(), "${WHO}-x");
    let password = found.password.as_ref().unwrap().expose();
    assert_eq!(password.parts().len(), 2);
    assert!(matches!(&password.parts()[0], Part::File(path) if path.ends_with("p")));
    let found = with_server("nkey_file = 'user.nk'\nin = {}");
    assert_eq!(found.nkey_file, Some("user.nk".into()));
    let found = with_server("creds_file = 'user.creds'\nin = {}");
    assert_eq!(found.creds_file, Some("user.creds".into()));

    assert_eq!(with_server("in = {}").tls, NatsTlsSettings::default());
    let found = with_server("tls = { ca_file = 'a', cert_file = 'b', key_file = 'c' }\nin = {}");
    assert_eq!(found.tls.ca_file, Some("a".into()));
    assert_eq!(found.tls.cert_file, Some("b".into()));
    assert_eq!(found.tls.key_file, Some("c".into()));
}

#[test]
fn relative_paths_start_at_the_folder_of_the_file() {
    let text = "[nats]\nservers = ['nats://h']\nnkey_file = 'user.nk'\nin = {}";
    let source = Memory::default().with_file("etc/everwire.toml", text);
    let settings = Settings::load_with("etc/everwire.toml", &source).unwrap();
    assert_eq!(settings.nats.unwrap().nkey_file, Some("etc/user.nk".into()));
}

#[test]
fn each_key_of_both_directions_is_read() {
    let inbound = with_server(
        "[nats.in]\nmatch = 'market.*, b'\nsubject = 'feeds.in'\nstream = 'FEEDS'\nduplicate_window = '100ms'\n\
         spool = 0\nreplicas = 3\nmax_bytes = '0B'\nmax_age = '1h'\n",
    )
    .inbound
    .unwrap();
    let name = |name: &str| ConnectionName::new(name).unwrap();
    assert!(inbound.names.matches(&name("market.btc")) && inbound.names.matches(&name("b")));
    assert!(!inbound.names.matches(&name("c")));
    assert_eq!(inbound.subject, "feeds.in");
    assert_eq!(inbound.duplicate_window, Duration::from_millis(100));
    assert_eq!(inbound.spool, 0);
    assert_eq!(
        (&*inbound.stream.name, inbound.stream.replicas),
        ("FEEDS", 3)
    );
    assert_eq!(inbound.stream.max_bytes, None);
    assert_eq!(inbound.stream.max_age, Duration::from_secs(3600));

    let outbound = with_server(
        "[nats.out]\nmatch = 'x'\nsubject = 'feeds.out'\nstream = 'WORK'\nack = 'written'\nreplicas = 5\n\
         max_bytes = '64KiB'\nmax_age = '5m'\n",
    )
    .outbound
    .unwrap();
    assert_eq!(outbound.names, Pattern::new("x").unwrap());
    assert_eq!(outbound.subject, "feeds.out");
    assert_eq!(outbound.ack, NatsAck::Written);
    assert_eq!(
        (&*outbound.stream.name, outbound.stream.replicas),
        ("WORK", 5)
    );
    assert_eq!(outbound.stream.max_bytes, Some(64 << 10));
    assert_eq!(outbound.stream.max_age, Duration::from_secs(300));
}

#[test]
fn only_names_that_are_sent_to_must_be_able_to_confirm() {
    for (out, keys) in [
        ("{ ack = 'written' }", "heartbeat = 'none'"),
        (
            "{ match = 'b' }\n[connections.b]\nurl = 'wss://h'",
            "heartbeat = 'none'",
        ),
        ("{}", "heartbeat = 'none'\nsessions_only = true"),
        ("{}", "heartbeat = { kind = 'text', fence = true }"),
        ("{}", ""),
    ] {
        settings(&format!(
            "[nats]\nservers = ['nats://h']\nout = {out}\n[connections.a]\nurl = 'wss://h'\n{keys}"
        ));
    }
    let none = "[connections.a]\nurl = 'wss://h'\nheartbeat = 'none'";
    settings(&format!(
        "[nats]\nservers = ['nats://h']\nin = {{}}\n{none}"
    ));
}

/// Limits are accepted at their exact bounds: a stream may keep messages just as long as it
/// recognises duplicates.
#[test]
fn limits_that_are_just_right_are_taken() {
    for keys in [
        "in = { duplicate_window = '10s', max_age = '10s' }",
        "in = { max_age = '30s' }",
        "in = { subject = 'a.b', stream = 'x' }\nout = { subject = 'a.c', stream = 'y' }",
        "in = { subject = 'everwire' }\nout = { subject = 'everwires.out' }",
        "in = { stream = '12345678901234567890123456789012' }",
        "in = { subject = '1234567890123456789012345678901234567890123456789012345678901234' }",
        "in = { subject = 'a-$!.INBOX' }",
        "out = { max_age = '100ms' }",
    ] {
        with_server(keys);
    }
}

#[test]
fn a_password_is_never_shown() {
    let found = with_server("user = 'a'\npassword = 'hunter2 ${PASS}'\nin = {}");
    let shown = format!("{found:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("s3cret"),
        "{shown}"
    );
}

#[test]
fn a_pattern_that_matches_no_name_is_warned_of() {
    let warnings = |keys: &str| -> Vec<String> {
        let text =
            format!("[nats]\nservers = ['nats://h']\n{keys}\n[connections.a]\nurl = 'wss://h'");
        let warnings = settings(&text).warnings;
        warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        warnings("in = { match = 'market.*' }\nout = { match = 'a' }"),
        [
            "<toml>:3:16: no connection of the configuration matches `market.*`\n    | in = { match = 'market.*' }\n    \
         help: names that the API makes later are bridged if it matches them; `*` is any run of characters\n"
        ]
    );
    assert_eq!(
        warnings("in = { match = 'x' }\nout = { match = 'y' }").len(),
        2
    );
    assert!(warnings("in = {}\nout = {}").is_empty());
    // Without declared names, only the API can open them.
    let text = format!(
        "[nats]\nservers = ['nats://h']\n{}",
        ALL.lines().next().unwrap()
    );
    assert!(settings(&text).warnings.is_empty());
}

#[test]
fn a_reload_that_changes_the_bridge_says_that_it_needs_a_restart() {
    let plan = |old: Option<&NatsSettings>, new: Option<&NatsSettings>| {
        let none = BTreeMap::new();
        Plan::between(&none, &none).with_nats(old, new)
    };
    let old = with_server("user = 'a'\npassword = 'b'\nin = {}");
    assert_eq!(plan(None, None), Plan::default());
    assert_eq!(plan(Some(&old), Some(&old.clone())), Plan::default());
    for keys in [
        "user = 'a'\npassword = 'c'\nin = {}",
        "user = 'a'\npassword = 'b'\nin = { match = 'a' }",
        "user = 'a'\npassword = 'b'\nin = {}\nout = {}",
        "user = 'a'\npassword = 'b'\nin = { max_age = '1h' }",
    ] {
        let plan = plan(Some(&old), Some(&with_server(keys)));
        assert_eq!((&*plan.restart, &*plan.service), (&["nats"][..], &[][..]));
    }
    assert_eq!(plan(None, Some(&old)).restart, ["nats"]);
    assert_eq!(plan(Some(&old), None).restart, ["nats"]);
}

#[test]
fn a_program_without_a_bridge_refuses_it_where_it_is_written() {
    const BASE: Base = Base::NONE.without_nats("build it with a bridge");
    let read = |text: &str| BASE.from_toml_with(text, &Memory::default());
    assert!(read("").unwrap().nats.is_none());
    let told = read("schema_version = 1\n[nats]\nservers = ['nats://h']\nin = {}").unwrap_err();
    assert_eq!(
        told.to_string(),
        "<toml>:2:1: feature_missing: this program was built without the feature `nats`\n    | [nats]\n    \
         help: build it with a bridge\n"
    );
    // Other errors are reported, too.
    let told = read("nats = { servers = [] }\n[connections.a]\n").unwrap_err();
    assert_eq!(told.count(), 4, "{told}");
}

#[test]
fn a_bridge_is_no_key_of_a_connection() {
    let told = Memory::default().connection("nats = 1").unwrap_err();
    assert_eq!(told.iter().next().unwrap().message, "unknown key `nats`");
    let json = br#"{"url": "wss://example.com", "nats": {"servers": ["nats://h"], "in": {}}}"#;
    let inherited = settings("").inherited;
    let told = inherited
        .connection(json, &DialPolicy::PublicOnly)
        .unwrap_err();
    let told = format!("{told:?}");
    assert!(told.contains("unknown key `nats`"), "{told}");
}
