//! The events of a running service.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::service_support::{http::Client, sse::Sse};

/// All events since its start, read by a thread that ends with the service.
pub struct Tail {
    events: mpsc::Receiver<Value>,
    seen: Vec<Value>,
    /// The mark: waits look only at later events.
    from: usize,
}

impl Tail {
    pub fn start(service: &Client) -> Self {
        let (mut sse, _) = Sse::started(service, "/v1/events?match=*", &[]);
        // There may be no event while a server is frozen.
        sse.tcp().set_read_timeout(None).unwrap();
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            while let Some(told) = sse.try_next() {
                let is_event = !told.data.is_null();
                if is_event && sender.send(told.data).is_err() {
                    return;
                }
            }
        });
        Self {
            events,
            seen: Vec::new(),
            from: 0,
        }
    }

    /// Moves the mark here: earlier events are ignored.
    pub fn mark(&mut self) {
        self.seen.extend(self.events.try_iter());
        self.from = self.seen.len();
    }

    /// Waits for an event of a name after the mark.
    pub fn event(
        &mut self,
        name: &str,
        kind: &str,
        within: Duration,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        let is_it = |event: &Value| event["name"] == name && event["type"] == kind && fits(event);
        let until = Instant::now() + within;
        let mut at = self.from;
        loop {
            if let Some(found) = self.seen[at..].iter().find(|event| is_it(event)) {
                return found.clone();
            }
            at = self.seen.len();
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => self.seen.push(event),
                Err(error) => panic!(
                    "{name} tells no {kind} that fits within {within:?}: {error}; since then{}",
                    self.since()
                ),
            }
        }
    }

    /// The losses after the mark.
    pub fn losses(&mut self) -> Vec<&Value> {
        self.seen.extend(self.events.try_iter());
        let told = self.seen[self.from..].iter();
        told.filter(|event| event["type"] == "retrying" || event["type"] == "error")
            .collect()
    }

    /// The events after the mark, to diagnose a failure.
    fn since(&self) -> String {
        let told = self.seen[self.from..].iter().map(Value::to_string);
        let clip = |line: String| line.chars().take(400).collect::<String>();
        told.map(|line| format!("\n  {}", clip(line))).collect()
    }
}
