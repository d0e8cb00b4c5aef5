//! An id that means another message after a restart.
//!
//! Reported: a client sent a message, kept its id, and asked for its fate after a restart of the
//! service. Ids of a non-durable outbox begin at 1 in each process, so it got the fate of another
//! client's message. A client that repeated a request with its `Idempotency-Key` after a restart
//! sent a durable message twice.

use std::time::{Duration, Instant};

use everwire::{Fate, Rejected, SendOnceError, testing::Peer};
use serde_json::{Value, json};

use crate::{
    service_support::{
        SOON,
        http::{Answer, Service},
        ws::Socket,
    },
    support::{heard::Heard, rig::*},
};

const NOBODY: &str = "ws://127.0.0.1:1/";

fn start(test: &str) -> Service {
    let test = format!("field-send-epoch-{test}");
    Service::start(&test, "allow_urls = ['ws://127.0.0.1:*']")
}

fn send(service: &Service, name: &str, text: &str) -> Value {
    let answer = service.post(&format!("/v1/connections/{name}/send"), text);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn keyed(service: &Service, name: &str, key: &str, text: &str) -> Answer {
    let target = format!("/v1/connections/{name}/send");
    let headers = [("Idempotency-Key", key)];
    service.ask("POST", &target, &headers, text.as_bytes())
}

fn ask(service: &Service, name: &str, id: &Value, epoch: &Value) -> Answer {
    service.get(&format!("/v1/connections/{name}/sends/{id}?epoch={epoch}"))
}

fn forgotten(answer: &Answer) {
    let problem = answer.problem(410, "the fate of the message is forgotten");
    assert_eq!(problem["fate"], "forgotten", "{problem}");
}

fn durable(url: impl AsRef<str>) -> Value {
    json!({
        "url": url.as_ref(),
        "outbox": { "durable": true },
        "heartbeat": { "interval": "100ms", "timeout": "20s" },
        "reconnect": { "min": "5ms", "initial": "10ms", "max": "100ms" },
    })
}

#[test]
fn an_id_of_an_earlier_process_is_forgotten_and_never_anothers() {
    let service = start("plain");
    let plain = json!({ "url": NOBODY, "enabled": false });
    assert_eq!(service.put("feed", &plain).status, 201);
    let old = send(&service, "feed", "one");
    assert_eq!(old["epoch"], service.status("feed")["epoch"], "{old}");
    assert_eq!(ask(&service, "feed", &old["id"], &old["epoch"]).json(), old);
    service.kill();

    let service = start("plain");
    let new = send(&service, "feed", "another");
    assert_eq!(new["id"], old["id"], "ids begin anew");
    assert!(new["epoch"].as_u64() > old["epoch"].as_u64(), "{new}");
    forgotten(&ask(&service, "feed", &old["id"], &old["epoch"]));
    forgotten(&ask(&service, "feed", &json!(99), &old["epoch"]));
    forgotten(&ask(&service, "feed", &old["id"], &json!(1_000_000)));
    let beyond = json!(99_999_999_999_999_u64);
    forgotten(&ask(&service, "feed", &old["id"], &beyond));
    assert_eq!(ask(&service, "feed", &new["id"], &new["epoch"]).json(), new);
    ask(&service, "feed", &json!(99), &new["epoch"]).problem(404, "never accepted");

    // Without an epoch the id names a message of the present process.
    let target = "/v1/connections/feed/sends/1";
    assert_eq!(service.get(target).json(), new);
    for (query, part) in [
        ("epoch=0", "epoch"),
        ("epoch=", "epoch"),
        ("epoch=-1", "epoch"),
        ("epoch=x", "epoch"),
        ("epoch=1&epoch=1", "twice"),
        ("epochs=1", "unknown parameter"),
    ] {
        service.get(&format!("{target}?{query}")).problem(400, part);
    }
}

#[test]
fn a_name_that_is_made_anew_gives_its_ids_another_epoch() {
    let service = start("anew");
    let plain = json!({ "url": NOBODY, "enabled": false });
    assert_eq!(service.put("feed", &plain).status, 201);
    let old = send(&service, "feed", "one");
    assert_eq!(service.delete("/v1/connections/feed").status, 204);
    assert_eq!(service.put("feed", &plain).status, 201);
    let new = send(&service, "feed", "another");
    assert_eq!(new["id"], old["id"]);
    forgotten(&ask(&service, "feed", &old["id"], &old["epoch"]));
    assert_eq!(ask(&service, "feed", &new["id"], &new["epoch"]).json(), new);
}

#[test]
fn a_durable_message_keeps_its_id_and_epoch_over_restarts_until_it_is_no_longer_known() {
    let heard = Heard::default();
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/", heard.script());
    let service = start("durable");
    let mut settings = durable(peer.url("/"));
    settings["enabled"] = false.into();
    assert_eq!(service.put("feed", &settings).status, 201);
    let first = send(&service, "feed", "one");
    service.kill();

    let service = start("durable");
    assert_eq!(
        ask(&service, "feed", &first["id"], &first["epoch"]).json(),
        first
    );
    let second = send(&service, "feed", "two");
    assert_eq!(second["id"], 2, "ids go on counting");
    assert!(second["epoch"].as_u64() > first["epoch"].as_u64());
    // That process never reported its fate.
    forgotten(&ask(&service, "feed", &second["id"], &first["epoch"]));
    assert_eq!(
        service.get("/v1/connections/feed/sends/1").json(),
        first,
        "it tells the epoch that it was accepted in"
    );
    let up = service.post("/v1/connections/feed/connect", "");
    assert_eq!(up.status, 202);
    let until = Instant::now() + SOON;
    let confirmed = |sent: &Value| {
        let asked = ask(&service, "feed", &sent["id"], &sent["epoch"]);
        assert_eq!(asked.status, 200, "{asked:?}");
        asked.json()["fate"] == "confirmed"
    };
    while !confirmed(&first) || !confirmed(&second) {
        assert!(Instant::now() < until, "not confirmed");
        std::thread::sleep(Duration::from_millis(5));
    }
    service.kill();

    let service = start("durable");
    for sent in [&first, &second] {
        forgotten(&ask(&service, "feed", &sent["id"], &sent["epoch"]));
    }
    forgotten(&service.get("/v1/connections/feed/sends/1"));
    assert_eq!(heard.texts(), ["one", "two"]);
}

#[test]
fn the_key_of_a_durable_message_survives_a_restart_and_that_of_another_does_not() {
    let service = start("key");
    let mut settings = durable(NOBODY);
    settings["enabled"] = false.into();
    assert_eq!(service.put("kept", &settings).status, 201);
    let plain = json!({ "url": NOBODY, "enabled": false });
    assert_eq!(service.put("plain", &plain).status, 201);
    let first = keyed(&service, "kept", "k", "one").json();
    assert_eq!(first["fate"], "queued", "{first}");
    assert_eq!(keyed(&service, "plain", "k", "one").status, 200);
    service.kill();

    let service = start("key");
    assert_eq!(keyed(&service, "kept", "k", "one").json(), first);
    keyed(&service, "kept", "k", "other").problem(422, "another body");
    let messages = &service.status("kept")["outbox"]["messages"];
    assert_eq!(*messages, 1);
    assert_eq!(keyed(&service, "plain", "k", "other").status, 200);
    // It is removed with the name.
    assert_eq!(service.delete("/v1/connections/kept").status, 204);
    assert_eq!(service.put("kept", &settings).status, 201);
    let again = keyed(&service, "kept", "k", "other").json();
    assert!(again["epoch"].as_u64() > first["epoch"].as_u64());
    service.kill();
    let service = start("key");
    assert_eq!(keyed(&service, "kept", "k", "other").json(), again);
}

#[test]
fn a_request_that_is_repeated_after_its_message_has_arrived_and_a_restart_sends_nothing() {
    let heard = Heard::default();
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/", heard.script());
    let service = start("arrived");
    assert_eq!(service.put("feed", &durable(peer.url("/"))).status, 201);
    let target = "/v1/connections/feed/send?wait=confirmed&timeout=20s";
    let once = |service: &Service| {
        let answer = service.ask("POST", target, &[("Idempotency-Key", "k")], b"one");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let first = once(&service);
    assert_eq!(first["fate"], "confirmed");
    // An orderly end stores that the message has arrived.
    service.end();
    let service = start("arrived");
    assert_eq!(once(&service), first);
    assert_eq!(
        ask(&service, "feed", &first["id"], &first["epoch"]).json(),
        first
    );
    service.kill();
    let service = start("arrived");
    assert_eq!(once(&service), first);
    assert_eq!(heard.texts(), ["one"]);
}

#[test]
fn acknowledgements_and_refusals_tell_the_epoch_too() {
    let service = start("faces");
    let plain = json!({ "url": NOBODY, "enabled": false });
    assert_eq!(service.put("feed", &plain).status, 201);
    let epoch = service.status("feed")["epoch"].clone();
    let mut ws = Socket::open(&service, "/v1/ws", &[]);
    ws.ask(&json!({ "op": "send", "id": "a", "name": "feed", "text": "x" }));
    let ack = ws.answer("a");
    assert_eq!((&ack["message"], &ack["epoch"]), (&json!(1), &epoch));

    let late = service.post("/v1/connections/feed/send?wait=written&timeout=0s", "y");
    assert_eq!(late.status, 202, "{late:?}");
    assert_eq!(late.json()["epoch"], epoch);
    ws.ask(&json!({ "op": "send", "id": "b", "name": "feed", "text": "x", "wait": "written" }));
    service.wait_for("feed", "the message", |status| {
        status["outbox"]["messages"] == 3
    });
    service.post("/v1/connections/feed/close", "");
    let problem = &ws.answer("b")["problem"];
    assert_eq!((&problem["id"], &problem["epoch"]), (&json!(3), &epoch));
    let cancelled = service.get("/v1/connections/feed/sends/3").json();
    assert_eq!(cancelled["fate"], "cancelled");

    let document = service.get("/openapi.json").json();
    let send = document["paths"]["/v1/connections/{name}/send"]["post"].to_string();
    assert!(send.contains("restart"), "what becomes of a key: {send}");
}

#[tokio::test]
async fn a_message_with_a_key_is_accepted_once() {
    let manager = one_arbiter();
    let mut settings = quick(NOBODY);
    settings.enabled = false;
    settings.outbox.messages = 2;
    let feed = manager.open("feed", settings.clone()).unwrap();
    let first = feed.send_once("a", "one").unwrap();
    assert_eq!(feed.send_once("a", "one").unwrap().id(), first.id());
    let used = feed.send_once("a", "two").unwrap_err();
    assert_eq!(used, SendOnceError::KeyUsed);
    assert_eq!(feed.send_once("b", "one").unwrap().id(), 2);
    // A refused send may be repeated, and an accepted one is known even if there is no room for it
    // now.
    let full = SendOnceError::Rejected(Rejected::Full);
    assert_eq!(feed.send_once("c", "three").unwrap_err(), full);
    assert_eq!(feed.send_once("b", "one").unwrap().id(), 2);
    for key in [vec![], vec![0; 513]] {
        let error = feed.send_once(&key, "x").unwrap_err();
        assert_eq!(error, SendOnceError::InvalidKey(key.len()));
    }
    assert_eq!(feed.status().await.unwrap().outbox.messages, 2);
    manager.remove("feed").await.unwrap();
    let feed = manager.open("feed", settings).unwrap();
    let anew = feed.send_once("a", "two").unwrap();
    assert_eq!(anew.id(), 1);
    assert!(anew.epoch() > first.epoch());
    assert_eq!(first.now(), Fate::Cancelled);
}
