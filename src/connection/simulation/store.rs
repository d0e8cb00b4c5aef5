//! A store that takes its time, fails for a while, and forgets nothing that it has acknowledged.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::sleep};

use super::plan::Dice;
use crate::{
    connection::Gate,
    core::{Message, Queued},
};

/// What is on the disk: it outlives the process.
#[derive(Debug, Default)]
pub(super) struct Disk {
    pub messages: BTreeMap<u64, Message>,
    pub last_id: u64,
    /// Nothing can be written at present.
    pub full: bool,
}

impl Disk {
    /// What the next process finds.
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

/// The doors that have called, and who is to be woken for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    gates: Arc<Mutex<Vec<Arc<Gate>>>>,
    bell: Arc<Notify>,
}

impl Calls {
    pub fn call(&self, gate: &Arc<Gate>) {
        self.gates.lock().push(Arc::clone(gate));
        self.bell.notify_one();
    }
}

/// Writes to the disk what the doors call about, until it is dropped: then the process has died.
pub(super) async fn write(calls: Calls, disk: Rc<RefCell<Disk>>, mut dice: Dice) {
    loop {
        calls.bell.notified().await;
        let gates = std::mem::take(&mut *calls.gates.lock());
        for gate in gates {
            sleep(dice.millis(200)).await;
            let changes = gate.take_changes();
            // The commit takes its time, and may fail until there is room again.
            sleep(dice.millis(100)).await;
            while disk.borrow().full {
                gate.with(|inside| inside.outbox.store_failed());
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
            }
            sleep(dice.millis(20)).await;
            gate.stored(changes.last_id);
        }
    }
}
