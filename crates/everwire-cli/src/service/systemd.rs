//! Notifies systemd: the service is up, is alive, is stopping. Without systemd, nothing happens.

use std::time::Duration;

use actix::clock;
use everwire::{Manager, Pattern};
use sd_notify::NotifyState;

/// The service is up. If systemd has a watchdog, it is notified while the connections' threads
/// answer.
pub fn ready(manager: &Manager) {
    notify(&[NotifyState::Ready]);
    if let Some(limit) = sd_notify::watchdog_enabled() {
        actix::spawn(watchdog(manager.clone(), limit));
    }
}

/// The service is stopping, which may take up to `drain_timeout`.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Notifies the watchdog twice in each of its periods. If a thread hangs, its names do not answer,
/// and there is no notice.
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
