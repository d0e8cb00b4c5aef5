//! Access over HTTP: who may use which route, and which addresses they may dial.

mod service_support;
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use everwire::testing::Peer;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::json;
use service_support::{
    file,
    http::{JSON, Service, try_over_tls},
    run, stderr,
    ways::Way,
};
use support::{PrivateCa, TestDir};

const TOKENS: &str = "[[service.tokens]]\nname = 'all'\nsecret = 's3cret-all'\n\
    [[service.tokens]]\nname = 'reader'\nsecret = 's3cret-reader'\nscopes = ['read']\n\
    [[service.tokens]]\nname = 'sender'\nsecret = 's3cret-sender'\nscopes = ['send']\n\
    [[service.tokens]]\nname = 'acme'\nsecret = 's3cret-acme'\nnames = 'acme-*'\n\
    [connections.acme-1]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n\
    [connections.other]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n";

fn bearer(token: &str) -> String {
    format!("Bearer s3cret-{token}")
}

#[test]
fn without_a_token_only_the_health_is_told() {
    for way in Way::ALL {
        only_the_health_is_told(way);
    }
}

fn only_the_health_is_told(way: Way) {
    let service = Service::start_by(way, "access-none", TOKENS);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(service.get(path).status, 200, "{path}");
    }
    let known = [
        "/v1/connections",
        "/v1/connections/other",
        "/v1/connections/other/config",
        "/openapi.json",
    ];
    for path in known {
        let answer = service.get(path);
        answer.problem(401, "missing token: send Authorization: Bearer TOKEN");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"everwire\"")
        );
        for wrong in [
            "Bearer s3cret-al",
            "Bearer s3cret-all2",
            "Bearer ",
            "Basic s3cret-all",
            "s3cret-all",
            "Bearer",
        ] {
            let answer = service.ask("GET", path, &[("Authorization", wrong)], b"");
            answer.problem(401, "token");
        }
        let twice = [
            ("Authorization", "Bearer s3cret-all"),
            ("Authorization", "Bearer s3cret-all"),
        ];
        assert_eq!(service.ask("GET", path, &twice, b"").status, 401);
    }
    let answer = service.ask("GET", known[0], &[("Authorization", "Bearer nope")], b"");
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .contains("error=\"invalid_token\"")
    );
    let auth = bearer("all");
    for path in known {
        assert_eq!(
            service
                .ask("GET", path, &[("Authorization", &auth)], b"")
                .status,
            200,
            "{path}"
        );
        assert_eq!(
            service
                .ask(
                    "GET",
                    path,
                    &[("Authorization", &auth.replace("Bearer", "bearer"))],
                    b""
                )
                .status,
            200
        );
    }
    // Unless the configuration says so, a scrape needs no token.
    assert_eq!(service.get("/metrics").status, 200);
    assert!(!service.end().contains("s3cret"));
}

#[test]
fn a_token_is_for_what_its_scopes_say() {
    for way in Way::ALL {
        scopes_are_what_a_token_is_for(way);
    }
}

fn scopes_are_what_a_token_is_for(way: Way) {
    let service = Service::start_by(way, "access-scopes", TOKENS);
    for (method, path, allowed) in [
        ("GET", "/v1/connections", vec!["all", "reader"]),
        ("GET", "/v1/connections/other", vec!["all", "reader"]),
        ("GET", "/v1/connections/other/config", vec!["all", "reader"]),
        ("POST", "/v1/connections/other/send", vec!["all", "sender"]),
        (
            "GET",
            "/v1/connections/other/sends/1",
            vec!["all", "reader", "sender"],
        ),
        ("GET", "/openapi.json", vec!["all", "reader", "sender"]),
        ("POST", "/v1/connections/other/close", vec!["all"]),
        ("POST", "/v1/connections/other/connect", vec!["all"]),
        ("POST", "/v1/close?match=nobody", vec!["all"]),
        ("POST", "/v1/connect?match=nobody", vec!["all"]),
        ("POST", "/v1/retry?match=nobody", vec!["all"]),
        ("PUT", "/v1/connections/new", vec!["all"]),
        ("DELETE", "/v1/connections/new", vec!["all"]),
        ("PUT", "/v1/secrets/new", vec!["all"]),
        ("DELETE", "/v1/secrets/new", vec!["all"]),
    ] {
        for token in ["all", "reader", "sender"] {
            let auth = bearer(token);
            let body = r#"{"url": "wss://example.com", "enabled": false}"#;
            let body = if method == "PUT" { body } else { "" };
            let answer = service.ask(method, path, &[("Authorization", &auth)], body.as_bytes());
            if allowed.contains(&token) {
                assert!(
                    ![401, 403].contains(&answer.status),
                    "{token} {method} {path}: {answer:?}"
                );
            } else {
                answer.problem(403, "lacks the scope");
                let challenge = answer.header("www-authenticate").unwrap();
                assert!(
                    challenge.contains("error=\"insufficient_scope\""),
                    "{challenge}"
                );
            }
        }
    }
}

#[test]
fn a_token_reaches_the_names_of_its_pattern() {
    for way in Way::ALL {
        names_are_what_a_token_reaches(way);
    }
}

fn names_are_what_a_token_reaches(way: Way) {
    let service = Service::start_by(way, "access-names", TOKENS);
    let auth = bearer("acme");
    let ask = |method: &str, path: &str, body: &str| {
        service.ask(
            method,
            path,
            &[("Authorization", &auth), JSON],
            body.as_bytes(),
        )
    };
    let page = ask("GET", "/v1/connections", "").json();
    assert_eq!(page["connections"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(page["connections"][0]["name"], "acme-1");
    assert_eq!(ask("GET", "/v1/connections/acme-1", "").status, 200);
    let settings = r#"{"url": "wss://example.com", "enabled": false}"#;
    for (method, path, body) in [
        ("GET", "/v1/connections/other", ""),
        ("GET", "/v1/connections/nobody", ""),
        ("GET", "/v1/connections/other/config", ""),
        ("POST", "/v1/connections/other/send", "x"),
        ("GET", "/v1/connections/other/sends/1", ""),
        ("POST", "/v1/connections/other/close", ""),
        ("POST", "/v1/connections/other/connect", ""),
        ("PUT", "/v1/connections/new", settings),
        ("DELETE", "/v1/connections/other", ""),
        ("PUT", "/v1/secrets/other", "x"),
        ("DELETE", "/v1/secrets/other", ""),
    ] {
        ask(method, path, body).problem(403, "does not reach");
    }
    assert_eq!(ask("POST", "/v1/close?match=*", "").json()["matched"], 1);
    assert_eq!(ask("PUT", "/v1/connections/acme-2", settings).status, 201);

    // A secret of another owner must not be sent to an arbitrary URL.
    assert_eq!(ask("PUT", "/v1/secrets/acme-key", "x").status, 201);
    let with = |id: &str| {
        format!(
            r#"{{"url": "wss://example.com", "enabled": false, "headers": {{"A": "${{secret:{id}}}"}}}}"#
        )
    };
    assert_eq!(
        ask("PUT", "/v1/connections/acme-2", &with("acme-key")).status,
        200
    );
    ask("PUT", "/v1/connections/acme-2", &with("other-key"))
        .problem(403, "does not reach the secret");
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    for way in Way::ALL {
        another_site_changes_nothing(way);
    }
}

fn another_site_changes_nothing(way: Way) {
    let service = Service::start_by(way, "access-site", "");
    let own = format!("{}://{}", way.scheme(), service.listen);
    let put = |headers: &[(&str, &str)]| {
        let settings = br#"{"url": "wss://example.com", "enabled": false}"#;
        service.ask("PUT", "/v1/connections/a", headers, settings)
    };
    for headers in [
        &[][..],
        &[("Origin", &*own)],
        &[("Origin", &own), ("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "none")],
    ] {
        let answer = put(headers);
        assert!(
            [200, 201].contains(&answer.status),
            "{way:?} {headers:?}: {answer:?}"
        );
    }
    for headers in [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "null")],
        &[("Origin", "http://127.0.0.1:1")],
        &[("Origin", &own), ("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "cross-site")],
    ] {
        put(headers).problem(403, "another site");
        for (method, path) in [
            ("POST", "/v1/connections/a/send"),
            ("POST", "/v1/connections/a/close"),
            ("POST", "/v1/close?match=*"),
            ("DELETE", "/v1/connections/a"),
            ("PUT", "/v1/secrets/a"),
        ] {
            service
                .ask(method, path, headers, b"")
                .problem(403, "another site");
        }
        let read = service.ask("GET", "/v1/connections", headers, b"");
        assert_eq!(read.status, 200);
        assert_eq!(read.header("access-control-allow-origin"), None);
    }
    assert_eq!(service.status("a")["state"], "idle");
    let preflight = [
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "PUT"),
    ];
    service
        .ask("OPTIONS", "/v1/connections/a", &preflight, b"")
        .problem(405, "OPTIONS");
}

#[test]
fn a_host_that_is_not_ours_gets_no_answer() {
    for way in Way::ALL {
        let service = Service::start_by(way, "access-host", "");
        for path in [
            "/",
            "/healthz",
            "/metrics",
            "/v1/connections",
            "/openapi.json",
            "/nowhere",
        ] {
            for host in [
                "rebound.example",
                "rebound.example:9180",
                "127.0.0.1.nip.io",
            ] {
                let answer = service.ask("GET", path, &[("Host", host)], b"");
                answer.problem(403, "Host");
            }
            let answer = service.ask("GET", path, &[("Host", "localhost:1")], b"");
            let expected = if path == "/nowhere" { 404 } else { 200 };
            assert_eq!(answer.status, expected, "{way:?} {path}: {answer:?}");
        }
    }
}

#[test]
fn a_request_of_http_1_has_one_host() {
    for way in [Way::Http1, Way::Http1OverTls] {
        let service = Service::start_by(way, "access-one-host", "");
        let twice = [("Host", "localhost"), ("Host", "localhost")];
        let answer = service.ask("GET", "/healthz", &twice, b"");
        assert_eq!(answer.status, 400, "{answer:?}");
        let none = service.raw(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
        assert_eq!(none.status, 400, "{none:?}");
        let absolute = |target: &str| {
            let head = format!(
                "GET {target}/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            );
            service.raw(head.as_bytes())
        };
        absolute("http://rebound.example").problem(403, "Host");
        absolute("http://127.0.0.1").problem(400, "the same in both");
        assert_eq!(absolute("http://localhost:80").status, 200);
    }
}

#[test]
fn on_an_open_address_who_has_a_token_may_use_any_name_of_the_machine() {
    let text = TOKENS.replacen("[[service", "listen = '0.0.0.0:0'\n[[service", 1);
    let path = file(
        "access-open",
        &format!("[service]\nlog.format = 'json'\n{text}"),
    );
    let mut running = service_support::Running::start(&["run", path.to_str().unwrap()]);
    let listen = running.event("everwire is up", None)["listen"]
        .as_str()
        .unwrap()
        .to_owned();
    let ask = |token: &str| {
        let mut tcp = TcpStream::connect(listen.replace("0.0.0.0", "127.0.0.1")).unwrap();
        write!(tcp, "GET /v1/connections HTTP/1.1\r\nHost: everwire.internal\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("Bearer s3cret-all").starts_with("HTTP/1.1 200"));
    assert!(ask("Bearer wrong").starts_with("HTTP/1.1 403"));
}

#[test]
fn an_address_that_others_reach_needs_to_know_who_comes() {
    for keys in ["listen = '0.0.0.0:0'", "metrics.listen = '0.0.0.0:0'"] {
        let path = file("access-exposed", &format!("[service]\n{keys}\n"));
        let output = run(&["run", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = stderr(&output);
        assert!(
            told.contains("needs tokens or client certificates") && told.contains(":2:"),
            "{told}"
        );
    }
}

#[test]
fn only_public_addresses_are_dialled_unless_the_operator_says_more() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("access-dial", "");
    let port = peer.addr().port();
    for (name, host) in [
        ("ip", format!("127.0.0.1:{port}")),
        ("name", format!("localhost:{port}")),
        ("mapped", format!("[::ffff:127.0.0.1]:{port}")),
        ("metadata", "169.254.169.254".to_owned()),
    ] {
        // Visible in the settings already.
        let written = json!({ "url": format!("ws://{host}/echo") });
        service.put(name, &written).problem(422, "allow_urls");
        // Unknown before the dial.
        let secret = format!("/v1/secrets/{name}");
        let stored = service.ask("PUT", &secret, &[], host.as_bytes());
        assert_eq!(stored.status, 201, "{stored:?}");
        let url = format!("ws://${{secret:{name}}}/echo");
        assert_eq!(service.put(name, &json!({ "url": url })).status, 201);
        let status = service.wait_for(name, "forbidden", |status| {
            status["last_error"]["kind"] == "forbidden"
        });
        assert_eq!(status["state"], "backoff", "{status}");
    }
    // Nothing is sent there: the proxy is checked first.
    let proxy = "http://${secret:ip}";
    service.put(
        "proxied",
        &json!({ "url": "wss://1.1.1.1", "proxy": proxy }),
    );
    service.wait_for("proxied", "forbidden", |status| {
        status["last_error"]["kind"] == "forbidden"
    });
    assert_eq!(peer.accepted(), 0);

    let service = Service::start(
        "access-dial-some",
        "allow_urls = ['ws://127.0.0.1:*/echo', 'wss://*.example.com']",
    );
    assert_eq!(
        service
            .put("a", &json!({ "url": peer.url("/echo") }))
            .status,
        201
    );
    service.wait_for_state("a", "open");
    let problem = service
        .put("b", &json!({ "url": peer.url("/sink") }))
        .problem(422, "must not be dialled");
    assert_eq!(problem["errors"][0]["pointer"], "/url");
}

/// The keys of `[service.tls]`.
fn tls_keys(ca: &PrivateCa, with_clients: bool) -> String {
    let (cert, key) = (ca.cert_file.display(), ca.key_file.display());
    let keys = format!("[service.tls]\ncert_file = '{cert}'\nkey_file = '{key}'\n");
    match with_clients {
        true => format!("{keys}client_ca_file = '{}'\n", ca.ca_file.display()),
        false => keys,
    }
}

/// A client that trusts a CA, and may show a certificate of another CA.
fn tls_client(ca: &PrivateCa, shown: Option<&PrivateCa>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(&ca.ca_file).unwrap())
        .unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match shown {
        None => builder.with_no_client_auth(),
        Some(by) => {
            let certificate = CertificateDer::from_pem_file(&by.client_cert_file).unwrap();
            let key = PrivateKeyDer::from_pem_file(&by.client_key_file).unwrap();
            builder
                .with_client_auth_cert(vec![certificate], key)
                .unwrap()
        }
    })
}

const GET: &[u8] = b"GET /v1/connections HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[test]
fn the_api_speaks_tls() {
    let dir = TestDir::new("api-tls");
    let ca = PrivateCa::new(dir.path());
    let keys = format!("metrics.listen = '127.0.0.1:0'\n{}", tls_keys(&ca, false));
    let service = Service::start_with("api-tls", &keys, Some(tls_client(&ca, None)));
    assert_eq!(service.raw(GET).status, 200);
    assert_eq!(
        service.metrics.as_ref().unwrap().get("/metrics").status,
        200
    );
    let mut plain = TcpStream::connect(&service.listen).unwrap();
    plain.write_all(GET).unwrap();
    let mut answer = Vec::new();
    // It ends with an alert or without.
    let _ended = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
}

#[test]
fn with_client_certificates_only_who_has_one_comes_in() {
    let (dir, other_dir) = (TestDir::new("api-mtls"), TestDir::new("api-mtls-other"));
    let (ca, other) = (PrivateCa::new(dir.path()), PrivateCa::new(other_dir.path()));
    let client = tls_client(&ca, Some(&ca));
    let service = Service::start_with("api-mtls", &tls_keys(&ca, true), Some(client));
    assert_eq!(service.raw(GET).status, 200);
    for shown in [None, Some(&other)] {
        let answer = try_over_tls(&service.listen, &tls_client(&ca, shown), GET);
        assert!(answer.is_err(), "{answer:?}");
    }
}

#[test]
fn tls_that_cannot_be_set_up_is_a_clear_error() {
    let dir = TestDir::new("api-tls-wrong");
    let ca = PrivateCa::new(dir.path());
    fs::write(&ca.cert_file, "nothing").unwrap();
    let text = format!("service.listen = '127.0.0.1:0'\n{}", tls_keys(&ca, false));
    let path = file("api-tls-wrong", &text);
    let output = run(&["run", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = stderr(&output);
    assert!(
        told.contains("service.tls.cert_file") && told.contains("cert.pem"),
        "{told}"
    );
}
