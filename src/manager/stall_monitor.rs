//! Watches the arbiters for stalls, reports them, and pings every socket after a long one.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::registry::{Inside, Manager};
use crate::{
    connection::{Finding, PingNow, watch_stalls},
    events::{Notice, StallReason, Stalled},
};

/// After a stall of this length peers may have closed our sockets, so all are pinged.
const LONG: Duration = Duration::from_secs(5);

/// Starts the stall detector of each arbiter, for as long as the manager lives.
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
    // All arbiters see the clock jump, but only one reports it.
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
            // At most one message a second for each name, so a full mailbox does not matter here.
            entry.addr.do_send(PingNow);
        }
    }
}
