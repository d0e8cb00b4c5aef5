//! A thousand named sockets in one process, together with their server.
//!
//! Run it with `cargo run --release --example many [COUNT]`.

use std::{
    env,
    error::Error,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Delivery, EventKind, Manager, Pattern, Settings, testing::Peer,
};
use futures::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = env::args().nth(1).map_or(Ok(1000), |count| count.parse())?;
    // Both ends of each socket are in this process: two descriptors a name, more than most systems
    // allow by default.
    rlimit::increase_nofile_limit(2 * count as u64 + 100)?;

    let peer = Peer::spawn_thread()?;
    let manager = Manager::spawn(Settings::default())?;
    // Subscribed before the first name exists, with room for all events.
    let delivery = Delivery::default().events(8 * count);
    let mut events = manager.subscribe(Pattern::new("socket-*")?, delivery);

    let started = Instant::now();
    let settings = ConnectionSettings::new(peer.url("/echo"))?;
    let mut handles = Vec::with_capacity(count);
    for number in 0..count {
        handles.push(manager.open(format!("socket-{number}"), settings.clone())?);
    }

    // All names dial at once, but at most `max_handshakes` handshakes run at a time.
    let (mut up, mut echoes) = (0, 0);
    while echoes < count {
        let update = events
            .next()
            .await
            .ok_or("the stream of events has ended")?;
        match update.kind() {
            Some(EventKind::Ready) => {
                up += 1;
                progress("up", up, count, started);
                if up == count {
                    for handle in &handles {
                        handle.send(format!("hello from {}", handle.name()))?;
                    }
                }
            }
            Some(EventKind::Message(_)) => {
                echoes += 1;
                progress("echoes", echoes, count, started);
            }
            _ => {}
        }
    }

    let report = manager.shutdown(Duration::from_secs(10)).await;
    println!("{} closed, {} left", report.closed, report.left.len());
    Ok(())
}

/// Prints a line for each tenth of the way.
fn progress(what: &str, done: usize, count: usize, started: Instant) {
    if done.is_multiple_of(count.div_ceil(10)) || done == count {
        println!("{done} of {count} {what} after {:.0?}", started.elapsed());
    }
}
