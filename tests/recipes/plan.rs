//! The planned failures, and where they happen.

use std::{collections::VecDeque, sync::Mutex};

/// What goes wrong with an answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The connection ends before it.
    CutBefore,
    /// The connection ends within it.
    CutWithin,
    /// The connection ends after it.
    CutBehind,
    /// Neither it nor anything else is sent.
    Silence,
    /// Another answer is sent: with this status for a call, as a message on a socket.
    Says(u16, String),
}

/// The three cuts.
pub const CUTS: [Mishap; 3] = [Mishap::CutBefore, Mishap::CutWithin, Mishap::CutBehind];

/// Failures in order, each once, at its step.
#[derive(Debug, Default)]
pub struct Plan {
    left: Mutex<VecDeque<(&'static str, Mishap)>>,
    /// The steps that were reached.
    passed: Mutex<Vec<&'static str>>,
}

impl Plan {
    pub fn of(mishaps: impl IntoIterator<Item = (&'static str, Mishap)>) -> Self {
        Self {
            left: Mutex::new(mishaps.into_iter().collect()),
            passed: Mutex::default(),
        }
    }

    /// The connection ends before, within and behind each of these steps.
    pub fn cuts(steps: &[&'static str]) -> Self {
        let at = |step: &&'static str| CUTS.map(|cut| (*step, cut));
        Self::of(steps.iter().flat_map(at))
    }

    /// Takes the next failure if it is for this step.
    pub fn take(&self, step: &'static str) -> Option<Mishap> {
        if step.is_empty() {
            return None;
        }
        self.passed.lock().unwrap().push(step);
        let mut left = self.left.lock().unwrap();
        let is_next = left.front().is_some_and(|(next, _)| *next == step);
        let taken = is_next.then(|| left.pop_front()).flatten();
        taken.map(|(_, mishap)| mishap)
    }

    /// The failures that have not happened yet.
    pub fn left(&self) -> Vec<(&'static str, Mishap)> {
        self.left.lock().unwrap().iter().cloned().collect()
    }

    /// How often a step was reached.
    pub fn passed(&self, step: &str) -> usize {
        let passed = self.passed.lock().unwrap();
        passed.iter().filter(|known| **known == step).count()
    }
}
