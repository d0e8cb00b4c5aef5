//! A queue whose members are in a slab: first come, first served, and a member that gives up leaves
//! from the middle. It allocates nothing, and its cost does not depend on its length.

use slab::Slab;

/// A member of at most one queue at a time.
pub(super) trait Member {
    fn links(&mut self) -> &mut Links;
}

/// The neighbours of a member.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Links {
    before: Option<usize>,
    behind: Option<usize>,
}

/// The two ends of a queue; its members are always in the same slab.
#[derive(Debug, Default)]
pub(super) struct LinkedQueue {
    first: Option<usize>,
    last: Option<usize>,
}

impl LinkedQueue {
    pub fn first(&self) -> Option<usize> {
        self.first
    }

    pub fn last(&self) -> Option<usize> {
        self.last
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Appends a member that is in no queue.
    pub fn join(&mut self, members: &mut Slab<impl Member>, key: usize) {
        *members[key].links() = Links {
            before: self.last,
            behind: None,
        };
        match self.last.replace(key) {
            Some(last) => members[last].links().behind = Some(key),
            None => self.first = Some(key),
        }
    }

    /// Prepends a member that is in no queue.
    pub fn join_front(&mut self, members: &mut Slab<impl Member>, key: usize) {
        *members[key].links() = Links {
            before: None,
            behind: self.first,
        };
        match self.first.replace(key) {
            Some(first) => members[first].links().before = Some(key),
            None => self.last = Some(key),
        }
    }

    /// The member after this one.
    pub fn behind(members: &mut Slab<impl Member>, key: usize) -> Option<usize> {
        members[key].links().behind
    }

    /// Removes a member of this queue.
    pub fn leave(&mut self, members: &mut Slab<impl Member>, key: usize) {
        let Links { before, behind } = std::mem::take(members[key].links());
        match before {
            Some(before) => members[before].links().behind = behind,
            None => self.first = behind,
        }
        match behind {
            Some(behind) => members[behind].links().before = before,
            None => self.last = before,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    impl Member for Links {
        fn links(&mut self) -> &mut Links {
            self
        }
    }

    proptest! {
        #[test]
        fn a_line_is_a_queue_that_can_be_left(steps in proptest::collection::vec(any::<(bool, usize)>(), 0..100)) {
            let (mut members, mut line, mut model) = (Slab::new(), LinkedQueue::default(), VecDeque::new());
            for (joins, at) in steps {
                if joins && at % 4 == 0 {
                    let key = members.insert(Links::default());
                    line.join_front(&mut members, key);
                    model.push_front(key);
                } else if joins {
                    let key = members.insert(Links::default());
                    line.join(&mut members, key);
                    model.push_back(key);
                } else if !model.is_empty() {
                    let key = model.remove(at % model.len()).unwrap();
                    line.leave(&mut members, key);
                    members.remove(key);
                }
                prop_assert_eq!(line.first(), model.front().copied());
                prop_assert_eq!(line.last(), model.back().copied());
                prop_assert_eq!(line.is_empty(), model.is_empty());
            }
            while let Some(first) = line.first() {
                line.leave(&mut members, first);
                prop_assert_eq!(model.pop_front(), Some(first));
            }
            prop_assert!(model.is_empty());
        }
    }
}
