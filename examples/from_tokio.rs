//! everwire from plain tokio, without actix in the program. The names are actix actors on the
//! manager's own threads.
//!
//! Run it with `cargo run --example from_tokio`. The server restarts in the middle.

use std::{error::Error, time::Duration};

use everwire::{
    ConnectionSettings, Delivery, EventKind, Fate, Manager, Settings,
    config::Heartbeat,
    testing::{How, Peer},
};
use futures::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let peer = Peer::start().await?;
    let manager = Manager::spawn(Settings::default())?;

    let mut settings = ConnectionSettings::new(peer.url("/echo"))?;
    // The answer to a ping confirms all earlier messages.
    settings.heartbeat = Heartbeat::Protocol {
        interval: Duration::from_millis(50),
        timeout: Duration::from_secs(20),
    };
    let feed = manager.open("feed", settings)?;
    let mut events = feed.subscribe(Delivery::default());

    // Accepted before the socket is up, in call order, without waiting.
    let receipt = feed.send("first")?;
    println!("first: {:?}", receipt.fate(Fate::Confirmed).await);

    // The server is away for a moment, and the name reconnects by itself.
    peer.outage(How::Reset, Duration::from_millis(100)).await?;
    let mut second = None;
    while let Some(update) = events.next().await {
        match update.kind() {
            Some(EventKind::Retrying(retrying)) => {
                println!("lost: {}", retrying.cause.kind());
                // Messages that are sent while the socket is down wait for the next one.
                second = second.or(Some(feed.send("second")?));
            }
            Some(EventKind::Message(message)) => {
                println!("received: {}", message.as_text().unwrap_or("bytes"));
                if message.as_text() == Some("second") {
                    break;
                }
            }
            _ => {}
        }
    }
    if let Some(receipt) = second {
        println!("second: {:?}", receipt.fate(Fate::Confirmed).await);
    }

    let report = manager.shutdown(Duration::from_secs(5)).await;
    println!("closed: {}", report.closed);
    Ok(())
}
