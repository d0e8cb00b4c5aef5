//! Messages over HTTP, and the answers to their sender.

mod service_support;

use everwire::{Message, testing::Peer};
use serde_json::{Value, json};
use service_support::{
    http::{Client, Service},
    ways::Way,
};

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']";

struct Scene {
    peer: Peer,
    service: Service,
}

impl Scene {
    /// A name that is up, and one that is not.
    fn new(way: Way, test: &str) -> Self {
        let peer = Peer::spawn_thread().unwrap();
        let service = Service::start_by(way, test, LOOPBACK);
        let heartbeat = json!({ "interval": "100ms", "timeout": "10s" });
        let up = json!({ "url": peer.url("/echo"), "heartbeat": heartbeat, "max_message": "1KiB" });
        assert_eq!(service.put("up", &up).status, 201);
        let down =
            json!({ "url": "ws://127.0.0.1:1/", "enabled": false, "outbox": { "messages": 2 } });
        assert_eq!(service.put("down", &down).status, 201);
        service.wait_for_state("up", "open");
        Self { peer, service }
    }

    fn send(&self, target: &str, body: &str) -> (u16, Value) {
        let answer = self
            .service
            .post(&format!("/v1/connections/{target}"), body);
        (answer.status, answer.json())
    }
}

#[test]
fn the_fate_that_was_asked_for_is_waited_for() {
    for way in Way::ALL {
        wait_for_fates(way);
    }
}

fn wait_for_fates(way: Way) {
    let scene = Scene::new(way, "send-wait");
    for (id, wait) in ["queued", "written", "confirmed"].into_iter().enumerate() {
        let (status, sent) = scene.send(&format!("up/send?wait={wait}&timeout=20s"), "hi");
        let fates = ["queued", "written", "confirmed"];
        let reached = fates.iter().position(|fate| sent["fate"] == *fate);
        assert_eq!((status, &sent["id"]), (200, &json!(id + 1)), "{sent}");
        assert!(
            reached >= fates.iter().position(|fate| *fate == wait),
            "{sent}"
        );
    }
    let (status, sent) = scene.send("down/send?wait=written&timeout=20ms", "hi");
    assert_eq!(
        (status, sent),
        (202, json!({ "id": 1, "epoch": 1, "fate": "queued" }))
    );
    let (status, sent) = scene.send("down/send", "hi");
    assert_eq!(
        (status, sent),
        (200, json!({ "id": 2, "epoch": 1, "fate": "queued" }))
    );

    let ask = |path: &str| scene.service.get(&format!("/v1/connections/{path}"));
    assert_eq!(
        ask("down/sends/1").json(),
        json!({ "id": 1, "epoch": 1, "fate": "queued" })
    );
    assert_eq!(
        ask("up/sends/3").json(),
        json!({ "id": 3, "epoch": 1, "fate": "confirmed" })
    );
    for path in [
        "up/sends/0",
        "up/sends/9",
        "up/sends/x",
        "up/sends/-1",
        "up/sends/99999999999999999999",
    ] {
        ask(path).problem(404, "never accepted");
    }
    ask("nobody/sends/1").problem(404, "no connection");
}

#[test]
fn a_fate_that_can_no_longer_come_is_a_problem() {
    for way in Way::ALL {
        wait_in_vain(way);
    }
}

fn wait_in_vain(way: Way) {
    let scene = Scene::new(way, "send-late");
    let service = &scene.service;
    let client: &Client = service;
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| client.post("/v1/connections/down/send?wait=written&timeout=20s", "hi"));
        service.wait_for("down", "the message", |status| {
            status["outbox"]["messages"] == 1
        });
        assert_eq!(service.post("/v1/connections/down/close", "").status, 202);
        let problem = waiting.join().unwrap().problem(409, "can no longer reach");
        assert_eq!(
            (&problem["id"], &problem["fate"]),
            (&json!(1), &json!("cancelled"))
        );
    });
    let problem = service
        .post("/v1/connections/down/send", "hi")
        .problem(409, "closed");
    assert_eq!(
        (&problem["fate"], &problem["reason"]),
        (&json!("rejected"), &json!("closed"))
    );
}

#[test]
fn a_message_that_cannot_be_accepted_says_why() {
    for way in Way::ALL {
        send_what_cannot_be_accepted(way);
    }
}

fn send_what_cannot_be_accepted(way: Way) {
    let scene = Scene::new(way, "send-refused");
    let service = &scene.service;
    let send = |headers, body| service.ask("POST", "/v1/connections/up/send", headers, body);
    let binary = [("Content-Type", "application/octet-stream")];
    send(&[], &[0xff]).problem(422, "not UTF-8");
    assert_eq!(send(&binary, &[0xff]).status, 200);
    send(&[], &[b'x'; 1025]).problem(413, "1024 bytes");
    assert_eq!(send(&[], &[b'x'; 1024]).status, 200);
    assert_eq!(send(&[], b"").status, 200);
    service
        .post("/v1/connections/nobody/send", "x")
        .problem(404, "no connection");
    for (query, part) in [
        ("wait=sent", "not one of queued"),
        ("timeout=1h", "longer than 5m"),
        ("wiat=queued", "unknown"),
    ] {
        service
            .post(&format!("/v1/connections/up/send?{query}"), "x")
            .problem(400, part);
    }
    for _ in 0..2 {
        assert_eq!(scene.send("down/send", "x").0, 200);
    }
    let full = service.post("/v1/connections/down/send", "x");
    assert_eq!(full.problem(429, "full")["fate"], "rejected");
    assert_eq!(full.header("retry-after"), Some("1"));

    let settings = json!({ "url": "ws://127.0.0.1:1/", "enabled": false, "heartbeat": "none" });
    service.put("unfenced", &settings);
    let unfenced = service
        .post("/v1/connections/unfenced/send?wait=confirmed", "x")
        .problem(422, "nothing confirms");
    assert_eq!(unfenced["reason"], "no_fence");
    let messages = scene.peer.connections_at("/echo").remove(0).messages;
    assert!(
        messages.contains(&Message::binary(vec![0xff])),
        "{messages:?}"
    );
}

#[test]
fn a_request_that_is_repeated_sends_once() {
    for way in Way::ALL {
        repeat_a_request(way);
    }
}

fn repeat_a_request(way: Way) {
    let scene = Scene::new(way, "send-once");
    let service = &scene.service;
    let send = |name: &str, key: &str, body: &str| {
        let target = format!("/v1/connections/{name}/send?wait=written&timeout=20s");
        service.ask(
            "POST",
            &target,
            &[("Idempotency-Key", key)],
            body.as_bytes(),
        )
    };
    assert_eq!(
        send("up", "k1", "one").json(),
        json!({ "id": 1, "epoch": 1, "fate": "written" })
    );
    let again = send("up", "k1", "one").json();
    assert_eq!(again["id"], 1);
    let used = send("up", "k1", "two").problem(422, "used for another body");
    assert_eq!(used["reason"], "key_used");
    assert_eq!(send("up", "k2", "one").json()["id"], 2);
    send("up", "", "one").problem(400, "1 to 255");
    send("up", &"k".repeat(256), "one").problem(400, "1 to 255");
    let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    service
        .ask("POST", "/v1/connections/up/send", &twice, b"x")
        .problem(400, "one text");
    scene.service.wait_for("up", "the echoes", |status| {
        status["received"]["messages"] == 2
    });

    // A refused key may be used again, and a newly created name knows no keys.
    for _ in 0..2 {
        scene.send("down/send", "x");
    }
    let tried = |key: &str| {
        let headers = [("Idempotency-Key", key)];
        service.ask("POST", "/v1/connections/down/send", &headers, b"x")
    };
    tried("k3").problem(429, "full");
    service.delete("/v1/connections/down");
    service.put(
        "down",
        &json!({ "url": "ws://127.0.0.1:1/", "enabled": false }),
    );
    assert_eq!(
        tried("k3").json(),
        json!({ "id": 1, "epoch": 2, "fate": "queued" })
    );
    assert_eq!(tried("k3").json()["id"], 1);
    service.delete("/v1/connections/down");
    service.put(
        "down",
        &json!({ "url": "ws://127.0.0.1:1/", "enabled": false }),
    );
    scene.send("down/send", "first");
    assert_eq!(tried("k3").json()["id"], 2);
}
