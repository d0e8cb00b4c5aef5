//! Reported: "The PUT returns 201, and the name stays in backoff with `forbidden` for ever": the
//! address can never be dialled.

use everwire::testing::Peer;
use serde_json::{Value, json};

use super::service_support::http::Service;

/// Asserts a refusal at this pointer, with a text that says what the operator can change.
#[track_caller]
fn refused(service: &Service, settings: &Value, pointer: &str, reason: &str) {
    let answer = service.put("refused", settings);
    let problem = answer.problem(422, "must not be dialled");
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    assert_eq!(errors[0]["pointer"], pointer, "{problem}");
    for part in [reason, "allow_urls"] {
        assert!(errors[0].to_string().contains(part), "{part}: {problem}");
    }
    assert_eq!(service.get("/v1/connections/refused").status, 404);
}

#[test]
fn an_address_that_can_never_be_dialled_is_refused_when_it_is_put() {
    let service = Service::start("addresses-refused", "");
    for host in [
        "127.0.0.1:1",
        "127.1",
        "2130706433",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1:8123",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "[::1]:1",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let url = format!("ws://{host}/feed");
        let reason = "not a public address";
        refused(&service, &json!({ "url": url }), "/url", reason);
        let urls = json!({ "urls": ["wss://example.com", url] });
        refused(&service, &urls, "/urls", reason);
    }
    let localhost = json!({ "url": "ws://localhost:1/" });
    refused(&service, &localhost, "/url", "is this machine");
    // A secret after the host does not matter.
    let secret = json!({ "url": "ws://127.0.0.1/${secret:key}" });
    refused(
        &service,
        &secret,
        "/url",
        "127.0.0.1 is not a public address",
    );
    for proxy in [
        "http://127.0.0.1:3128",
        "socks5://[::1]:1080",
        "http://localhost:1",
    ] {
        let settings = json!({ "url": "wss://example.com", "proxy": proxy });
        refused(
            &service,
            &settings,
            "/proxy",
            "this proxy must not be dialled",
        );
    }
    for url in ["wss://1.1.1.1/", "wss://example.com/"] {
        let answer = service.put("public", &json!({ "url": url, "enabled": false }));
        assert!([200, 201].contains(&answer.status), "{url}: {answer:?}");
    }
}

#[test]
fn an_address_that_a_secret_holds_is_judged_when_it_is_dialled() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("addresses-secret", "");
    let host = peer.addr().to_string();
    let stored = service.ask("PUT", "/v1/secrets/host", &[], host.as_bytes());
    assert_eq!(stored.status, 201, "{stored:?}");
    let answer = service.put("late", &json!({ "url": "ws://${secret:host}/echo" }));
    assert_eq!(answer.status, 201, "{answer:?}");
    let is_forbidden = |status: &Value| status["last_error"]["kind"] == "forbidden";
    service.wait_for("late", "forbidden", is_forbidden);
    assert_eq!(peer.accepted(), 0);
}

#[test]
fn an_address_that_the_operator_allows_is_dialled() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("addresses-allowed", "allow_urls = ['ws://127.0.0.1:*']");
    let answer = service.put("a", &json!({ "url": peer.url("/echo") }));
    assert_eq!(answer.status, 201, "{answer:?}");
    service.wait_for_state("a", "open");
    let proxied = json!({ "url": peer.url("/echo"), "proxy": "http://10.0.0.1:3128" });
    refused(
        &service,
        &proxied,
        "/proxy",
        "no pattern of service.allow_urls",
    );
}
