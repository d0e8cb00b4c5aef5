//! Clients, keys and names of one token affected another. Reported: one token took all 192 places
//! of SSE, WebSocket and raw, and the operator got 503; it joined a rate of the file and used it
//! up; its required name with a dead URL made the process report that it is not ready. Its 10,001
//! idempotency keys displaced those of others, and a repeated payment was sent twice.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use everwire::testing::Peer;
use serde_json::{Value, json};

use super::service_support::{
    SOON,
    http::{Answer, JSON, Service},
    sse::Sse,
};

const TOKENS: &str = "allow_urls = ['ws://127.0.0.1:*']\n\
    [[service.tokens]]\nname = 'operator'\nsecret = 's3cret-operator'\n\
    [[service.tokens]]\nname = 'acme'\nsecret = 's3cret-acme'\nnames = 'acme-*'\n\
    [[service.tokens]]\nname = 'other'\nsecret = 's3cret-other'\nnames = 'other-*'\n\
    [rates.site]\nmessages = 5\nper = '1s'\n\
    [groups.feeds]\nrate = 'site'\nrequired = true\n";

fn token(name: &str) -> (&'static str, String) {
    ("Authorization", format!("Bearer s3cret-{name}"))
}

#[test]
fn a_token_takes_its_share_of_the_places_and_others_find_theirs() {
    let service = Service::start("tenants-places", TOKENS);
    let listen = |name: &str| {
        let (header, value) = token(name);
        Sse::open(&service, "/v1/events", &[(header, &value)])
    };
    let taken: Vec<_> = (0..80).map(|_| listen("acme")).collect();
    let (header, value) = token("acme");
    let refused = service.ask("GET", "/v1/events", &[(header, &value)], b"");
    refused.problem(503, "this token has 80 connected already");
    assert_eq!(refused.header("retry-after"), Some("5"));
    // Other owners can use all remaining places.
    let others: Vec<_> = (0..80).map(|_| listen("other")).collect();
    let operators: Vec<_> = (0..32).map(|_| listen("operator")).collect();
    drop((taken, others, operators));
}

/// Puts `acme-1`.
fn put(service: &Service, by: &str, settings: &Value) -> Answer {
    let (header, value) = token(by);
    let body = settings.to_string();
    let headers = [JSON, (header, value.as_str())];
    service.ask("PUT", "/v1/connections/acme-1", &headers, body.as_bytes())
}

#[test]
fn a_token_joins_no_rate_that_others_share() {
    let service = Service::start("tenants-rates", TOKENS);
    let url = "ws://127.0.0.1:1/";
    let named = json!({ "url": url, "rate": "site" });
    put(&service, "acme", &named).problem(403, "invalid rate");
    for rate in [json!("site"), json!(["site"])] {
        let listed = json!({ "url": url, "rate": ["site"] });
        put(&service, "acme", &listed).problem(403, "invalid rate");
        let of_step = json!({ "url": url, "open_script": [{ "send": "x", "rate": rate }] });
        put(&service, "acme", &of_step).problem(403, "invalid rate");
    }
    // A group with the setting cannot do it either.
    let grouped = json!({ "url": url, "group": "feeds", "required": false });
    put(&service, "acme", &grouped).problem(403, "invalid rate");
    let own = json!({ "url": url, "rate": { "messages": 5, "per": "1s" } });
    assert_eq!(put(&service, "acme", &own).status, 201);
    assert_eq!(put(&service, "operator", &named).status, 200);
}

#[test]
fn a_token_that_does_not_reach_all_names_decides_nothing_about_readiness() {
    let service = Service::start("tenants-required", TOKENS);
    let url = "ws://127.0.0.1:1/";
    let required = json!({ "url": url, "required": true });
    put(&service, "acme", &required).problem(403, "invalid required");
    let grouped = json!({ "url": url, "group": "feeds", "rate": { "messages": 5, "per": "1s" } });
    put(&service, "acme", &grouped).problem(403, "invalid required");
    let optional = json!({ "url": url });
    assert_eq!(put(&service, "acme", &optional).status, 201);
    assert_eq!(service.get("/readyz").status, 200);
    assert_eq!(put(&service, "operator", &required).status, 200);
    assert_eq!(service.get("/readyz").status, 503);
}

/// Sends messages over one connection as fast as they are accepted, each with its own key.
fn send_with_keys(listen: &str, by: &str, keys: std::ops::Range<usize>) {
    let (header, value) = token(by);
    let stream = TcpStream::connect(listen).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answers = BufReader::new(&stream);
    for key in keys {
        let request = format!(
            "POST /v1/connections/acme-shared/send HTTP/1.1\r\nHost: {listen}\r\n{header}: {value}\r\n\
             Idempotency-Key: {key}\r\nContent-Length: 2\r\n\r\nhi"
        );
        (&stream).write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert_ne!(answers.read_until(b'\n', &mut head).unwrap(), 0);
        }
        let head = Answer::read(&String::from_utf8(head).unwrap()).unwrap();
        assert_eq!(head.status, 200, "{head:?}");
        let length = head.header("content-length").unwrap().parse().unwrap();
        answers.read_exact(&mut vec![0; length]).unwrap();
    }
}

#[test]
fn the_keys_of_a_token_do_not_have_a_payment_of_another_sent_twice() {
    // As many as one name remembers, plus those that it collects before it forgets.
    const KEYS: usize = 12_000;
    const CLIENTS: usize = 8;
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("tenants-keys", TOKENS);
    let settings = json!({ "url": peer.url("/sink"), "outbox": { "messages": 20_000 } });
    let (header, value) = token("operator");
    let mine = [
        (header, value.as_str()),
        JSON,
        ("Idempotency-Key", "payment"),
    ];
    let ask = |method: &str, path: &str, body: &str| {
        let target = format!("/v1/connections/acme-shared{path}");
        service.ask(method, &target, &mine, body.as_bytes())
    };
    assert_eq!(ask("PUT", "", &settings.to_string()).status, 201);
    let pay = || {
        let sent = ask("POST", "/send?wait=confirmed&timeout=20s", "pay 100");
        assert_eq!(sent.status, 200, "{sent:?}");
        let sent = sent.json();
        (sent["epoch"].clone(), sent["id"].clone())
    };
    let paid = pay();
    let listen = service.listen.as_str();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let keys = KEYS * client / CLIENTS..KEYS * (client + 1) / CLIENTS;
            scope.spawn(move || send_with_keys(listen, "acme", keys));
        }
    });
    assert_eq!(pay(), paid);
    // A confirmation proves that the peer has read all messages before it.
    let last = service.ask(
        "POST",
        "/v1/connections/acme-shared/send?wait=confirmed&timeout=20s",
        &[(header, &value)],
        b"last",
    );
    assert_eq!(last.status, 200, "{last:?}");
    let [socket] = &peer.connections_at("/sink")[..] else {
        panic!("one socket serves");
    };
    let sizes = ["pay 100", "last"].map(|text| text.len() as u64);
    let (messages, bytes) = (KEYS as u64 + 2, 2 * KEYS as u64 + sizes.iter().sum::<u64>());
    assert_eq!((socket.message_count, socket.byte_count), (messages, bytes));
}
