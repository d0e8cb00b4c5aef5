//! An actix application: three names, messages to their addresses, and an actor that receives
//! events.
//!
//! Run it with `cargo run --example actors`. The server echoes.

use std::{error::Error, time::Duration};

use actix::{Actor, Context, Handler};
use everwire::{
    Backoff, Batch, CloseMyself, Connect, ConnectionSettings, Delivery, Heartbeat, Manager,
    Pattern, Send, Settings, testing::Peer,
};
use tokio::sync::oneshot;

/// Receives events of all names in batches, and reports when it has enough.
struct Listener {
    favourite: String,
    expected: usize,
    done: Option<oneshot::Sender<()>>,
}

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Batch> for Listener {
    type Result = ();

    fn handle(&mut self, batch: Batch, _ctx: &mut Self::Context) {
        for update in batch {
            let Some((stamp, message)) = update.message() else {
                continue;
            };
            let mark = if stamp.name == self.favourite {
                "*"
            } else {
                " "
            };
            let text = message.as_text().unwrap_or("bytes");
            println!("{mark} {}: {text}", stamp.name);
            self.expected = self.expected.saturating_sub(1);
        }
        if self.expected == 0 {
            // Dropping the sender is the signal.
            self.done = None;
        }
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let peer = Peer::start().await?;
    let manager = Manager::start(Settings::default())?;
    let (done, all_heard) = oneshot::channel();
    let listener = Listener {
        favourite: "prices".to_owned(),
        expected: 4,
        done: Some(done),
    };
    // Subscribed before the first name exists, so that no event is missed.
    manager.subscribe_actor(Pattern::all(), listener.start(), Delivery::default());

    let mut settings = ConnectionSettings::new(peer.url("/echo"))?;
    settings.heartbeat = Heartbeat::Off;
    settings.reconnect = Backoff::default().max(Duration::from_secs(5)).into();
    for name in ["news", "prices", "orders"] {
        let handle = manager.open(name, settings.clone())?;
        // Accepted at once, and sent when the socket is up.
        let hello = Send::text(format!("hello from {name}"));
        handle.addr().send(hello).await??;
    }
    let orders = manager.find("orders").ok_or("no such name")?;
    // This is sent first on each socket, and also now if a socket is up.
    let data = Some("an order".into());
    orders.addr().send(Connect { data }).await??;

    let _dropped = all_heard.await;
    orders.addr().send(CloseMyself::normal()).await??;
    let report = manager.shutdown(Duration::from_secs(5)).await;
    println!("closed: {}", report.closed);
    Ok(())
}
