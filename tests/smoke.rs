use std::time::Duration;

use everwire::{
    CloseMyself, Connect, ConnectionSettings, Delivery, Event, Fate, Manager, Message, Pattern,
    Send, Settings, testing::Peer,
};
use futures::StreamExt;

#[tokio::test]
async fn a_name_connects_sends_and_closes() {
    let peer = Peer::start().await.unwrap();
    let manager = Manager::spawn(Settings::default()).unwrap();
    let mut events = manager.subscribe(Pattern::all(), Delivery::default());
    let feed = manager
        .open("feed", ConnectionSettings::new(peer.url("/echo")).unwrap())
        .unwrap();
    let receipt = feed.send("hello").unwrap();
    println!("{:?}", receipt.fate(Fate::Written).await);
    loop {
        let ev = events.next().await.unwrap();
        println!("{}", serde_json::to_string(&ev).unwrap());
        if let Event::Message(_, m) = ev {
            assert_eq!(m, Message::text("hello"));
            break;
        }
    }
    feed.addr().send(Send::text("x")).await.unwrap().unwrap();
    println!(
        "{}",
        serde_json::to_string(&feed.status().await.unwrap()).unwrap()
    );
    peer.kick_all(everwire::testing::How::Reset);
    loop {
        let ev = events.next().await.unwrap();
        println!("{}", serde_json::to_string(&ev).unwrap());
        if let Event::Ready(_) = ev {
            break;
        }
    }
    feed.addr()
        .send(CloseMyself::normal())
        .await
        .unwrap()
        .unwrap();
    loop {
        let ev = events.next().await.unwrap();
        println!("{}", serde_json::to_string(&ev).unwrap());
        if let Event::Closed(..) = ev {
            break;
        }
    }
    println!(
        "{}",
        serde_json::to_string(&feed.status().await.unwrap()).unwrap()
    );
    feed.addr()
        .send(Connect {
            data: Some("again".into()),
        })
        .await
        .unwrap()
        .unwrap();
    loop {
        let ev = events.next().await.unwrap();
        println!("{}", serde_json::to_string(&ev).unwrap());
        if let Event::Message(..) = ev {
            break;
        }
    }
    println!("{:?}", manager.shutdown(Duration::from_secs(5)).await);
}
