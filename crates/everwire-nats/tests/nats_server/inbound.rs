//! Messages from sockets reach the stream, whatever happens to the server.

use std::{collections::BTreeMap, time::Duration};

use crate::support::{
    Names, Server,
    faults::start,
    read::{all, numbers, published, texts},
    settings, tempdir, until_async,
};
use everwire_nats::{Bridge, Observer};

#[tokio::test]
async fn each_message_is_in_the_stream_with_its_place() {
    let server = Server::start("place");
    let names = Names::open(&["market.btc:usd", "b"]).await;
    let (bridge, _) = start(&names, settings(&server), &server);
    for number in numbers(100) {
        names.say("market.btc:usd", &number);
        names.say("b", &number);
    }
    published(&bridge, 200).await;
    let read = all(&server, "EVERWIRE_IN").await;
    assert_eq!(
        texts(&read),
        BTreeMap::from([
            ("everwire.in.b".to_owned(), numbers(100)),
            ("everwire.in.market.btc=3Ausd".to_owned(), numbers(100)),
        ])
    );
    assert_eq!(read.len(), 200, "none is there twice");
    assert_eq!(bridge.stop(Duration::from_secs(5)).await, Some(0));
}

#[tokio::test]
async fn a_server_that_is_killed_again_and_again_has_all_in_the_end() {
    let mut server = Server::start("killed");
    let names = Names::open(&["a", "b", "c"]).await;
    let (bridge, _) = start(&names, settings(&server), &server);
    let mut sent = 0;
    for round in 0..6 {
        for _ in 0..500 {
            for name in ["a", "b", "c"] {
                names.say(name, &sent.to_string());
            }
            sent += 1;
            if sent % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            if sent % 500 == 250 {
                match round % 2 {
                    0 => server.kill(),
                    _ => server.restart(),
                }
            }
        }
    }
    server.restart();
    published(&bridge, 1).await;
    let expected = numbers(sent);
    let read = texts(&all(&server, "EVERWIRE_IN").await);
    for name in ["a", "b", "c"] {
        assert_eq!(read[&format!("everwire.in.{name}")], expected, "{name}");
    }
}

#[tokio::test]
async fn what_waits_at_the_end_is_published_by_the_next_process() {
    let mut server = Server::start("next");
    let names = Names::open(&["a"]).await;
    server.kill();
    let state = tempdir("next-state");
    let start = || {
        Bridge::start(
            names.manager.clone(),
            settings(&server),
            &state,
            Observer::default(),
        )
        .unwrap()
    };
    let bridge = start();
    for number in numbers(300) {
        names.say("a", &number);
    }
    until_async("all has come in, and no server answers", async || {
        let status = bridge.status();
        status.inbound.pending == 300 && status.error.is_some()
    })
    .await;
    assert_eq!(bridge.status().error.unwrap().code, "nats_unreachable");
    assert_eq!(bridge.stop(Duration::from_millis(100)).await, Some(300));
    let bridge = start();
    assert_eq!(bridge.status().inbound.dropped, BTreeMap::new());
    server.restart();
    published(&bridge, 300).await;
    let read = all(&server, "EVERWIRE_IN").await;
    assert_eq!(texts(&read)["everwire.in.a"], numbers(300));
    assert_eq!(bridge.stop(Duration::from_secs(5)).await, Some(0));
    std::fs::remove_dir_all(state).unwrap();
}
