//! Process memory and CPU per idle named connection: `cargo run --release --bin idle [NAMES]`.

use std::time::{Duration, Instant};

use everwire::{ConnectionSettings, Delivery, Event, Manager, Pattern, Settings};
use everwire_benches::{PeerProcess, cpu, prepare, resident};
use futures::StreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    prepare();
    let names: u64 = std::env::args()
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(8_000);
    let peer = PeerProcess::start().expect("a peer");
    let manager = Manager::spawn(Settings::default()).expect("a manager");
    let mut events = manager.subscribe(Pattern::all(), Delivery::default().events(4 * names as usize));
    let (before, cpu_before, start) = (resident(), cpu(), Instant::now());
    for n in 0..names {
        let settings = ConnectionSettings::new(format!("{}/echo", peer.url)).expect("a URL");
        manager.open(format!("name-{n:05}"), settings).expect("a new name");
    }
    let mut ready = 0;
    while ready < names {
        match events.next().await {
            Some(Event::Ready(_)) => ready += 1,
            Some(Event::Error(stamp, cause)) => println!("{}: {cause}", stamp.name),
            Some(_) => {}
            None => return,
        }
    }
    println!(
        "{names} names ready after {:.1} s, {:.1} us of CPU per dial",
        start.elapsed().as_secs_f64(),
        (cpu() - cpu_before).as_micros() as f64 / names as f64
    );
    for _ in 0..3 {
        let (cpu_before, start) = (cpu(), Instant::now());
        tokio::time::sleep(Duration::from_secs(12)).await;
        println!(
            "{:.2} KiB per idle name; {:.2} % of a core for {names} heartbeats",
            (resident() - before) as f64 / 1024.0 / names as f64,
            100.0 * (cpu() - cpu_before).as_secs_f64() / start.elapsed().as_secs_f64()
        );
    }    // Without taking anything down: a heap profiler then shows what idle names hold.
    std::process::exit(0);
}
