//! The server is down, slow or silent: nothing is lost, and a reader gets everything in order.

use std::{collections::BTreeMap, time::Duration};

use crate::support::{
    Names, Server,
    cut::Cut,
    faults::{Log, say_too_much, start, up},
    read::{all, gaps, numbers, published, stored, texts},
    settings, tempdir, until_async,
};
use everwire_nats::DropReason;
use tokio::time::sleep;

#[tokio::test]
async fn a_frozen_server_costs_no_message_and_pauses_no_socket() {
    let server = Server::start("frozen");
    let names = Names::open(&["a", "b"]).await;
    let (bridge, _) = start(&names, settings(&server), &server);
    let mut said = 0;
    let mut say = |count: usize| {
        for number in said..said + count {
            names.say("a", &number.to_string());
            names.say("b", &number.to_string());
        }
        said += count;
        said as u64
    };
    say(100);
    published(&bridge, 200).await;
    server.freeze(true);
    let mut all_said = 0;
    for _ in 0..150 {
        all_said = say(20);
        sleep(Duration::from_millis(100)).await;
    }
    // All messages are received while none is acknowledged.
    until_async("they are heard", async || {
        bridge.status().inbound.pending >= 2 * (all_said - 100) - 50
    })
    .await;
    server.freeze(false);
    until_async("all are stored", async || {
        stored(&server).await >= 2 * all_said
    })
    .await;
    let read = texts(&all(&server, "EVERWIRE_IN").await);
    let all = numbers(usize::try_from(all_said).unwrap());
    assert_eq!(read["everwire.in.a"], all);
    assert_eq!(read["everwire.in.b"], all);
    assert_eq!(bridge.status().inbound.dropped, BTreeMap::new());
}

#[tokio::test]
async fn messages_whose_acknowledgements_were_lost_are_not_published_twice() {
    let server = Server::start("deaf");
    let names = Names::open(&["a"]).await;
    let way = Cut::start(&server.url()).await;
    let mut settings = settings(&server);
    settings.servers = vec![way.url()];
    let window = Duration::from_millis(200);
    settings.inbound.as_mut().unwrap().duplicate_window = window;
    let (bridge, _) = start(&names, settings, &server);
    up(&bridge).await;
    let mut said = 0;
    for _ in 0..4 {
        for _ in 0..50 {
            names.say("a", &said.to_string());
            said += 1;
        }
        until_async("they are stored", async || stored(&server).await == said).await;
        way.deafen();
        for _ in 0..50 {
            names.say("a", &said.to_string());
            said += 1;
        }
        // They are stored, but their acknowledgements are lost until the server has forgotten their
        // ids.
        until_async("they are stored", async || stored(&server).await == said).await;
        sleep(window * 2).await;
        way.cut().await;
        way.heal();
    }
    until_async("nothing is left", async || {
        bridge.status().inbound.pending == 0
    })
    .await;
    let read = all(&server, "EVERWIRE_IN").await;
    assert_eq!(texts(&read)["everwire.in.a"], numbers(400));
    assert_eq!(read.len(), 400, "none is there twice");
    assert!(bridge.status().inbound.redelivered >= 200);
}

#[tokio::test]
async fn an_outage_longer_than_the_duplicate_window_doubles_nothing() {
    let mut server = Server::start("window");
    let names = Names::open(&["a", "b"]).await;
    let mut settings = settings(&server);
    settings.inbound.as_mut().unwrap().duplicate_window = Duration::from_millis(200);
    let (_bridge, _) = start(&names, settings, &server);
    let mut said = 0;
    for _ in 0..3 {
        for step in 0..10 {
            for _ in 0..20 {
                names.say("a", &said.to_string());
                names.say("b", &said.to_string());
                said += 1;
            }
            if step == 5 {
                // An orderly stop keeps stored messages.
                server.stop();
            }
            sleep(Duration::from_millis(20)).await;
        }
        sleep(Duration::from_millis(500)).await;
        server.restart();
    }
    until_async("all are stored", async || stored(&server).await >= 1200).await;
    let read = all(&server, "EVERWIRE_IN").await;
    assert_eq!(texts(&read)["everwire.in.a"], numbers(600));
    assert_eq!(texts(&read)["everwire.in.b"], numbers(600));
}

#[tokio::test]
async fn what_exceeds_the_spool_is_counted_and_told_by_the_next_message() {
    let mut server = Server::start("spool");
    let names = Names::open(&["a"]).await;
    let mut settings = settings(&server);
    settings.inbound.as_mut().unwrap().spool = 2 << 20;
    let (bridge, log) = start(&names, settings, &server);
    names.say("a", "first");
    published(&bridge, 1).await;
    server.stop();
    let reason = "spool_full";
    let count = say_too_much(&names, &bridge, reason).await;
    let dropped = bridge.status().inbound.dropped[reason];
    until_async("it is told", async || {
        log.has("messages of a were dropped: spool_full")
    })
    .await;
    server.restart();
    let kept = count - dropped + 1;
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
    assert_eq!(gaps(&read), [(kept as usize, dropped.to_string())]);
    assert_eq!(read.last().unwrap().text, "last");
    for (number, message) in read[1..kept as usize].iter().enumerate() {
        assert_eq!(message.text, format!("{number:060000}"));
    }
    until_async("the spool is empty", async || {
        bridge.status().inbound.spool_bytes == 0
    })
    .await;
    assert_eq!(DropReason::Full.as_str(), reason);
}

#[tokio::test]
async fn a_lost_state_is_noticed_and_the_epoch_raised() {
    let server = Server::start("state");
    let names = Names::open(&["a"]).await;
    let handle = names.manager.find("a").unwrap();
    names.manager.raise_epoch(handle.name(), 6);
    let (bridge, _) = start(&names, settings(&server), &server);
    for number in ["0", "1", "2"] {
        names.say("a", number);
    }
    published(&bridge, 3).await;
    bridge.stop(Duration::from_secs(5)).await;
    drop(names);

    // Another folder, and a new manager.
    let names = Names::open(&["a"]).await;
    let handle = names.manager.find("a").unwrap();
    let folder = tempdir("state-new");
    let log = Log::default();
    let bridge = everwire_nats::Bridge::start(
        names.manager.clone(),
        settings(&server),
        &folder,
        log.observer(),
    );
    let _bridge = bridge.unwrap();
    let before = handle.epoch();
    names.say("a", "lost");
    until_async("the epoch is raised", async || handle.epoch() == 8).await;
    assert!(before < 7, "{before}");
    until_async("it is told", async || {
        log.has("the stream has epoch 7 of a: its next epoch is above that")
            && log.has("1 messages of a were dropped: stale_epoch")
    })
    .await;
    names.say("a", "3");
    names.say("a", "4");
    until_async("they are stored", async || stored(&server).await == 5).await;
    let read = all(&server, "EVERWIRE_IN").await;
    assert_eq!(gaps(&read), [(3, "1".to_owned())]);
    let mut without = read;
    without[3].gap = None;
    assert_eq!(texts(&without)["everwire.in.a"], numbers(5));
    std::fs::remove_dir_all(folder).unwrap();
}
