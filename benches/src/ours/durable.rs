//! Messages through a handle to one name, as fast as it accepts them: kept in memory, or on the
//! disk before they are sent.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Fate, Handle, Manager, Message, Receipt, Settings, config::Fsync,
};

use crate::store::Scratch;

/// The most messages in flight.
pub const WINDOW: usize = 1024;

/// How many messages are sent before the sender checks for written ones.
const STRIDE: usize = 64;

/// Where a message is before it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    Memory,
    Disk(Fsync),
}

/// The time from the first message until the kernel has the last one.
pub async fn written(url: &str, keeping: Keeping, messages: usize) -> Duration {
    let scratch = Scratch::new();
    let mut settings = Settings::default();
    settings.service.workers = 1;
    scratch.path().clone_into(&mut settings.service.state_dir);
    let manager = Manager::spawn(settings).expect("a manager");
    let feed = open(&manager, url, keeping);
    // The first messages cause one-time allocations.
    send(&feed, messages / 10).await;
    let start = Instant::now();
    send(&feed, messages).await;
    start.elapsed()
}

fn open(manager: &Manager, url: &str, keeping: Keeping) -> Handle {
    let mut settings = ConnectionSettings::new(format!("{url}/echo")).expect("a URL");
    settings.outbox.messages = 64 * WINDOW;
    settings.outbox.bytes = 64 << 20;
    if let Keeping::Disk(fsync) = keeping {
        settings.outbox.durable = true;
        settings.outbox.fsync = fsync;
    }
    manager.open("feed", settings).expect("a name")
}

async fn send(feed: &Handle, messages: usize) {
    let message = Message::text("x".repeat(64));
    let mut on_their_way: VecDeque<Receipt> = VecDeque::new();
    for n in 1..=messages {
        let receipt = feed.send(message.clone()).expect("room");
        if n % STRIDE == 0 || n == messages {
            on_their_way.push_back(receipt);
        }
        if on_their_way.len() > WINDOW / STRIDE
            && let Some(receipt) = on_their_way.pop_front()
        {
            receipt.fate(Fate::Written).await;
        }
    }
    if let Some(last) = on_their_way.pop_back() {
        last.fate(Fate::Written).await;
    }
}
