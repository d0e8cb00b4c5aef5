//! The keys of many pointers as a tree, in which common parts are looked up once.

use super::super::key::{Key, Step};

/// Up to this many keys are compared one by one: nearly always one comparison of words for each.
const FEW: usize = 24;

/// A place that a pointer leads to or through. Nodes are numbered; children have larger numbers
/// than parents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// The parent; the root has itself.
    pub(super) above: usize,
    /// A bit for each key, by its head: most keys of a message are not wanted, and have none.
    heads: u64,
    /// By head and text.
    members: Vec<Member>,
    /// The same nodes by index, if their keys are indexes.
    elements: Vec<(usize, usize)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    step: Step,
    node: usize,
}

impl Node {
    pub(super) fn below(above: usize) -> Self {
        Self {
            above,
            ..Self::default()
        }
    }

    /// Whether a key with this head may be present.
    #[inline(always)]
    pub(super) fn may_have(&self, head: u64) -> bool {
        self.heads & bit(head) != 0
    }

    /// The child for a key of an object that [may](Self::may_have) be present.
    #[inline(never)]
    pub(super) fn member(&self, key: Key<'_>) -> Option<usize> {
        let found = if self.members.len() > FEW {
            self.members.get(self.place(key).ok()?)
        } else {
            self.members.iter().find(|member| member.step.is(key))
        };
        found.map(|member| member.node)
    }

    /// The key that leads to a child.
    pub(super) fn step_to(&self, below: usize) -> Option<&Step> {
        let found = self.members.iter().find(|member| member.node == below);
        found.map(|member| &member.step)
    }

    /// Whether each key of the other leads to the same node from here.
    pub(super) fn leads_where(&self, other: &Self) -> bool {
        self.above == other.above
            && other
                .members
                .iter()
                .all(|member| self.members.contains(member))
    }

    /// The first element from this index on to which a pointer leads: its index and node.
    pub(super) fn element(&self, from: usize) -> Option<(usize, usize)> {
        let at = self.elements.partition_point(|(index, _)| *index < from);
        self.elements.get(at).copied()
    }

    pub(super) fn has_members(&self) -> bool {
        !self.members.is_empty()
    }

    pub(super) fn has_elements(&self) -> bool {
        !self.elements.is_empty()
    }

    /// Adds a child with a new key.
    pub(super) fn insert(&mut self, step: &Step, node: usize) {
        let Err(at) = self.place(step.as_key()) else {
            return;
        };
        self.heads |= bit(step.as_key().head());
        let step = step.clone();
        if let Some(index) = step.index() {
            let at = self.elements.partition_point(|(known, _)| *known < index);
            self.elements.insert(at, (index, node));
        }
        self.members.insert(at, Member { step, node });
    }

    /// The place of a key among the members, or the place to insert it.
    fn place(&self, key: Key<'_>) -> Result<usize, usize> {
        let members = &self.members;
        members.binary_search_by(|member| member.step.as_key().order().cmp(&key.order()))
    }
}

/// One of 64 bits, which depends on each byte of the head.
#[inline(always)]
fn bit(head: u64) -> u64 {
    // An odd number without a pattern: 2^64 divided by the golden ratio.
    1 << (head.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}
