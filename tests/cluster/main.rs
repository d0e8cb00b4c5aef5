//! What the library does for a process that is a node of a cluster: writes under a lease, names that
//! go at once, and names with the epochs of a token.

mod abandon;
mod frozen;
mod placed;
mod relay;
#[path = "../support/mod.rs"]
mod support;
mod write_lease;

use everwire::{Manager, Settings, WriteLease, boot_clock};
use support::SOON;

/// A manager with one arbiter whose writes the lease limits.
fn leased(lease: &WriteLease) -> Manager {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    settings.write_lease = Some(lease.clone());
    Manager::spawn(settings).unwrap()
}

/// Allows writes for longer than any test takes.
fn allow(lease: &WriteLease) {
    lease.set(Some(boot_clock() + 10 * SOON));
}
