//! The demo of the JavaScript class that everwire replaces: connect with data, send after a second,
//! close after ten.
//!
//! Run it with `cargo run --example original [URL]`. Without a URL, it uses the test peer of
//! everwire.

use std::{env, error::Error, time::Duration};

use actix::clock::sleep;
use everwire::{
    CloseMyself, Connect, ConnectionSettings, Event, EventKind, Manager, Pattern, Send, Settings,
    testing::Peer,
};

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let peer = Peer::start().await?;
    let url = env::args().nth(1).unwrap_or_else(|| peer.url("/heartbeat"));
    let manager = Manager::start(Settings::default())?;

    // `msgCallback`; there may be several, each with a pattern of names.
    manager
        .on_event(Pattern::all(), |update| {
            let Some(Event { stamp, kind }) = update.event() else {
                return;
            };
            match kind {
                EventKind::Message(message) => {
                    println!("{}: {}", stamp.name, message.as_text().unwrap_or("bytes"));
                }
                EventKind::Closed(report) => {
                    println!("{}: closed, code {}", stamp.name, report.code)
                }
                _ => {}
            }
        })
        .forever();

    // `new WebSocketClass(url, callback, name)`, which does not dial yet. The heartbeat is on by
    // default.
    let mut settings = ConnectionSettings::new(url)?;
    settings.enabled = false;
    let socket = manager.open("original", settings)?;

    // `connect(data)`: the data goes out when the socket is open, and again after each reconnect.
    let data = Some("the opening data".into());
    socket.addr().send(Connect { data }).await??;

    sleep(seconds(1.0)).await;
    // `sendHandle(data)`
    socket.addr().send(Send::text("a second later")).await??;

    sleep(seconds(9.0)).await;
    // `closeMyself()`: sends what waits, and does not reconnect.
    socket.addr().send(CloseMyself::normal()).await??;
    manager.shutdown(seconds(5.0)).await;
    Ok(())
}

/// A number of seconds, divided by EVERWIRE_EXAMPLE_SPEED if that is set.
fn seconds(count: f64) -> Duration {
    let speed = env::var("EVERWIRE_EXAMPLE_SPEED").ok();
    let speed = speed.and_then(|speed| speed.parse().ok()).unwrap_or(1.0);
    Duration::from_secs_f64(count / speed)
}
