//! Labels: what a node of a cluster has, and what a name asks for.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// The most text of labels, in bytes: [`Labels::len`].
pub const MAX_LABELS: usize = 256;

/// Labels of a node, or the `place` of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<Box<str>, Box<str>>);

impl Labels {
    /// Whether it has all of these.
    ///
    /// ```
    /// use everwire_proto::settings::Labels;
    ///
    /// let node: Labels = [("region", "eu"), ("disk", "ssd")].into_iter().collect();
    /// assert!(node.has(&[("region", "eu")].into_iter().collect()));
    /// assert!(!node.has(&[("region", "us")].into_iter().collect()));
    /// assert!(node.has(&Labels::default()));
    /// ```
    pub fn has(&self, wanted: &Self) -> bool {
        let mut wanted = wanted.0.iter();
        wanted.all(|(key, value)| self.0.get(key) == Some(value))
    }

    /// The labels, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// The bytes of their text: keys, values, and 6 for each label.
    pub fn len(&self) -> usize {
        self.0
            .iter()
            .map(|(key, value)| key.len() + value.len() + 6)
            .sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<Box<str>>, V: Into<Box<str>>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(labels: I) -> Self {
        let labels = labels.into_iter();
        Self(
            labels
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{key}={value}")?;
        }
        Ok(())
    }
}
