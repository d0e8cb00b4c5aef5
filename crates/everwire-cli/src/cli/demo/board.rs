//! The content of the screen: a row for each name, the totals, and the last events.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use everwire::{ConnectionName, Event, EventKind, State, Status, Update, connection::StateReason};
use jiff::Timestamp;

use super::words;

/// How many of the last events are kept.
const RECENT: usize = 16;

/// The time over which messages are counted for a rate.
const WINDOW: Duration = Duration::from_secs(1);

/// The content of the screen.
#[derive(Debug)]
pub struct Board {
    started: Timestamp,
    rows: Vec<Row>,
    counted: BTreeMap<ConnectionName, Counted>,
    /// The reason for the last loss of each name that is up: its status has none.
    lost_by: BTreeMap<ConnectionName, String>,
    recent: VecDeque<String>,
}

/// One name.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// When it is dialled next.
    pub retry_at: Option<Timestamp>,
    /// Why it is in this state, or why it was lost last, in a word or two.
    pub cause: Option<String>,
    /// The round trip time of the last heartbeat.
    pub rtt: Option<Duration>,
    /// How often it was dialled after a loss.
    pub reconnects: u64,
    /// Its message rates.
    pub rates: Rates,
}

/// Messages per second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// From the peer.
    pub received: f64,
    /// To the peer.
    pub sent: f64,
}

/// The message counts of a name when its rates were last computed.
#[derive(Debug)]
struct Counted {
    at: Instant,
    received: u64,
    sent: u64,
    rates: Rates,
}

impl Board {
    /// An empty board.
    pub fn new(started: Timestamp) -> Self {
        Self {
            started,
            rows: Vec::new(),
            counted: BTreeMap::new(),
            lost_by: BTreeMap::new(),
            recent: VecDeque::new(),
        }
    }

    /// Updates the rows from the statuses.
    pub fn update(&mut self, statuses: &[Status], now: Instant) {
        self.rows = statuses
            .iter()
            .map(|status| {
                let rates = self.rates(status, now);
                Row::new(status, rates, self.lost_by.get(&status.name).cloned())
            })
            .collect();
    }

    fn rates(&mut self, status: &Status, now: Instant) -> Rates {
        let (received, sent) = (status.received.messages, status.sent.messages);
        let counted = self.counted.entry(status.name.clone()).or_insert(Counted {
            at: now,
            received,
            sent,
            rates: Rates::default(),
        });
        let elapsed = now.duration_since(counted.at);
        if elapsed >= WINDOW {
            let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / elapsed.as_secs_f64();
            let rates = Rates {
                received: rate(received, counted.received),
                sent: rate(sent, counted.sent),
            };
            *counted = Counted {
                at: now,
                received,
                sent,
                rates,
            };
        }
        counted.rates
    }

    /// Records an update, except for kinds that are too frequent.
    pub fn record(&mut self, update: &Update) {
        if let Some(Event { stamp, kind }) = update.event() {
            let cause = match kind {
                EventKind::Connecting(_) | EventKind::Ready => return,
                EventKind::Retrying(retrying) => Some(&retrying.cause),
                EventKind::Failed(failed) => Some(&failed.cause),
                _ => None,
            };
            if let Some(cause) = cause {
                self.lost_by.insert(stamp.name.clone(), words::cause(cause));
            }
        }
        self.recent.truncate(RECENT - 1);
        self.recent.push_front(self.line(update));
    }

    /// An update as a line.
    pub fn line(&self, update: &Update) -> String {
        let at = update.stamp().map_or(self.started, |stamp| stamp.at);
        let after = words::between(self.started, at).as_secs_f64();
        let name = update.name().map_or("", ConnectionName::as_str);
        let line = format!(
            "{after:7.1}s  {name:<12} {:<10} {}",
            update.type_name(),
            words::details(update)
        );
        line.trim_end().to_owned()
    }

    /// The names, in their order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The last events, the newest first.
    pub fn recent(&self) -> impl Iterator<Item = &str> {
        self.recent.iter().map(String::as_str)
    }

    /// The number of names in each state that has any.
    pub fn states(&self) -> Vec<(State, usize)> {
        let count = |state| self.rows.iter().filter(|row| row.state == state).count();
        let mut states = vec![(State::Open, count(State::Open))];
        let others = State::ALL.into_iter().filter(|state| *state != State::Open);
        states.extend(
            others
                .map(|state| (state, count(state)))
                .filter(|(_, count)| *count > 0),
        );
        states
    }

    /// The rates of all names together.
    pub fn total(&self) -> Rates {
        self.rows.iter().fold(Rates::default(), |sum, row| Rates {
            received: sum.received + row.rates.received,
            sent: sum.sent + row.rates.sent,
        })
    }
}

impl Row {
    fn new(status: &Status, rates: Rates, lost_by: Option<String>) -> Self {
        let cause = status.cause.as_ref().map(|cause| match &cause.reason {
            StateReason::Loss(cause) => words::cause(cause),
            other => other.text().into_owned(),
        });
        Self {
            name: status.name.to_string(),
            state: status.state,
            since: status.since,
            retry_at: status.retry_at,
            cause: cause.or(lost_by),
            rtt: status.rtt,
            reconnects: status.reconnects,
            rates,
        }
    }

    /// What it waits for, why it is down, or why it was lost last.
    pub fn waits_for(&self, now: Timestamp) -> String {
        let cause = self.cause.as_deref().unwrap_or("");
        match (self.state, self.retry_at) {
            (State::Backoff, Some(retry_at)) => {
                let delay = words::limit(words::between(now, retry_at));
                format!("in {delay}: {cause}")
            }
            (State::Failed, _) => format!("gave up: {cause}"),
            (State::Closing | State::Closed, _) => cause.to_owned(),
            _ if cause.is_empty() => String::new(),
            _ => format!("after {cause}"),
        }
    }
}

#[cfg(test)]
impl Board {
    /// A board with these rows.
    pub fn with_rows(started: Timestamp, rows: Vec<Row>) -> Self {
        Self {
            rows,
            ..Self::new(started)
        }
    }
}
