//! A `state_dir` that is removed from a running process.
//!
//! Reported: a cleaner of temporary files, a deployment script or an operator deleted `state_dir`,
//! or only its database, or replaced it by another one. The process continued to write into files
//! without a path: durable messages were `queued`, a PUT was answered 201, and after the next start
//! all of it was gone.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::service_support::{SOON, http::Service};

/// An address where nobody listens.
const NOBODY: &str = "ws://127.0.0.1:1/";

/// A running service whose directory is changed.
struct World {
    test: String,
    service: Service,
    dir: PathBuf,
    /// The number of messages reported as stored.
    queued: usize,
}

impl World {
    /// With a durable name in which two messages wait, a secret, and a name that was closed by
    /// hand.
    fn new(test: &str) -> Self {
        let test = format!("field-state-dir-{test}");
        let service = start(&test);
        let dir = Service::configure(&test, KEYS).with_file_name("everwire-state");
        let mut world = Self {
            test,
            service,
            dir,
            queued: 0,
        };
        let plain = json!({ "url": NOBODY, "enabled": false });
        assert_eq!(world.service.put("feed", &durable()).status, 201);
        assert_eq!(world.service.put("shut", &plain).status, 201);
        let shut = world.service.post("/v1/connections/shut/close", "");
        assert_eq!(shut.status, 202);
        let secret = world.service.ask("PUT", "/v1/secrets/key", &[], b"s3cret");
        assert_eq!(secret.status, 201);
        world.send();
        world.send();
        world
    }

    /// Sends until a message is reported as stored.
    fn send(&mut self) {
        let until = Instant::now() + SOON;
        loop {
            let answer = self.service.post("/v1/connections/feed/send", "hi");
            match answer.status {
                200 => break,
                202 | 503 if Instant::now() < until => pause(),
                _ => panic!("{answer:?}"),
            }
        }
        let status = self.service.status("feed");
        self.queued = status["outbox"]["messages"].as_u64().unwrap() as usize;
    }

    /// Waits for the event that reports the error.
    fn store_error(&mut self) -> String {
        let error = self.service.running.event("error", Some("feed"));
        assert_eq!(error["cause"], "store", "{error}");
        error["text"].as_str().unwrap().to_owned()
    }

    /// Asserts that everything reported as stored is there after a kill and another start.
    fn survives(self) {
        let epoch = self.service.status("feed")["epoch"].as_u64();
        self.service.kill();
        let service = start(&self.test);
        let feed = service.status("feed");
        assert_eq!(feed["outbox"]["messages"], self.queued, "{feed}");
        assert!(feed["epoch"].as_u64() > epoch, "{feed}");
        service.wait_for_state("shut", "closed");
        assert_eq!(service.delete("/v1/secrets/key").status, 204);
    }
}

fn durable() -> serde_json::Value {
    json!({ "url": NOBODY, "enabled": false, "outbox": { "durable": true } })
}

const KEYS: &str = "allow_urls = ['ws://127.0.0.1:*']";

fn start(test: &str) -> Service {
    Service::start(test, KEYS)
}

fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

fn wait_for(what: &str, fits: impl Fn() -> bool) {
    let until = Instant::now() + SOON;
    while !fits() {
        assert!(Instant::now() < until, "not seen: {what}");
        pause();
    }
}

fn database(dir: &Path) -> PathBuf {
    dir.join("store.db")
}

#[test]
fn a_directory_that_is_deleted_is_made_anew_with_all_that_was_kept() {
    let mut world = World::new("deleted");
    fs::remove_dir_all(&world.dir).unwrap();
    let told = world.store_error();
    assert!(told.contains("removed, moved away or replaced"), "{told}");
    // This needs no further message.
    wait_for("the database", || database(&world.dir).exists());
    world.send();
    assert_eq!(world.queued, 3);
    let late = json!({ "url": NOBODY, "enabled": false });
    assert_eq!(world.service.put("late", &late).status, 201);
    let test = world.test.clone();
    world.survives();
    start(&test).status("late");
}

/// Nothing is sent or changed in that process: its messages come from the one before.
#[test]
fn a_process_that_only_waits_notices_it_as_well() {
    let mut world = World::new("waiting");
    world.service.kill();
    world.service = start(&world.test);
    fs::remove_dir_all(&world.dir).unwrap();
    world.store_error();
    wait_for("the database", || database(&world.dir).exists());
    world.survives();
}

/// Its files are not only removed but empty: the new files come from memory.
#[test]
fn of_what_cannot_be_read_any_more_the_messages_are_written_again_and_the_rest_is_told() {
    let mut world = World::new("emptied");
    let send = |service: &Service| {
        let text = "x".repeat(60_000);
        service.post("/v1/connections/feed/send", &text).status
    };
    // More than a database keeps in memory.
    for _ in 0..60 {
        assert_eq!(send(&world.service), 200);
    }
    for file in ["store.db", "store.db-wal"] {
        let file = fs::OpenOptions::new()
            .write(true)
            .open(world.dir.join(file));
        file.unwrap().set_len(0).unwrap();
    }
    fs::remove_dir_all(&world.dir).unwrap();
    let told = world.service.running.line("what is lost", |line| {
        line.contains("a part of the old one could not be read")
    });
    assert!(told.contains("connections and secrets"), "{told}");
    world.send();
    assert_eq!(world.queued, 63);
    let epoch = world.service.status("feed")["epoch"].as_u64();
    world.service.kill();

    let service = start(&world.test);
    assert!([200, 201].contains(&service.put("feed", &durable()).status));
    let feed = service.status("feed");
    assert_eq!(feed["outbox"]["messages"], 63, "{feed}");
    assert!(feed["epoch"].as_u64() > epoch, "{feed}");
}

#[test]
fn what_is_accepted_as_the_directory_goes_is_on_disk_when_it_is_said_to_be() {
    let mut world = World::new("raced");
    for _ in 0..3 {
        fs::remove_dir_all(&world.dir).unwrap();
        world.send();
    }
    world.survives();
}

#[test]
fn a_database_that_is_deleted_alone_is_made_anew() {
    let mut world = World::new("database");
    fs::remove_file(database(&world.dir)).unwrap();
    world.store_error();
    world.send();
    world.survives();
}

#[test]
fn a_log_that_is_deleted_alone_costs_nothing() {
    for ending in ["-wal", "-shm"] {
        let mut world = World::new(&format!("log{ending}"));
        fs::remove_file(world.dir.join(format!("store.db{ending}"))).unwrap();
        world.store_error();
        world.send();
        world.survives();
    }
}

#[test]
fn a_lock_that_is_deleted_is_taken_again_so_that_no_second_process_gets_in() {
    let mut world = World::new("lock");
    fs::remove_file(world.dir.join("lock")).unwrap();
    world.store_error();
    world.send();
    let config = Service::configure(&world.test, KEYS);
    let second = crate::service_support::run(&["run", config.to_str().unwrap()]);
    let told = crate::service_support::stderr(&second);
    assert_eq!(second.status.code(), Some(1), "{told}");
    assert!(told.contains("in use by another everwire"), "{told}");
    world.survives();
}

#[test]
fn another_directory_in_its_place_is_set_aside_and_not_mixed_with_ours() {
    let mut other = World::new("other");
    other.send();
    let other_dir = other.dir.clone();
    let foreign = other.service.status("feed")["outbox"]["messages"].clone();
    assert_eq!(foreign, 3);
    other.service.kill();

    let mut world = World::new("replaced");
    let away = world.dir.with_file_name("moved-away");
    fs::rename(&world.dir, &away).unwrap();
    fs::rename(&other_dir, &world.dir).unwrap();
    world.store_error();
    wait_for("what was there", || {
        let entries = fs::read_dir(&world.dir).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name());
        names.any(|name| name.to_string_lossy().starts_with("displaced-"))
    });
    world.send();
    assert_eq!(world.queued, 3, "ours alone");
    world.survives();
}

#[test]
fn where_it_cannot_be_made_anew_nothing_is_said_to_be_stored() {
    let mut world = World::new("hopeless");
    let away = world.dir.with_file_name("hopeless-away");
    fs::rename(&world.dir, &away).unwrap();
    fs::write(&world.dir, "no directory").unwrap();
    world.store_error();
    let refused = world.service.post("/v1/connections/feed/send", "hi");
    let problem = refused.problem(503, "cannot be kept");
    assert_eq!(problem["fate"], "rejected", "{problem}");
    assert_eq!(problem["reason"], "not_stored", "{problem}");

    // State in memory may still be changed, and nobody is told that the change outlives the
    // process.
    let plain = json!({ "url": NOBODY, "enabled": false });
    let put = world
        .service
        .put("late", &plain)
        .problem(503, "not on disk");
    assert_eq!(put["reason"], "not_stored", "{put}");
    world.service.status("late");
    for (method, target) in [
        ("POST", "/v1/connections/late/connect"),
        ("POST", "/v1/connections/late/close"),
        ("POST", "/v1/close?match=late"),
        ("PUT", "/v1/secrets/another"),
        ("DELETE", "/v1/secrets/another"),
        ("DELETE", "/v1/connections/late"),
    ] {
        let body: &[u8] = if method == "PUT" { b"x" } else { b"" };
        let answer = world.service.ask(method, target, &[], body);
        let problem = answer.problem(503, "not on disk");
        assert_eq!(problem["reason"], "not_stored", "{target}: {problem}");
    }

    fs::remove_file(&world.dir).unwrap();
    world.send();
    assert_eq!(world.queued, 3);
    world.survives();
}
