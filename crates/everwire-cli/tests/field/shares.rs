//! Shared resources had no owner. Reported: one token for some names held all requests in flight,
//! stored the greatest number of secrets, subscribed without limit at a cost for each event, and
//! filled the log and the metrics with its names.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use everwire::testing::Peer;
use serde_json::{Value, json};

use super::service_support::{
    Running, SOON, everwire, file,
    http::{Answer, Client, Service},
    ws::Socket,
};

/// An operator, `acme`, `other`, and more tokens that reach some names, so that there are `tenants` of them.
fn tokens(tenants: usize) -> String {
    let token = |name: &str, names: &str| {
        format!(
            "[[service.tokens]]\nname = '{name}'\nsecret = 's3cret-{name}'\nnames = '{names}'\n"
        )
    };
    let others = (2..tenants).map(|number| format!("tenant-{number}"));
    let tenants = ["acme", "other"].map(str::to_owned).into_iter();
    let tenants = tenants.chain(others);
    let tenants: String = tenants
        .map(|name| token(&name, &format!("{name}-*")))
        .collect();
    format!(
        "allow_urls = ['ws://127.0.0.1:*']\n{}{tenants}",
        token("operator", "*")
    )
}

fn bearer(by: &str) -> String {
    format!("Bearer s3cret-{by}")
}

fn ask(service: &Client, by: &str, method: &str, target: &str, body: &str) -> Answer {
    let bearer = bearer(by);
    let mut headers = vec![("Authorization", bearer.as_str())];
    if body.starts_with('{') {
        headers.push(("Content-Type", "application/json"));
    }
    service.ask(method, target, &headers, body.as_bytes())
}

fn put(service: &Client, by: &str, name: &str, settings: &Value) {
    let target = format!("/v1/connections/{name}");
    let put = ask(service, by, "PUT", &target, &settings.to_string());
    assert_eq!(put.status, 201, "{put:?}");
}

#[test]
fn a_token_with_many_requests_under_way_leaves_room_for_those_of_another() {
    let service = Service::start("shares-requests", &tokens(2));
    // It accepts connections, and never answers.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", mute.local_addr().unwrap());
    let settings = json!({ "url": url, "enabled": false, "connect_timeout": "5m" });
    put(&service, "acme", "acme-1", &settings);
    let probe = format!(
        "POST /v1/connections/acme-1/probe HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n",
        service.listen,
        bearer("acme")
    );
    let probes: Vec<_> = (0..250)
        .map(|_| {
            let mut client = TcpStream::connect(&service.listen).unwrap();
            client.write_all(probe.as_bytes()).unwrap();
            client
        })
        .collect();
    let list = |by: &str| ask(&service, by, "GET", "/v1/connections", "");
    let until = Instant::now() + SOON;
    let refused = loop {
        let answer = list("acme");
        if answer.status != 200 {
            break answer;
        }
        assert!(Instant::now() < until, "all that come are let in");
        thread::sleep(Duration::from_millis(5));
    };
    refused.problem(503, "too many requests are under way");
    assert_eq!(list("other").status, 200);
    assert_eq!(list("operator").status, 200);
    drop(probes);
}

#[test]
fn a_token_has_its_share_of_the_secrets_over_a_restart_too() {
    let (test, keys) = ("shares-secrets", tokens(1800));
    let put = |service: &Client, by: &str, id: &str| {
        let answer = ask(service, by, "PUT", &format!("/v1/secrets/{id}"), "value");
        if answer.status == 409 {
            answer.problem(409, "put 5 secrets, and no more are allowed");
        }
        answer.status
    };
    let service = Service::start(test, &keys);
    for number in 0..5 {
        assert_eq!(put(&service, "acme", &format!("acme-{number}")), 201);
    }
    assert_eq!(put(&service, "acme", "acme-5"), 409);
    assert_eq!(put(&service, "acme", "acme-0"), 204, "it is not one more");
    assert_eq!(put(&service, "other", "other-0"), 201);
    assert_eq!(put(&service, "operator", "acme-5"), 201);
    service.kill();

    let service = Service::start(test, &keys);
    assert_eq!(put(&service, "acme", "acme-6"), 409);
    // Replacing another owner's secret does not transfer it.
    assert_eq!(put(&service, "operator", "acme-0"), 204);
    assert_eq!(put(&service, "acme", "acme-6"), 409);
    let deleted = ask(&service, "acme", "DELETE", "/v1/secrets/acme-0", "");
    assert_eq!(deleted.status, 204);
    assert_eq!(put(&service, "acme", "acme-6"), 201);
}

#[test]
fn a_token_has_its_share_of_the_subscriptions() {
    // 64 for each.
    let service = Service::start("shares-subscriptions", &tokens(28));
    let open = |by: &str| Socket::open(&service, "/v1/ws", &[("Authorization", &bearer(by))]);
    let subscribe = |socket: &mut Socket, id: &str| {
        socket.ask(&json!({ "op": "subscribe", "id": id, "match": "" }));
        socket.answer(id)
    };
    let mut first = open("acme");
    for number in 0..64 {
        let told = subscribe(&mut first, &number.to_string());
        assert_eq!(told["type"], "ack", "{told}");
    }
    let mut second = open("acme");
    let told = subscribe(&mut second, "more");
    assert_eq!(told["problem"]["status"], 503, "{told}");
    for by in ["other", "operator"] {
        let told = subscribe(&mut open(by), "mine");
        assert_eq!(told["type"], "ack", "{by}: {told}");
    }
    // What is given back can be had again.
    first.ask(&json!({ "op": "unsubscribe", "id": "0" }));
    assert_eq!(first.answer("0")["type"], "ack");
    let told = subscribe(&mut second, "again");
    assert_eq!(told["type"], "ack", "{told}");
}

#[test]
fn a_token_writes_its_share_of_the_log_and_says_what_was_left_out() {
    let peer = Peer::spawn_thread().unwrap();
    let keys = format!(
        "[service]\nlisten = '127.0.0.1:0'\nlog = {{ format = 'json', messages = true }}\n{}",
        tokens(2)
    );
    let path = file("shares-log", &keys);
    let mut running = Running::spawn(everwire(&["run", path.to_str().unwrap()]));
    let up = running.event("everwire is up", None);
    let service = Client::plain(up["listen"].as_str().unwrap());
    // More than the share, even if the log writes each line at once.
    let flood = json!({ "url": peer.url("/flood?count=30000") });
    put(&service, "acme", "acme-1", &flood);
    put(
        &service,
        "operator",
        "mine",
        &json!({ "url": peer.url("/echo") }),
    );
    let mut written = 0;
    let mut is_there = false;
    // After the flood, any further event of the name may print the line.
    let left_out = running.line("what was left out", |line| {
        written += u32::from(line.contains(r#""message":"message","name":"acme-1""#));
        is_there |= line.contains(r#""message":"ready","name":"mine""#);
        line.contains("lines about the names of this token were left out")
    });
    let left_out: Value = serde_json::from_str(&left_out).unwrap();
    assert_eq!(left_out["owner"], "acme");
    if !is_there {
        running.event("ready", Some("mine"));
    }
    assert!((1..20_000).contains(&written), "{written} lines");
}

#[test]
fn names_of_a_token_have_its_share_of_the_series_of_the_metrics() {
    let keys = format!("metrics = {{ max_names = 8 }}\n{}", tokens(2));
    let taken = "[connections.of-the-file]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n";
    let service = Service::start("shares-metrics", &format!("{keys}{taken}"));
    let settings = json!({ "url": "ws://127.0.0.1:1/", "enabled": false });
    for (by, names) in [("acme", 0..6), ("other", 0..3)] {
        for number in names {
            put(&service, by, &format!("{by}-{number}"), &settings);
        }
    }
    put(&service, "operator", "of-the-operator", &settings);
    let metrics = service.get("/metrics").body;
    let series = |start: &str| {
        metrics
            .matches(&format!("everwire_ready{{name=\"{start}"))
            .count()
    };
    assert_eq!(
        (series("acme-"), series("other-"), series("of-the-")),
        (3, 3, 2)
    );
    assert!(metrics.contains("everwire_names_left_out 3\n"), "{metrics}");
}

#[test]
fn the_end_of_the_process_does_not_wait_as_long_as_a_token_says() {
    let peer = Peer::spawn_thread().unwrap();
    let keys = format!("drain_timeout = '1s'\n{}", tokens(2));
    let service = Service::start("shares-end", &keys);
    // After the handshake it reads nothing, and answers no close frame.
    let settings = json!({ "url": peer.url("/silent"), "close_timeout": "5m" });
    put(&service, "acme", "acme-1", &settings);
    let until = Instant::now() + SOON;
    while peer.open_count() == 0 {
        assert!(Instant::now() < until, "it is not up");
        thread::sleep(Duration::from_millis(5));
    }
    // Far longer than the drain may take, and far shorter than the timeout.
    service.end();
}

#[test]
fn a_name_that_fails_all_the_time_costs_why_its_last_attempts_alone() {
    let service = Service::start("shares-why", &tokens(2));
    let reconnect = json!({ "min": "1ms", "initial": "1ms", "max": "1ms" });
    let settings = json!({ "url": "ws://127.0.0.1:1/", "reconnect": reconnect });
    put(&service, "acme", "acme-1", &settings);
    let get = |path: &str| {
        let target = format!("/v1/connections/acme-1{path}");
        ask(&service, "acme", "GET", &target, "").json()
    };
    let until = Instant::now() + SOON;
    while get("")["attempt"].as_u64() < Some(20) {
        assert!(Instant::now() < until, "it is not dialled again");
        thread::sleep(Duration::from_millis(5));
    }
    let why = get("/why");
    assert_eq!(why["attempts"].as_array().unwrap().len(), 8, "{why}");
}
