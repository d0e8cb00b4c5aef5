//! The round trip of healthy names beside 2,000 others on the same arbiter.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, EventKind, Handle, Manager, Message, Pattern, Settings,
    config::{Backoff, Reconnect},
};

const HEALTHY: usize = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// The results: the 99th percentile of the round trip, the median, and the losses of the others per
/// second.
pub struct Seen {
    pub p99: Duration,
    pub median: Duration,
    pub losses: f64,
}

/// The other names: idle, or flapping.
pub struct Others<'a> {
    pub url: &'a str,
    pub count: usize,
    /// The longest wait before they dial again, if not the default.
    pub max_backoff: Option<Duration>,
}

/// Healthy names each send a message every 10 ms to their own peer, while others are connected.
pub async fn round_trips(url: &str, others: Others<'_>, time: Duration) -> Seen {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    let manager = Manager::spawn(settings).expect("a manager");
    let losses = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&losses);
    let _losses = manager.on_event(Pattern::new("other-*").expect("a pattern"), move |update| {
        if let Some(EventKind::Retrying(_)) = update.kind() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let start = Instant::now();
    let round_trips = Arc::new(Mutex::new(Vec::new()));
    let recording = Arc::new(AtomicBool::new(false));
    let (heard, record) = (Arc::clone(&round_trips), Arc::clone(&recording));
    let _heard = manager.on_event(
        Pattern::new("healthy-*").expect("a pattern"),
        move |update| {
            if let Some((_, message)) = update.message()
                && record.load(Ordering::Relaxed)
            {
                let sent = message.payload()[..8].try_into().expect("a time");
                let took = start.elapsed() - Duration::from_nanos(u64::from_le_bytes(sent));
                heard.lock().expect("a list").push(took);
            }
        },
    );
    let names = open(&manager, "healthy", HEALTHY, url, None);
    open(
        &manager,
        "other",
        others.count,
        others.url,
        others.max_backoff,
    );
    tokio::time::sleep(Duration::from_secs(3)).await;

    let before = losses.load(Ordering::Relaxed);
    recording.store(true, Ordering::Relaxed);
    send_until(&names, start, Instant::now() + time).await;
    let losses = (losses.load(Ordering::Relaxed) - before) as f64 / time.as_secs_f64();
    let mut all = round_trips.lock().expect("a list");
    all.sort_unstable();
    let expected = HEALTHY * (time.as_millis() / PAUSE.as_millis()) as usize;
    assert!(
        all.len() > expected / 2,
        "{} of {expected} messages came back",
        all.len()
    );
    Seen {
        p99: all[all.len() * 99 / 100],
        median: all[all.len() / 2],
        losses,
    }
}

fn open(
    manager: &Manager,
    name: &str,
    count: usize,
    url: &str,
    max_backoff: Option<Duration>,
) -> Vec<Handle> {
    let mut backoff = Backoff::default();
    backoff.max = max_backoff.unwrap_or(backoff.max);
    let mut settings = ConnectionSettings::new(url).expect("a URL");
    settings.reconnect = Reconnect::Backoff(backoff);
    (0..count)
        .map(|n| {
            manager
                .open(format!("{name}-{n}"), settings.clone())
                .expect("a name")
        })
        .collect()
}

/// One name after another, so that messages do not come in bursts.
async fn send_until(names: &[Handle], start: Instant, end: Instant) {
    let mut ticks = tokio::time::interval(PAUSE / 10);
    for (n, name) in names.iter().enumerate().cycle() {
        if n % (HEALTHY / 10) == 0 {
            ticks.tick().await;
        }
        if Instant::now() > end {
            return;
        }
        let mut payload = [0; 64];
        payload[..8].copy_from_slice(&(start.elapsed().as_nanos() as u64).to_le_bytes());
        name.send(Message::binary(payload.to_vec())).expect("room");
    }
}
