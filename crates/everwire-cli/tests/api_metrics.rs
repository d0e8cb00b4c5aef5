//! Metrics and health, and their use in Prometheus and Grafana.

mod service_support;
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    process::{Command, Stdio},
};

use everwire::{State, testing::Peer};
use serde_json::{Value, json};
use service_support::http::{Client, Service};
use support::{Foreign, PrivateCa, TestDir, root};

/// The promised metrics, with the type of each.
const METRICS: [(&str, &str); 13] = [
    ("everwire_connections", "gauge"),
    ("everwire_ready", "gauge"),
    ("everwire_messages", "counter"),
    ("everwire_bytes", "counter"),
    ("everwire_last_message_timestamp_seconds", "gauge"),
    ("everwire_reconnects", "counter"),
    ("everwire_dial_seconds", "histogram"),
    ("everwire_rtt_seconds", "histogram"),
    ("everwire_outbox_messages", "gauge"),
    ("everwire_outbox_oldest_seconds", "gauge"),
    ("everwire_dropped", "counter"),
    ("everwire_subscriber_lag", "counter"),
    ("everwire_tls_expiry_seconds", "gauge"),
];

const LOOPBACK: &str = "allow_urls = ['ws*://127.0.0.1:*', 'wss://localhost:*']";

fn metrics(client: &Client) -> String {
    let answer = client.get("/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    let content_type = answer.header("content-type");
    assert_eq!(
        content_type,
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    answer.body
}

/// The value of a series, written as in the exposition.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok())
}

#[track_caller]
fn assert_value(text: &str, series: &str, fits: impl Fn(f64) -> bool) {
    let value = value(text, series);
    assert!(value.is_some_and(fits), "{series} is {value:?} in\n{text}");
}

#[test]
fn each_metric_of_the_contract_says_what_happened() {
    let dir = TestDir::new("metrics");
    let ca = PrivateCa::new(dir.path());
    let secure = Foreign::Python.start(Some(&ca));
    let peer = Peer::spawn_thread().unwrap();
    let groups = format!(
        "{LOOPBACK}\n[groups.market]\nheartbeat.interval = '50ms'\n\
         [connections.secure]\nurl = '{}'\ntls.ca_file = '{}'\n",
        secure.tls_url("/echo"),
        ca.ca_file.display()
    );
    let service = Service::start("metrics-all", &groups);
    service.put(
        "up",
        &json!({ "url": peer.url("/echo"), "group": "market" }),
    );
    service.put("busy", &json!({ "url": peer.url("/status/503") }));
    let outbox = json!({ "messages": 2, "when_full": "drop_oldest" });
    service.put(
        "down",
        &json!({ "url": "ws://127.0.0.1:1/", "enabled": false, "outbox": outbox }),
    );
    for name in ["up", "secure"] {
        service.wait_for_state(name, "open");
    }
    assert_eq!(service.post("/v1/connections/up/send", "hello").status, 200);
    for _ in 0..3 {
        assert_eq!(
            service.post("/v1/connections/down/send", "hello").status,
            200
        );
    }
    service.wait_for("up", "an echo and a pong", |status| {
        status["received"]["messages"] == 1 && !status["rtt_ms"].is_null()
    });
    service.wait_for("down", "a drop", |status| status["outbox"]["dropped"] == 1);
    service.wait_for("busy", "two reconnects", |status| {
        status["reconnects"].as_u64() >= Some(2)
    });

    let text = metrics(&service);
    for (name, kind) in METRICS {
        assert!(
            text.contains(&format!("# TYPE {name} {kind}\n")),
            "{name} {kind}\n{text}"
        );
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
    }
    for (series, expected) in [
        ("everwire_connections{state=\"open\"}", 2.0),
        ("everwire_connections{state=\"idle\"}", 1.0),
        ("everwire_connections{state=\"failed\"}", 0.0),
        ("everwire_ready{name=\"up\",group=\"market\"}", 1.0),
        ("everwire_ready{name=\"down\",group=\"\"}", 0.0),
        (
            "everwire_messages_total{name=\"up\",direction=\"sent\"}",
            1.0,
        ),
        (
            "everwire_messages_total{name=\"up\",direction=\"received\"}",
            1.0,
        ),
        (
            "everwire_bytes_total{name=\"up\",direction=\"received\"}",
            5.0,
        ),
        ("everwire_outbox_messages{name=\"down\"}", 2.0),
        ("everwire_outbox_messages{name=\"up\"}", 0.0),
        ("everwire_outbox_oldest_seconds{name=\"up\"}", 0.0),
        (
            "everwire_dropped_total{name=\"down\",reason=\"evicted\"}",
            1.0,
        ),
        ("everwire_subscriber_lag_total", 0.0),
        ("everwire_names_left_out", 0.0),
    ] {
        assert_value(&text, series, |value| value == expected);
    }
    assert_value(
        &text,
        "everwire_last_message_timestamp_seconds{name=\"up\"}",
        |at| at > 1.7e9,
    );
    assert_value(
        &text,
        "everwire_reconnects_total{name=\"busy\",cause=\"handshake_status\"}",
        |count| count >= 2.0,
    );
    assert_value(
        &text,
        "everwire_outbox_oldest_seconds{name=\"down\"}",
        |age| age > 0.0,
    );
    assert_value(
        &text,
        "everwire_tls_expiry_seconds{name=\"secure\"}",
        |left| left > 0.0,
    );
    assert_value(&text, "everwire_dial_seconds_count", |count| count >= 2.0);
    assert_value(&text, "everwire_rtt_seconds_count", |count| count >= 1.0);

    service.delete("/v1/connections/busy");
    service.delete("/v1/connections/down");
    let text = metrics(&service);
    assert!(
        !text.contains("\"busy\"") && !text.contains("\"down\""),
        "{text}"
    );
}

#[test]
fn metrics_may_have_an_address_and_a_token_of_their_own() {
    let keys = "metrics = { listen = '127.0.0.1:0', token = true }\n\
                [[service.tokens]]\nname = 'a'\nsecret = 's3cret-a'\n\
                [[service.tokens]]\nname = 'b'\nsecret = 's3cret-b'\nnames = 'b-*'\n\
                [[service.tokens]]\nname = 'c'\nsecret = 's3cret-c'\nscopes = ['control']\n";
    let service = Service::start("metrics-own", keys);
    let own = service.metrics.as_ref().unwrap();
    let ask = |client: &Client, token: &str| {
        client.ask(
            "GET",
            "/metrics",
            &[("Authorization", &format!("Bearer {token}"))],
            b"",
        )
    };
    assert_eq!(ask(own, "s3cret-a").status, 200);
    ask(own, "s3cret-b").problem(403, "does not reach all names");
    ask(own, "s3cret-c").problem(403, "lacks the scope");
    own.get("/metrics")
        .problem(401, "missing token: send Authorization: Bearer TOKEN");
    ask(&service, "s3cret-a").problem(404, "no such path");
    assert_eq!(
        (own.get("/healthz").status, own.get("/readyz").status),
        (200, 200)
    );
    own.get("/v1/connections").problem(404, "no such path");
    own.get("/openapi.json").problem(404, "no such path");
}

#[test]
fn the_service_is_ready_when_its_required_names_are() {
    let peer = Peer::spawn_thread().unwrap();
    let url = peer.url("/echo");
    let keys = format!(
        "[connections.needed]\nurl = '{url}'\nenabled = false\nrequired = true\n\
         [connections.other]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n"
    );
    let service = Service::start("ready", &keys);
    let ready = service.get("/readyz");
    assert_eq!(
        (ready.status, ready.json()),
        (503, json!({ "ready": false, "waiting": ["needed"] }))
    );
    assert_eq!(service.get("/healthz").status, 200);
    service.post("/v1/connections/needed/connect", "");
    service.wait_for_state("needed", "open");
    let ready = service.get("/readyz");
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({ "ready": true, "waiting": [] }))
    );
    service.post("/v1/connections/needed/close", "");
    service.wait_for_state("needed", "closed");
    assert_eq!(service.get("/readyz").status, 503);
}

fn config(path: &str) -> String {
    fs::read_to_string(root().join("config").join(path)).unwrap()
}

/// The metrics that a text names, with the suffixes of samples.
fn used(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text
        .split(|c| !is_part(c))
        .filter(|word| word.starts_with("everwire_"));
    words.map(str::to_owned).collect()
}

fn samples() -> BTreeSet<String> {
    let suffixes = |kind: &str| match kind {
        "counter" => &["_total"][..],
        "histogram" => &["_bucket", "_sum", "_count"],
        _ => &[""],
    };
    let own = [("everwire_names_left_out", "gauge")];
    let all = METRICS.into_iter().chain(own);
    all.flat_map(|(name, kind)| {
        suffixes(kind)
            .iter()
            .map(move |suffix| format!("{name}{suffix}"))
    })
    .collect()
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let text = config("grafana/everwire.json");
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let mut expressions = String::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            expressions += target["expr"].as_str().unwrap();
            expressions.push('\n');
        }
    }
    let used = used(&expressions);
    assert!(used.len() > 8, "{used:?}");
    assert!(
        used.is_subset(&samples()),
        "{:?}",
        used.difference(&samples())
    );
}

#[test]
fn the_alert_rules_are_valid_and_watch_metrics_that_exist() {
    let used = used(&config("prometheus/alerts.yml"));
    assert!(used.len() > 4, "{used:?}");
    assert!(
        used.is_subset(&samples()),
        "{:?}",
        used.difference(&samples())
    );
    let rules = root().join("config/prometheus");
    for arguments in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts_test.yml"],
    ] {
        let output = Command::new("promtool")
            .args(arguments)
            .current_dir(&rules)
            .output();
        let output = output.expect("promtool is missing: tests/all.sh install brings it");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn the_page_for_operators_has_each_metric_state_and_alert() {
    let page = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    // Counters of losses and drops appear after the first one.
    let service = Service::start("metrics-page", LOOPBACK);
    let outbox = json!({ "messages": 1, "when_full": "drop_oldest" });
    service.put(
        "a",
        &json!({ "url": "ws://127.0.0.1:1/", "outbox": outbox }),
    );
    for _ in 0..2 {
        service.post("/v1/connections/a/send", "hello");
    }
    service.wait_for("a", "a loss and a drop", |status| {
        status["reconnects"].as_u64() >= Some(1) && status["outbox"]["dropped"] == 1
    });
    let text = metrics(&service);
    let mut expected = BTreeSet::new();
    for line in text.lines() {
        let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|of| of.split_once(' '))
        else {
            continue;
        };
        let sample = match kind {
            "counter" => format!("{name}_total"),
            _ => name.to_owned(),
        };
        let is_told = |row: &&str| {
            let told = row.strip_prefix(&format!("| `{sample}"));
            let named = told.is_some_and(|told| told.starts_with(['`', '{']));
            named && row.contains(&format!(" | {kind} | "))
        };
        assert!(rows.iter().any(is_told), "{sample}, a {kind}");
        expected.insert(sample);
    }
    assert!(expected.len() > METRICS.len(), "{expected:?}");
    let mut told = used(&page);
    // A package's file.
    told.remove("everwire_");
    assert_eq!(told, expected);

    let alerts = config("prometheus/alerts.yml");
    let alerts = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: Vec<&str> = alerts.collect();
    assert!(alerts.len() > 8, "{alerts:?}");
    for word in State::ALL.iter().map(|state| state.as_str()).chain(alerts) {
        let begin = format!("| `{word}` | ");
        assert!(rows.iter().any(|row| row.starts_with(&begin)), "{word}");
    }
}

#[test]
fn prometheus_reads_what_is_exposed() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("metrics-lint", LOOPBACK);
    service.put("up", &json!({ "url": peer.url("/echo") }));
    service.wait_for_state("up", "open");
    let text = metrics(&service);
    // promtool reads the older format, which has no end mark and names a counter like its sample.
    let mut older = text.replace("# EOF\n", "");
    for (name, kind) in METRICS {
        if kind == "counter" {
            for comment in ["# TYPE", "# HELP"] {
                older = older.replace(
                    &format!("{comment} {name} "),
                    &format!("{comment} {name}_total "),
                );
            }
        }
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing: tests/all.sh install brings it");
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(older.as_bytes()).unwrap();
    drop(stdin);
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}\n{older}");
}

/// The families, according to the reference parser of OpenMetrics.
fn parsed(text: &str) -> Value {
    let mut parser = Foreign::Python.script("crates/everwire-cli/tests/clients/openmetrics.py");
    let mut parser = parser
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = parser.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let output = parser.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn openmetrics_are_by_the_standard_and_bounded_by_max_names() {
    let peer = Peer::spawn_thread().unwrap();
    let keys = format!("metrics = {{ max_names = 2 }}\n{LOOPBACK}");
    let service = Service::start("metrics-bounded", &keys);
    // Each is opened, evicts a message, and is lost.
    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
    for name in NAMES {
        let settings = json!({
            "url": peer.url("/drop?messages=1"),
            "enabled": false,
            "outbox": { "messages": 1, "when_full": "drop_oldest" },
        });
        service.put(name, &settings);
        for _ in 0..2 {
            let target = format!("/v1/connections/{name}/send");
            assert_eq!(service.post(&target, "drop, please").status, 200);
        }
        service.post(&format!("/v1/connections/{name}/connect"), "");
        service.wait_for(name, "a loss", |status| {
            let lost = !status["last_error"].is_null() || !status["last_close"].is_null();
            lost && status["state"] == "open"
        });
        service.post(&format!("/v1/connections/{name}/close"), "");
        service.wait_for_state(name, "closed");
    }
    let families = parsed(&metrics(&service));
    for (name, kind) in METRICS {
        assert_eq!(families[name]["type"], kind, "{name}");
        assert_ne!(families[name]["help"], "", "{name}");
    }
    let mut named = BTreeSet::new();
    for family in families.as_object().unwrap().values() {
        for sample in family["samples"].as_array().unwrap() {
            named.extend(sample[1]["name"].as_str());
        }
    }
    assert_eq!(named, BTreeSet::from(["a", "b"]));
    let reconnects = families["everwire_reconnects"]["samples"]
        .as_array()
        .unwrap();
    assert_eq!(reconnects.len(), 2, "{reconnects:?}");
    let left_out = &families["everwire_names_left_out"]["samples"];
    assert_eq!(left_out[0][2], 3.0);
    let states = families["everwire_connections"]["samples"].as_array();
    let closed = states
        .unwrap()
        .iter()
        .find(|sample| sample[1]["state"] == "closed");
    assert_eq!(
        closed.unwrap()[2],
        5.0,
        "what is counted over all names has no bound"
    );

    // A removed name makes room for another.
    service.delete("/v1/connections/a");
    let families = parsed(&metrics(&service));
    let ready = families["everwire_ready"]["samples"].as_array().unwrap();
    assert_eq!(ready.len(), 2, "{ready:?}");
    assert!(
        ready.iter().all(|sample| sample[1]["name"] != "a"),
        "{ready:?}"
    );
    assert_eq!(families["everwire_names_left_out"]["samples"][0][2], 2.0);
}
