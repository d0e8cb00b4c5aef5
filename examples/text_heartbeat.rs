//! A heartbeat of text messages, for servers that require one: `ping` is sent, and if no `pong`
//! arrives, the socket is replaced.
//!
//! Run it with `cargo run --example text_heartbeat`. The server does not answer on its first
//! connection.

use std::{env, error::Error, time::Duration};

use everwire::{
    ConnectionSettings, Delivery, EventKind, Manager, Pattern, Settings,
    config::Heartbeat,
    testing::{Peer, Script},
};
use futures::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let peer = Peer::start().await?;
    peer.script_each("/feed", [Script::sink(), Script::text_heartbeat()]);

    let mut settings = ConnectionSettings::new(peer.url("/feed"))?;
    settings.heartbeat = Heartbeat::Text {
        interval: seconds(1.0),
        timeout: seconds(2.0),
        ping: "ping".to_owned(),
        pong: "pong".to_owned(),
        // Whether an answer confirms earlier messages. This peer answers in order, but nobody here
        // needs confirmations.
        fence: false,
        // Answers to the heartbeat are not delivered to subscribers.
        deliver: false,
    };

    let manager = Manager::spawn(Settings::default())?;
    let mut events = manager.subscribe(Pattern::all(), Delivery::default());
    let feed = manager.open("feed", settings)?;
    while let Some(update) = events.next().await {
        match update.kind() {
            Some(EventKind::Ready) => {
                println!("up");
                // Accepted at once. If this socket is lost first, the message is sent on the next
                // one.
                feed.send("anybody there?")?;
            }
            Some(EventKind::Error(report)) => println!("lost: {}", report.cause),
            Some(EventKind::Retrying(retrying)) => println!("next dial in {:.0?}", retrying.delay),
            Some(EventKind::Message(message)) => {
                println!("received: {}", message.as_text().unwrap_or("bytes"));
                break;
            }
            _ => {}
        }
    }
    manager.shutdown(seconds(5.0)).await;
    Ok(())
}

/// A number of seconds, divided by EVERWIRE_EXAMPLE_SPEED if that is set.
fn seconds(count: f64) -> Duration {
    let speed = env::var("EVERWIRE_EXAMPLE_SPEED").ok();
    let speed = speed.and_then(|speed| speed.parse().ok()).unwrap_or(1.0);
    Duration::from_secs_f64(count / speed)
}
