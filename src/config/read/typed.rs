//! Typed values of the configuration, with their places.

use serde_json::Value as Json;

use super::{Context, Node, Place};

/// A value of the configuration: its reading, its description, its merging.
pub(in crate::config) trait Read: Sized {
    /// Reads the value. Errors are reported to the context; `None` if there is no usable value.
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self>;

    /// The JSON Schema of accepted values.
    fn schema() -> Json;

    /// Merges a nearer layer: it replaces this value, unless the value is a table.
    fn overlay(&mut self, nearer: Self) {
        *self = nearer;
    }
}

/// A value, and its place.
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

/// Merges the nearer of two layers into the other.
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
