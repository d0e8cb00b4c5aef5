//! One limit for all the memory of the process.
//!
//! Reported: 40 unfinished bodies of 16 MiB took 681 MiB, and 60 readers of the whole history took
//! 1,126 MiB. Each of these had a limit, but their sum had none: the kernel killed the process, and
//! accepted messages were lost.

use std::{
    io::{Read as _, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use everwire::{
    Delivery, Manager, Message, Notice, Pattern, Rejected, SendError, Settings, Update,
    hub::Kinds,
    memory::{MemoryUsage, MemoryUse},
    testing::{Peer, Script},
};
use futures::{FutureExt as _, StreamExt};
use serde_json::{Value, json};

use crate::{
    service_support::http::{Answer, Service},
    support::rig::{Rig, Watch, quick},
};

const MIB: usize = 1 << 20;
/// The amount that each thread may reserve in advance.
const LEASE: usize = 256 << 10;
const SOON: Duration = Duration::from_secs(20);

const KEYS: &str = "workers = 2\nmemory = '32MiB'\nallow_urls = ['ws://127.0.0.1:*']";

fn memory(service: &Service) -> Value {
    service.get("/v1/status").json()["memory"].clone()
}

fn used(memory: &Value, of: &str) -> usize {
    usize::try_from(memory[of].as_u64().unwrap()).unwrap()
}

/// Puts a name whose outbox waits for an absent peer, with a limit above that of the process.
fn put_hoarder(service: &Service, name: &str) {
    let outbox = json!({ "messages": 65_536, "bytes": "16MiB" });
    let settings = json!({ "url": "ws://127.0.0.1:1/", "outbox": outbox });
    assert_eq!(service.put(name, &settings).status, 201);
}

/// Sends until a message is refused. Returns the number of accepted ones, and the refusal.
fn fill(service: &Service, names: &[&str], len: usize) -> (usize, Answer) {
    let body = "x".repeat(len);
    for count in 0.. {
        let name = names[count % names.len()];
        let answer = service.post(&format!("/v1/connections/{name}/send"), &body);
        if answer.status != 200 {
            return (count, answer);
        }
    }
    unreachable!()
}

#[test]
fn messages_are_refused_before_memory_runs_out_and_none_that_was_accepted_is_dropped() {
    let service = Service::start("memory-sends", KEYS);
    for name in ["a", "b", "c"] {
        put_hoarder(&service, name);
    }
    let (accepted, refused) = fill(&service, &["a", "b", "c"], 256 << 10);
    let problem = refused.problem(503, "all connections together have used up service.memory");
    assert_eq!(problem["cause"], "memory", "{problem}");
    assert_eq!(problem["reason"], "full", "{problem}");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let told = memory(&service);
    assert_eq!(told["limit"], 32 * MIB);
    let outboxes = used(&told, "outboxes");
    assert!(
        outboxes <= 32 * MIB * 9 / 10 && outboxes > 25 * MIB,
        "{told}"
    );
    assert_eq!(accepted, outboxes / (256 << 10), "{told}");
    let waits: u64 = ["a", "b", "c"]
        .map(|name| service.status(name)["outbox"]["messages"].as_u64().unwrap())
        .iter()
        .sum();
    assert_eq!(waits, accepted as u64);
    // Changes and queries are served as before; readers that would need memory are refused.
    assert_eq!(service.get("/healthz").status, 200);
    let stream = service.ask("GET", "/v1/events", &[], b"");
    assert_eq!(
        stream.problem(503, "used up service.memory")["cause"],
        "memory"
    );
    let put = json!({ "url": "ws://127.0.0.1:1/", "tags": ["x".repeat(100_000)] });
    assert_eq!(service.put("d", &put).status, 201);
    let metrics = service.get("/metrics").body;
    assert!(
        metrics.contains("everwire_memory_bytes{use=\"outboxes\"} "),
        "{metrics}"
    );
    assert!(metrics.contains(&format!("everwire_memory_limit_bytes {}", 32 * MIB)));
    assert!(metrics.contains(&format!("everwire_histories_limit_bytes {}", 16 * MIB)));
    // Released memory can be used again.
    assert_eq!(service.delete("/v1/connections/a").status, 204);
    assert_eq!(service.post("/v1/connections/b/send", "hello").status, 200);
    for name in ["b", "c", "d"] {
        assert_eq!(
            service.delete(&format!("/v1/connections/{name}")).status,
            204
        );
    }
    assert_eq!(used(&memory(&service), "outboxes"), 0);
    service.end();
}

#[test]
fn unfinished_bodies_are_refused_before_memory_runs_out() {
    let service = Service::start("memory-bodies", KEYS);
    put_hoarder(&service, "a");
    let at_start = service.running.resident_mib();
    let body = vec![b'x'; 4 * MIB];
    let mut clients: Vec<TcpStream> = Vec::new();
    for _ in 0..40 {
        let mut tcp = TcpStream::connect(&service.listen).unwrap();
        tcp.set_write_timeout(Some(Duration::from_millis(500)))
            .unwrap();
        let head = format!(
            "POST /v1/connections/a/send HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
            service.listen,
            16 * MIB
        );
        tcp.write_all(head.as_bytes()).unwrap();
        // A refused request need not be read further.
        let _refused = tcp.write_all(&body);
        clients.push(tcp);
    }
    let was_refused = |tcp: &mut TcpStream| {
        let mut answer = [0; 12];
        tcp.set_nonblocking(true).unwrap();
        tcp.read_exact(&mut answer).is_ok() && &answer == b"HTTP/1.1 503"
    };
    let deadline = Instant::now() + SOON;
    let mut refused = 0;
    // Requests from before the limit wait for their rest.
    while refused < 30 {
        assert!(Instant::now() < deadline, "{refused} of 40");
        let before = clients.len();
        clients.retain_mut(|tcp| !was_refused(tcp));
        refused += before - clients.len();
    }
    let told = memory(&service);
    let bodies = used(&told, "bodies");
    assert!(
        bodies <= 32 * MIB * 9 / 10 + 2 * LEASE && bodies > 15 * MIB,
        "{told}"
    );
    let resident = service.running.resident_mib() - at_start;
    assert!(resident < 120, "{resident} MiB more than at the start");
    assert_eq!(service.get("/healthz").status, 200);
    drop(clients);
    let deadline = Instant::now() + SOON;
    while used(&memory(&service), "bodies") > 0 {
        assert!(Instant::now() < deadline, "{}", memory(&service));
    }
    assert_eq!(service.post("/v1/connections/a/send", "hello").status, 200);
    service.end();
}

#[test]
fn a_tenant_does_not_learn_what_the_process_holds() {
    let tokens = "[[service.tokens]]\nname = 'acme'\nsecret = 's3cret-acme'\nnames = 'acme-*'\n";
    let service = Service::start("memory-status", tokens);
    let headers = [("Authorization", "Bearer s3cret-acme")];
    let refused = service.ask("GET", "/v1/status", &headers, b"");
    refused.problem(403, "does not reach all names");
    service.end();
}

#[test]
fn the_bound_can_be_changed_while_the_process_runs() {
    let service = Service::start("memory-reload", KEYS);
    put_hoarder(&service, "a");
    Service::configure("memory-reload", &KEYS.replace("32MiB", "1MiB"));
    assert_eq!(service.post("/v1/reload", "").status, 200);
    assert_eq!(memory(&service)["limit"], MIB);
    let (accepted, _) = fill(&service, &["a"], 64 << 10);
    assert!((1..16).contains(&accepted), "{accepted}");
    service.end();
}

/// A manager with this much memory, and two threads for its names.
fn manager(memory: usize) -> Manager {
    let mut settings = Settings::default();
    settings.service.workers = 2;
    settings.service.memory = Some(memory);
    Manager::spawn(settings).unwrap()
}

/// Asserts that all memory is released once all names are removed.
async fn all_is_given_back(manager: &Manager) {
    for handle in manager.list(&Pattern::all()) {
        manager.remove(handle.name()).await.unwrap();
    }
    let deadline = Instant::now() + SOON;
    while manager.memory_usage().used() > 0 {
        assert!(Instant::now() < deadline, "{:?}", manager.memory_usage());
        tokio::task::yield_now().await;
    }
}

fn check(usage: MemoryUsage) {
    assert!(usage.used() <= usage.limit + 2 * LEASE, "{usage:?}");
}

#[tokio::test]
async fn histories_give_way_at_half_of_the_bound_and_readers_are_told() {
    let manager = manager(4 * MIB);
    let peer = Peer::spawn_thread().unwrap();
    let text = "x".repeat(1000);
    peer.script("/much", Script::sink().message_flood(text.as_str(), 2000));
    peer.script("/little", Script::sink().message_flood("a few words", 20));
    let start = manager
        .subscribe(Pattern::all(), Delivery::default())
        .start();
    for number in 0..8 {
        let path = if number == 0 { "/little" } else { "/much" };
        let mut settings = quick(peer.url(path));
        settings.history.messages = 100_000;
        settings.history.bytes = 1 << 30;
        manager.open(format!("feed-{number}"), settings).unwrap();
    }
    let deadline = Instant::now() + SOON;
    loop {
        let usage = manager.memory_usage();
        check(usage);
        let statuses = manager.statuses(&Pattern::all()).await;
        let received: u64 = statuses.iter().map(|status| status.received.messages).sum();
        let is_trimmed = usage.histories <= 2 * MIB;
        if received == 14_020 && is_trimmed {
            assert!(usage.histories > MIB, "{usage:?}");
            break;
        }
        assert!(Instant::now() < deadline, "{received} {usage:?}");
        tokio::task::yield_now().await;
    }
    // A quiet name keeps all its messages; readers of the others learn that the oldest are gone.
    let past = |name: &str| {
        let pattern = Pattern::new(name).unwrap();
        let delivery = Delivery::default().kinds(Kinds::none().with("message").unwrap());
        manager.resume(pattern, delivery, Some(start))
    };
    let little = past("feed-0").take(20).collect::<Vec<_>>();
    let little = tokio::time::timeout(SOON, little).await.unwrap();
    assert!(
        little.iter().all(|update| update.message().is_some()),
        "{little:?}"
    );
    let first = past("feed-1").next().await;
    assert!(
        matches!(first, Some(Update::Notice(Notice::Lagged(_)))),
        "{first:?}"
    );
    all_is_given_back(&manager).await;
}

#[tokio::test]
async fn histories_keep_to_their_bound_by_one_level_for_all() {
    const NAMES: usize = 200;
    let mut settings = Settings::default();
    settings.service.workers = 2;
    settings.service.history_bytes = 2 * MIB;
    let manager = Manager::spawn(settings).unwrap();
    let peer = Peer::spawn_thread().unwrap();
    let text = "x".repeat(1000);
    // Most names are silent when the level is set, and one goes on.
    peer.script("/much", Script::sink().message_flood(text.as_str(), 100));
    peer.script("/little", Script::sink().message_flood("a few words", 20));
    let start = manager
        .subscribe(Pattern::all(), Delivery::default())
        .start();
    let open = |name: &str, path: &str| {
        let mut settings = quick(peer.url(path));
        settings.history.messages = 100;
        manager.open(name, settings).unwrap()
    };
    for number in 0..NAMES {
        open(&format!("much-{number}"), "/much");
    }
    open("little", "/little");
    let talker = open("talker", "/echo");
    let heard = async || {
        let statuses = manager.statuses(&Pattern::all()).await;
        let heard = statuses.iter().map(|status| status.received.messages);
        heard.sum::<u64>()
    };
    let deadline = Instant::now() + SOON;
    while heard().await < (NAMES * 100 + 20) as u64 {
        assert!(Instant::now() < deadline, "{}", heard().await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let within = |most: usize| {
        let usage = manager.memory_usage();
        assert_eq!(usage.histories_limit, 2 * MIB);
        (usage.histories <= most).then_some(usage).ok_or(usage)
    };
    let until = async |most: usize| {
        let deadline = Instant::now() + SOON;
        while let Err(usage) = within(most) {
            assert!(Instant::now() < deadline, "{usage:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // 20 MiB came in.
    until(2 * MIB).await;
    let held = manager.memory_usage().histories;
    assert!(held > MIB, "the level is as high as it can be: {held}");

    // The busy one is limited while the others keep their messages.
    for round in 0..5 {
        for _ in 0..100 {
            talker.send(text.as_str()).unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (held, share) = (manager.memory_usage().histories, 100 * 1100);
        assert!(held <= 2 * MIB + share, "round {round}: {held}");
    }
    until(2 * MIB).await;

    let past = |name: &str| {
        let pattern = Pattern::new(name).unwrap();
        let delivery = Delivery::default().kinds(Kinds::none().with("message").unwrap());
        manager.resume(pattern, delivery, Some(start))
    };
    let little = past("little").take(20).collect::<Vec<_>>();
    let little = tokio::time::timeout(SOON, little).await.unwrap();
    let is_message = |update: &Update| update.message().is_some();
    assert!(little.iter().all(is_message), "{little:?}");
    let mut much = past("much-7");
    let first = much.next().await;
    assert!(
        matches!(first, Some(Update::Notice(Notice::Lagged(_)))),
        "{first:?}"
    );
    assert!(much.next().await.is_some_and(|event| is_message(&event)));
    drop(much);

    // With a higher limit, the busy name has enough room again.
    manager.set_history_bytes(64 * MIB);
    let deadline = Instant::now() + SOON;
    loop {
        talker.send(text.as_str()).unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        let delivery = Delivery::default().kinds(Kinds::none().with("message").unwrap());
        let pattern = Pattern::new("talker").unwrap();
        let mut events = manager.resume(pattern, delivery, Some(start));
        let mut kept = 0;
        while let Some(Some(event)) = events.next().now_or_never() {
            kept += usize::from(is_message(&event));
        }
        if kept == 100 {
            break;
        }
        assert!(Instant::now() < deadline, "{kept}");
    }
    drop(talker);
    all_is_given_back(&manager).await;
}

#[tokio::test]
async fn unfinished_messages_beyond_the_bound_end_their_sockets_and_tell_why() {
    let manager = manager(4 * MIB);
    let peer = Peer::spawn_thread().unwrap();
    let mut part = Vec::from(&b"\x82\x7f\0\0\0\0"[..]);
    part.extend((MIB as u32).to_be_bytes());
    part.extend(vec![7; MIB - 1]);
    peer.script("/part", Script::sink().raw(part));
    let mut watch = Watch::new(&manager, "*");
    for number in 0..8 {
        manager
            .open(format!("feed-{number}"), quick(peer.url("/part")))
            .unwrap();
    }
    let cause = watch.error().await;
    assert_eq!(cause.kind(), "memory", "{cause}");
    let text = cause.text().into_owned();
    assert!(text.contains("service.memory"), "{text}");
    let usage = manager.memory_usage();
    check(usage);
    assert!(usage.reassembly > 2 * MIB, "{usage:?}");
    drop(watch);
    // The peer is told as well.
    let deadline = Instant::now() + SOON;
    let told = || {
        let logs = peer.connections_at("/part");
        logs.iter().any(|log| {
            log.close
                .as_ref()
                .is_some_and(|close| close.code == Some(1009))
        })
    };
    while !told() {
        assert!(
            Instant::now() < deadline,
            "{:?}",
            peer.connections_at("/part")
        );
        tokio::task::yield_now().await;
    }
    all_is_given_back(&manager).await;
}

#[tokio::test]
async fn a_program_that_sends_is_told_that_memory_is_used_up() {
    let rig = Rig::new();
    let feed = rig.open_with("/never", |settings| settings.outbox.bytes = 1 << 30);
    rig.manager.set_memory(Some(8 * MIB));
    let mut other = rig.manager.charge(MemoryUse::Bodies);
    other.set(7 * MIB);
    feed.send(Message::binary(vec![0; 64 << 10])).unwrap();
    let long = Message::binary(vec![0; MIB]);
    assert_eq!(feed.send(long.clone()).unwrap_err(), Rejected::NoMemory);
    // A request that would be refused in any case gets that other reason.
    let too_long = Message::binary(vec![0; 17 * MIB]);
    let refused = feed.send(too_long).unwrap_err();
    assert!(
        matches!(refused, SendError::Rejected(Rejected::TooLarge(_))),
        "{refused}"
    );
    drop(other);
    feed.send(long).unwrap();
}
