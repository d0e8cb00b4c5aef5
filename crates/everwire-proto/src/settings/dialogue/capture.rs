//! Captures: values that are kept from messages.

use super::need::need_of;
use crate::language::{Expression, Need};

/// A value that is taken from a message and kept under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// The name's number among [`Names::captures`](crate::language::Names::captures).
    pub name: u16,
    /// The value. If it is null or absent, the last value stays.
    pub value: Expression,
    /// The condition on the message; `None`: it is taken from each.
    pub when: Option<Expression>,
    /// Whether it is secret.
    pub secret: bool,
    /// Whether it outlives the process.
    pub keep: bool,
}

impl Capture {
    /// What a message must contain so that it can set this.
    pub fn need(&self) -> Need {
        match &self.when {
            Some(when) => need_of(when, self.value.looks_into_message()),
            None => self.value.need().clone(),
        }
    }

    /// Whether a message can set it even without what it [needs](Self::need).
    pub fn hears_all(&self) -> bool {
        match &self.when {
            Some(when) => !when.fails_without_needles(),
            None => !self.value.is_absent_without_needles(),
        }
    }

    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        std::iter::once(&self.value).chain(&self.when)
    }

    /// Whether it looks into the message as JSON.
    pub fn looks_into_message(&self) -> bool {
        let when = self.when.as_ref();
        self.value.looks_into_message() || when.is_some_and(Expression::looks_into_message)
    }
}
