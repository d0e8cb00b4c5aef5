//! A name of the work queue beside one that is down while many messages wait for it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use async_nats::Client;
use everwire::{
    ConnectionSettings, Pattern,
    config::{NatsOutSettings, NatsSettings},
};
use everwire_nats::{Bridge, Observer};
use tokio::time::{sleep, timeout};

use crate::{nats::Server, ours::manager};

/// All that is waited for comes within this time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two requests.
const PAUSE: Duration = Duration::from_millis(1);
/// Before what is measured.
const WARM: usize = 200;

/// What was seen.
pub struct Seen {
    pub p99: Duration,
    pub median: Duration,
    /// From the last message for the other name to the first answer behind it.
    pub behind: Duration,
    /// How many messages the bridge held in memory meanwhile.
    pub held: u64,
}

/// Requests through a name, one after the other, while so many messages wait for another one.
pub async fn round_trips(url: &str, waiting: usize, requests: usize) -> Seen {
    let server = Server::start();
    let manager = manager(1);
    let open = |name: &str, url: &str| {
        let settings = ConnectionSettings::new(url).expect("a URL");
        manager.open(name, settings).expect("a name");
    };
    open("up", &format!("{url}/echo"));
    // Nobody listens on the port that every system reserves.
    open("down", "ws://127.0.0.1:1/");
    let bridge = bridge(&manager, &server.url, &server.folder);
    while bridge.status().server.is_none() {
        sleep(Duration::from_millis(5)).await;
    }
    let client = async_nats::connect(&server.url).await.expect("a server");
    for number in 0..waiting {
        let put = client.publish("everwire.out.down", number.to_string().into());
        put.await.expect("a publish");
    }
    client.flush().await.expect("a server");
    // The queue keeps the order: who is answered stood behind all of them.
    let begin = Instant::now();
    round_trip(&client).await;
    let behind = begin.elapsed();
    for _ in 0..WARM {
        round_trip(&client).await;
    }
    let status = bridge.status().outbound;
    assert_eq!(status.names_behind, u64::from(waiting > 1000));
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        sleep(PAUSE).await;
        times.push(round_trip(&client).await);
    }
    times.sort_unstable();
    assert_eq!(bridge.status().outbound.refused, 0);
    Seen {
        p99: times[times.len() * 99 / 100],
        median: times[times.len() / 2],
        behind,
        held: status.held,
    }
}

fn bridge(manager: &everwire::Manager, server: &str, folder: &Path) -> Bridge {
    let mut settings = NatsSettings::new(vec![server.to_owned()]);
    settings.outbound = Some(NatsOutSettings::new(Pattern::all()));
    Bridge::start(manager.clone(), settings, folder, Observer::default()).expect("a bridge")
}

/// From a request to the answer that the peer has it.
async fn round_trip(client: &Client) -> Duration {
    let begin = Instant::now();
    let asked = client.request("everwire.out.up", "x".into());
    let answer = timeout(PATIENCE, asked).await.expect("an answer in time");
    let took = begin.elapsed();
    let answer = answer.expect("an answer");
    let confirmed = br#""fate":"confirmed""#;
    assert!(memchr::memmem::find(&answer.payload, confirmed).is_some());
    took
}
