//! What outlives the process: outboxes, histories, closes by hand. Each manager here is one life of a process; the peer outlives
//! them all.

#![cfg(feature = "durable")]

mod directory;
mod disk;
mod history;
mod restart;
#[path = "../support/mod.rs"]
mod support;
mod torn;

use std::path::Path;

use everwire::{
    ConnectionSettings, Delivery, Fate, Handle, Manager, Pattern, Receipt, Settings,
    config::{Heartbeat, ServiceSettings},
    hub::Kinds,
    manager::StartError,
};
use support::{SOON, TestDir, heard::Heard, rig::*};

/// Starts a manager on this directory, or says why not.
fn try_manager(
    state_dir: &Path,
    change: impl FnOnce(&mut ServiceSettings),
) -> Result<Manager, StartError> {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    settings.service.state_dir = state_dir.to_owned();
    change(&mut settings.service);
    Manager::spawn(settings)
}

/// A life of a process that remembers.
fn manager(state_dir: &Path) -> Manager {
    try_manager(state_dir, |service| service.remember = true)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// An orderly end of it.
async fn end(manager: Manager) {
    manager.shutdown(SOON).await;
}

/// Settings of a name whose outbox is on disk.
fn durable(url: impl AsRef<str>) -> ConnectionSettings {
    let mut settings = quick(url);
    settings.outbox.durable = true;
    settings.heartbeat = Heartbeat::Protocol {
        interval: ms(1_000),
        timeout: ms(20_000),
    };
    settings
}

/// A subscriber that hears of fates too.
fn watch(manager: &Manager) -> Watch {
    let delivery = Delivery::default().events(100_000).kinds(Kinds::all());
    Watch::over(manager.subscribe(Pattern::all(), delivery))
}

/// Sends these numbers; each is safe when this returns.
async fn queue(feed: &Handle, numbers: impl IntoIterator<Item = u64>) -> Vec<Receipt> {
    let receipts: Vec<_> = numbers
        .into_iter()
        .map(|number| feed.send(number.to_string()).unwrap())
        .collect();
    for receipt in &receipts {
        let fate = receipt.fate(Fate::Queued).await;
        assert!(fate.reaches(Fate::Queued), "{} is {fate:?}", receipt.id());
    }
    receipts
}

/// Waits until the outbox has nothing more to say or to learn.
async fn drained(feed: &Handle) {
    wait_for("an empty outbox", async || {
        match feed.status().await.unwrap().outbox.messages {
            0 => Ok(()),
            messages => Err(messages),
        }
    })
    .await;
}
