//! Events of one name that follow each other: what one read has brought, shared by all who hear it.

use std::sync::{Arc, OnceLock};

use super::json::{JsonMemory, JsonUpdate, RunJson};
use crate::{
    core::Cursor,
    events::{Event, EventKind, Notice, Stamp, Update},
};

/// Events of one name, all of one kind, with numbers and places that follow each other.
#[derive(Debug)]
pub(super) struct Run {
    /// Where the first stands.
    first: Stamp,
    kinds: Kinds,
    /// Made by the first who asks; `None` where there was no memory to keep it.
    json: OnceLock<Option<Box<RunJson>>>,
}

/// A single event needs no memory but that of its run.
#[derive(Debug)]
enum Kinds {
    One(EventKind),
    Many(Box<[EventKind]>),
}

/// What waits for a reader: the rest of a run, or a notice.
#[derive(Clone, Debug)]
pub(super) struct Span {
    of: Of,
    from: u32,
    until: u32,
}

#[derive(Clone, Debug)]
enum Of {
    Run(Arc<Run>),
    Notice(Box<Notice>),
}

impl Run {
    /// Takes all `kinds`, at least one; the first stands at `first`.
    pub fn take(first: Stamp, kinds: &mut Vec<EventKind>) -> Arc<Self> {
        let kinds = match kinds.len() {
            1 => kinds.pop().map_or(Kinds::Many(Box::default()), Kinds::One),
            _ => Kinds::Many(kinds.drain(..).collect()),
        };
        Arc::new(Self {
            first,
            kinds,
            json: OnceLock::new(),
        })
    }

    /// Where the first stands.
    pub fn first(&self) -> &Stamp {
        &self.first
    }

    /// What happened, in order.
    pub fn kinds(&self) -> &[EventKind] {
        match &self.kinds {
            Kinds::One(kind) => std::slice::from_ref(kind),
            Kinds::Many(kinds) => kinds,
        }
    }

    /// The JSON that all readers of the run share, if there is memory to keep it.
    fn json(&self, memory: Option<&Arc<JsonMemory>>) -> Option<&RunJson> {
        let json = match memory {
            Some(memory) => {
                let make = || RunJson::new(&self.first, self.kinds(), memory);
                Some(self.json.get_or_init(make))
            }
            None => self.json.get(),
        };
        json?.as_deref()
    }

    /// The JSON of the event so many behind the first: what is shared, or made for one reader.
    fn json_at<'a>(&'a self, behind: usize, shared: Option<&'a str>) -> JsonUpdate<'a> {
        match shared {
            Some(text) => JsonUpdate::shared(Cursor(self.first.cursor.0 + behind as u64), text),
            None => {
                let stamp = at(self.first.clone(), behind);
                JsonUpdate::event(&stamp, &self.kinds()[behind])
            }
        }
    }
}

impl From<Arc<Run>> for Span {
    fn from(run: Arc<Run>) -> Self {
        // A turn of a name brings some hundred messages.
        let until = u32::try_from(run.kinds().len()).unwrap_or(u32::MAX);
        Self {
            of: Of::Run(run),
            from: 0,
            until,
        }
    }
}

impl From<Event> for Span {
    fn from(Event { stamp, kind }: Event) -> Self {
        Arc::new(Run {
            first: stamp,
            kinds: Kinds::One(kind),
            json: OnceLock::new(),
        })
        .into()
    }
}

impl From<Notice> for Span {
    fn from(notice: Notice) -> Self {
        Self {
            of: Of::Notice(Box::new(notice)),
            from: 0,
            until: 1,
        }
    }
}

impl Span {
    /// How many updates it has.
    pub fn len(&self) -> usize {
        (self.until - self.from) as usize
    }

    /// Whether all of it has gone.
    pub fn is_empty(&self) -> bool {
        self.from >= self.until
    }

    /// The payload bytes of them.
    pub fn bytes(&self) -> usize {
        self.rest().iter().map(EventKind::payload_len).sum()
    }

    fn rest(&self) -> &[EventKind] {
        match &self.of {
            Of::Run(run) => &run.kinds()[self.from as usize..self.until as usize],
            Of::Notice(_) => &[],
        }
    }

    /// Lets go of the first; its payload bytes.
    pub fn drop_first(&mut self) -> usize {
        let bytes = self.rest().first().map_or(0, EventKind::payload_len);
        self.from += 1;
        bytes
    }

    /// How many updates from the front on: at most so many, and no further one behind so many payload bytes.
    pub fn count_within(&self, updates: usize, bytes: usize) -> usize {
        let mut left = bytes;
        let is_taken = |kind: &&EventKind| {
            let has_room = left > 0;
            left = left.saturating_sub(kind.payload_len());
            has_room
        };
        match &self.of {
            Of::Run(_) => self
                .rest()
                .iter()
                .take(updates)
                .take_while(is_taken)
                .count(),
            Of::Notice(_) => updates.min(1),
        }
    }

    /// Takes so many updates off the front; it has as many.
    pub fn split_off_front(&mut self, count: usize) -> Self {
        let at = self.until.min(self.from + count as u32);
        let front = Self {
            of: self.of.clone(),
            from: self.from,
            until: at,
        };
        self.from = at;
        front
    }

    /// Lets go of what stands at `through` or before it.
    pub fn drop_through(&mut self, through: Cursor) {
        if let Of::Run(run) = &self.of {
            let gone = (through.0 + 1).saturating_sub(run.first.cursor.0);
            let gone = u32::try_from(gone).unwrap_or(u32::MAX);
            self.from = self.from.max(gone.min(self.until));
        }
    }

    /// The updates as JSON. That of a run is made once for all who read it, if there is memory to keep it.
    pub fn json<'a>(
        &'a self,
        memory: Option<&Arc<JsonMemory>>,
    ) -> impl Iterator<Item = JsonUpdate<'a>> {
        let mut lines = match &self.of {
            Of::Run(run) => run.json(memory).map(|json| json.lines(self.from as usize)),
            Of::Notice(_) => None,
        };
        (self.from as usize..self.until as usize).map(move |place| match &self.of {
            Of::Notice(notice) => JsonUpdate::notice(notice),
            Of::Run(run) => {
                let shared = lines.as_mut().and_then(Iterator::next);
                run.json_at(place, shared)
            }
        })
    }

    /// The updates, one after the other.
    pub fn updates(self) -> SpanUpdates {
        let run = match self.of {
            Of::Notice(notice) => return SpanUpdates::Notice(Some(notice)),
            Of::Run(run) => run,
        };
        let (from, until) = (self.from as usize, self.until as usize);
        match Arc::try_unwrap(run) {
            // Nobody else hears it: its messages are moved, which costs no count of who shares them.
            Ok(Run { first, kinds, .. }) => {
                let stamp = at(first, from);
                match kinds {
                    Kinds::One(kind) => SpanUpdates::One(Some(Event { stamp, kind })),
                    Kinds::Many(kinds) => {
                        let mut kinds = kinds.into_vec();
                        kinds.truncate(until);
                        let mut kinds = kinds.into_iter();
                        if from > 0 {
                            kinds.nth(from - 1);
                        }
                        SpanUpdates::Own(stamp, kinds)
                    }
                }
            }
            Err(run) => SpanUpdates::Shared { run, from, until },
        }
    }
}

/// The stamp so many events behind another.
fn at(mut stamp: Stamp, behind: usize) -> Stamp {
    stamp.seq += behind as u64;
    stamp.cursor.0 += behind as u64;
    stamp
}

/// The updates of a span, one after the other.
#[derive(Debug)]
pub(super) enum SpanUpdates {
    Notice(Option<Box<Notice>>),
    One(Option<Event>),
    Own(Stamp, std::vec::IntoIter<EventKind>),
    Shared {
        run: Arc<Run>,
        from: usize,
        until: usize,
    },
}

impl SpanUpdates {
    /// How many are left.
    pub fn len(&self) -> usize {
        match self {
            Self::Notice(notice) => notice.iter().len(),
            Self::One(event) => event.iter().len(),
            Self::Own(_, kinds) => kinds.len(),
            Self::Shared { from, until, .. } => until - from,
        }
    }

    /// What is left, as it was before it was read.
    pub fn into_span(self) -> Option<Span> {
        match self {
            Self::Notice(notice) => notice.map(|notice| Span::from(*notice)),
            Self::One(event) => event.map(Span::from),
            Self::Own(_, kinds) if kinds.len() == 0 => None,
            Self::Own(stamp, kinds) => Some(Run::take(stamp, &mut kinds.collect()).into()),
            Self::Shared { run, from, until } => (from < until).then_some(Span {
                of: Of::Run(run),
                from: from as u32,
                until: until as u32,
            }),
        }
    }
}

impl Iterator for SpanUpdates {
    type Item = Update;

    #[inline]
    fn next(&mut self) -> Option<Update> {
        match self {
            Self::Own(stamp, kinds) => {
                let kind = kinds.next()?;
                let here = stamp.clone();
                stamp.seq += 1;
                stamp.cursor.0 += 1;
                Some(Update::Event(Event { stamp: here, kind }))
            }
            Self::Shared { run, from, until } => {
                let kind = run.kinds().get(*from..*until)?.first()?.clone();
                let stamp = at(run.first.clone(), *from);
                *from += 1;
                Some(Update::Event(Event { stamp, kind }))
            }
            Self::One(event) => event.take().map(Update::Event),
            Self::Notice(notice) => notice.take().map(|notice| Update::Notice(*notice)),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::core::{ConnectionName, Message};

    fn run(places: std::ops::RangeInclusive<u64>) -> Span {
        let first = Stamp {
            name: ConnectionName::new("feed").unwrap(),
            epoch: 1,
            seq: *places.start(),
            cursor: Cursor(*places.start()),
            at: Timestamp::UNIX_EPOCH,
            subscription: None,
        };
        let text = |place: u64| EventKind::Message(Message::text(place.to_string()));
        Run::take(first, &mut places.map(text).collect()).into()
    }

    /// The places of the updates, which the messages and the numbers say, too.
    fn places(updates: impl Iterator<Item = Update>) -> Vec<u64> {
        let place = |update: Update| {
            let (stamp, message) = update.message().unwrap();
            assert_eq!(stamp.seq, stamp.cursor.0);
            assert_eq!(message.as_text(), Some(&*stamp.seq.to_string()));
            stamp.seq
        };
        updates.map(place).collect()
    }

    #[test]
    fn a_span_gives_what_is_left_of_its_run_alone_or_shared() {
        for shared in [false, true] {
            for len in 1..=4 {
                for dropped in 0..=len {
                    let mut span = run(5..=4 + len);
                    let other = shared.then(|| span.clone());
                    for _ in 0..dropped {
                        assert_eq!(span.drop_first(), 1);
                    }
                    assert_eq!(span.len() as u64, len - dropped);
                    assert_eq!(span.bytes() as u64, len - dropped);
                    assert_eq!(span.is_empty(), dropped == len);
                    if !span.is_empty() {
                        let left: Vec<_> = (5 + dropped..=4 + len).collect();
                        assert_eq!(places(span.updates()), left);
                    }
                    if let Some(other) = other {
                        assert_eq!(places(other.updates()), Vec::from_iter(5..=4 + len));
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_begun_to_be_read_is_a_span_again() {
        for shared in [false, true] {
            let span = run(1..=4);
            let _other = shared.then(|| span.clone());
            let mut updates = span.updates();
            updates.next();
            assert_eq!(updates.len(), 3);
            assert_eq!(places(updates.into_span().unwrap().updates()), [2, 3, 4]);
        }
    }

    #[test]
    fn what_was_told_already_goes() {
        let mut span = run(11..=15);
        span.drop_through(Cursor(10));
        assert_eq!(span.len(), 5);
        span.drop_through(Cursor(12));
        assert_eq!(places(span.clone().updates()), [13, 14, 15]);
        span.drop_through(Cursor(99));
        assert!(span.is_empty());
    }
}
