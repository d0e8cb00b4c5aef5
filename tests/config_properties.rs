//! Randomly generated configurations.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;
#[path = "config/write.rs"]
mod write;

use everwire::config::{ConnectionSettings, Settings, masked};
use memory::Memory;
use proptest::{
    collection::{hash_set, vec},
    option,
    prelude::*,
};
use serde_json::{Map, Value as Json, json};
use write::toml;

/// A table of keys, each of which may be missing.
fn table(keys: Vec<(&'static str, BoxedStrategy<Json>)>) -> BoxedStrategy<Json> {
    let (names, values): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    let values: Vec<_> = values.into_iter().map(option::of).collect();
    values
        .prop_map(move |values| {
            let written = names
                .iter()
                .zip(values)
                .filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            Json::Object(written.collect::<Map<_, _>>())
        })
        .boxed()
}

fn duration(min: u64, max: u64) -> BoxedStrategy<Json> {
    let text = move |millis: u64| match millis {
        whole if whole.is_multiple_of(1000) => format!("{}s", whole / 1000),
        _ => format!("{}s{}ms", millis / 1000, millis % 1000),
    };
    (min..=max)
        .prop_map(move |millis| json!(text(millis)))
        .boxed()
}

fn size() -> BoxedStrategy<Json> {
    prop_oneof![
        (1_u64..1 << 40).prop_map(|size| json!(size)),
        (
            1_u64..1000,
            prop::sample::select(vec!["B", "kB", "KiB", "MB", "MiB", "GiB"])
        )
            .prop_map(|(count, unit)| json!(format!("{count}{unit}"))),
    ]
    .boxed()
}

/// Texts with everything that is special in a template: dollars, braces, quotes, other scripts.
fn text() -> BoxedStrategy<Json> {
    "[ -#%-~äß€\u{1F600}\n]{0,20}(\\$\\$\\{x\\}|\\$| )?"
        .prop_map(Json::from)
        .boxed()
}

fn word(words: &'static [&'static str]) -> BoxedStrategy<Json> {
    prop::sample::select(words).prop_map(Json::from).boxed()
}

fn heartbeat() -> BoxedStrategy<Json> {
    let times = || {
        vec![
            ("interval", duration(1, 100_000)),
            ("timeout", duration(1, 100_000)),
        ]
    };
    let mut text_keys = times();
    text_keys.extend([
        ("ping", "[a-z{}\"]{1,9}".prop_map(Json::from).boxed()),
        ("pong", Just(json!("$${pong}")).boxed()),
        ("fence", any::<bool>().prop_map(Json::from).boxed()),
        ("deliver", any::<bool>().prop_map(Json::from).boxed()),
    ]);
    let text = table(text_keys).prop_map(|mut table| {
        table["kind"] = json!("text");
        table
    });
    prop_oneof![word(&["none", "protocol", "text"]), table(times()), text].boxed()
}

fn reconnect() -> BoxedStrategy<Json> {
    let rules = prop::sample::select(vec![
        "status:401",
        "status:400-499",
        "close:4010-4014",
        "cause:refused",
        "cause:tls",
    ]);
    let backoff = table(vec![
        ("min", duration(0, 500)),
        ("initial", duration(500, 30_000)),
        ("max", duration(30_000, 900_000)),
        (
            "factor",
            (1.0..1000.0).prop_map(|factor: f64| json!(factor)).boxed(),
        ),
        ("jitter", word(&["full", "none"])),
        ("stable_after", duration(0, 100_000)),
        ("max_attempts", any::<u32>().prop_map(Json::from).boxed()),
        (
            "give_up_on",
            vec(rules, 0..4).prop_map(|rules| json!(rules)).boxed(),
        ),
    ]);
    prop_oneof![Just(json!("never")), backoff].boxed()
}

fn outbox() -> BoxedStrategy<Json> {
    table(vec![
        ("messages", (1_u32..).prop_map(Json::from).boxed()),
        ("bytes", size()),
        ("when_full", word(&["reject", "drop_oldest"])),
        ("ttl", duration(0, 100_000)),
        ("durable", any::<bool>().prop_map(Json::from).boxed()),
        ("fsync", word(&["always", "interval"])),
        ("resend", word(&["never", "in_doubt"])),
    ])
}

fn history() -> BoxedStrategy<Json> {
    table(vec![
        ("messages", any::<u32>().prop_map(Json::from).boxed()),
        ("bytes", size()),
        ("durable", any::<bool>().prop_map(Json::from).boxed()),
    ])
}

fn rate() -> BoxedStrategy<Json> {
    let own = (1_u32..=1_000_000).prop_flat_map(|messages| {
        let table = table(vec![
            ("per", duration(1, 30_000)),
            ("burst", (1..=messages).prop_map(Json::from).boxed()),
            ("control", any::<bool>().prop_map(Json::from).boxed()),
        ]);
        table.prop_map(move |mut table| {
            table["messages"] = messages.into();
            table
        })
    });
    prop_oneof![Just(json!("unlimited")), own].boxed()
}

fn sequence() -> BoxedStrategy<Json> {
    let pointer = || "(/([a-z0-9 ä$]|~0|~1|\\$\\$\\{x\\}){0,5}){0,4}";
    let table = (pointer(), pointer()).prop_map(|(json, by)| json!({ "json": json, "by": by }));
    prop_oneof![Just(json!("none")), table].boxed()
}

/// A subset of these, in order.
fn some_of(items: Json) -> BoxedStrategy<Json> {
    let items = items.as_array().cloned().unwrap_or_default();
    let most = items.len();
    prop::sample::subsequence(items, 0..=most)
        .prop_map(Json::from)
        .boxed()
}

fn script() -> BoxedStrategy<Json> {
    some_of(json!([
        { "expect": "/op == \"hello\"", "capture": { "beat": "/interval" } },
        { "if": "!handover", "send": "{\"id\":${id},\"ts\":\"${ts}\"}", "expect": "/id == id", "count": 3, "within": "1m30s" },
        { "send": { "text": "$${x} ${default(seq, null)}" }, "clear": ["seq", "beat"] },
        { "send": { "base64": "AAEC" } },
        { "send": { "bytes": "${unbase64(\"AA==\")}" } },
        {
            "send": "ä \"'\n", "expect": "/a", "fail": "/b", "give_up": "contains(message, \"it's\")",
            "again": { "when": "/c", "after": "1h" },
        },
        { "expect": "/z", "again": { "when": "/c", "after": "${/n}s" }, "capture": { "beat": { "value": "/b", "when": "/c", "secret": true } } },
    ]))
}

fn rules() -> BoxedStrategy<Json> {
    some_of(json!([
        { "when": "/op == 1", "do": "beat" },
        { "when": "/op == 2", "send": "{\"pong\":${/ping}}", "deliver": false },
        { "when": "/op == 3", "do": "rotate", "url": "${/url}", "delay": "1s-1m5s", "capture": { "seq": "/s" } },
        { "when": "/op == 4", "do": "reconnect", "delay": "0s", "clear": ["seq"] },
        { "when": "seq", "do": "give_up", "send": { "bytes": "bye" } },
        { "loss": ["close:4000-4009", "cause:dial", "status:401"], "clear": ["seq"], "do": "reconnect" },
    ]))
}

fn connection() -> BoxedStrategy<Json> {
    let codes = prop_oneof![1000_u16..=1003, 1007_u16..=1014, 3000_u16..=4999];
    let protocols = hash_set("[a-z0-9.!#$]{1,8}", 0..4).prop_map(|set| json!(set));
    let message = prop_oneof![
        text(),
        text().prop_map(|text| json!({ "text": text })),
        vec(any::<u8>(), 0..20).prop_map(|bytes| {
            use base64::Engine;
            json!({ "base64": base64::prelude::BASE64_STANDARD.encode(bytes) })
        }),
    ];
    table(vec![
        (
            "tags",
            vec(
                "[a-z${]{1,5}[a-z]".prop_map(|tag| tag.replace("${", "$${")),
                0..3,
            )
            .prop_map(|tags| json!(tags))
            .boxed(),
        ),
        ("enabled", any::<bool>().prop_map(Json::from).boxed()),
        ("subprotocols", protocols.boxed()),
        (
            "source_address",
            any::<std::net::IpAddr>()
                .prop_map(|address| json!(address))
                .boxed(),
        ),
        ("connect_timeout", duration(1, 100_000)),
        ("close_timeout", duration(1, 100_000)),
        ("idle_timeout", duration(0, 100_000)),
        ("close_code", codes.prop_map(Json::from).boxed()),
        (
            "max_message",
            (1_u64..1000)
                .prop_map(|kib| json!(format!("{kib}KiB")))
                .boxed(),
        ),
        ("max_frame", size()),
        (
            "on_open",
            vec(message, 0..4)
                .prop_map(|messages| json!(messages))
                .boxed(),
        ),
        ("open_script", script()),
        ("rules", rules()),
        (
            "ids",
            (1_u32..)
                .prop_map(|from| json!({ "from": from }))
                .boxed(),
        ),
        ("heartbeat", heartbeat()),
        ("reconnect", reconnect()),
        ("outbox", outbox()),
        ("history", history()),
        ("rate", rate()),
        (
            "rotate_after",
            prop_oneof![Just(json!("0s")), duration(1000, 100_000_000)].boxed(),
        ),
        ("sequence", sequence()),
        (
            "tls",
            table(vec![(
                "ca_file",
                "[a-z/.]{1,10}".prop_map(Json::from).boxed(),
            )]),
        ),
    ])
    .prop_map(|mut table| {
        table["url"] = json!("wss://example.com/$${x}");
        let keeps = |key: &str, value: Json| table["outbox"][key] == value;
        if keeps("durable", json!(true)) || keeps("resend", json!("in_doubt")) {
            // Messages that are kept until confirmed need a heartbeat that confirms.
            table["heartbeat"] = json!({ "kind": "text", "fence": true });
        } else if table["heartbeat"] == json!("none") {
            // A rule may ask for a beat.
            table["heartbeat"] = json!({ "kind": "text", "interval": "${default(beat, 5)}s", "pong": { "when": "/op == 11" } });
        }
        if table["open_script"] != Json::Null {
            // It is the long form of `on_open`.
            table["on_open"] = json!([]);
        }
        table["let"] = json!({ "ts": "${now(\"iso\")}", "again": "${ts}" });
        table["capture"] = json!({ "seq": { "value": "/s", "secret": true }, "beat": "/heart" });
        table
    })
    .boxed()
}

fn read(keys: &Json) -> ConnectionSettings {
    let text = format!("connections.a = {}", toml(keys));
    let settings = Memory::default()
        .read(&text)
        .unwrap_or_else(|errors| panic!("{text}\n{errors}"));
    settings.connections["a"].clone()
}

/// Possible parts of a file, in any order.
fn scraps() -> BoxedStrategy<String> {
    let scrap = prop_oneof![
        prop::sample::select(vec![
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            "=",
            ",",
            "\n",
            "\"",
            "'",
            "\"\"\"",
            "#",
            ".",
            "..",
            " = ",
            "${",
            "$${",
            "}",
            "${X}",
            "${file:",
            "{i}",
            "{i:04}",
            "{name}",
            "service",
            "defaults",
            "groups",
            "connections",
            "fleet",
            "a",
            "b.c",
            "url",
            "wss://h",
            "range",
            "[1, 5]",
            "name",
            "names",
            "reconnect",
            "heartbeat",
            "outbox = { durable = true }\n",
            "sequence = { json = '/",
            "rate = '",
            "[rates.a]\n",
            "messages = 1\n",
            "kind",
            "text",
            "on_open",
            "headers",
            "Host",
            "1",
            "-1",
            "1.5",
            "inf",
            "true",
            "1979-05-27",
            "10s",
            "1MiB",
            "ä",
            "\u{1F600}",
            "\0",
            "\r\n",
            "\u{feff}",
            "\\u0007",
            "rules = [{ when = '",
            "open_script = [{ send = '",
            "expect = '",
            "capture = { x = '/x' }\n",
            "let = { y = '${",
            "/op == ",
            "now(\"s\")",
            "again = { after = '${",
            "[connections.a]\n",
            "[fleet.f]\n",
            "url = 'wss://h'\n",
            "rows_file = 'r.csv'\n",
            "names_file = 'n.txt'\n",
            "basic_auth = { user = '",
            "password = '",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    vec(scrap, 0..40).prop_map(|scraps| scraps.concat()).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_is_read_back_as_the_same_settings(keys in connection()) {
        let settings = read(&keys);
        prop_assert_eq!(read(&masked(&settings)), settings);
    }

    #[test]
    fn no_text_makes_it_panic(text in scraps(), csv in scraps(), names in scraps()) {
        let source = Memory::default()
            .with_variable("X", "\u{7}")
            .with_file("r.csv", &csv)
            .with_file("n.txt", &names)
            .with_file("d/a.toml", &text)
            .with_file("d/b.toml", &csv);
        for result in [source.read(&text), Settings::load_with("d", &source)] {
            if let Err(errors) = result {
                prop_assert!(errors.count() > 0);
                for error in &errors {
                    prop_assert!(error.line > 0 && error.column > 0);
                    let line_end = |text: &str| text.contains('\n');
                    prop_assert!(!line_end(&error.message) && !line_end(&error.text), "{}", error);
                }
                let drawn = errors.render(false);
                prop_assert!(!drawn.is_empty() && !errors.to_string().is_empty());
            }
        }
    }

    #[test]
    fn a_wrong_key_never_hides_another(keys in connection(), wrong in "[a-z]{30}") {
        let text = format!("connections.a = {}\n[service]\n{wrong} = 1\n[defaults]\nclose_code = 1\n", toml(&keys));
        let errors = Memory::default().read(&text).unwrap_err();
        prop_assert_eq!(errors.count(), 2, "{}", errors);
    }
}
