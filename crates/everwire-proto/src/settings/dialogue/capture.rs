//! What is kept of a message.

use super::need::need_of;
use crate::language::{Expression, Need};

/// A value that is taken out of a message and kept under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// The name's number among [`Names::captures`](crate::language::Names::captures).
    pub name: u16,
    /// What is kept. Where it comes to null, or to nothing, the last value stays.
    pub value: Expression,
    /// Whether it is taken from this message; `None`: from each.
    pub when: Option<Expression>,
    /// Whether it must not be shown.
    pub secret: bool,
    /// Whether it outlives the process.
    pub keep: bool,
}

impl Capture {
    /// What must stand in a message so that it may set this.
    pub fn need(&self) -> Need {
        match &self.when {
            Some(when) => need_of(when, self.value.looks_into_message()),
            None => self.value.need().clone(),
        }
    }

    /// Whether a message may set it in which nothing stands that it [needs](Self::need).
    pub fn hears_all(&self) -> bool {
        match &self.when {
            Some(when) => !when.fails_without_needles(),
            None => !self.value.is_absent_without_needles(),
        }
    }

    /// Its expressions.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        std::iter::once(&self.value).chain(&self.when)
    }

    /// Whether it looks into the message as JSON.
    pub fn looks_into_message(&self) -> bool {
        let when = self.when.as_ref();
        self.value.looks_into_message() || when.is_some_and(Expression::looks_into_message)
    }
}
