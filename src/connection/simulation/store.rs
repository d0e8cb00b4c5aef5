//! A store that is slow, fails for a while, and keeps everything that it has acknowledged.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use everwire_proto::dialogue::KeptValue;
use tokio::time::sleep;

use super::plan::Dice;
use crate::{
    core::{Message, Queued},
    persistence::SimulatedQueue,
    stored::StoreError,
};

/// The content of the disk: it outlives the process.
#[derive(Debug, Default)]
pub(super) struct Disk {
    pub messages: BTreeMap<u64, Message>,
    pub last_id: u64,
    /// Captures that outlive the process.
    pub kept: BTreeMap<String, KeptValue>,
    /// Whether writes fail at present.
    pub full: bool,
}

impl Disk {
    /// The messages that the next process finds.
    pub fn left(&self) -> Vec<Queued> {
        let left = self.messages.iter().map(|(id, message)| Queued {
            id: *id,
            message: message.clone(),
            expires: None,
            doubt: true,
        });
        left.collect()
    }
}

/// Executes the writes of the sources until it is dropped: then the process has died.
pub(super) async fn write(calls: SimulatedQueue, disk: Rc<RefCell<Disk>>, mut dice: Dice) {
    let no_room = StoreError::Full {
        path: "simulated".into(),
    };
    loop {
        for source in calls.next().await {
            sleep(dice.millis(200)).await;
            let changes = source.take_changes().outbox;
            let kept = source.take_kept();
            // The commit takes time, and may fail until there is space again.
            sleep(dice.millis(100)).await;
            while disk.borrow().full {
                Arc::clone(&source).store_failed(&no_room);
                sleep(dice.millis(1000)).await;
            }
            {
                let mut disk = disk.borrow_mut();
                for put in changes.put {
                    disk.messages.insert(put.id, put.message);
                }
                for (first, last) in changes.gone {
                    disk.messages.retain(|id, _| !(first..=last).contains(id));
                }
                disk.last_id = disk.last_id.max(changes.last_id);
                for (name, value) in kept {
                    match value {
                        Some(value) => disk.kept.insert(name, value),
                        None => disk.kept.remove(&name),
                    };
                }
            }
            sleep(dice.millis(20)).await;
            source.stored(changes.last_id, None);
        }
    }
}
