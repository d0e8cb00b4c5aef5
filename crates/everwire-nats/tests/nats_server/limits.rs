//! Messages that are too large, and disks that are full.

use crate::support::{
    Names, Server, disk,
    faults::{not_made, say_too_much, start, trouble, up},
    read::{all, gaps, numbers, published, stored, texts},
    settings, until_async,
};
use async_nats::jetstream::{self, stream::Config};

async fn too_large(server: Server) {
    let names = Names::open(&["a", "b"]).await;
    let (bridge, log) = start(&names, settings(&server), &server);
    up(&bridge).await;
    for name in ["a", "b"] {
        names.say(name, "0");
    }
    published(&bridge, 2).await;
    for text in ["1", &"x".repeat(5000), &"y".repeat(5000), "2"] {
        names.say("a", text);
    }
    names.say("b", "1");
    published(&bridge, 5).await;
    assert_eq!(bridge.status().inbound.dropped["too_large"], 2);
    until_async("it is told", async || {
        log.has("2 messages of a were dropped: too_large")
    })
    .await;
    let mut read = all(&server, "EVERWIRE_IN").await;
    read.sort_by_key(|message| message.subject.clone());
    assert_eq!(gaps(&read), [(2, "2".to_owned())]);
    read[2].gap = None;
    // Only its number reports the gap: the content before it is that from before the dropped
    // messages.
    let texts = texts(&read);
    assert_eq!(texts["everwire.in.a"], numbers(3));
    assert_eq!(texts["everwire.in.b"], numbers(2));
    let inbound = bridge.status().inbound;
    assert_eq!((inbound.pending, inbound.refused.len()), (0, 0));
}

#[tokio::test]
async fn a_message_above_the_payload_of_the_server_is_dropped_and_told() {
    let config = "max_payload: 4000\njetstream { store_dir: \"FOLDER/jetstream\" }";
    too_large(Server::start_with("payload", config)).await;
}

#[tokio::test]
async fn a_message_above_the_size_of_the_stream_is_dropped_and_told() {
    let server = Server::start("size");
    let context = jetstream::new(server.client().await);
    let stream = Config {
        name: "EVERWIRE_IN".into(),
        subjects: vec!["everwire.in.>".into()],
        max_message_size: 4000,
        ..Config::default()
    };
    context.create_stream(stream).await.unwrap();
    too_large(server).await;
}

/// A server with this storage limit.
fn store(bytes: &str) -> String {
    format!("jetstream {{ store_dir: \"FOLDER/jetstream\", max_file_store: {bytes} }}")
}

#[tokio::test]
async fn a_stream_larger_than_the_store_is_told() {
    let server = Server::start_with("room", &store("1MB"));
    let names = Names::open(&["a"]).await;
    let (bridge, _) = start(&names, settings(&server), &server);
    not_made(&bridge, "insufficient storage resources available").await;
}

#[tokio::test]
async fn a_store_that_is_full_is_told_and_takes_all_when_it_has_room() {
    let mut server = Server::start_with("full", &store("1MB"));
    let names = Names::open(&["a", "b"]).await;
    let mut settings = settings(&server);
    settings.inbound.as_mut().unwrap().stream.max_bytes = None;
    let (bridge, log) = start(&names, settings, &server);
    up(&bridge).await;
    let text = |number: usize| format!("{number:020000}");
    for number in 0..60 {
        names.say("a", &text(number));
        names.say("b", &text(number));
    }
    let full = "insufficient resources (JetStream error 10023)";
    until_async("it is told", async || {
        bridge
            .status()
            .inbound
            .refused
            .values()
            .any(|text| text == full)
    })
    .await;
    assert!(log.has(full), "{:?}", log.lines());
    server.reconfigure(&store("100MB"));
    server.restart();
    until_async("all are stored", async || stored(&server).await >= 120).await;
    let read = texts(&all(&server, "EVERWIRE_IN").await);
    let expected: Vec<_> = (0..60).map(text).collect();
    assert_eq!(read["everwire.in.a"], expected);
    assert_eq!(read["everwire.in.b"], expected);
    assert!(bridge.status().inbound.dropped.is_empty());
}

#[test]
fn a_disk_that_is_full_loses_nothing_that_is_in_the_spool() {
    if let Some(disk) = disk::mounted() {
        return disk::block_on(full_disk_of_the_server(&disk));
    }
    disk::run("a_disk_that_is_full_loses_nothing_that_is_in_the_spool", 16);
}

async fn full_disk_of_the_server(disk: &std::path::Path) {
    // The default would be the free space of the disk.
    let config = format!(
        "jetstream {{ store_dir: \"{}/jetstream\", max_file_store: 1GB }}",
        disk.display()
    );
    let mut server = Server::start_with("disk", &config);
    let names = Names::open(&["a"]).await;
    let mut settings = settings(&server);
    settings.inbound.as_mut().unwrap().stream.max_bytes = None;
    let (bridge, log) = start(&names, settings, &server);
    up(&bridge).await;
    let text = |number: usize| format!("{number:060000}");
    for number in 0..300 {
        names.say("a", &text(number));
    }
    let told = trouble(&bridge, "nats_silent").await;
    assert_eq!(
        told,
        "the server does not answer for the stream EVERWIRE_IN"
    );
    let late = "messages of a are not published: no acknowledgement in time";
    assert!(log.has(late), "{:?}", log.lines());
    disk::grow(disk, 200);
    server.restart();
    until_async("all are stored", async || stored(&server).await >= 300).await;
    let read = texts(&all(&server, "EVERWIRE_IN").await);
    assert_eq!(
        read["everwire.in.a"],
        (0..300).map(text).collect::<Vec<_>>()
    );
    assert!(bridge.status().inbound.dropped.is_empty());
    server.kill();
}

#[test]
fn a_spool_whose_disk_is_full_drops_and_tells_how_many() {
    if let Some(disk) = disk::mounted() {
        return disk::block_on(full_disk_of_the_spool(&disk));
    }
    disk::run("a_spool_whose_disk_is_full_drops_and_tells_how_many", 4);
}

async fn full_disk_of_the_spool(disk: &std::path::Path) {
    let mut server = Server::start("spool-disk");
    let names = Names::open(&["a"]).await;
    let log = crate::support::faults::Log::default();
    let manager = names.manager.clone();
    let bridge =
        everwire_nats::Bridge::start(manager, settings(&server), disk, log.observer()).unwrap();
    names.say("a", "first");
    published(&bridge, 1).await;
    server.stop();
    let reason = "spool_error";
    let count = say_too_much(&names, &bridge, reason).await;
    assert!(
        log.has("nats-spool.sqlite3 cannot be used: database or disk is full"),
        "{:?}",
        log.lines()
    );
    let dropped = bridge.status().inbound.dropped[reason];
    let kept = count - dropped + 1;
    disk::grow(disk, 50);
    server.restart();
    until_async("what is kept is stored", async || {
        stored(&server).await == kept
    })
    .await;
    names.say("a", "last");
    until_async("the last one is stored", async || {
        stored(&server).await == kept + 1
    })
    .await;
    let read = all(&server, "EVERWIRE_IN").await;
    let told: u64 = gaps(&read)
        .iter()
        .map(|(_, gap)| gap.parse::<u64>().unwrap())
        .sum();
    assert_eq!(told, dropped);
    let mut without = read;
    without.iter_mut().for_each(|message| message.gap = None);
    let texts = &texts(&without)["everwire.in.a"];
    assert_eq!(texts.last().unwrap(), "last");
    assert!(texts[1..texts.len() - 1].is_sorted());
}
