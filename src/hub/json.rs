//! Updates as JSON, made once for all readers.

use std::{borrow::Cow, sync::Arc};

use parking_lot::Mutex;

use super::new_events::{Key, Keys};
use crate::{
    core::{Cursor, displayable_json},
    events::{EventKind, Notice, Stamp, write_json},
    memory::{Charge, MemoryBudget, MemoryUse},
};

/// The length of an event's JSON without payload and name, rounded up, in bytes.
const HEAD: usize = 160;

/// An update as the API writes it: see [`Batch::json`](super::Batch::json).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonUpdate<'a> {
    /// Its position over all names; `None` for a notice.
    pub cursor: Option<Cursor>,
    /// An object in one line whose first member is `type`. All its characters are displayable: see
    /// [`displayable_json`](crate::core::displayable_json).
    pub text: Cow<'a, str>,
}

impl<'a> JsonUpdate<'a> {
    /// An event whose text is shared.
    pub(super) fn shared(cursor: Cursor, text: &'a str) -> Self {
        Self {
            cursor: Some(cursor),
            text: text.into(),
        }
    }

    /// An event whose text is made for this reader alone.
    pub(super) fn event(stamp: &Stamp, kind: &EventKind) -> Self {
        Self {
            cursor: Some(stamp.cursor),
            text: line(|text| write_json(text, stamp, kind)),
        }
    }

    /// A notice.
    pub(super) fn notice(notice: &Notice) -> Self {
        Self {
            cursor: None,
            text: line(|text| serde_json::to_writer(text, notice)),
        }
    }
}

/// One text. Writing strings and numbers to memory cannot fail.
fn line(write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) -> Cow<'static, str> {
    let mut text = Vec::with_capacity(HEAD);
    match write(&mut text) {
        Ok(()) => displayable(text).into(),
        Err(_) => "{}".into(),
    }
}

/// The JSON text with only displayable characters.
fn displayable(text: Vec<u8>) -> String {
    let text = String::from_utf8(text).unwrap_or_default();
    match displayable_json(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(escaped) => escaped,
    }
}

/// The JSON of the events of a run. The first reader makes it, and it lives as long as the run.
#[derive(Debug)]
pub(super) struct RunJson {
    /// Displayable JSON contains no line ends.
    lines: String,
    /// Where each line ends. A reader of some subscriptions often begins in the middle.
    ends: Box<[u32]>,
    memory: Arc<JsonMemory>,
}

impl RunJson {
    /// The JSON of events whose first stands at `first`; `None` if there is no memory to keep it.
    pub fn new(
        first: &Stamp,
        kinds: &[EventKind],
        keys: Keys<&[Key]>,
        memory: &Arc<JsonMemory>,
    ) -> Option<Box<Self>> {
        let payload: usize = kinds.iter().map(EventKind::payload_len).sum();
        let head = HEAD + first.name.as_str().len();
        let mut lines = Vec::with_capacity(kinds.len() * head + payload);
        let mut stamp = first.clone();
        for (behind, kind) in kinds.iter().enumerate() {
            if !lines.is_empty() {
                lines.push(b'\n');
            }
            keys.place(&mut stamp, first, behind);
            write_json(&mut lines, &stamp, kind).ok()?;
        }
        let lines = displayable(lines);
        let all = u32::try_from(lines.len()).ok()?;
        let ends = lines
            .match_indices('\n')
            .filter_map(|(at, _)| at.try_into().ok());
        let ends: Box<[u32]> = ends.chain([all]).collect();
        memory.take(bytes(lines.capacity(), &ends)).then(|| {
            let memory = Arc::clone(memory);
            Box::new(Self {
                lines,
                ends,
                memory,
            })
        })
    }

    /// A line for each event after the first `skipped`.
    pub fn lines(&self, skipped: usize) -> impl Iterator<Item = &str> {
        let before = skipped.checked_sub(1).and_then(|at| self.ends.get(at));
        let mut begin = before.map_or(0, |end| *end as usize + 1);
        self.ends.iter().skip(skipped).map_while(move |end| {
            let line = self.lines.get(begin..*end as usize);
            begin = *end as usize + 1;
            line
        })
    }
}

/// The memory that lines of this capacity take.
fn bytes(lines: usize, ends: &[u32]) -> usize {
    lines + size_of_val(ends)
}

impl Drop for RunJson {
    fn drop(&mut self) {
        self.memory
            .give_back(bytes(self.lines.capacity(), &self.ends));
    }
}

/// The memory of all shared JSON, part of the memory of readers. When there is none left, each
/// reader makes its own JSON.
#[derive(Debug)]
pub(super) struct JsonMemory(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    bytes: usize,
    charge: Charge,
}

impl JsonMemory {
    pub fn new(budget: &Arc<MemoryBudget>) -> Arc<Self> {
        let charge = Charge::new(budget, MemoryUse::Readers);
        Arc::new(Self(Mutex::new(Kept { bytes: 0, charge })))
    }

    fn take(&self, bytes: usize) -> bool {
        let mut kept = self.0.lock();
        let all = kept.bytes + bytes;
        let there = all <= kept.charge.bytes() || kept.charge.try_set(all).is_ok();
        if there {
            kept.bytes = all;
        }
        there
    }

    fn give_back(&self, bytes: usize) {
        let mut kept = self.0.lock();
        kept.bytes = kept.bytes.saturating_sub(bytes);
        let left = kept.bytes;
        kept.charge.follow(left);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        core::{ConnectionName, Message},
        events::{Lagged, Update},
        hub::{
            NewEvents,
            run::{Run, Span},
        },
    };

    /// Texts that JSON escapes, texts that must not be displayed, and bytes.
    fn messages() -> [Message; 5] {
        [
            Message::text("plain"),
            Message::text("\"quoted\"\\\n\tand moved"),
            Message::text("é\u{9b}2J\u{202e}\u{2028}\u{e0001}🦀"),
            Message::binary(vec![0, 255, 10]),
            Message::text(""),
        ]
    }

    fn run() -> Span {
        let first = Stamp {
            name: ConnectionName::new("feed").unwrap(),
            epoch: 2,
            seq: 9,
            cursor: Cursor(0xfe),
            at: Timestamp::UNIX_EPOCH,
            subscription: None,
        };
        let mut events = NewEvents::default();
        for (number, message) in messages().into_iter().enumerate() {
            match number {
                1 | 2 => events.routed(message, format!("key \"{number}\"").into()),
                _ => events.message(message),
            }
        }
        Run::take(first, &mut events).into()
    }

    fn memory(bytes: usize) -> (Arc<MemoryBudget>, Arc<JsonMemory>) {
        let budget = MemoryBudget::new(bytes);
        let memory = JsonMemory::new(&budget);
        (budget, memory)
    }

    /// What each reader would make by itself.
    fn alone(span: &Span) -> Vec<(Option<Cursor>, String)> {
        let each = |update: Update| {
            let json = serde_json::to_string(&update).unwrap();
            let cursor = update.stamp().map(|stamp| stamp.cursor);
            (cursor, displayable_json(&json).into_owned())
        };
        span.clone().updates().map(each).collect()
    }

    fn told(span: &Span, memory: Option<&Arc<JsonMemory>>) -> Vec<(Option<Cursor>, String)> {
        let all = span.json(memory);
        all.map(|update| (update.cursor, update.text.into_owned()))
            .collect()
    }

    #[test]
    fn each_part_of_a_run_is_told_as_its_updates_are() {
        let (_plenty, plenty) = memory(1 << 20);
        let (_none, none) = memory(0);
        for memory in [Some(&plenty), Some(&none), None] {
            for dropped in 0..messages().len() {
                for taken in 1..=messages().len() - dropped {
                    let mut span = run();
                    for _ in 0..dropped {
                        span.drop_first();
                    }
                    let front = span.split_off_front(taken);
                    assert_eq!(front.len(), taken);
                    assert_eq!(told(&front, memory), alone(&front));
                    if !span.is_empty() {
                        assert_eq!(told(&span, memory), alone(&span));
                    }
                }
            }
        }
    }

    #[test]
    fn a_notice_is_told_without_a_cursor() {
        let (_budget, memory) = memory(1 << 20);
        let span = Span::from(Lagged::now(Some(3)));
        let told = told(&span, Some(&memory));
        assert_eq!(told, alone(&span));
        assert_eq!(told[0].0, None);
    }

    #[test]
    fn the_text_is_made_once_for_all_who_read_the_run() {
        let (_budget, memory) = memory(1 << 20);
        let (mut first, second) = (run(), run());
        let third = second.clone();
        first.drop_first();
        let place = |span: &Span| span.json(Some(&memory)).last().unwrap().text.as_ptr();
        assert_eq!(place(&second), place(&third));
        assert_ne!(place(&first), place(&second), "of another run");
    }

    #[test]
    fn what_is_kept_counts_until_the_run_is_let_go_of() {
        let (budget, memory) = memory(1 << 20);
        let span = run();
        let other = span.clone();
        let length: usize = span
            .json(Some(&memory))
            .map(|update| update.text.len())
            .sum();
        assert!(budget.usage().readers >= length);
        drop(span);
        assert!(budget.usage().readers >= length);
        drop(other);
        assert_eq!(memory.0.lock().bytes, 0);
        drop(memory);
        assert_eq!(budget.usage().readers, 0);
    }

    #[test]
    fn without_memory_each_reader_makes_its_own() {
        let (budget, memory) = memory(0);
        let span = run();
        let first = span.json(Some(&memory)).next().unwrap();
        assert!(matches!(first.text, Cow::Owned(_)));
        assert_eq!(budget.usage().readers, 0);
    }
}
