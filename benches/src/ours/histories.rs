//! Many names that receive more than their histories may hold.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use everwire::{Manager, Message, Pattern, memory::MemoryUsage};

use super::{all_ready, manager, named};
use crate::process::resident;

/// The length of each message, in bytes.
const LEN: usize = 1000;
/// How often the size of the histories is read.
const LOOK: Duration = Duration::from_millis(50);

/// The size of the histories, in bytes.
pub struct Seen {
    /// At most.
    pub most: usize,
    /// When half of the names had been silent for a while.
    pub last: usize,
    /// The bound.
    pub limit: usize,
    /// The most that was received within a second.
    pub inflow: u64,
    /// The size without a limit for all.
    pub wanted: usize,
    /// The growth of the process.
    pub resident: u64,
}

/// This number of names echo their own messages for this time; in the second half, only every other
/// name.
pub async fn held(url: &str, count: usize, time: Duration) -> Seen {
    let manager = manager(0);
    let before = resident();
    let names = named(url, count, None).map(|(name, mut settings)| {
        settings.history.messages = 100;
        settings.history.bytes = 256 << 10;
        (name, settings)
    });
    let up = all_ready(&manager, Vec::from_iter(names).into_iter()).await;
    drop(up);
    let (heard, halved) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
    let _echo = echo(&manager, &heard, &halved);
    for handle in manager.list(&Pattern::all()) {
        let _sent = handle.send(message()).expect("room");
    }
    let (start, mut seconds) = (Instant::now(), vec![0]);
    let (mut most, mut usage) = (0, MemoryUsage::default());
    while start.elapsed() < time {
        tokio::time::sleep(LOOK).await;
        usage = manager.memory_usage();
        most = most.max(usage.histories);
        if start.elapsed().as_secs() as usize >= seconds.len() {
            seconds.push(heard.load(Ordering::Relaxed));
        }
        halved.fetch_or(start.elapsed() > time / 2, Ordering::Relaxed);
    }
    let messages = seconds.windows(2).map(|two| two[1] - two[0]).max();
    Seen {
        most,
        last: usage.histories,
        limit: usage.histories_limit,
        inflow: messages.unwrap_or_default() * LEN as u64,
        wanted: count * 100 * LEN,
        resident: resident() - before,
    }
}

fn echo(
    manager: &Manager,
    heard: &Arc<AtomicU64>,
    halved: &Arc<AtomicBool>,
) -> everwire::hub::SubscriptionGuard {
    let (own, heard, halved) = (manager.clone(), Arc::clone(heard), Arc::clone(halved));
    let message = message();
    manager.on_event(Pattern::all(), move |event| {
        if let Some((stamp, _)) = event.message() {
            heard.fetch_add(1, Ordering::Relaxed);
            let is_silent = stamp.name.as_str().ends_with(['1', '3', '5', '7', '9']);
            if !(is_silent && halved.load(Ordering::Relaxed)) {
                let handle = own.find(stamp.name.as_str()).expect("a name");
                let _sent = handle.send(message.clone()).expect("room");
            }
        }
    })
}

fn message() -> Message {
    Message::binary(vec![7; LEN])
}
