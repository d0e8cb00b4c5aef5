//! What `everwire tail` tells of a running service.

use std::{
    process::{Child, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::service_support::{cli::command, http::Client, lines};

/// A command that follows all events, killed on drop.
pub struct Tail {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<Value>,
    /// From where it is looked for what is waited for.
    from: usize,
}

impl Tail {
    pub fn start(service: &Client) -> Self {
        let mut tail = command(service, &["tail", "--json"]);
        let mut child = tail.stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        Self {
            child,
            lines,
            seen: Vec::new(),
            from: 0,
        }
    }

    /// What came until now is not looked at any more.
    pub fn mark(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.note(&line);
        }
        self.from = self.seen.len();
    }

    /// Waits for an event of a name behind the mark.
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
            match self.lines.recv_timeout(left) {
                Ok(line) => self.note(&line),
                Err(error) => panic!(
                    "{name} tells no {kind} that fits within {within:?}: {error}; since then{}",
                    self.since()
                ),
            }
        }
    }

    fn note(&mut self, line: &str) {
        let event = serde_json::from_str(line);
        self.seen
            .push(event.unwrap_or_else(|error| panic!("{line:?}: {error}")));
    }

    /// What was told behind the mark, for one that looks for a fault.
    fn since(&self) -> String {
        let told = self.seen[self.from..].iter().map(Value::to_string);
        let clip = |line: String| line.chars().take(400).collect::<String>();
        told.map(|line| format!("\n  {}", clip(line))).collect()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
