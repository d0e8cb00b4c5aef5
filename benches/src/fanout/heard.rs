//! Checks the events that a client receives.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use memchr::memmem::find;

use super::{GROUPS, NAMES, NAMES_OF_GROUP};

/// Every 32nd delay is recorded.
const SAMPLE: u64 = 32;

/// The received events, and their faults.
#[derive(Default)]
pub struct Heard {
    /// The last sequence number of each name.
    seq: Vec<u64>,
    cursor: u64,
    /// Events of type `message`.
    pub messages: u64,
    /// Gaps in the numbers of a name.
    pub lost: u64,
    /// Numbers or cursors that are repeated or out of order.
    pub twice: u64,
    /// Clients that received `lagged`.
    pub lagged: u64,
    /// The number of events that these clients missed.
    pub missed: u64,
    first: Option<Instant>,
    last: Option<Instant>,
    delays: Vec<Duration>,
}

impl Heard {
    /// One event, as JSON.
    pub fn event(&mut self, json: &[u8]) {
        if self.seq.is_empty() {
            self.seq = vec![0; NAMES];
        }
        let mut fields = Fields(json);
        match fields.text("\"type\":\"") {
            b"message" => self.messages += 1,
            b"lagged" => {
                self.lagged = 1;
                self.missed += number(fields.bare("\"missed\":"), 10);
                return;
            }
            _ => {}
        }
        let name = place(fields.text("\"name\":\""));
        let seq = number(fields.bare("\"seq\":"), 10);
        let cursor = number(fields.text("\"cursor\":\""), 16);
        match seq.checked_sub(self.seq[name] + 1) {
            Some(hole) => {
                self.lost += hole;
                self.seq[name] = seq;
            }
            None => self.twice += 1,
        }
        self.twice += u64::from(cursor <= self.cursor);
        self.cursor = cursor;
        if self.messages % SAMPLE == 1 {
            let at = std::str::from_utf8(fields.text("\"at\":\"")).unwrap_or_default();
            self.delays.push(age(at));
        }
    }

    /// Records when the messages of a read were received.
    pub fn came(&mut self) {
        if self.messages > 0 {
            let now = Instant::now();
            self.first.get_or_insert(now);
            self.last = Some(now);
        }
    }

    /// Adds the events of another client.
    pub fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.lost += other.lost;
        self.twice += other.twice;
        self.lagged += other.lagged;
        self.missed += other.missed;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        self.delays.extend(other.delays);
    }

    /// Messages a second.
    pub fn rate(&self) -> f64 {
        let time = self.first.zip(self.last);
        let seconds = time.map(|(first, last)| (last - first).as_secs_f64());
        seconds.map_or(0.0, |seconds| self.messages as f64 / seconds)
    }

    /// The time from an event to its receipt, in milliseconds: the median, the 99th percentile, the
    /// greatest.
    pub fn delays(&self) -> [f64; 3] {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        let at = |part: f64| {
            let place = (delays.len().saturating_sub(1)) as f64 * part;
            let delay = delays.get(place as usize).copied().unwrap_or_default();
            delay.as_secs_f64() * 1e3
        };
        [at(0.5), at(0.99), at(1.0)]
    }
}

/// The members, in the order in which they are written.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn text(&mut self, key: &str) -> &'a [u8] {
        self.up_to(key, |byte| byte == b'"')
    }

    fn bare(&mut self, key: &str) -> &'a [u8] {
        self.up_to(key, |byte| !byte.is_ascii_digit())
    }

    fn up_to(&mut self, key: &str, ends: impl Fn(u8) -> bool) -> &'a [u8] {
        let at = find(self.0, key.as_bytes());
        let at = at.unwrap_or_else(|| panic!("no {key} in {}", String::from_utf8_lossy(self.0)));
        let rest = &self.0[at + key.len()..];
        let end = rest.iter().position(|byte| ends(*byte));
        let (value, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.0 = rest;
        value
    }
}

fn number(digits: &[u8], radix: u32) -> u64 {
    let text = std::str::from_utf8(digits).unwrap_or_default();
    u64::from_str_radix(text, radix).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// The index of `g3-2`.
fn place(name: &[u8]) -> usize {
    let digit = |at: usize, below: usize| match name.get(at) {
        Some(byte @ b'0'..=b'9') if usize::from(byte - b'0') < below => usize::from(byte - b'0'),
        _ => panic!("{} is no name of ours", String::from_utf8_lossy(name)),
    };
    digit(1, GROUPS) * NAMES_OF_GROUP + digit(3, NAMES_OF_GROUP)
}

fn age(at: &str) -> Duration {
    let at: Timestamp = at.parse().expect("a time");
    let at = UNIX_EPOCH + Duration::from_nanos(at.as_nanosecond() as u64);
    SystemTime::now().duration_since(at).unwrap_or_default()
}
