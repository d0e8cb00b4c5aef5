//! State that outlives the process: outboxes, histories, closes by hand. Each manager here stands
//! for one process; the peer outlives them all.

#![cfg(feature = "durable")]

mod directory;
mod disk;
mod history;
mod restart;
#[path = "../support/mod.rs"]
mod support;
mod torn;

use everwire::{Delivery, Fate, Handle, Manager, Pattern, Receipt, hub::Kinds};
use support::{SOON, TestDir, heard::Heard, rig::*};

/// Ends a process in an orderly way.
async fn end(manager: Manager) {
    manager.shutdown(SOON).await;
}

/// A subscriber that also receives fates.
fn watch(manager: &Manager) -> Watch {
    let delivery = Delivery::default().events(100_000).kinds(Kinds::all());
    Watch::over(manager.subscribe(Pattern::all(), delivery))
}

/// Sends these numbers; all are safe when this returns.
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

/// Waits until the outbox has no message without a final fate.
async fn drained(feed: &Handle) {
    wait_for("an empty outbox", async || {
        match feed.status().await.unwrap().outbox.messages {
            0 => Ok(()),
            messages => Err(messages),
        }
    })
    .await;
}
