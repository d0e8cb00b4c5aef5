//! Reported: settings over the API had no upper limits. A token for some names set
//! `connect_timeout` to a year, so its silent hosts held the places of all dials. It set its limits
//! to 1 TiB, and 30 messages of 10 MiB each were accepted for a peer that reads none.

use serde_json::{Value, json};

use super::service_support::http::{Answer, JSON, Service};

const TOKENS: &str = "allow_urls = ['ws://127.0.0.1:*']\n\
    [[service.tokens]]\nname = 'operator'\nsecret = 's3cret-operator'\n\
    [[service.tokens]]\nname = 'acme'\nsecret = 's3cret-acme'\nnames = 'acme-*'\n";

const URL: &str = "ws://127.0.0.1:1/";

fn put(service: &Service, by: &str, name: &str, settings: &Value) -> Answer {
    let value = format!("Bearer s3cret-{by}");
    let headers = [JSON, ("Authorization", value.as_str())];
    let target = format!("/v1/connections/{name}");
    let body = settings.to_string();
    service.ask("PUT", &target, &headers, body.as_bytes())
}

/// The pointers and messages of a 422.
fn refusals(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.problem(422, "service.api_limits");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|error| (text(&error["pointer"]), text(&error["message"])))
        .collect()
}

#[test]
fn timeouts_of_a_year_and_bounds_of_a_tebibyte_are_refused_at_once_with_their_limits() {
    let service = Service::start("limits-put", TOKENS);
    let settings = json!({
        "url": URL, "connect_timeout": "365d", "close_timeout": "6m",
        "heartbeat": { "interval": "1h", "timeout": "5m1ms" },
        "max_message": "1TiB", "max_frame": "17MiB",
        "outbox": { "messages": u32::MAX, "bytes": "1TiB" },
        "history": { "messages": 65_537, "bytes": "16777217B" },
    });
    let expected = [
        (
            "/connect_timeout",
            "invalid connect_timeout: 365d is longer than service.api_limits.timeout, 5m",
        ),
        (
            "/close_timeout",
            "invalid close_timeout: 6m is longer than service.api_limits.timeout, 5m",
        ),
        (
            "/heartbeat/interval",
            "invalid heartbeat.interval: 1h is longer than service.api_limits.timeout, 5m",
        ),
        (
            "/heartbeat/timeout",
            "invalid heartbeat.timeout: 5m1ms is longer than service.api_limits.timeout, 5m",
        ),
        (
            "/max_message",
            "invalid max_message: 1TiB is more than service.api_limits.max_message, 16MiB",
        ),
        (
            "/max_frame",
            "invalid max_frame: 17MiB is more than service.api_limits.max_message, 16MiB",
        ),
        (
            "/outbox/messages",
            "invalid outbox.messages: 4294967295 is more than the 65536 that service.api_limits.outbox, 16MiB, has room for",
        ),
        (
            "/outbox/bytes",
            "invalid outbox.bytes: 1TiB is more than service.api_limits.outbox, 16MiB",
        ),
        (
            "/history/messages",
            "invalid history.messages: 65537 is more than the 65536 that service.api_limits.history, 16MiB, has room for",
        ),
        (
            "/history/bytes",
            "invalid history.bytes: 16777217B is more than service.api_limits.history, 16MiB",
        ),
    ];
    // Operators may raise the limits explicitly.
    for by in ["acme", "operator"] {
        let mut told = refusals(&put(&service, by, "acme-1", &settings));
        let mut expected = expected.map(|(at, text)| (at.to_owned(), text.to_owned()));
        told.sort();
        expected.sort();
        assert_eq!(told, expected);
    }
    let most = json!({
        "url": URL, "connect_timeout": "5m", "close_timeout": "5m", "heartbeat": { "interval": "5m", "timeout": "5m" },
        "max_message": "16MiB", "max_frame": "16MiB", "outbox": { "messages": 65_536, "bytes": "16MiB" },
        "history": { "messages": 65_536, "bytes": "16MiB" }, "idle_timeout": "365d", "rotate_after": "365d",
    });
    assert_eq!(put(&service, "acme", "acme-1", &most).status, 201);
}

#[test]
fn defaults_of_the_file_may_be_beyond_the_limits_and_a_group_that_is_chosen_may_not() {
    let keys = format!(
        "{TOKENS}[service.api_limits]\ntimeout = '20s'\noutbox = '1MiB'\n\
         [defaults]\nconnect_timeout = '1m'\n[groups.large]\noutbox.bytes = '1GiB'\n"
    );
    let service = Service::start("limits-inherited", &keys);
    let put = |settings: Value| put(&service, "acme", "acme-1", &settings);
    // Our own default of 4 MiB exceeds the limit, too.
    assert_eq!(put(json!({ "url": URL })).status, 201);
    let usual = json!({ "url": URL, "connect_timeout": "1m", "outbox": { "bytes": "4MiB" } });
    assert_eq!(put(usual).status, 200);
    let longer = put(json!({ "url": URL, "connect_timeout": "1m1s" }));
    assert_eq!(refusals(&longer)[0].0, "/connect_timeout");
    let told = refusals(&put(json!({ "url": URL, "group": "large" })));
    let text = "invalid outbox.bytes: 1GiB, of the group \"large\", is more than service.api_limits.outbox, 1MiB";
    assert_eq!(told, [("/group".to_owned(), text.to_owned())]);
    let own = json!({ "url": URL, "group": "large", "outbox": { "bytes": "1MiB" } });
    assert_eq!(put(own).status, 200);
}

#[test]
fn a_reload_puts_other_limits_in_force_and_a_restart_keeps_what_was_accepted() {
    let limits = |timeout| format!("{TOKENS}[service.api_limits]\ntimeout = '{timeout}'\n");
    let mut service = Service::start("limits-reload", &limits("1h"));
    let settings = json!({ "url": URL, "connect_timeout": "30m" });
    assert_eq!(put(&service, "acme", "acme-1", &settings).status, 201);
    Service::configure("limits-reload", &limits("10m"));
    let value = "Bearer s3cret-operator";
    let reloaded = service.ask("POST", "/v1/reload", &[("Authorization", value)], b"");
    assert_eq!(reloaded.json()["service"], json!(["api_limits"]));
    refusals(&put(&service, "acme", "acme-1", &settings));
    service.kill();

    service = Service::start("limits-reload", &limits("10m"));
    let target = "/v1/connections/acme-1/config";
    let kept = service.ask("GET", target, &[("Authorization", value)], b"");
    assert_eq!(kept.json()["connect_timeout"], "30m");
    refusals(&put(&service, "acme", "acme-1", &settings));
    let log = service.end();
    assert!(log.contains("exceed the present limits"), "{log}");
}

#[test]
fn settings_of_a_token_for_some_names_are_short() {
    let service = Service::start("limits-settings", TOKENS);
    let settings = |length: usize| json!({ "url": URL, "tags": ["x".repeat(length)] });
    let long = put(&service, "acme", "acme-1", &settings(64 << 10));
    long.problem(413, "65536 bytes");
    let fits = put(&service, "acme", "acme-1", &settings((64 << 10) - 100));
    assert_eq!(fits.status, 201);
    let long = put(&service, "operator", "acme-1", &settings(64 << 10));
    assert_eq!(long.status, 200);
}
