//! Connections that are created, changed and removed over HTTP.

mod service_support;

use everwire::testing::Peer;
use serde_json::{Value, json};
use service_support::{
    http::{JSON, Service},
    ways::Way,
};

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']";

fn names(page: &Value) -> Vec<&str> {
    let page = page["connections"].as_array().unwrap();
    page.iter()
        .map(|status| status["name"].as_str().unwrap())
        .collect()
}

/// Settings of a connection that is never dialled.
fn idle() -> Value {
    json!({ "url": "ws://127.0.0.1:1/", "enabled": false })
}

#[test]
fn a_connection_is_created_replaced_and_removed() {
    for way in Way::ALL {
        create_replace_and_remove(way);
    }
}

fn create_replace_and_remove(way: Way) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start_by(way, "api-life", LOOPBACK);
    let settings =
        json!({ "url": peer.url("/echo"), "tags": ["a"], "headers": { "X-Token": "s3cret" } });
    let created = service.put("feed.1", &settings);
    assert_eq!(
        (created.status, created.header("location")),
        (201, Some("/v1/connections/feed.1")),
        "{created:?}"
    );
    assert_eq!(created.json()["name"], "feed.1");
    let first = service.wait_for_state("feed.1", "open");

    let config = service.get("/v1/connections/feed.1/config");
    assert_eq!(
        (config.status, &config.json()["headers"]["X-Token"]),
        (200, &json!("***"))
    );
    assert_eq!(config.json()["tags"], json!(["a"]));

    // Tags do not affect the socket.
    let settings =
        json!({ "url": peer.url("/echo"), "tags": ["b"], "headers": { "X-Token": "s3cret" } });
    let replaced = service.put("feed.1", &settings);
    assert_eq!(
        (replaced.status, replaced.header("location")),
        (200, None),
        "{replaced:?}"
    );
    let second = service.status("feed.1");
    assert_eq!(second["tags"], json!(["b"]));
    assert_eq!(second["incarnation"], first["incarnation"]);

    let gone = service.delete("/v1/connections/feed.1");
    assert_eq!((gone.status, &*gone.body), (204, ""));
    for answer in [
        service.get("/v1/connections/feed.1"),
        service.delete("/v1/connections/feed.1"),
        service.post("/v1/connections/feed.1/connect", ""),
        service.post("/v1/connections/feed.1/close", ""),
    ] {
        answer.problem(404, "no connection named \\\"feed.1\\\"");
    }
    assert!(!service.end().contains("s3cret"));
}

#[test]
fn what_the_file_owns_is_changed_there() {
    let service = Service::start(
        "api-owned",
        "[connections.mine]\nurl = 'ws://127.0.0.1:1/'\nenabled = false",
    );
    service.put("mine", &idle()).problem(409, "file owns");
    service
        .delete("/v1/connections/mine")
        .problem(409, "file owns");
    assert_eq!(service.status("mine")["state"], "idle");
}

#[test]
fn settings_that_cannot_be_used_are_told_all_at_once() {
    let service = Service::start("api-invalid", "");
    let settings = json!({ "url": "http://x", "hearbeat": 1, "headers": { "A": "x\r\ny: z", "B\r\n": "", "C": "${HOME}" } });
    let problem = service.put("a", &settings).problem(422, "hearbeat");
    let errors = problem["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        pointers,
        [
            "/headers/A",
            "/headers/B\r\n",
            "/headers/C",
            "/hearbeat",
            "/url"
        ]
    );
    for (settings, part) in [
        (
            json!({ "url": "wss://h", "tls": { "ca_file": "/etc/passwd" } }),
            "/tls/ca_file",
        ),
        (
            json!({ "url": "wss://h", "on_open": ["${file:/etc/passwd}"] }),
            "not allowed over the API",
        ),
        (
            json!({ "url": "wss://h", "prepare": [{ "exec": ["id"] }] }),
            "/prepare",
        ),
        (json!([]), "expected a table"),
    ] {
        service.put("a", &settings).problem(422, part);
    }
    service.put("..", &idle()).problem(422, "invalid name");
    let put = |headers, body| service.ask("PUT", "/v1/connections/a", headers, body);
    let syntax = put(&[JSON], b"{\n \"url\": }").problem(400, "expected value");
    assert_eq!((&syntax["line"], &syntax["column"]), (&json!(2), &json!(9)));
    put(&[JSON], b"").problem(400, "EOF");
    put(&[("Content-Type", "text/plain")], b"{}").problem(415, "application/json");
    put(&[JSON], &vec![b' '; (1 << 20) + 1]).problem(413, "1048576");
    let announced = service.raw(b"PUT /v1/connections/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\nConnection: close\r\n\r\n");
    announced.problem(413, "1048576");
    assert_eq!(
        names(&service.get("/v1/connections").json()),
        Vec::<&str>::new()
    );
}

#[test]
fn a_name_is_connected_and_closed_by_hand() {
    for way in Way::ALL {
        connect_and_close(way);
    }
}

fn connect_and_close(way: Way) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start_by(way, "api-hand", LOOPBACK);
    let settings = json!({ "url": peer.url("/echo"), "enabled": false });
    service.put("feed", &settings);
    assert_eq!(service.status("feed")["state"], "idle");
    let up = service.post("/v1/connections/feed/connect", "hello");
    assert_eq!(
        (up.status, &up.json()["name"]),
        (202, &json!("feed")),
        "{up:?}"
    );
    service.wait_for("feed", "the echo of the opening data", |status| {
        status["received"]["messages"] == 1
    });
    for (body, status, part) in [
        (r#"{"code": 1005}"#, 422, "cannot be sent"),
        (
            &json!({ "reason": "x".repeat(124) }).to_string(),
            422,
            "124 bytes",
        ),
        (r#"{"cod": 1000}"#, 422, "unknown field"),
        (r#"{"code": 70000}"#, 422, "u16"),
        ("{", 400, "EOF"),
        ("x", 400, "expected value"),
    ] {
        service
            .ask(
                "POST",
                "/v1/connections/feed/close",
                &[JSON],
                body.as_bytes(),
            )
            .problem(status, part);
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    service
        .ask("POST", "/v1/connections/feed/close", &form, b"code=1000")
        .problem(415, "application/json");
    assert_eq!(service.status("feed")["state"], "open");
    let unsendable = service.ask(
        "POST",
        "/v1/connections/feed/close",
        &form,
        br#"{"code": 1006}"#,
    );
    unsendable.problem(422, "1006");

    let close = r#"{"code": 4001, "reason": "enough"}"#;
    let closed = service.ask(
        "POST",
        "/v1/connections/feed/close",
        &[JSON],
        close.as_bytes(),
    );
    assert_eq!(closed.status, 202, "{closed:?}");
    service.wait_for_state("feed", "closed");
    let log = peer.connections_at("/echo").remove(0);
    assert_eq!(
        log.close.map(|close| (close.code, close.reason)),
        Some((Some(4001), "enough".into()))
    );
    service
        .post("/v1/connections/feed/send", "late")
        .problem(409, "rejected");
    assert_eq!(service.post("/v1/connections/feed/connect", "").status, 202);
    service.wait_for_state("feed", "open");
    assert_eq!(service.post("/v1/connections/feed/close", "").status, 202);
    service.wait_for_state("feed", "closed");
    let binary = [("Content-Type", "text/plain")];
    service
        .ask("POST", "/v1/connections/feed/connect", &binary, &[0xff])
        .problem(422, "not UTF-8");
}

#[test]
fn many_are_asked_by_one_request_that_says_whom_it_means() {
    for way in Way::ALL {
        ask_many(way);
    }
}

fn ask_many(way: Way) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start_by(way, "api-bulk", LOOPBACK);
    for name in ["a.1", "a.2", "b.1"] {
        let settings = json!({ "url": peer.url("/status/503"), "reconnect": { "initial": "1h", "min": "1h", "max": "1h" } });
        service.put(name, &settings);
        service.wait_for_state(name, "backoff");
    }
    service.put("idle", &idle());
    for path in ["/v1/connect", "/v1/close", "/v1/retry"] {
        service
            .post(path, "")
            .problem(400, "missing parameter match");
        service
            .post(&format!("{path}?match="), "")
            .problem(400, "must not be empty");
        service
            .post(&format!("{path}?match=a%3F"), "")
            .problem(400, "'?'");
        service
            .post(&format!("{path}?match=*&name=x"), "")
            .problem(400, "unknown parameter");
        service
            .post(&format!("{path}?match=a&match=b"), "")
            .problem(400, "comes twice");
        let none = service.post(&format!("{path}?match=nobody"), "");
        assert_eq!(
            (none.status, none.json()),
            (200, json!({ "matched": 0, "changed": 0 }))
        );
    }
    let counted = |path: &str| service.post(path, "").json();
    // The idle one is not waiting for anything.
    assert_eq!(
        counted("/v1/retry?match=*"),
        json!({ "matched": 4, "changed": 3 })
    );
    for name in ["a.1", "a.2", "b.1"] {
        service.wait_for(name, "another attempt", |status| {
            status["incarnation"].as_u64() >= Some(3)
        });
    }
    assert_eq!(
        counted("/v1/close?match=a.*,idle"),
        json!({ "matched": 3, "changed": 3 })
    );
    for name in ["a.1", "a.2", "idle"] {
        service.wait_for_state(name, "closed");
    }
    let body = r#"{"code": 999}"#;
    service
        .ask("POST", "/v1/close?match=*", &[JSON], body.as_bytes())
        .problem(422, "cannot be sent");
    assert_eq!(service.status("b.1")["state"], "backoff");
    assert_eq!(
        counted("/v1/connect?match=a.1"),
        json!({ "matched": 1, "changed": 1 })
    );
    service.wait_for_state("a.1", "backoff");
}

#[test]
fn lists_are_filtered_and_their_pages_are_stable() {
    for way in Way::ALL {
        filter_lists(way);
    }
}

fn filter_lists(way: Way) {
    let service = Service::start_by(way, "api-list", LOOPBACK);
    for name in ["e", "c", "a", "d", "b"] {
        assert_eq!(service.put(name, &idle()).status, 201);
    }
    let page = service.get("/v1/connections?limit=2").json();
    assert_eq!(
        (names(&page), &page["next_cursor"]),
        (vec!["a", "b"], &json!("b"))
    );
    service.delete("/v1/connections/b");
    service.put("b2", &idle());
    let page = service.get("/v1/connections?limit=2&cursor=b").json();
    assert_eq!(
        (names(&page), &page["next_cursor"]),
        (vec!["b2", "c"], &json!("c"))
    );
    let page = service
        .get("/v1/connections?state=open,closed&state=idle&match=d,e")
        .json();
    assert_eq!(
        (names(&page), &page["next_cursor"]),
        (vec!["d", "e"], &Value::Null)
    );
    for (query, part) in [
        ("limit=0", "1 to 1000"),
        ("state=up", "the states are"),
        ("match=,", "must not be empty"),
        ("cursor=..", "use next_cursor"),
        ("colour=red", "unknown parameter"),
    ] {
        service
            .get(&format!("/v1/connections?{query}"))
            .problem(400, part);
    }
}

#[test]
fn a_secret_is_given_used_and_never_seen() {
    for way in Way::ALL {
        give_a_secret(way);
    }
}

fn give_a_secret(way: Way) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start_by(way, "api-secret", LOOPBACK);
    let settings = json!({
        "url": format!("{}?k=${{secret:key}}", peer.url("/echo")),
        "headers": { "Authorization": "Bearer ${secret:token}" },
        "reconnect": { "initial": "100ms", "max": "100ms" },
    });
    assert_eq!(service.put("feed", &settings).status, 201);
    let status = service.wait_for("feed", "secret_missing", |status| {
        status["last_error"]["kind"] == "secret_missing"
    });
    assert_eq!(status["last_error"]["text"], "there is no secret \"key\"");
    let put = |id: &str, value: &[u8]| service.ask("PUT", &format!("/v1/secrets/{id}"), &[], value);
    assert_eq!(put("token", b"s3cret-t").status, 201);
    assert_eq!(put("token", b"s3cret-token").status, 204);
    // The last one, since a dial may come as soon as all are there.
    assert_eq!(put("key", b"s3cret-k").status, 201);
    service.wait_for_state("feed", "open");
    let request = peer.connections_at("/echo").remove(0).request.unwrap();
    assert_eq!(request.header("authorization"), Some("Bearer s3cret-token"));

    put("..", b"x").problem(422, "invalid id");
    put("a", b"").problem(422, "empty");
    put("a", &[0xff]).problem(422, "UTF-8");
    put("a", &vec![b'x'; 64 * 1024 + 1]).problem(413, "65536");
    service
        .get("/v1/secrets/key")
        .problem(405, "GET is not allowed");
    assert_eq!(service.delete("/v1/secrets/key").status, 204);
    service.delete("/v1/secrets/key").problem(404, "no secret");
    service.delete("/v1/secrets/..").problem(404, "");
    let seen = [
        service.get("/v1/connections").body,
        service.get("/v1/connections/feed/config").body,
        service.get("/metrics").body,
        service.end(),
    ];
    assert!(
        seen.iter().all(|text| !text.contains("s3cret")),
        "{seen:#?}"
    );
}

/// Compares the members of an object with its description: each is described, and the required ones
/// are there.
fn assert_described(document: &Value, schema: &Value, served: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => schema,
    };
    let options = schema["oneOf"].as_array();
    if let Some(option) =
        options.and_then(|options| options.iter().find(|option| !option["$ref"].is_null()))
    {
        return assert_described(document, option, served, at);
    }
    let Some(members) = served.as_object() else {
        return;
    };
    for (name, member) in members {
        let described = &schema["properties"][name];
        assert!(described.is_object(), "{at}/{name} is not described");
        assert_described(document, described, member, &format!("{at}/{name}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            members.contains_key(name.as_str().unwrap()),
            "{at} has no {name}"
        );
    }
}

#[test]
fn a_status_is_as_the_openapi_document_describes_it() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("api-described", LOOPBACK);
    let document = service.get("/openapi.json").json();
    let schema = json!({ "$ref": "#/components/schemas/Status" });
    let urls = [peer.url("/close?code=1012"), peer.url("/status/503")];
    service.put("a", &json!({ "urls": urls, "tags": ["x"] }));
    let served = service.wait_for("a", "a close and an error", |status| {
        !status["last_close"].is_null() && status["last_error"]["status"] == 503
    });
    assert_described(&document, &schema, &served, "");
    let problem = service.put("b", &json!({})).problem(422, "no url");
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    assert_described(&document, &schema, &problem, "");
}

#[test]
fn every_path_says_which_methods_it_has() {
    for way in Way::ALL {
        ask_for_methods(way);
    }
}

fn ask_for_methods(way: Way) {
    let service = Service::start_by(way, "api-methods", "");
    for (path, allow) in [
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
        ("/v1/connections", "GET, HEAD"),
        ("/v1/connections/a", "GET, HEAD, PUT, DELETE"),
        ("/v1/connections/a/config", "GET, HEAD"),
        ("/v1/connections/a/connect", "POST"),
        ("/v1/connections/a/close", "POST"),
        ("/v1/connections/a/send", "POST"),
        ("/v1/connections/a/sends/1", "GET, HEAD"),
        ("/v1/connect", "POST"),
        ("/v1/close", "POST"),
        ("/v1/retry", "POST"),
        ("/v1/secrets/a", "PUT, DELETE"),
        ("/v1/events", "GET"),
        ("/v1/ws", "GET"),
        ("/v1/connections/a/raw", "GET"),
    ] {
        let answer = service.ask("PATCH", path, &[], b"");
        answer.problem(405, "PATCH is not allowed here");
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
        let document = service.get("/openapi.json").json();
        let documented = path
            .replace("/a", "/{name}")
            .replace("secrets/{name}", "secrets/{id}")
            .replace("sends/1", "sends/{id}");
        let methods = document["paths"][&documented]
            .as_object()
            .unwrap_or_else(|| panic!("{documented}"));
        let mut methods: Vec<_> = methods.keys().map(|method| method.to_uppercase()).collect();
        let mut allowed: Vec<_> = allow
            .split(", ")
            .filter(|method| *method != "HEAD")
            .map(str::to_owned)
            .collect();
        methods.sort();
        allowed.sort();
        assert_eq!(methods, allowed, "{path}");
    }
    service.get("/nowhere").problem(404, "no such path");
    service.get("/v1/connections/%FF").problem(404, "");
}
