//! A peer, a manager with one arbiter, and the events of its names.

use std::{collections::HashMap, fmt::Debug, path::Path, time::Duration};

use everwire::{
    ConnectionName, ConnectionSettings, Delivery, EventKind, Events, Fate, Handle, Manager,
    Message, Pattern, Settings, State, Update,
    config::{Backoff, Heartbeat, Jitter, Reconnect, ServiceSettings},
    core::{Cause, ClosedReport, Cursor},
    events::{Failed, Retrying, Rotated, Sent},
    manager::StartError,
    testing::{Peer, Script},
};
use futures::{FutureExt as _, StreamExt as _};
use tokio::time::timeout;

use super::SOON;

/// Settings for a fast test: short delays, no heartbeat.
pub fn quick(url: impl AsRef<str>) -> ConnectionSettings {
    let mut settings = ConnectionSettings::new(url).unwrap();
    settings.heartbeat = Heartbeat::Off;
    with_backoff(&mut settings, |backoff| {
        backoff.min = ms(5);
        backoff.initial = ms(10);
        backoff.max = ms(100);
    });
    settings
}

/// Settings of a name with a durable outbox.
pub fn durable(url: impl AsRef<str>) -> ConnectionSettings {
    let mut settings = quick(url);
    settings.outbox.durable = true;
    settings.heartbeat = Heartbeat::Protocol {
        interval: ms(1_000),
        timeout: ms(20_000),
    };
    settings
}

/// Changes the backoff of settings that have one.
pub fn with_backoff(settings: &mut ConnectionSettings, change: impl FnOnce(&mut Backoff)) {
    let Reconnect::Backoff(backoff) = &mut settings.reconnect else {
        panic!("these settings never reconnect");
    };
    change(backoff);
}

/// The same delay before each dial.
pub fn always(delay: Duration) -> impl FnOnce(&mut Backoff) {
    move |backoff| {
        (backoff.min, backoff.initial, backoff.max) = (delay, delay, delay);
        backoff.jitter = Jitter::None;
    }
}

pub fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A peer in its own thread, and a manager whose names share one arbiter.
pub struct Rig {
    pub peer: Peer,
    pub manager: Manager,
    pub watch: Watch,
}

impl Rig {
    pub fn new() -> Self {
        let manager = one_arbiter();
        Self {
            peer: Peer::spawn_thread().unwrap(),
            watch: Watch::new(&manager, "*"),
            manager,
        }
    }

    /// Opens the name `feed` on a path of the peer.
    pub fn open(&self, path: &str) -> Handle {
        self.open_with(path, |_| {})
    }

    /// The same with changed settings.
    pub fn open_with(&self, path: &str, change: impl FnOnce(&mut ConnectionSettings)) -> Handle {
        let mut settings = quick(self.peer.url(path));
        change(&mut settings);
        self.manager.open("feed", settings).unwrap()
    }

    /// Opens `feed` on a path where the first connection gets this script; all others echo.
    pub fn open_once(&self, first: Script) -> Handle {
        self.peer.script_each("/once", [first, Script::echo()]);
        self.open("/once")
    }

    /// Sends a message and waits for its echo.
    pub async fn echoes(&mut self, handle: &Handle, text: &str) {
        handle.send(text).unwrap();
        self.watch.text(text).await;
    }

    /// Lets at least `time` pass, measured by another name's retries and not by our own clock.
    pub async fn let_pass(&self, time: Duration) {
        let mut watch = Watch::new(&self.manager, "clock");
        let mut settings = quick(self.peer.url("/status/599"));
        with_backoff(&mut settings, always(time));
        self.manager.open("clock", settings).unwrap();
        watch.retrying().await;
        watch.retrying().await;
        self.manager.remove("clock").await.unwrap();
    }
}

pub fn one_arbiter() -> Manager {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    Manager::spawn(settings).unwrap()
}

/// Starts a manager on this directory, or returns the error.
pub fn try_manager_at(
    state_dir: &Path,
    change: impl FnOnce(&mut ServiceSettings),
) -> Result<Manager, StartError> {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    settings.service.state_dir = state_dir.to_owned();
    change(&mut settings.service);
    Manager::spawn(settings)
}

/// Starts a manager on this directory.
pub fn manager_at(state_dir: &Path) -> Manager {
    try_manager_at(state_dir, |service| service.remember = true)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A subscriber that checks the numbers of all events, and waits with a deadline.
pub struct Watch {
    events: Events,
    seen: Vec<String>,
    last: HashMap<ConnectionName, (u32, u64, Cursor)>,
}

impl Watch {
    pub fn new(manager: &Manager, pattern: &str) -> Self {
        let pattern = Pattern::new(pattern).unwrap();
        Self::over(manager.subscribe(pattern, Delivery::default().events(100_000)))
    }

    pub fn over(events: Events) -> Self {
        Self {
            events,
            seen: Vec::new(),
            last: HashMap::new(),
        }
    }

    /// The next update; `None` at the end of the stream.
    pub async fn next_or_end(&mut self) -> Option<Update> {
        let Ok(update) = timeout(SOON, self.events.next()).await else {
            panic!(
                "no further update within {SOON:?}; the last were {:#?}",
                self.tail()
            );
        };
        let update = update?;
        self.check(&update);
        self.seen.push(serde_json::to_string(&update).unwrap());
        Some(update)
    }

    pub async fn next(&mut self) -> Update {
        self.next_or_end()
            .await
            .expect("the stream of events has ended")
    }

    /// The first update that `look` accepts.
    pub async fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Update) -> Option<T>) -> T {
        let from = self.seen.len();
        let find = async {
            loop {
                if let Some(found) = look(&self.next().await) {
                    return found;
                }
            }
        };
        match timeout(2 * SOON, find).await {
            Ok(found) => found,
            Err(_) => panic!("not seen: {what}; only {:#?}", &self.seen[from..]),
        }
    }

    pub async fn ready(&mut self) {
        self.until("ready", |update| {
            (update.kind() == Some(&EventKind::Ready)).then_some(())
        })
        .await;
    }

    pub async fn text(&mut self, wanted: &str) {
        self.until(&format!("the message {wanted:?}"), |update| {
            let (_, message) = update.message()?;
            (message.as_text() == Some(wanted)).then_some(())
        })
        .await;
    }

    pub async fn message(&mut self) -> Message {
        self.until("a message", |update| {
            update.message().map(|(_, message)| message.clone())
        })
        .await
    }

    pub async fn error(&mut self) -> Cause {
        self.until("an error", |update| match update.kind() {
            Some(EventKind::Error(report)) => Some(report.cause.clone()),
            _ => None,
        })
        .await
    }

    pub async fn closed(&mut self) -> ClosedReport {
        self.until("closed", |update| match update.kind() {
            Some(EventKind::Closed(report)) => Some((**report).clone()),
            _ => None,
        })
        .await
    }

    pub async fn rotated(&mut self) -> Rotated {
        self.until("rotated", |update| match update.kind() {
            Some(EventKind::Rotated(rotated)) => Some((**rotated).clone()),
            _ => None,
        })
        .await
    }

    pub async fn retrying(&mut self) -> Retrying {
        self.until("retrying", |update| match update.kind() {
            Some(EventKind::Retrying(retrying)) => Some((**retrying).clone()),
            _ => None,
        })
        .await
    }

    pub async fn failed(&mut self) -> Failed {
        self.until("failed", |update| match update.kind() {
            Some(EventKind::Failed(failed)) => Some((**failed).clone()),
            _ => None,
        })
        .await
    }

    /// The next message with this fate; for a subscriber that wants `sent`.
    pub async fn sent(&mut self, fate: Fate) -> Sent {
        self.until(
            &format!("a message that is {fate:?}"),
            |update| match update.kind() {
                Some(EventKind::Sent(sent)) if sent.fate == fate => Some(*sent),
                _ => None,
            },
        )
        .await
    }

    /// Reads all available events without waiting.
    pub fn take_told(&mut self) {
        for update in at_hand(&mut self.events) {
            self.check(&update);
            self.seen.push(serde_json::to_string(&update).unwrap());
        }
    }

    /// All events so far, as JSON.
    pub fn seen(&self) -> &[String] {
        &self.seen
    }

    fn tail(&self) -> &[String] {
        &self.seen[self.seen.len().saturating_sub(20)..]
    }

    /// For each name, `seq` has no gaps within an epoch, and `cursor` grows.
    fn check(&mut self, update: &Update) {
        let Some(stamp) = update.stamp() else {
            self.last.clear();
            return;
        };
        let now = (stamp.epoch, stamp.seq, stamp.cursor);
        if let Some((epoch, seq, cursor)) = self.last.insert(stamp.name.clone(), now) {
            let expected = if stamp.epoch == epoch { seq + 1 } else { 1 };
            assert!(stamp.epoch >= epoch, "the epoch went back: {update:?}");
            assert!(
                stamp.seq == expected,
                "a hole before {update:?}, after {:#?}",
                self.tail()
            );
            assert!(stamp.cursor > cursor, "the cursor went back: {update:?}");
        }
    }
}

/// The available events of a stream; a resumed one begins with the stored events.
pub fn at_hand(events: &mut Events) -> Vec<Update> {
    std::iter::from_fn(|| events.next().now_or_never().flatten()).collect()
}

/// Polls the status until the name is in this state.
pub async fn wait_for_state(handle: &Handle, state: State) {
    wait_for(&format!("state {state:?}"), async || {
        let now = handle.status().await.unwrap().state;
        if now == state { Ok(()) } else { Err(now) }
    })
    .await;
}

/// Repeats `ask` until the answer is `Ok`.
pub async fn wait_for<T, E: Debug>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    let until = tokio::time::Instant::now() + SOON;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(now) => assert!(
                tokio::time::Instant::now() < until,
                "not within {SOON:?}: {what}; now {now:?}"
            ),
        }
        tokio::time::sleep(ms(2)).await;
    }
}
