//! Typed values of the configuration, and where they were written.

use serde_json::Value as Json;

use super::{Context, Node, Place};

/// A value of the configuration: how it is read, how it is described to others, how a nearer layer changes it.
pub(in crate::config) trait Read: Sized {
    /// Reads the value. What is wrong is told to the context; `None` when nothing can be made of it.
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self>;

    /// The JSON Schema of what is accepted.
    fn schema() -> Json;

    /// Lets a nearer layer change this value: it replaces it, unless the value is a table.
    fn overlay(&mut self, nearer: Self) {
        *self = nearer;
    }
}

/// A value, and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Located<T> {
    pub value: T,
    pub place: Place,
}

impl<T: Read> Located<T> {
    /// Reads a value and keeps its place.
    pub fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        T::read(node, context).map(|value| Self {
            value,
            place: node.place,
        })
    }
}

/// Lets the nearer of two layers change what the other says.
pub(in crate::config) fn overlay<T: Read>(
    value: &mut Option<Located<T>>,
    nearer: Option<Located<T>>,
) {
    match (value.as_mut(), nearer) {
        (_, None) => {}
        (None, nearer) => *value = nearer,
        (Some(value), Some(nearer)) => {
            value.value.overlay(nearer.value);
            value.place = nearer.place;
        }
    }
}
