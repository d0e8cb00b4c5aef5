//! The events as server-sent events.

mod service_support;

use std::{
    io::Write,
    time::{Duration, Instant},
};

use everwire::testing::{How, Peer};
use serde_json::{Value, json};
use service_support::{SOON, http::Service, sse::Sse, ws::Socket};

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']";

fn open(service: &Service, name: &str, url: String) {
    let settings = json!({ "url": url, "reconnect": { "min": "1ms", "initial": "1ms" } });
    assert_eq!(service.put(name, &settings).status, 201);
}

#[test]
fn what_happens_is_told_with_the_place_to_go_on_from() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("events-told", LOOPBACK);
    let (mut sse, start) = Sse::started(&service, "/v1/events?match=feed", &[]);
    open(&service, "other", peer.url("/echo"));
    open(&service, "feed", peer.url("/echo"));
    service.post("/v1/connections/feed/send", "l\nne\r\n\u{2028}");
    let mut types = Vec::new();
    let message = loop {
        let told = sse.next();
        assert_eq!(told.data["name"], "feed", "{told:?}");
        assert_eq!(told.data["cursor"].as_str(), told.id.as_deref());
        types.push(told.data["type"].as_str().unwrap().to_owned());
        if told.data["type"] == "message" {
            break told.data;
        }
    };
    assert_eq!(types, ["connecting", "opened", "ready", "message"]);
    assert_eq!(
        (&message["text"], &message["seq"]),
        (&json!("l\nne\r\n\u{2028}"), &json!(4))
    );

    // The position of the beginning is valid too, and the header takes precedence.
    let mut again = Sse::open(
        &service,
        &format!("/v1/events?match=feed&since={start}"),
        &[],
    );
    assert_eq!(again.next().id, Some(start.clone()));
    assert_eq!(again.next().data["seq"], 1);
    let target = "/v1/events?types=message,ready&since=0";
    let (mut some, _) = Sse::started(&service, target, &[("Last-Event-ID", &start)]);
    let mut heard: Vec<_> = (0..3).map(|_| some.next().data).collect();
    heard.retain(|event| event["name"] == "feed");
    assert_eq!((&heard[0]["type"], &heard[1]), (&json!("ready"), &message));
}

/// Reads messages of a feed until one has this number; asserts that none is missing.
fn read_up_to(sse: &mut Sse, seen: &mut u64, tick: u64) -> String {
    loop {
        let told = sse.next();
        if told.data["type"] == "message" {
            let text: Value = serde_json::from_str(told.data["text"].as_str().unwrap()).unwrap();
            *seen += 1;
            assert_eq!(text["t"], *seen, "{told:?}");
            if *seen >= tick {
                return told.id.unwrap();
            }
        } else {
            assert!(!told.data.is_null(), "{told:?}");
        }
    }
}

#[test]
fn a_client_that_comes_back_has_missed_nothing() {
    let peer = Peer::spawn_thread().unwrap();
    let keys =
        format!("{LOOPBACK}\n[defaults]\nhistory = {{ messages = 100000, bytes = '64MiB' }}");
    let service = Service::start("events-back", &keys);
    let (mut sse, _) = Sse::started(&service, "/v1/events", &[]);
    open(&service, "feed", peer.url("/feed?every=1ms"));
    let mut seen = 0;
    for round in 1..=20 {
        let id = read_up_to(&mut sse, &mut seen, round * 50);
        drop(sse);
        sse = Sse::open(&service, "/v1/events", &[("Last-Event-ID", &id)]);
        assert_eq!(sse.next().id, Some(id.clone()));
    }
    read_up_to(&mut sse, &mut seen, 1050);
}

#[test]
fn the_numbers_of_a_name_have_no_hole_over_its_own_reconnects_either() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("events-seq", LOOPBACK);
    let (mut sse, _) = Sse::started(&service, "/v1/events", &[]);
    open(&service, "feed", peer.url("/echo"));
    let (mut seq, mut readies) = (0, 0);
    while readies < 3 {
        let told = sse.next();
        seq += 1;
        assert_eq!(told.data["seq"], seq, "{told:?}");
        if told.data["type"] == "ready" {
            readies += 1;
            let (_, id) = (peer.kick("/echo", How::Reset), told.id.unwrap());
            sse = Sse::open(&service, "/v1/events", &[("Last-Event-ID", &id)]);
            sse.next();
        }
    }
}

#[test]
fn one_that_comes_back_too_late_is_told() {
    let peer = Peer::spawn_thread().unwrap();
    let keys = format!("{LOOPBACK}\n[defaults]\nhistory = {{ messages = 2, bytes = '1MiB' }}");
    let service = Service::start("events-late", &keys);
    let (_sse, start) = Sse::started(&service, "/v1/events", &[]);
    open(&service, "feed", peer.url("/feed?every=1ms&count=10"));
    service.wait_for("feed", "the feed", |status| {
        status["received"]["messages"] == 10
    });
    for since in [start.as_str(), "1", "ffffffffffffffff"] {
        let target = format!("/v1/events?types=message&since={since}");
        let (mut late, _) = Sse::started(&service, &target, &[]);
        let told = late.next();
        assert_eq!((told.id, &told.data["type"]), (None, &json!("lagged")));
        assert_eq!(told.data["missed"], Value::Null, "{}", told.data);
    }
}

#[test]
fn a_client_that_does_not_read_is_bounded_and_cut_and_the_others_miss_nothing() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("events-slow", LOOPBACK);
    let (mut slow, _) = Sse::started(&service, "/v1/events", &[]);
    let (silent, _) = Sse::started(&service, "/v1/events", &[]);
    let (mut quick, _) = Sse::started(&service, "/v1/events?types=message", &[]);
    open(&service, "echo", peer.url("/echo"));
    // More than the kernel and the limits of one client hold together.
    const MESSAGES: u64 = 600;
    let text = "x".repeat(64 << 10);
    for _ in 0..MESSAGES {
        let sent = service.post("/v1/connections/echo/send", &text);
        assert_eq!(sent.status, 200, "{sent:?}");
        let told = quick.next();
        assert_eq!(told.data["type"], "message", "{:?}", told.id);
    }
    let resident = service.running.resident_mib();
    assert!(resident < 200, "{resident} MiB");

    // A client that continues to read learns how many events it missed.
    let (mut messages, mut missed) = (0, 0);
    while messages + missed < MESSAGES {
        let told = slow.next();
        match told.data["type"].as_str() {
            Some("message") => messages += 1,
            // More than once, if the kernel has accepted some in between.
            Some("lagged") => missed += told.data["missed"].as_u64().unwrap(),
            _ => {}
        }
    }
    assert_eq!(messages + missed, MESSAGES);
    assert!(missed > 0, "{messages} messages fit into the bounds");
    drop(slow);

    // A client that does not continue is cut off.
    let until = Instant::now() + 3 * SOON;
    // The kernel does not report when it gives up; later data is answered by a reset.
    while silent.tcp().write_all(b"\r\n").is_ok() {
        assert!(Instant::now() < until, "it is still connected");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(service.get("/healthz").status, 200);
}

#[test]
fn what_cannot_be_told_is_refused() {
    let tokens = "[[service.tokens]]\nname = 'acme'\nsecret = 's3cret-acme'\nnames = 'acme-*'\n\
        [[service.tokens]]\nname = 'sender'\nsecret = 's3cret-sender'\nscopes = ['send']\n\
        [connections.acme-1]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n\
        [connections.other]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n";
    let service = Service::start("events-refused", tokens);
    let acme = ("Authorization", "Bearer s3cret-acme");
    let ask = |target: &str, headers: &[(&str, &str)]| service.ask("GET", target, headers, b"");
    for (query, part) in [
        ("match=a%3F", "match:"),
        ("types=messages", "unknown event type"),
        ("since=yesterday", "since:"),
        ("sincee=1", "unknown parameter"),
    ] {
        ask(&format!("/v1/events?{query}"), &[acme]).problem(400, part);
    }
    ask("/v1/events", &[acme, ("Last-Event-ID", "x")]).problem(400, "Last-Event-ID");
    let twice = [acme, ("Last-Event-ID", "1"), ("Last-Event-ID", "2")];
    ask("/v1/events", &twice).problem(400, "more than once");
    ask("/v1/events", &[]).problem(401, "missing token: send Authorization: Bearer TOKEN");
    let sender = [("Authorization", "Bearer s3cret-sender")];
    ask("/v1/events", &sender).problem(403, "lacks the scope");
    let posted = service.ask("POST", "/v1/events", &[acme], b"");
    posted.problem(405, "POST is not allowed here");
    assert_eq!(posted.header("allow"), Some("GET"));
}

#[test]
fn who_finds_no_place_is_refused_until_one_is_free() {
    const PLACES: usize = 192;
    let name = "[connections.feed]\nurl = 'ws://127.0.0.1:1/'\nenabled = false";
    let service = Service::start("events-places", name);
    let mut there = Socket::open(&service, "/v1/ws", &[]);
    let mut clients: Vec<_> = (1..PLACES)
        .map(|_| Sse::started(&service, "/v1/events", &[]))
        .collect();
    let refused = service.get("/v1/events");
    refused.problem(503, "192 are connected already");
    assert_eq!(refused.header("retry-after"), Some("5"));
    for target in ["/v1/ws", "/v1/connections/feed/raw"] {
        let told = Socket::try_open(&service, target, &[]).err().unwrap();
        assert!(told.starts_with("HTTP/1.1 503 "), "{target}: {told}");
    }
    assert_eq!(service.get("/healthz").status, 200);
    // Present clients lose nothing, and a new one may take a place that is free.
    there.ask(&json!({ "op": "subscribe", "id": "a" }));
    assert_eq!(there.answer("a")["type"], "ack");
    clients.pop();
    let until = Instant::now() + SOON;
    while let Err(told) = Socket::try_open(&service, "/v1/ws", &[]) {
        assert!(Instant::now() < until, "{told}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_token_hears_the_names_of_its_pattern() {
    let tokens = "[[service.tokens]]\nname = 'acme'\nsecret = 's3cret-acme'\nnames = 'acme-*'\n\
        [connections.acme-1]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n\
        [connections.acme-2]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n\
        [connections.other]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n\
        [[service.tokens]]\nname = 'all'\nsecret = 's3cret-all'\n";
    let service = Service::start("events-token", tokens);
    let acme = ("Authorization", "Bearer s3cret-acme");
    let (mut all, _) = Sse::started(&service, "/v1/events", &[acme]);
    let (mut some, _) = Sse::started(&service, "/v1/events?match=other,*-2", &[acme]);
    let everybody = [("Authorization", "Bearer s3cret-all")];
    let closed = service.ask("POST", "/v1/close?match=*", &everybody, b"");
    assert!(closed.status < 300, "{closed:?}");
    let mut names = [all.next(), all.next()].map(|told| told.data["name"].clone());
    names.sort_by_key(Value::to_string);
    assert_eq!(names, [json!("acme-1"), json!("acme-2")]);
    assert_eq!(some.next().data["name"], "acme-2");
}

#[test]
fn a_page_of_another_site_hears_nothing() {
    let service = Service::start("events-site", "");
    for header in [
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let answer = service.ask("GET", "/v1/events", &[header], b"");
        answer.problem(403, "another site");
    }
    let host = [("Host", "rebound.example")];
    service
        .ask("GET", "/v1/events", &host, b"")
        .problem(403, "Host");
    let ours = format!("http://{}", service.listen);
    Sse::started(&service, "/v1/events", &[("Origin", &ours)]);
}
