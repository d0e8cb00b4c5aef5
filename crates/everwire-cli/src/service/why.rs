//! Why a name is up or down: the events of its last attempts, in order.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use everwire::{
    ConnectionName, Event, EventKind, Manager, Pattern,
    events::rfc3339,
    hub::{Kinds, SubscriptionGuard},
};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value as Json, json};

/// How many attempts of a name are kept.
const ATTEMPTS: usize = 8;
/// How many events of an attempt are kept: its first and its last ones.
const STEPS: usize = 12;

/// Keeps the last attempts of all names. The memory of a name grows with its events, up to a limit.
pub struct Why {
    names: Arc<Mutex<HashMap<ConnectionName, Timeline>>>,
    _subscription: SubscriptionGuard,
}

/// The last attempts of a name.
#[derive(Clone, Default)]
struct Timeline(VecDeque<Attempt>);

/// From a dial to the loss of its socket.
#[derive(Clone, Default)]
struct Attempt {
    events: VecDeque<Event>,
    omitted: u64,
}

/// An attempt in an answer.
#[derive(Debug, Serialize)]
pub struct AttemptReport {
    /// When it began.
    at: String,
    /// Its outcome: `dialling`, `up`, `lost`, `closed`, `failed`.
    outcome: &'static str,
    /// The number of events that are left out because of the limit.
    omitted: u64,
    /// The events, each with `after_ms`: the time since the beginning of the attempt.
    events: Vec<Json>,
}

impl Why {
    /// Starts recording.
    pub fn start(manager: &Manager) -> Self {
        let names = Arc::<Mutex<HashMap<ConnectionName, Timeline>>>::default();
        let heard = Arc::clone(&names);
        let kinds = Kinds::default().without("message");
        let subscription = manager.on_event_of(Pattern::all(), kinds, move |update| {
            let Some(event) = update.event().filter(|event| belongs(&event.kind)) else {
                return;
            };
            let name = &event.stamp.name;
            let mut names = heard.lock();
            match (&event.kind, names.get_mut(name)) {
                (EventKind::Removed, _) => drop(names.remove(name)),
                (_, Some(timeline)) => timeline.push(event),
                (_, None) => names.entry(name.clone()).or_default().push(event),
            }
        });
        Self {
            names,
            _subscription: subscription.uncounted(),
        }
    }

    /// The last attempts of a name, the latest first.
    pub fn of(&self, name: &ConnectionName) -> Vec<AttemptReport> {
        // Copied, so that no name waits for the answer.
        let timeline = self.names.lock().get(name).cloned().unwrap_or_default();
        timeline.0.iter().rev().map(Attempt::report).collect()
    }
}

/// Whether it is a step of an attempt, or the end of the name.
fn belongs(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Connecting(_)
            | EventKind::Opened(_)
            | EventKind::Ready
            | EventKind::Closed(_)
            | EventKind::Error(_)
            | EventKind::Retrying(_)
            | EventKind::Failed(_)
            | EventKind::Rotated(_)
            | EventKind::Applied(_)
            | EventKind::Removed
    )
}

impl Timeline {
    fn push(&mut self, event: &Event) {
        if matches!(event.kind, EventKind::Connecting(_)) || self.0.is_empty() {
            if self.0.len() == ATTEMPTS {
                self.0.pop_front();
            }
            self.0.push_back(Attempt::default());
        }
        if let Some(attempt) = self.0.back_mut() {
            attempt.push(event.clone());
        }
    }
}

impl Attempt {
    fn push(&mut self, event: Event) {
        if self.events.len() == STEPS {
            // The first event says when the attempt began.
            self.events.remove(1);
            self.omitted += 1;
        }
        self.events.push_back(event);
    }

    fn report(&self) -> AttemptReport {
        let first = self.events.front();
        let began = first.map(|event| event.stamp.at).unwrap_or_default();
        let report = |event: &Event| {
            let mut report = json!(event);
            let after = event.stamp.at.duration_since(began).unsigned_abs();
            report["after_ms"] = json!(after.as_micros() as f64 / 1000.0);
            report
        };
        AttemptReport {
            at: rfc3339(began),
            outcome: self.outcome(),
            omitted: self.omitted,
            events: self.events.iter().map(report).collect(),
        }
    }

    fn outcome(&self) -> &'static str {
        let outcome = |event: &Event| match event.kind {
            EventKind::Connecting(_) => Some("dialling"),
            EventKind::Opened(_) | EventKind::Ready | EventKind::Rotated(_) => Some("up"),
            EventKind::Closed(_) => Some("closed"),
            EventKind::Error(_) | EventKind::Retrying(_) => Some("lost"),
            EventKind::Failed(_) => Some("failed"),
            _ => None,
        };
        self.events.iter().rev().find_map(outcome).unwrap_or("up")
    }
}
