//! everwire, through its public API.

pub mod echo;
pub mod healthy;

use std::{
    num::NonZeroU32,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Delivery, Event, Events, Manager, Pattern, Settings, config::HostSettings,
};
use futures::StreamExt;
use tokio::sync::Notify;

use crate::process::{cpu, resident};

/// A manager whose connections share this many arbiters; 0: one per core. 64 handshakes in flight, to one host too.
pub fn manager(workers: usize) -> Manager {
    let mut settings = Settings::default();
    settings.service.workers = workers;
    let mut host = HostSettings::default();
    host.max_handshakes = NonZeroU32::new(64).expect("not zero");
    settings.service.hosts.insert("127.0.0.1".to_owned(), host);
    Manager::spawn(settings).expect("a manager")
}

/// Names that are up and idle, the first heartbeat behind them: bytes of memory for each.
pub async fn idle(url: &str, count: usize, ca_file: Option<PathBuf>) -> f64 {
    let manager = manager(0);
    let delivery = Delivery::default().events(4 * count);
    let mut events = manager.subscribe(Pattern::all(), delivery);
    let before = resident();
    open(&manager, url, count, ca_file);
    all_ready(&mut events, count).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    (resident() - before) as f64 / count as f64
}

/// CPU for opening all these names at once until all are ready, on one arbiter as the raw sockets. The subscriber is a
/// callback: no other thread is woken.
pub async fn dial(url: &str, count: usize) -> (Duration, Duration) {
    let manager = manager(1);
    let left = AtomicUsize::new(count);
    let done = Arc::new(Notify::new());
    let told = Arc::clone(&done);
    let _subscription = manager.on_event(Pattern::all(), move |event| {
        if let Event::Ready(_) = event
            && left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            told.notify_one();
        }
    });
    let (before, start) = (cpu(), Instant::now());
    open(&manager, url, count, None);
    done.notified().await;
    (cpu() - before, start.elapsed())
}

fn open(manager: &Manager, url: &str, count: usize, ca_file: Option<PathBuf>) {
    for n in 0..count {
        let mut settings = ConnectionSettings::new(format!("{url}/echo")).expect("a URL");
        settings.tls.ca_file.clone_from(&ca_file);
        manager
            .open(format!("name-{n:05}"), settings)
            .expect("a new name");
    }
}

async fn all_ready(events: &mut Events, count: usize) {
    let mut ready = 0;
    while ready < count {
        match events.next().await.expect("events") {
            Event::Ready(_) => ready += 1,
            Event::Error(stamp, cause) => eprintln!("{}: {cause}", stamp.name),
            _ => {}
        }
    }
}
