//! What systemd is told: that the service is up, that it lives, that it ends. Elsewhere nobody listens, and nothing happens.

use std::time::Duration;

use actix::clock;
use everwire::{Manager, Pattern};
use sd_notify::NotifyState;

/// The service is up. If systemd watches over it, it is told so as long as the connections' threads answer.
pub fn ready(manager: &Manager) {
    notify(&[NotifyState::Ready]);
    if let Some(limit) = sd_notify::watchdog_enabled() {
        actix::spawn(watchdog(manager.clone(), limit));
    }
}

/// The service ends, and takes up to `drain_timeout` for it.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Says that all is well, twice in the time that systemd allows. A thread that hangs keeps its names from answering: then it is not said.
async fn watchdog(manager: Manager, limit: Duration) {
    let all = Pattern::all();
    let mut ticks = clock::interval(limit / 2);
    loop {
        ticks.tick().await;
        let answers = manager.statuses(&all);
        if clock::timeout(limit / 2, answers).await.is_ok() {
            notify(&[NotifyState::Watchdog]);
        }
    }
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(text = %error, "systemd cannot be notified");
    }
}
