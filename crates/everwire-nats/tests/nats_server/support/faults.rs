//! The faults that a bridge reports.

use std::sync::{Arc, Mutex};

use everwire::config::NatsSettings;
use everwire_nats::{Bridge, BridgeStatus, Observer};

use super::{Names, Server, until_async};

/// The lines of a bridge's log.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn observer(&self) -> Observer {
        let lines = Arc::clone(&self.0);
        Observer::new(move |report| lines.lock().unwrap().push(report.to_string()))
    }

    pub fn has(&self, text: &str) -> bool {
        self.lines().iter().any(|line| line.contains(text))
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Starts a bridge with a log, in the server's folder.
pub fn start(names: &Names, settings: NatsSettings, server: &Server) -> (Bridge, Log) {
    let log = Log::default();
    let manager = names.manager.clone();
    let bridge = Bridge::start(manager, settings, server.folder(), log.observer());
    (bridge.unwrap(), log)
}

/// Has a name say more than memory, which holds 32 MiB, and the spool take. Waits until some is
/// dropped for this reason, and everything else waits. Returns how many messages it said.
pub async fn say_too_much(names: &Names, bridge: &Bridge, reason: &str) -> u64 {
    let count = 700;
    for number in 0..count {
        names.say("a", &format!("{number:060000}"));
    }
    until_async("some are dropped", async || {
        let inbound = bridge.status().inbound;
        let dropped = inbound.dropped.get(reason).copied().unwrap_or_default();
        dropped > 10 && dropped + inbound.pending == count && inbound.spool_messages > 0
    })
    .await;
    count
}

/// Waits until the bridge reports that its stream cannot be made, for this reason.
pub async fn not_made(bridge: &Bridge, reason: &str) {
    let text = trouble(bridge, "nats_stream_not_made").await;
    let begins = text.starts_with("the stream EVERWIRE_IN cannot be made: ");
    assert!(begins && text.contains(reason), "{text}");
}

/// Waits until the bridge reports that it is down for this reason. Returns the text.
pub async fn trouble(bridge: &Bridge, code: &str) -> String {
    let mut status = BridgeStatus::default();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(45);
    let is_so = |status: &BridgeStatus| {
        let error = status.error.as_ref();
        error.is_some_and(|error| error.is_now && error.code == code)
    };
    while !is_so(&status) {
        let seen = status.error.map(|error| (error.code, error.text));
        assert!(std::time::Instant::now() < deadline, "{code}: {seen:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        status = bridge.status();
    }
    assert_eq!(status.server, None);
    status.error.unwrap().text
}

/// Waits until the bridge is connected without any fault.
pub async fn up(bridge: &Bridge) {
    until_async("it is connected", async || {
        let status = bridge.status();
        status.server.is_some() && status.error.is_none_or(|error| !error.is_now)
    })
    .await;
}
