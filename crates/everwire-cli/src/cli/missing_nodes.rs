//! Nodes of a cluster that did not answer, where all were asked.

use std::collections::BTreeSet;

use super::stderr::complain;

/// Says that what they hold is missing.
pub fn complain_of(nodes: &BTreeSet<String>) {
    for node in nodes {
        complain(&format!(
            "the node {node} did not answer: nothing is known of its names"
        ));
    }
}
