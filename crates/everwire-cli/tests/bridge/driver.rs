//! A client library in a separate process, which reports the events of its direct and its bridged
//! connection.

use std::{
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant, SystemTime},
};

use serde::Deserialize;

use crate::{
    service_support::lines,
    support::{installed, root},
};

/// A client library of Node.
pub fn node(kind: &str) -> Command {
    let mut command = node_script("clients.mjs");
    command.arg(kind);
    command
}

/// A client library of Python.
pub fn python(kind: &str) -> Command {
    let mut command = python_script("clients.py");
    command.arg(kind);
    command
}

/// Runs a file with the installed packages.
pub fn node_script(file: &str) -> Command {
    let mut command = Command::new("node");
    command
        .env("NODE_PATH", installed("bridge/node/node_modules"))
        .arg(root().join(format!("crates/everwire-cli/tests/bridge/node/{file}")));
    command
}

/// Runs a file with the installed packages.
pub fn python_script(file: &str) -> Command {
    let mut command = Command::new(installed("bridge/python/bin/python"));
    command.arg(root().join(format!("crates/everwire-cli/tests/bridge/python/{file}")));
    command
}

/// How a client is connected to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Direct,
    Bridged,
}

/// An event of a client.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    Up,
    Down {
        why: String,
    },
    /// The answer to a question that was sent at this time.
    Answer {
        asked: u64,
    },
}

#[derive(Clone, Debug, Deserialize)]
pub struct Told {
    /// In milliseconds since the epoch.
    pub at: u64,
    pub way: Way,
    #[serde(flatten)]
    pub what: What,
}

/// A running client; it ends when this is dropped.
pub struct Driver {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    told: Vec<Told>,
}

impl Driver {
    pub fn start(mut command: Command, direct: &str, bridged: &str) -> Self {
        let mut child = command
            .args([direct, bridged])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let lines = lines(child.stdout.take().unwrap());
        Self {
            child,
            stdin,
            lines,
            told: Vec::new(),
        }
    }

    /// All later events of a connection.
    pub fn since(&mut self, way: Way, from: u64) -> impl Iterator<Item = &Told> {
        self.read(Duration::ZERO);
        let told = self.told.iter();
        told.filter(move |told| told.way == way && told.at >= from)
    }

    /// Waits until `look` finds something; `None` after the timeout.
    pub fn wait<T>(
        &mut self,
        time: Duration,
        mut look: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let until = Instant::now() + time;
        loop {
            if let Some(found) = look(self) {
                return Some(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.read(left.min(Duration::from_millis(20)));
        }
    }

    /// When a question that was sent after that time was first answered.
    pub fn answered(&mut self, way: Way, from: u64) -> Option<u64> {
        let mut told = self.since(way, from);
        told.find_map(|told| match told.what {
            What::Answer { asked } if asked > from => Some(told.at),
            _ => None,
        })
    }

    /// When it first went down since then, and why.
    pub fn down(&mut self, way: Way, from: u64) -> Option<(u64, String)> {
        self.since(way, from).find_map(|told| match &told.what {
            What::Down { why } => Some((told.at, why.clone())),
            _ => None,
        })
    }

    /// The last events of a connection, to diagnose a failure.
    pub fn tail(&mut self, way: Way) -> String {
        let told: Vec<_> = self.since(way, 0).collect();
        let last = &told[told.len().saturating_sub(12)..];
        last.iter().map(|told| format!("\n  {told:?}")).collect()
    }

    fn read(&mut self, time: Duration) {
        let mut next = self.lines.recv_timeout(time);
        while let Ok(line) = next {
            let told = serde_json::from_str(&line);
            self.told
                .push(told.unwrap_or_else(|error| panic!("{line:?}: {error}")));
            next = self
                .lines
                .try_recv()
                .map_err(|_| mpsc::RecvTimeoutError::Timeout);
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// The current time in the clients' unit.
pub fn now() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    since.as_millis().try_into().unwrap()
}
