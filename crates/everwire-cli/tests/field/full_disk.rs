//! A start while the store cannot be opened: the disk is full, or its file system is read-only.
//!
//! Reported: a machine restarted after its disk was full, and the service refused to start: no
//! connection was up, not even those without durable state, and nobody could ask it for the cause.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use everwire::{
    Delivery, Fate, Pattern, Rejected, State,
    connection::StateReason,
    testing::{Peer, Script},
};
use serde_json::{Value, json};

use crate::{
    service_support::http::Service,
    support::{SOON, child, heard::Heard, rig::*},
};

/// Fills the file system of `dir` to its last byte; removing the file makes room.
fn fill(dir: &Path) -> PathBuf {
    let path = dir.join("ballast");
    let mut ballast = File::create(&path).unwrap();
    let mut block = &[0; 64 << 10][..];
    while !block.is_empty() {
        if ballast.write_all(block).is_err() {
            block = &block[..block.len() / 2];
        }
    }
    path
}

/// A service with its store on a small file system, with one peer that listens and one that does
/// not.
struct World {
    state_dir: PathBuf,
    plain: Peer,
    away: Peer,
    heard: Heard,
}

impl World {
    async fn new(dir: &Path) -> Self {
        let heard = Heard::default();
        let (plain, away) = (Peer::spawn_thread().unwrap(), Peer::spawn_thread().unwrap());
        plain.script("/", Script::echo());
        away.script("/", heard.script());
        away.stop_listening().await.unwrap();
        Self {
            state_dir: dir.join("state"),
            plain,
            away,
            heard,
        }
    }

    fn start(&self) -> Service {
        let keys = format!(
            "state_dir = '{}'\nallow_urls = ['ws://127.0.0.1:*']
             [defaults]\nreconnect = {{ min = '1ms', initial = '10ms', max = '50ms' }}
             [connections.plain]\nurl = '{plain}'
             [connections.shut]\nurl = '{plain}'
             [connections.kept]\nurl = '{away}'\noutbox = {{ durable = true }}\nrequired = true
             [connections.heard]\nurl = '{plain}'\nhistory = {{ durable = true }}",
            self.state_dir.display(),
            plain = self.plain.url("/"),
            away = self.away.url("/"),
        );
        Service::start("field-full-disk", &keys)
    }

    /// Runs a process that leaves one record of each kind. Returns the epoch of its durable name.
    fn leave_something(&self) -> u64 {
        let service = self.start();
        let sent = service.ask(
            "POST",
            "/v1/connections/kept/send",
            &[("Idempotency-Key", "once")],
            b"1",
        );
        assert_eq!(sent.json()["fate"], "queued", "{sent:?}");
        let of_the_api = json!({ "url": self.plain.url("/") });
        assert_eq!(service.put("of-the-api", &of_the_api).status, 201);
        let secret = service.ask("PUT", "/v1/secrets/key", &[], b"s3cret");
        assert_eq!(secret.status, 201);
        let shut = service.post("/v1/connections/shut/close", "");
        assert_eq!(shut.status, 202);
        let epoch = service.status("kept")["epoch"].as_u64().unwrap();
        service.kill();
        epoch
    }
}

/// Asserts that a name waits for the store, and reports the reason.
fn assert_waits(status: &Value, state_dir: &Path) {
    let cause = &status["cause"];
    assert_eq!(status["state"], "backoff", "{status}");
    assert_eq!(
        (&status["ready"], &cause["kind"], &cause["rule"]),
        (&json!(false), &json!("store"), &Value::Null),
        "{status}"
    );
    let text = cause["text"].as_str().unwrap();
    assert!(text.contains("no space is left for"), "{text}");
    assert!(text.contains(state_dir.to_str().unwrap()), "{text}");
    assert!(status["retry_at"].is_string(), "{status}");
}

#[tokio::test]
async fn on_a_full_disk_it_starts_and_what_is_durable_goes_on_when_there_is_room() {
    let Some(dir) = child::dir() else {
        return child::in_a_file_system_of(
            4,
            "full_disk::on_a_full_disk_it_starts_and_what_is_durable_goes_on_when_there_is_room",
        );
    };
    let world = World::new(&dir).await;
    let epoch = world.leave_something();
    let ballast = fill(&dir);
    world.away.resume().await.unwrap();

    let mut service = world.start();
    service.wait_for_state("plain", "open");
    let error = service.running.event("error", Some("kept"));
    assert_eq!(error["cause"], "store", "{error}");
    for name in ["kept", "heard"] {
        assert_waits(&service.status(name), &world.state_dir);
        let refused = service.post(&format!("/v1/connections/{name}/send"), "2");
        let refused = refused.problem(503, "cannot be kept");
        assert_eq!(refused["reason"], "not_stored", "{refused}");
    }
    let why = service.get("/v1/connections/kept/why").json();
    assert_eq!(why["cause"]["kind"], "store", "{why}");
    let ready = service.get("/readyz");
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["store_outage"], true);
    assert_eq!(ready.json()["waiting"], json!(["kept"]));
    let outage = || service.get("/v1/status").json()["store_outage"].clone();
    assert!(outage().as_str().unwrap().contains("no space is left for"));
    let metrics = service.get("/metrics").body;
    assert!(metrics.contains("\neverwire_store_outage 1\n"), "{metrics}");

    // State of earlier processes is neither reported as gone nor changed without reading it.
    let epoch_of_it = format!("/v1/connections/kept/sends/1?epoch={epoch}");
    let of_the_api = json!({ "url": world.plain.url("/") }).to_string();
    for (method, target, body) in [
        ("GET", "/v1/connections/of-the-api", ""),
        ("DELETE", "/v1/connections/of-the-api", ""),
        ("PUT", "/v1/connections/of-the-api", &of_the_api),
        ("PUT", "/v1/secrets/key", "other"),
        ("DELETE", "/v1/secrets/key", ""),
        ("GET", &epoch_of_it, ""),
    ] {
        let json = [("Content-Type", "application/json")];
        let answer = service.ask(method, target, &json, body.as_bytes());
        let problem = answer.problem(503, "the store is not open (no space is left");
        assert_eq!(problem["reason"], "store_outage", "{target}: {problem}");
    }
    assert_eq!(world.heard.len(), 0);

    fs::remove_file(ballast).unwrap();
    service.wait_for_state("kept", "open");
    world.heard.wait_for(1).await;
    service.wait_for_state("heard", "open");
    service.wait_for_state("of-the-api", "open");
    service.wait_for_state("shut", "closed");
    assert_eq!(service.delete("/v1/secrets/key").status, 204);
    // The key is known again, and so is the message; another message is sent after it.
    let again = service.ask(
        "POST",
        "/v1/connections/kept/send",
        &[("Idempotency-Key", "once")],
        b"1",
    );
    assert_eq!(again.json()["id"], 1, "{again:?}");
    assert_eq!(service.get(&epoch_of_it).status, 200);
    let sent = service.post("/v1/connections/kept/send?wait=confirmed", "2");
    assert_eq!(sent.json()["fate"], "confirmed", "{sent:?}");
    assert_eq!(world.heard.texts(), ["1", "2"]);
    assert_eq!(outage(), Value::Null);
    let ready = service.get("/readyz");
    assert_eq!(
        (ready.status, &ready.json()["store_outage"]),
        (200, &Value::Null)
    );

    // No later process uses an epoch of this one.
    let names = ["plain", "kept", "heard"];
    let epochs =
        |service: &Service| names.map(|name| service.status(name)["epoch"].as_u64().unwrap());
    let before = epochs(&service);
    assert!(before.iter().all(|now| *now > epoch), "{before:?}");
    service.end();
    let service = world.start();
    let after = epochs(&service);
    assert!(
        after
            .iter()
            .zip(before)
            .all(|(after, before)| *after > before),
        "{after:?}"
    );
    service.wait_for_state("shut", "closed");
    service.wait_for_state("of-the-api", "open");
    service.wait_for_state("kept", "open");
    assert_eq!(world.heard.texts(), ["1", "2"]);
}

#[tokio::test]
async fn the_first_start_of_all_may_be_on_a_full_disk() {
    let Some(dir) = child::dir() else {
        return child::in_a_file_system_of(
            1,
            "full_disk::the_first_start_of_all_may_be_on_a_full_disk",
        );
    };
    let world = World::new(&dir).await;
    let ballast = fill(&dir);
    world.away.resume().await.unwrap();
    let service = world.start();
    service.wait_for_state("plain", "open");
    assert_waits(&service.status("kept"), &world.state_dir);
    // It ends in an orderly way while it waits.
    service.end();

    let service = world.start();
    let closed = service.post("/v1/connections/plain/close", "");
    assert_eq!(closed.problem(503, "not on disk")["reason"], "not_stored");
    service.wait_for_state("plain", "closed");
    fs::remove_file(ballast).unwrap();
    service.wait_for_state("kept", "open");
    let sent = service.post("/v1/connections/kept/send?wait=confirmed", "1");
    assert_eq!(sent.json()["fate"], "confirmed", "{sent:?}");
    service.end();
    // Commands from the time of waiting are stored, too.
    world.start().wait_for_state("plain", "closed");
}

/// Performs every command on a name that waits.
#[tokio::test]
async fn a_name_that_waits_for_the_store_obeys_as_any_other() {
    let Some(dir) = child::dir() else {
        return child::in_a_file_system_of(
            4,
            "full_disk::a_name_that_waits_for_the_store_obeys_as_any_other",
        );
    };
    let state_dir = dir.join("state");
    let (peer, heard) = (Peer::spawn_thread().unwrap(), Heard::default());
    peer.script("/", heard.script());
    let names = ["goes", "shut", "called", "light", "idle", "first"];
    let earlier = manager_at(&state_dir);
    peer.stop_listening().await.unwrap();
    for (number, name) in names.iter().enumerate() {
        let handle = earlier.open(name, durable(peer.url("/"))).unwrap();
        let receipt = handle.send(number.to_string()).unwrap();
        assert_eq!(receipt.fate(Fate::Queued).await, Fate::Queued);
    }
    earlier.shutdown(SOON).await;
    let ballast = fill(&dir);
    peer.resume().await.unwrap();

    let manager = manager_at(&state_dir);
    let outage = manager.store_outage().unwrap();
    assert!(outage.contains("no space is left"), "{outage}");
    assert!(manager.take_kept().is_empty());
    let events = manager.subscribe(Pattern::all(), Delivery::default().events(10_000));
    let mut watch = Watch::over(events);
    for name in names {
        let mut settings = durable(peer.url("/"));
        settings.enabled = name != "idle";
        manager.open(name, settings).unwrap();
    }
    let find = |name: &str| manager.find(name).unwrap();
    for name in names {
        assert_eq!(find(name).send("late").unwrap_err(), Rejected::NotStored);
        assert!(find(name).waits_for_store());
    }
    assert_eq!(watch.error().await.kind(), "store");

    // Removed: it is forgotten, with all its state in the store.
    manager.remove("goes").await.unwrap();
    manager.open("goes", durable(peer.url("/"))).unwrap();
    // Closed by hand, and connected again.
    find("shut").close(1000, "").await.unwrap();
    wait_for_state(&find("shut"), State::Closed).await;
    find("called").close(1000, "").await.unwrap();
    find("called").connect(None).await.unwrap();
    wait_for_state(&find("called"), State::Backoff).await;
    let status = find("idle").status().await.unwrap();
    assert_eq!(status.state, State::Idle);
    for name in ["called", "idle"] {
        let status = find(name).status().await.unwrap();
        let reason = status.cause.map(|cause| cause.reason);
        assert!(
            matches!(reason, Some(StateReason::Store(_))),
            "{name}: {reason:?}"
        );
    }
    // Without durable settings it does not wait, and its state in the store stays.
    manager
        .configure("light", quick(peer.url("/")))
        .await
        .unwrap();
    wait_for_state(&find("light"), State::Open).await;
    find("light").send("now").unwrap();
    heard.wait_for(1).await;
    let refused = manager.configure("light", durable(peer.url("/"))).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("no space is left")
    );

    let (told, opened) = std::sync::mpsc::channel();
    manager.when_store_opens(move |manager| {
        let waits = manager.find("first").unwrap().waits_for_store();
        told.send(waits && manager.store_outage().is_none())
            .unwrap();
    });
    assert!(opened.try_recv().is_err());
    fs::remove_file(ballast).unwrap();
    wait_for_state(&find("first"), State::Open).await;
    assert!(opened.try_recv().unwrap(), "before any name goes on");
    for name in ["called", "goes"] {
        wait_for_state(&find(name), State::Open).await;
    }
    heard.wait_for(3).await;
    assert_eq!(find("idle").status().await.unwrap().outbox.messages, 1);
    find("idle").connect(None).await.unwrap();
    wait_for_state(&find("shut"), State::Closed).await;
    assert_eq!(find("shut").status().await.unwrap().outbox.messages, 1);
    find("shut").connect(None).await.unwrap();
    heard.wait_for(5).await;
    let refused = manager.configure("light", durable(peer.url("/"))).await;
    assert!(refused.unwrap_err().to_string().contains("after a restart"));
    let mut texts = heard.texts();
    texts.sort();
    assert_eq!(
        texts,
        ["1", "2", "4", "5", "now"],
        "each of them once, but that of the removed one"
    );
    manager.shutdown(SOON).await;

    let last = manager_at(&state_dir);
    last.open("light", durable(peer.url("/"))).unwrap();
    last.open("goes", durable(peer.url("/"))).unwrap();
    heard.wait_for(6).await;
    assert_eq!(heard.texts()[5], "3");
    assert_eq!(
        last.find("goes")
            .unwrap()
            .status()
            .await
            .unwrap()
            .outbox
            .messages,
        0
    );
}

#[tokio::test]
async fn a_read_only_file_system_is_waited_for() {
    let Some(dir) = child::dir() else {
        return child::in_a_file_system_of(2, "full_disk::a_read_only_file_system_is_waited_for");
    };
    let state_dir = dir.join("state");
    manager_at(&state_dir).shutdown(SOON).await;
    let remount = |how: &str| {
        let mounted = Command::new("mount").args(["-o", how]).arg(&dir).status();
        assert!(mounted.unwrap().success());
    };
    remount("remount,ro");
    let manager = manager_at(&state_dir);
    let feed = manager.open("feed", durable("ws://127.0.0.1:1/")).unwrap();
    let outage = manager.store_outage().unwrap();
    let advice = "state_dir must be on a file system that can be written to";
    assert!(outage.contains(advice), "{outage}");
    remount("remount,rw");
    let sent = async || match feed.send("hi") {
        Ok(receipt) => Ok(receipt),
        Err(error) => Err(error),
    };
    let receipt = wait_for("a store", sent).await;
    assert_eq!(receipt.fate(Fate::Queued).await, Fate::Queued);
    manager.shutdown(Duration::from_secs(1)).await;
}
