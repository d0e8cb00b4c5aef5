//! What this node's clocks say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use everwire_proto::placement::{Clocks, Here};

/// The time now, and a random number.
pub(crate) fn here() -> Here {
    Here {
        now: now(),
        random: random(),
    }
}

/// The time now.
pub(crate) fn now() -> Clocks {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    Clocks {
        boot: everwire::boot_clock(),
        wall: wall.unwrap_or(Duration::ZERO),
    }
}

/// Which start of this machine it is; `None` if the system does not say.
pub(crate) fn machine_start() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

fn random() -> u64 {
    rand::random()
}
