//! Reported: "With `service.tls` every request of curl is 400: a request has exactly one Host."
//! curl uses HTTP/2 if TLS offers it, and HTTP/2 has `:authority` instead of `Host`.

use std::process::Command;

use everwire::testing::Peer;
use serde_json::{Value, json};

use super::service_support::{
    http::{JSON, Service},
    sse,
    ways::{Certificate, Way, ask_http2},
};

/// A service with TLS, and its certificate.
fn service(test: &str, keys: &str) -> (Service, Certificate) {
    let certificate = Certificate::new(test);
    let keys = format!("{keys}\n{}", certificate.keys());
    let client = certificate.client(Way::Http2OverTls);
    (Service::start_with(test, &keys, Some(client)), certificate)
}

/// curl with its defaults: it offers HTTP/2, and accepts it.
fn curl(service: &Service, certificate: &Certificate, path: &str, options: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--noproxy", "*", "--max-time"])
        .args(["20", "--cacert"])
        .arg(&certificate.cert_file)
        .args(options)
        .arg(format!("https://{}{path}", service.listen));
    command
}

/// The result of curl: HTTP version, status and body.
fn asked(mut curl: Command) -> (String, String) {
    let output = curl
        .args(["--write-out", "\n%{http_version} %{http_code}"])
        .output()
        .expect("curl is installed by tests/all.sh");
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let (body, end) = told.rsplit_once('\n').unwrap();
    (end.to_owned(), body.to_owned())
}

#[test]
fn curl_reads_and_changes_over_http_2() {
    let (service, certificate) = service("http2-curl", "");
    for path in ["/", "/healthz", "/metrics", "/v1/connections"] {
        let (end, body) = asked(curl(&service, &certificate, path, &[]));
        assert_eq!(end, "2 200", "{path}: {body}");
    }
    let settings = r#"{"url": "wss://example.com", "enabled": false}"#;
    let put = [
        "-X",
        "PUT",
        "-H",
        "Content-Type: application/json",
        "-d",
        settings,
    ];
    let path = "/v1/connections/a";
    let (end, body) = asked(curl(&service, &certificate, path, &put));
    assert_eq!(end, "2 201", "{body}");
    let named = ["-H", "Host: localhost"];
    let (end, _) = asked(curl(&service, &certificate, path, &named));
    assert_eq!(end, "2 200");
    let rebound = ["-H", "Host: rebound.example"];
    let (end, body) = asked(curl(&service, &certificate, path, &rebound));
    assert_eq!(end, "2 403", "{body}");
    let evil = ["-X", "DELETE", "-H", "Origin: https://evil.example"];
    let (end, body) = asked(curl(&service, &certificate, path, &evil));
    assert_eq!(end, "2 403", "{body}");
    let old = ["--http1.1"];
    let (end, _) = asked(curl(&service, &certificate, path, &old));
    assert_eq!(end, "1.1 200");
}

#[test]
fn host_and_authority_agree_where_there_are_both() {
    let (service, _) = service("http2-both", "");
    let config = service.http2().unwrap();
    let listen = &*service.listen;
    for (authority, hosts, status) in [
        (Some(listen), vec![], 200),
        (Some(listen), vec![listen], 200),
        (Some("localhost"), vec!["LOCALHOST:443"], 200),
        // A proxy that forwards a request of HTTP/1.1 may send only `Host`.
        (None, vec![listen], 200),
        (None, vec![], 400),
        (Some("localhost"), vec!["127.0.0.1"], 400),
        (Some("localhost"), vec!["localhost:1"], 400),
        (Some("localhost"), vec!["localhost", "localhost"], 400),
        (Some("localhost"), vec!["rebound.example"], 403),
        (Some("rebound.example"), vec!["localhost"], 403),
        (Some("rebound.example"), vec![], 403),
        (None, vec!["rebound.example"], 403),
    ] {
        let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        let asked = ("GET", authority, "/v1/connections");
        let answer = ask_http2(listen, config, asked, &headers, b"");
        assert_eq!(answer.status, status, "{authority:?} {hosts:?}: {answer:?}");
    }
}

#[test]
fn an_origin_is_compared_with_the_authority() {
    let (service, _) = service("http2-origin", "");
    let own = format!("https://{}", service.listen);
    let put = |headers: &[(&str, &str)]| {
        let headers = [headers, &[JSON]].concat();
        let settings = br#"{"url": "wss://example.com", "enabled": false}"#;
        service.ask("PUT", "/v1/connections/a", &headers, settings)
    };
    let answer = put(&[("Origin", &own), ("Sec-Fetch-Site", "same-origin")]);
    assert_eq!(answer.status, 201, "{answer:?}");
    for headers in [
        &[("Origin", "https://localhost")][..],
        &[("Origin", "https://")],
        &[("Origin", "null")],
        &[("Origin", &own), ("Sec-Fetch-Site", "cross-site")],
    ] {
        put(headers).problem(403, "another site");
    }
}

#[test]
fn messages_are_sent_and_events_are_followed_over_http_2() {
    let peer = Peer::spawn_thread().unwrap();
    let keys = format!("[connections.echo]\nurl = '{}'", peer.url("/echo"));
    let (service, certificate) = service("http2-events", &keys);
    service.wait_for_state("echo", "open");
    let mut events = sse::Curl::start(curl(
        &service,
        &certificate,
        "/v1/events?types=message",
        &["--no-buffer"],
    ));
    // The first event has only an id: the stream begins here.
    assert_eq!(events.next().data, Value::Null);
    let sent = service.ask(
        "POST",
        "/v1/connections/echo/send?wait=confirmed",
        &[("Content-Type", "text/plain")],
        b"over two",
    );
    assert_eq!(sent.json()["fate"], "confirmed", "{sent:?}");
    assert_eq!(events.next().data["text"], json!("over two"));
}

#[test]
fn a_handshake_of_a_websocket_is_told_that_it_needs_http_1() {
    let (service, _) = service("http2-ws", "");
    for path in ["/v1/ws", "/raw/a"] {
        let answer = service.get(path);
        assert!([404, 426].contains(&answer.status), "{path}: {answer:?}");
    }
    service.get("/v1/ws").problem(426, "WebSocket");
}
