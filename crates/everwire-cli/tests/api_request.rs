//! Requests with answers, over HTTP and over the downstream WebSocket.

mod service_support;

use std::thread;

use everwire::{
    Message,
    testing::{Peer, Script},
};
use serde_json::{Value, json};
use service_support::{
    cli::done,
    http::{Answer, Client, Service},
    ways::Way,
    ws::Socket,
};

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']";

/// Opens a name that numbers its requests, with an echoing peer.
fn open(service: &Service, name: &str, url: String) {
    let request = json!({ "id": "/id", "answer": "/id == id", "fail": "exists(/error)" });
    let settings = json!({ "url": url, "request": request, "max_message": "1KiB" });
    assert_eq!(service.put(name, &settings).status, 201);
    service.wait_for_state(name, "open");
}

fn ask(client: &Client, target: &str, body: &str) -> Answer {
    client.post(&format!("/v1/connections/{target}"), body)
}

#[test]
fn two_clients_with_the_same_id_get_their_own_answers() {
    for way in Way::ALL {
        ask_at_once(way);
    }
}

fn ask_at_once(way: Way) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start_by(way, "request-two", LOOPBACK);
    open(&service, "rpc", peer.url("/echo"));
    thread::scope(|scope| {
        for client in ["one", "two"] {
            let clients = Client::clone(&service);
            scope.spawn(move || {
                for n in 0..20 {
                    let body = format!(r#"{{ "id":7, "client":"{client}", "n":{n} }}"#);
                    let answer = ask(&clients, "rpc/request?timeout=20s", &body);
                    assert_eq!((answer.status, &*answer.body), (200, &*body));
                    assert_eq!(answer.header("content-type"), Some("application/json"));
                }
            });
        }
    });
    // The peer has received forty numbers.
    let connections = peer.connections();
    let mut numbers: Vec<u64> = connections[0]
        .texts()
        .into_iter()
        .filter_map(|text| serde_json::from_str::<Value>(text).ok()?["id"].as_u64())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
}

#[test]
fn each_end_of_a_request_is_told() {
    let peer = Peer::spawn_thread().unwrap();
    let refuse = Script::reply_with(|message| {
        let text = message.as_text().unwrap_or_default();
        vec![Message::text(text.replace("\"op\"", "\"error\""))]
    });
    peer.script("/refuses", refuse);
    peer.script("/silent", Script::sink());
    let service = Service::start("request-ends", LOOPBACK);
    open(&service, "refuses", peer.url("/refuses"));
    open(&service, "silent", peer.url("/silent"));
    let down = json!({ "url": "ws://127.0.0.1:1/", "enabled": false, "outbox": { "messages": 1 },
        "request": { "id": "/id", "answer": "/id == id" } });
    assert_eq!(service.put("down", &down).status, 201);
    let plain = json!({ "url": peer.url("/echo") });
    assert_eq!(service.put("plain", &plain).status, 201);
    service.wait_for_state("plain", "open");
    let ask = |target: &str, body: &str| ask(&service, target, body);

    let told = ask("refuses/request", r#"{"id":"x","op":1}"#).problem(502, "refused");
    assert_eq!(
        (&told["fate"], &told["text"]),
        (&json!("failed"), &json!(r#"{"id":"x","error":1}"#))
    );
    let told = ask("silent/request?timeout=100ms", r#"{"id":1}"#).problem(504, "not answered");
    assert_eq!(told["fate"], "unanswered");
    let told = ask("down/request?timeout=100ms", r#"{"id":1}"#).problem(503, "not sent");
    assert_eq!(told["fate"], "not_sent");

    // If the settings do not identify the answer, the client does.
    let answer = ask("plain/request?json=/id&equals=7", r#"{"id":7}"#);
    assert_eq!((answer.status, &*answer.body), (200, r#"{"id":7}"#));
    ask("plain/request", r#"{"id":7}"#).problem(422, "json and equals");
    ask("refuses/request?json=/id&equals=7", r#"{"id":7}"#).problem(422, "leave out");
    for (target, body, status, part) in [
        ("refuses/request", "no JSON", 422, "it is not JSON"),
        ("refuses/request", "{}", 422, "at /id"),
        ("refuses/request?json=/id", "{}", 400, "equals"),
        (
            "refuses/request?wait=written",
            "{}",
            400,
            "unknown parameter",
        ),
        ("nobody/request", "{}", 404, "nobody"),
    ] {
        ask(target, body).problem(status, part);
    }
    let long = format!(r#"{{"id":1,"text":"{}"}}"#, "x".repeat(1024));
    assert_eq!(ask("refuses/request", &long).status, 413);
    let with_key = [("idempotency-key", "k")];
    let target = "/v1/connections/refuses/request";
    let answer = service.ask("POST", target, &with_key, br#"{"id":1}"#);
    answer.problem(400, "Idempotency-Key");
}

#[test]
fn what_waits_and_what_is_in_flight_is_told_and_a_close_ends_both() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/silent", Script::sink());
    let service = Service::start("request-counts", LOOPBACK);
    let settings = json!({ "url": peer.url("/silent"), "close_timeout": "100ms",
        "request": { "id": "/id", "answer": "/id == id", "in_flight": 1 } });
    assert_eq!(service.put("slow", &settings).status, 201);
    service.wait_for_state("slow", "open");
    thread::scope(|scope| {
        let asked = [0, 1].map(|_| {
            let client = Client::clone(&service);
            scope.spawn(move || ask(&client, "slow/request?timeout=1m", r#"{"id":1}"#).json())
        });
        let counts = json!({ "waiting": 1, "in_flight": 1 });
        service.wait_for("slow", "both", |status| status["requests"] == counts);
        let why = service.get("/v1/connections/slow/why").json();
        assert_eq!(why["requests"], counts);
        for command in ["why", "status"] {
            let told = done(&service, &[command, "slow"]);
            assert!(
                told.contains("1 not sent yet, 1 sent and not answered yet"),
                "{told}"
            );
        }
        assert_eq!(service.post("/v1/connections/slow/close", "").status, 202);
        let mut fates = asked.map(|answer| answer.join().unwrap()["fate"].to_string());
        fates.sort();
        assert_eq!(fates, ["\"cancelled\"", "\"in_doubt\""]);
    });
    assert_eq!(service.status("slow")["requests"], Value::Null);
}

#[test]
fn a_client_of_the_websocket_asks_and_is_answered() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("request-ws", LOOPBACK);
    open(&service, "rpc", peer.url("/echo"));
    assert_eq!(
        service
            .put("plain", &json!({ "url": peer.url("/echo") }))
            .status,
        201
    );
    service.wait_for_state("plain", "open");
    let mut clients = [(); 2].map(|()| Socket::open(&service, "/v1/ws", &[]));
    for (n, client) in clients.iter_mut().enumerate() {
        let text = format!(r#"{{"id":"same","n":{n}}}"#);
        client.ask(
            &json!({ "op": "request", "id": "d", "name": "rpc", "text": text, "timeout": "20s" }),
        );
    }
    for (n, client) in clients.iter_mut().enumerate() {
        let text = format!(r#"{{"id":"same","n":{n}}}"#);
        assert_eq!(
            client.answer("d"),
            json!({ "type": "ack", "id": "d", "text": text })
        );
    }
    let [client, _] = &mut clients;
    let base64 = "eyJpZCI6N30=";
    client.ask(&json!({ "op": "request", "id": "e", "name": "plain", "base64": base64, "json": "/id", "equals": "7" }));
    assert_eq!(
        client.answer("e"),
        json!({ "type": "ack", "id": "e", "base64": base64 })
    );
    for (request, status) in [
        (json!({ "name": "plain", "text": "{}" }), 422),
        (json!({ "name": "rpc", "text": "{}" }), 422),
        (
            json!({ "name": "rpc", "text": "{}", "base64": "AA==" }),
            400,
        ),
        (json!({ "name": "rpc", "text": "{}", "json": "/id" }), 400),
        (json!({ "name": "nobody", "text": "{}" }), 404),
    ] {
        let mut request = request;
        request["op"] = "request".into();
        request["id"] = "f".into();
        client.ask(&request);
        assert_eq!(client.answer("f")["problem"]["status"], status, "{request}");
    }
}

#[test]
fn a_request_needs_both_scopes_for_the_answer_is_what_the_peer_says() {
    let peer = Peer::spawn_thread().unwrap();
    let tokens = "[[service.tokens]]\nname = 'all'\nsecret = 's3cret-all'\n\
        [[service.tokens]]\nname = 'reader'\nsecret = 's3cret-reader'\nscopes = ['read']\n\
        [[service.tokens]]\nname = 'sender'\nsecret = 's3cret-sender'\nscopes = ['send']\n\
        [[service.tokens]]\nname = 'both'\nsecret = 's3cret-both'\nscopes = ['send', 'read']\n";
    let connection = format!(
        "[connections.rpc]\nurl = '{}'\nrequest = {{ id = '/id', answer = '/id == id' }}\n",
        peer.url("/echo")
    );
    let service = Service::start("request-scopes", &format!("{tokens}{connection}"));
    for (token, status) in [("reader", 403), ("sender", 403), ("both", 200)] {
        let bearer = format!("Bearer s3cret-{token}");
        let headers = [("authorization", &*bearer)];
        let target = "/v1/connections/rpc/request?timeout=20s";
        let answer = service.ask("POST", target, &headers, br#"{"id":1}"#);
        assert_eq!(answer.status, status, "{token}: {answer:?}");
    }
}
