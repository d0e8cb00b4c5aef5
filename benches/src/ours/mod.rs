//! everwire, through its public API.

pub mod dialogues;
pub mod durable;
pub mod echo;
pub mod healthy;
pub mod histories;
pub mod requests;

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
    ConnectionSettings, Event, EventKind, Manager, Pattern, Settings, config::HostSettings,
    hub::SubscriptionGuard,
};
use tokio::sync::Notify;

use self::dialogues::Dialogues;
use crate::process::{cpu, resident};

/// A manager whose connections share this number of arbiters; 0 means one per core. 64 handshakes
/// may be in flight, also to one host.
pub fn manager(workers: usize) -> Manager {
    let mut settings = Settings::default();
    settings.service.workers = workers;
    let mut host = HostSettings::default();
    host.max_handshakes = NonZeroU32::new(64).expect("not zero");
    settings.service.hosts.insert("127.0.0.1".to_owned(), host);
    Manager::spawn(settings).expect("a manager")
}

/// Names that are up and idle, after the first heartbeat: the memory of each, in bytes.
pub async fn idle(url: &str, count: usize, ca_file: Option<PathBuf>, dialogues: Dialogues) -> f64 {
    let manager = manager(0);
    let before = resident();
    let names = named(url, count, ca_file).map(|(name, mut settings)| {
        dialogues.put_into(&mut settings);
        (name, settings)
    });
    let _subscription = all_ready(&manager, names).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    (resident() - before) as f64 / count as f64
}

/// The CPU time for opening all these names at once until all are ready, on one arbiter like the
/// raw sockets. The settings are created before, like the request of the raw sockets.
pub async fn dial(url: &str, count: usize) -> (Duration, Duration) {
    let manager = manager(1);
    let names: Vec<_> = named(url, count, None).collect();
    let (before, start) = (cpu(), Instant::now());
    let _subscription = all_ready(&manager, names.into_iter()).await;
    (cpu() - before, start.elapsed())
}

/// The time from opening a name until it is ready, for this number of names one after the other.
pub async fn ready_times(url: &str, count: usize, dialogues: Dialogues) -> Vec<Duration> {
    let manager = manager(1);
    let mut times = Vec::with_capacity(count);
    for (name, mut settings) in named(url, count, None) {
        dialogues.put_into(&mut settings);
        let start = Instant::now();
        let _subscription = all_ready(&manager, std::iter::once((name.clone(), settings))).await;
        times.push(start.elapsed());
        manager.remove(&name).await.expect("a name");
    }
    times
}

/// Opens the names, and waits for all. The subscriber with a pattern is a callback: nothing is
/// queued, and no thread is woken.
async fn all_ready(
    manager: &Manager,
    names: impl ExactSizeIterator<Item = (String, ConnectionSettings)>,
) -> SubscriptionGuard {
    let left = AtomicUsize::new(names.len());
    let done = Arc::new(Notify::new());
    let told = Arc::clone(&done);
    let subscription = manager.on_event(Pattern::all(), move |update| {
        let Some(Event { stamp, kind }) = update.event() else {
            return;
        };
        match kind {
            EventKind::Ready if left.fetch_sub(1, Ordering::Relaxed) == 1 => told.notify_one(),
            EventKind::Error(report) => eprintln!("{}: {}", stamp.name, report.cause),
            _ => {}
        }
    });
    for (name, settings) in names {
        manager.open(name, settings).expect("a new name");
    }
    done.notified().await;
    subscription
}

fn named(
    url: &str,
    count: usize,
    ca_file: Option<PathBuf>,
) -> impl ExactSizeIterator<Item = (String, ConnectionSettings)> {
    let mut settings = ConnectionSettings::new(format!("{url}/echo")).expect("a URL");
    settings.tls.ca_file = ca_file;
    (0..count).map(move |n| (format!("name-{n:05}"), settings.clone()))
}
