//! Every route, and every refusal that routes share. Refusals of a single route are tested with
//! that route.

mod service_support;

use std::collections::BTreeSet;

use everwire::testing::Peer;
use serde_json::Value;
use service_support::{
    http::{Answer, Client, JSON, Service},
    ws::Socket,
};

/// The request for a route, and its limits.
#[derive(Clone, Copy)]
struct Route {
    method: &'static str,
    /// With `NAME` for a connection's name, or a secret's id.
    path: &'static str,
    /// Any of these scopes is enough; none: several are needed.
    scopes: &'static [&'static str],
    /// The largest body, if it reads one.
    body: Option<usize>,
}

impl Route {
    const fn new(
        method: &'static str,
        path: &'static str,
        scopes: &'static [&'static str],
    ) -> Self {
        Self {
            method,
            path,
            scopes,
            body: None,
        }
    }

    const fn body(mut self, limit: usize) -> Self {
        self.body = Some(limit);
        self
    }

    fn names_something(&self) -> bool {
        self.path.contains("NAME")
    }

    /// Whether it may name something that does not exist yet.
    fn creates(&self) -> bool {
        self.method == "PUT" && self.path.ends_with("NAME")
    }

    fn is_websocket(&self) -> bool {
        self.path.ends_with("/ws") || self.path.ends_with("/raw")
    }

    /// Whether pages of other sites must not use it: changes, and streams that a page could read.
    fn is_guarded(&self) -> bool {
        self.method != "GET" || self.is_websocket() || self.path == "/v1/events"
    }

    fn target(&self, name: &str) -> String {
        self.path.replace("NAME", name)
    }
}

/// For every known caller.
const ANY: &[&str] = &["read", "send", "control"];
/// `max_message` of the connections here.
const MAX_MESSAGE: usize = 1024;

/// All routes that must know the caller.
const ROUTES: [Route; 31] = [
    Route::new("GET", "/openapi.json", ANY),
    Route::new("GET", "/v1/connections", &["read"]),
    Route::new("GET", "/v1/connections/NAME", &["read"]),
    Route::new("PUT", "/v1/connections/NAME", &["control"]).body(1 << 20),
    Route::new("DELETE", "/v1/connections/NAME", &["control"]),
    Route::new("GET", "/v1/connections/NAME/config", &["read"]),
    Route::new("GET", "/v1/connections/NAME/why", &["read"]),
    Route::new("POST", "/v1/connections/NAME/probe", &["control"]),
    Route::new("POST", "/v1/connections/NAME/connect", &["control"]).body(MAX_MESSAGE),
    Route::new("POST", "/v1/connections/NAME/close", &["control"]).body(4096),
    Route::new("POST", "/v1/connections/NAME/send", &["send"]).body(MAX_MESSAGE),
    Route::new("POST", "/v1/connections/NAME/request", &["send", "read"]).body(MAX_MESSAGE),
    Route::new("GET", "/v1/connections/NAME/sends/1", &["send", "read"]),
    Route::new("GET", "/v1/connections/NAME/subscriptions", &["read"]),
    Route::new("PUT", "/v1/connections/NAME/subscriptions/k", &["control"]).body(256 << 10),
    Route::new(
        "DELETE",
        "/v1/connections/NAME/subscriptions/k",
        &["control"],
    ),
    Route::new("GET", "/v1/connections/NAME/raw", &[]),
    Route::new("POST", "/v1/connect?match=none", &["control"]),
    Route::new("POST", "/v1/close?match=none", &["control"]).body(4096),
    Route::new("POST", "/v1/retry?match=none", &["control"]),
    Route::new("POST", "/v1/rotate?match=none", &["control"]),
    Route::new("POST", "/v1/reload?plan=true", &["control"]),
    Route::new("GET", "/v1/status", &["read"]),
    Route::new("GET", "/v1/cluster", &["read"]),
    Route::new("GET", "/v1/cluster/names/NAME", &["read"]),
    Route::new("POST", "/v1/cluster/nodes/a/drain", &["control"]),
    Route::new("GET", "/v1/events", &["read"]),
    Route::new("GET", "/v1/ws", ANY),
    Route::new("PUT", "/v1/secrets/NAME", &["control"]).body(64 << 10),
    Route::new("DELETE", "/v1/secrets/NAME", &["control"]),
    Route::new("GET", "/metrics", &["read"]),
];
/// Routes for everybody.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

fn service(test: &str) -> Service {
    let mut keys = String::from("metrics.token = true\n");
    for (name, more) in [
        ("all", ""),
        ("read", "scopes = ['read']"),
        ("send", "scopes = ['send']"),
        ("control", "scopes = ['control']"),
        ("acme", "names = 'acme-*'"),
    ] {
        keys.push_str(&format!(
            "[[service.tokens]]\nname = '{name}'\nsecret = 'sesame-{name}'\n{more}\n"
        ));
    }
    keys.push_str(&format!(
        "[connections.feed]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\nmax_message = {MAX_MESSAGE}\n"
    ));
    Service::start(test, &keys)
}

fn bearer(token: &str) -> String {
    format!("Bearer sesame-{token}")
}

/// Requests a route; a WebSocket by a handshake.
fn ask(
    service: &Service,
    route: &Route,
    name: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let target = route.target(name);
    match route.is_websocket() {
        false => service.ask(route.method, &target, headers, body),
        true => {
            let refused = Socket::try_open(service, &target, headers).err();
            Answer::read(&refused.expect("it is refused")).unwrap()
        }
    }
}

#[test]
fn the_routes_here_are_all_that_are_described() {
    let service = service("refusals-all");
    let auth = bearer("all");
    let document = service.ask("GET", "/openapi.json", &[("Authorization", &auth)], b"");
    let document = document.json();
    let paths = document["paths"].as_object().unwrap();
    let described = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    let described: BTreeSet<_> = described
        .filter(|route| !OPEN.iter().any(|path| route.ends_with(path)))
        .collect();
    let here = ROUTES.iter().map(|route| {
        let path = route.path.split('?').next().unwrap();
        let path = path.replace("secrets/NAME", "secrets/{id}");
        let path = path
            .replace("NAME", "{name}")
            .replace("sends/1", "sends/{id}")
            .replace("nodes/a", "nodes/{node}")
            .replace("subscriptions/k", "subscriptions/{key}");
        format!("{} {path}", route.method)
    });
    assert_eq!(here.collect::<BTreeSet<_>>(), described);
}

#[test]
fn nothing_is_told_or_done_for_whom_it_is_not() {
    let service = service("refusals-access");
    for route in &ROUTES {
        let what = format!("{} {}", route.method, route.path);
        ask(&service, route, "feed", &[], b"")
            .problem(401, "missing token: send Authorization: Bearer TOKEN");
        let wrong = [("Authorization", "Bearer nobody")];
        ask(&service, route, "feed", &wrong, b"").problem(401, "unknown token");
        for scope in ANY {
            if route.scopes.contains(scope) {
                continue;
            }
            let auth = bearer(scope);
            let refused = ask(&service, route, "feed", &[("Authorization", &auth)], b"");
            let problem = refused.problem(403, "lacks the scope");
            let challenge = refused.header("www-authenticate");
            assert!(
                challenge.is_some_and(|told| told.contains("insufficient_scope")),
                "{what} {scope}: {problem} {refused:?}"
            );
        }
        let acme = bearer("acme");
        let acme = [("Authorization", acme.as_str())];
        if route.names_something() {
            ask(&service, route, "feed", &acme, b"").problem(403, "does not reach");
        }
    }
    let acme = bearer("acme");
    for target in ["/v1/reload", "/v1/reload?plan=true"] {
        let refused = service.ask("POST", target, &[("Authorization", &acme)], b"");
        refused.problem(403, "concerns all names");
    }
    let refused = service.ask("GET", "/v1/status", &[("Authorization", &acme)], b"");
    refused.problem(403, "does not reach all names");
    let refused = service.ask("GET", "/metrics", &[("Authorization", &acme)], b"");
    refused.problem(403, "does not reach all names");
}

#[test]
fn nothing_is_told_under_a_foreign_name_nor_done_for_a_foreign_page() {
    let service = service("refusals-origin");
    let auth = bearer("all");
    let auth = ("Authorization", auth.as_str());
    let own = format!("http://{}", service.listen);
    for route in &ROUTES {
        let rebound = [auth, ("Host", "rebound.example")];
        ask(&service, route, "feed", &rebound, b"").problem(403, "Host");
        for headers in [
            &[auth, ("Origin", "https://evil.example")][..],
            &[auth, ("Origin", "null")],
            &[auth, ("Sec-Fetch-Site", "cross-site")],
            &[auth, ("Origin", &own), ("Sec-Fetch-Site", "same-site")],
        ] {
            let answer = match route.is_guarded() {
                true => ask(&service, route, "feed", headers, b""),
                // A page cannot read the answer, since there is no CORS.
                false => {
                    let answer = ask(&service, route, "feed", headers, b"");
                    assert_eq!(answer.header("access-control-allow-origin"), None);
                    continue;
                }
            };
            answer.problem(403, "another site");
        }
    }
    for path in OPEN {
        let rebound = [("Host", "rebound.example")];
        service.ask("GET", path, &rebound, b"").problem(403, "Host");
    }
}

#[test]
fn other_methods_and_names_that_are_not_there_are_told() {
    let service = service("refusals-unknown");
    let auth = bearer("all");
    let auth = [("Authorization", auth.as_str())];
    for route in &ROUTES {
        for method in ["PATCH", "TRACE", "OPTIONS", "BREW"] {
            let answer = service.ask(method, &route.target("feed"), &auth, b"");
            answer.problem(405, &format!("{method} is not allowed here"));
            let allow = answer.header("allow").unwrap();
            assert!(
                allow.split(", ").any(|allowed| allowed == route.method),
                "{} {}: {allow}",
                route.method,
                route.path
            );
        }
        if route.names_something() && !route.creates() {
            // Without a cluster, none of its names is known.
            let what = match route.path.starts_with("/v1/cluster/") {
                true => "this process is no node of a cluster",
                false => "there is no ",
            };
            let problem = ask(&service, route, "nobody", &auth, b"").problem(404, what);
            assert_eq!(problem["type"], "about:blank");
        }
        // Invalid names are refused, too.
        if route.names_something() {
            let status = if route.creates() { 422 } else { 404 };
            ask(&service, route, "a..b", &auth, b"{}").problem(status, "a..b");
        }
    }
    for path in OPEN {
        let posted = service.ask("POST", path, &auth, b"");
        posted.problem(405, "POST is not allowed here");
    }
    for path in [
        "/nowhere",
        "/v1",
        "/v1/",
        "/v1/connections/",
        "/v1/connections/a/b",
        "//v1/ws",
    ] {
        service.ask("GET", path, &auth, b"").problem(404, "");
    }
}

#[test]
fn a_body_that_is_too_long_or_broken_is_refused() {
    let service = service("refusals-body");
    let auth = bearer("all");
    let headers = [("Authorization", auth.as_str()), JSON];
    for route in &ROUTES {
        let Some(limit) = route.body else {
            continue;
        };
        // A name of the file cannot be put.
        let name = if route.creates() { "new" } else { "feed" };
        let part = format!("at most {limit} bytes");
        let too_long = vec![b' '; limit + 1];
        ask(&service, route, name, &headers, &too_long).problem(413, &part);
        let target = route.target(name);
        let head = format!(
            "{} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {auth}\r\nConnection: close\r\n",
            route.method
        );
        // Before any of it arrives, and with chunks of unknown total length.
        let announced = format!("{head}Content-Length: {}\r\n\r\n", limit + 1);
        service.raw(announced.as_bytes()).problem(413, &part);
        let size = limit + 1;
        let piece = "x".repeat(size);
        let chunked =
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{piece}\r\n0\r\n\r\n");
        service.raw(chunked.as_bytes()).problem(413, &part);
        let broken = format!("{head}Transfer-Encoding: chunked\r\n\r\nno size\r\n");
        let answer = service.raw(broken.as_bytes());
        assert_eq!(answer.status, 400, "{target}: {answer:?}");
    }
}

#[test]
fn parameters_that_are_unknown_or_wrong_are_told() {
    let service = service("refusals-parameters");
    let auth = bearer("all");
    let auth = ("Authorization", auth.as_str());
    for (method, target, part) in [
        (
            "GET",
            "/v1/connections?cursor=%2F%2F",
            "invalid cursor: use next_cursor",
        ),
        ("GET", "/v1/connections?limit=-1", "1 to 1000"),
        ("GET", "/v1/connections?match=%00", "match"),
        (
            "GET",
            "/v1/connections/feed/subscriptions?state=up",
            "the states are wanted",
        ),
        ("POST", "/v1/connect", "missing parameter match"),
        ("POST", "/v1/rotate?match=", "empty"),
        ("POST", "/v1/retry?match=*&match=*", "comes twice"),
        ("POST", "/v1/close?mtach=*", "unknown parameter"),
        ("POST", "/v1/reload?plan=maybe", "true or false"),
        ("POST", "/v1/reload?plan=true&plan=true", "comes twice"),
        ("POST", "/v1/reload?paln=true", "unknown parameter"),
        (
            "POST",
            "/v1/connections/feed/send?wait=sent",
            "not one of queued",
        ),
        (
            "POST",
            "/v1/connections/feed/send?timeout=1h",
            "longer than 5m",
        ),
        (
            "POST",
            "/v1/connections/feed/send?until=1h",
            "unknown parameter",
        ),
        ("GET", "/v1/events?since=x", "since"),
    ] {
        service.ask(method, target, &[auth], b"").problem(400, part);
    }
    let form = [auth, ("Content-Type", "text/plain")];
    for (method, target) in [
        ("PUT", "/v1/connections/new"),
        ("POST", "/v1/connections/feed/close"),
        ("POST", "/v1/close?match=none"),
    ] {
        let refused = service.ask(method, target, &form, b"{}");
        refused.problem(415, "application/json");
    }
    let key = [auth, ("Idempotency-Key", "k")];
    let target = "/v1/connections/feed/send";
    let sent: Value = service.ask("POST", target, &key, b"one").json();
    assert_eq!(service.ask("POST", target, &key, b"one").json(), sent);
    let other = service.ask("POST", target, &key, b"two");
    other.problem(422, "used for another body");
}

#[test]
fn more_than_ten_thousand_secrets_are_refused() {
    let service = Service::start("refusals-secrets", "");
    let client: &Client = &service;
    let put = |id: &str| client.ask("PUT", &format!("/v1/secrets/{id}"), &[], b"value");
    std::thread::scope(|scope| {
        for part in 0..10 {
            scope.spawn(move || {
                for number in 0..1000 {
                    assert_eq!(put(&format!("s-{part}-{number}")).status, 201);
                }
            });
        }
    });
    put("one-more").problem(409, "10000 secrets already");
    assert_eq!(put("s-0-0").status, 204, "it takes the place of another");
    assert_eq!(client.delete("/v1/secrets/s-0-0").status, 204);
    assert_eq!(put("one-more").status, 201);
}

#[test]
fn opening_data_that_a_stuck_socket_cannot_take_is_refused() {
    let peer = Peer::spawn_thread().unwrap();
    let url = peer.url("/silent");
    let keys = format!("[connections.feed]\nurl = '{url}'\nheartbeat = {{ kind = 'none' }}\n");
    let service = Service::start("refusals-connect", &keys);
    service.wait_for_state("feed", "open");
    let data = "x".repeat(500_000);
    let connect = || service.post("/v1/connections/feed/connect", &data);
    // The messages that the kernel accepts, and those that may wait behind them.
    let refused = (0..400)
        .map(|_| connect())
        .find(|answer| answer.status != 202);
    let refused = refused.expect("a bound");
    refused.problem(429, "");
    assert_eq!(refused.header("retry-after"), Some("1"));
}

#[test]
fn more_than_a_hundred_thousand_connections_are_refused() {
    let fleet = "[fleet.many]\nrange = [1, 100000]\nname = 'n-{i}'\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n";
    let service = Service::start(
        "refusals-connections",
        &format!("allow_urls = ['ws://127.0.0.1:*']\n{fleet}"),
    );
    let settings = serde_json::json!({ "url": "ws://127.0.0.1:1/" });
    let refused = service.put("one-more", &settings);
    refused.problem(409, "as many as there may be");
}
