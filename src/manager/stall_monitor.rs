//! Watches over the arbiters: what stood still is told, and after it every socket is probed.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::registry::{Inside, Manager};
use crate::{
    connection::{Finding, PingNow, watch_stalls},
    events::{Notice, StallReason, Stalled},
};

/// After a stall of this length peers may have given us up: they are probed.
const LONG: Duration = Duration::from_secs(5);

/// Has each arbiter's pulse beat, for as long as the manager lives.
pub(super) fn keep(manager: &Manager) {
    for arbiter in 0..manager.0.arbiters.len() {
        let inside = Arc::downgrade(&manager.0);
        let report = move |finding| {
            if let Some(inside) = inside.upgrade() {
                found(&inside, arbiter, finding);
            }
        };
        // The arbiters were started a moment ago.
        let _running = manager.0.arbiters.get(arbiter).spawn(watch_stalls(report));
    }
}

fn found(inside: &Inside, arbiter: usize, finding: Finding) {
    let (reason, by, probe) = match finding {
        Finding::Late(by) => (StallReason::Arbiter, by, by >= LONG),
        Finding::Jump(by) => (StallReason::Clock, by, true),
    };
    // All arbiters see the clock jump; one of them tells.
    if reason == StallReason::Arbiter || arbiter == 0 {
        let at = Timestamp::now();
        let stalled = Stalled { reason, by, at };
        inside.process.hub.announce(Notice::Stalled(stalled));
    }
    if probe {
        let names = inside.names.read();
        for entry in names
            .entries
            .values()
            .filter(|entry| entry.arbiter == arbiter)
        {
            // One message for each name, once a second at most: no flood, and a full mailbox is no reason not to ask.
            entry.addr.do_send(PingNow);
        }
    }
}
