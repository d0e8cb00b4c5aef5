//! Many pointers, all found in one pass.

mod beside;
mod trie;

use std::ops::Range;

use self::trie::Node;
use super::{key::Key, pointer::JsonPointer, raw::RawJson, walk};

/// JSON pointers whose values are found together, in one pass over a text.
///
/// Create it once, when a configuration is read, and share it. Common beginnings of pointers are
/// looked up once, and parts that no pointer leads into are skipped.
///
/// ```
/// use everwire_proto::language::json::{JsonPointer, Kind, PointerSet, Spans};
///
/// let mut pointers = PointerSet::default();
/// let kind = pointers.insert(&JsonPointer::new("/0")?);
/// let id = pointers.insert(&JsonPointer::new("/2/id")?);
/// assert_eq!(pointers.insert(&JsonPointer::new("/0")?), kind);
/// assert_eq!(pointers.pointer(id).to_string(), "/2/id");
///
/// let mut spans = Spans::default();
/// let found = pointers.find(r#"[3,"19",{"id":null}]"#, &mut spans).ok_or("no JSON")?;
/// assert_eq!(found.get(kind).map(|value| value.as_str()), Some("3"));
/// assert_eq!(found.get(id).map(|value| value.kind()), Some(Kind::Null));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointerSet {
    /// The first is the root.
    nodes: Vec<Node>,
}

/// The identity of a pointer in a [`PointerSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(usize);

/// The places of values in a text: memory that [`PointerSet::find`] reuses for each text, of any
/// set.
#[derive(Clone, Debug, Default)]
pub struct Spans(Vec<Span>);

/// The byte range of a value. An end of zero means that it was not found.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    from: usize,
    to: usize,
}

/// The values that the pointers of a set have found in one text. Empty by default, as for a text
/// that is not JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found<'f, 'a> {
    text: &'a str,
    spans: &'f [Span],
}

impl PointerSet {
    /// Adds a pointer; a known one keeps its slot.
    pub fn insert(&mut self, pointer: &JsonPointer) -> Slot {
        let mut at = 0;
        for step in pointer.steps() {
            at = match self.nodes[at].member(step.as_key()) {
                Some(below) => below,
                None => {
                    let below = self.nodes.len();
                    self.nodes[at].insert(step, below);
                    self.nodes.push(Node::below(at));
                    below
                }
            };
        }
        Slot(at)
    }

    /// The pointer of a slot.
    pub fn pointer(&self, slot: Slot) -> JsonPointer {
        let mut steps = Vec::new();
        let mut at = slot.0;
        while let Some(node) = self.nodes.get(at).filter(|_| at != 0) {
            let above = self.nodes.get(node.above);
            steps.extend(above.and_then(|above| above.step_to(at)).cloned());
            at = node.above;
        }
        JsonPointer::of_steps(steps.into_iter().rev())
    }

    /// Whether one set contains all pointers of the other at the same slots: common slots then mean
    /// the same.
    pub fn is_in_line_with(&self, other: &Self) -> bool {
        let (fewer, more) = match self.nodes.len() <= other.nodes.len() {
            true => (&self.nodes, &other.nodes),
            false => (&other.nodes, &self.nodes),
        };
        fewer
            .iter()
            .zip(more)
            .all(|(one, other)| other.leads_where(one))
    }

    /// Finds the value of each pointer in a text; `None` if that is not JSON. The whole text is
    /// read, once.
    pub fn find<'f, 'a>(&self, text: &'a str, spans: &'f mut Spans) -> Option<Found<'f, 'a>> {
        let mut search = self.search(spans);
        walk::walk(text, &mut search, 0)?;
        Some(search.into_found(text))
    }

    fn search<'s>(&self, Spans(spans): &'s mut Spans) -> Search<'_, 's> {
        // Mostly it was this set before.
        match spans.len() == self.nodes.len() {
            true => spans.fill(Span::default()),
            false => {
                spans.clear();
                spans.resize(self.nodes.len(), Span::default());
            }
        }
        Search {
            nodes: &self.nodes,
            spans,
            has_doubles: false,
        }
    }
}

impl Default for PointerSet {
    /// No pointers.
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }
}

impl<'a> Found<'_, 'a> {
    /// The value that a pointer of the set has found.
    #[inline]
    pub fn get(&self, slot: Slot) -> Option<RawJson<'a>> {
        let span = self.spans.get(slot.0)?;
        if span.is_empty() {
            return None;
        }
        self.text.get(span.from..span.to).map(RawJson::new)
    }

    /// The byte range of that value in the text.
    pub fn span(&self, slot: Slot) -> Option<Range<usize>> {
        let span = self.spans.get(slot.0).filter(|span| !span.is_empty())?;
        Some(span.from..span.to)
    }

    /// The text.
    pub fn text(&self) -> &'a str {
        self.text
    }
}

impl Span {
    #[inline]
    fn is_empty(self) -> bool {
        self.to == 0
    }

    fn is_within(self, other: Self) -> bool {
        other.from <= self.from && self.to <= other.to
    }
}

/// A pass over one text.
struct Search<'n, 's> {
    nodes: &'n [Node],
    /// The last value of each node.
    spans: &'s mut [Span],
    /// Whether some key occurred twice.
    has_doubles: bool,
}

impl<'s> Search<'_, 's> {
    /// The results for this text.
    fn into_found<'a>(mut self, text: &'a str) -> Found<'s, 'a> {
        if self.has_doubles {
            self.forget_doubles();
        }
        Found {
            text,
            spans: self.spans,
        }
    }

    /// Forgets results below a value that does not count, because its key occurred again: they are
    /// not within the value that does.
    fn forget_doubles(&mut self) {
        for (at, node) in self.nodes.iter().enumerate() {
            // Nodes come after their parents, which are therefore final.
            if !self.spans[at].is_within(self.spans[node.above]) {
                self.spans[at] = Span::default();
            }
        }
    }
}

impl walk::Guide for Search<'_, '_> {
    type Place = usize;

    #[inline]
    fn has_members(&self, place: usize) -> bool {
        self.nodes[place].has_members()
    }

    #[inline]
    fn has_elements(&self, place: usize) -> bool {
        self.nodes[place].has_elements()
    }

    #[inline(always)]
    fn may_lead(&self, place: usize, head: u64) -> bool {
        self.nodes[place].may_have(head)
    }

    #[inline(always)]
    fn member(&mut self, place: usize, key: Key<'_>) -> Option<usize> {
        self.nodes[place].member(key)
    }

    #[inline]
    fn element(&mut self, place: usize, from: usize) -> Option<(usize, usize)> {
        self.nodes[place].element(from)
    }

    #[inline]
    fn found(&mut self, place: usize, from: usize, to: usize) {
        let span = &mut self.spans[place];
        self.has_doubles |= !span.is_empty();
        *span = Span { from, to };
    }
}
