//! Consecutive events of one name, usually of one read, shared by all subscribers.

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use super::{
    json::{JsonMemory, JsonUpdate, RunJson},
    new_events::{Key, Keys, NewEvents},
};
use crate::{
    core::Cursor,
    events::{Event, EventKind, Notice, Stamp, Update},
};

/// Events of one name and one kind, with consecutive numbers and positions.
#[derive(Debug)]
pub(super) struct Run {
    /// The stamp of the first.
    first: Stamp,
    kinds: Kinds,
    /// The keys of routed messages. The key of a single event is in its stamp.
    keys: Keys<Box<[Key]>>,
    /// Made by the first reader that asks; `None` if there was no memory to keep it.
    json: OnceLock<Option<Box<RunJson>>>,
}

/// A single event needs only the memory of its run.
#[derive(Debug)]
enum Kinds {
    One(EventKind),
    Many(Box<[EventKind]>),
}

/// An entry of a reader's queue: the rest of a run, or a notice.
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
    /// Takes all events, at least one; the first stands at `first`.
    pub fn take(mut first: Stamp, events: &mut NewEvents) -> Arc<Self> {
        let (kinds, keys) = match events.take_one(&mut first) {
            Some(kind) => (Kinds::One(kind), Keys::default()),
            None => {
                let (kinds, keys) = events.take_all();
                (Kinds::Many(kinds), keys)
            }
        };
        Arc::new(Self {
            first,
            kinds,
            keys,
            json: OnceLock::new(),
        })
    }

    pub fn first(&self) -> &Stamp {
        &self.first
    }

    /// The events, in order.
    pub fn kinds(&self) -> &[EventKind] {
        match &self.kinds {
            Kinds::One(kind) => std::slice::from_ref(kind),
            Kinds::Many(kinds) => kinds,
        }
    }

    /// A copy of the events, without positions.
    pub fn to_events(&self) -> NewEvents {
        NewEvents::new(self.kinds().to_vec(), self.keys.to_vec())
    }

    /// The stamp of the event `behind` places after the first.
    fn stamp(&self, behind: usize) -> Stamp {
        self.keys.lent().stamp(&self.first, behind)
    }

    /// The subscription key of the event `behind` places after the first.
    fn key(&self, behind: usize) -> Option<&str> {
        let key = match self.keys.is_empty() {
            true => self.first.subscription.as_ref().filter(|_| behind == 0),
            false => self.keys.at(behind),
        };
        key.map(|key| &**key)
    }

    /// The JSON that all readers of the run share, if there is memory to keep it.
    fn json(&self, memory: Option<&Arc<JsonMemory>>) -> Option<&RunJson> {
        let json = match memory {
            Some(memory) => {
                let make = || RunJson::new(&self.first, self.kinds(), self.keys.lent(), memory);
                Some(self.json.get_or_init(make))
            }
            None => self.json.get(),
        };
        json?.as_deref()
    }

    /// The JSON of the event `behind` places after the first: the shared text, or one made for this
    /// reader.
    fn json_at<'a>(&'a self, behind: usize, shared: Option<&'a str>) -> JsonUpdate<'a> {
        match shared {
            Some(text) => JsonUpdate::shared(Cursor(self.first.cursor.0 + behind as u64), text),
            None => JsonUpdate::event(&self.stamp(behind), &self.kinds()[behind]),
        }
    }
}

impl From<Arc<Run>> for Span {
    fn from(run: Arc<Run>) -> Self {
        // A turn of a name brings some hundred messages, so this is enough.
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
            keys: Keys::default(),
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
    /// The parts of a run that a reader wants. Each part is a row of consecutive events.
    pub fn parts<'a>(
        run: &'a Arc<Run>,
        wants: impl Fn(&EventKind, Option<&str>) -> bool + 'a,
    ) -> impl Iterator<Item = Self> + 'a {
        let (kinds, mut from) = (run.kinds(), 0);
        let wants = move |behind: usize| wants(&kinds[behind], run.key(behind));
        std::iter::from_fn(move || {
            from += (from..kinds.len()).take_while(|at| !wants(*at)).count();
            let count = (from..kinds.len()).take_while(|at| wants(*at)).count();
            let part = Self {
                of: Of::Run(Arc::clone(run)),
                from: from as u32,
                until: (from + count) as u32,
            };
            from += count;
            (count > 0).then_some(part)
        })
    }

    pub fn len(&self) -> usize {
        (self.until - self.from) as usize
    }

    /// Whether it is used up.
    pub fn is_empty(&self) -> bool {
        self.from >= self.until
    }

    /// The payload bytes of the updates.
    pub fn bytes(&self) -> usize {
        self.rest().iter().map(EventKind::payload_len).sum()
    }

    fn rest(&self) -> &[EventKind] {
        match &self.of {
            Of::Run(run) => &run.kinds()[self.from as usize..self.until as usize],
            Of::Notice(_) => &[],
        }
    }

    /// Drops the first update, and returns its payload bytes.
    pub fn drop_first(&mut self) -> usize {
        let bytes = self.rest().first().map_or(0, EventKind::payload_len);
        self.from += 1;
        bytes
    }

    /// How many updates from the front fit: at most `updates`, and none after `bytes` payload
    /// bytes.
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

    /// Splits `count` updates off the front; it has at least as many.
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

    /// Drops the updates up to and including `through`.
    pub fn drop_through(&mut self, through: Cursor) {
        if let Of::Run(run) = &self.of {
            let gone = (through.0 + 1).saturating_sub(run.first.cursor.0);
            let gone = u32::try_from(gone).unwrap_or(u32::MAX);
            self.from = self.from.max(gone.min(self.until));
        }
    }

    /// The updates as JSON. The JSON of a run is made once for all readers, if there is memory to
    /// keep it.
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
            // Nobody shares it, so its messages are moved, without reference counts.
            Ok(Run {
                first, kinds, keys, ..
            }) => match kinds {
                Kinds::One(kind) => SpanUpdates::One(Some(Event { stamp: first, kind })),
                Kinds::Many(kinds) => {
                    let mut kinds = kinds.into_vec();
                    kinds.truncate(until);
                    let mut kinds = kinds.into_iter();
                    if from > 0 {
                        kinds.nth(from - 1);
                    }
                    SpanUpdates::Own(Own {
                        first,
                        kinds,
                        keys,
                        from,
                    })
                }
            },
            Err(run) => SpanUpdates::Shared { run, from, until },
        }
    }
}

/// The updates of a span, one after the other.
#[derive(Debug)]
pub(super) enum SpanUpdates {
    Notice(Option<Box<Notice>>),
    One(Option<Event>),
    Own(Own),
    Shared {
        run: Arc<Run>,
        from: usize,
        until: usize,
    },
}

/// The rest of a run that nobody shares.
#[derive(Debug)]
pub(super) struct Own {
    /// The stamp of the run's first event.
    first: Stamp,
    kinds: std::vec::IntoIter<EventKind>,
    keys: Keys<Box<[Key]>>,
    /// How many are gone.
    from: usize,
}

impl SpanUpdates {
    pub fn len(&self) -> usize {
        match self {
            Self::Notice(notice) => notice.iter().len(),
            Self::One(event) => event.iter().len(),
            Self::Own(own) => own.kinds.len(),
            Self::Shared { from, until, .. } => until - from,
        }
    }

    /// The rest as an unread span.
    pub fn into_span(self) -> Option<Span> {
        match self {
            Self::Notice(notice) => notice.map(|notice| Span::from(*notice)),
            Self::One(event) => event.map(Span::from),
            Self::Own(own) if own.kinds.len() == 0 => None,
            Self::Own(own) => {
                let stamp = own.keys.lent().stamp(&own.first, own.from);
                let keys = own.keys.behind(own.from, own.kinds.len());
                let mut events = NewEvents::new(own.kinds.collect(), keys);
                Some(Run::take(stamp, &mut events).into())
            }
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
            Self::Own(own) => {
                let kind = own.kinds.next()?;
                let stamp = own.keys.lent().stamp(&own.first, own.from);
                own.from += 1;
                Some(Update::Event(Event { stamp, kind }))
            }
            Self::Shared { run, from, until } => {
                let kind = run.kinds().get(*from..*until)?.first()?.clone();
                let stamp = run.stamp(*from);
                *from += 1;
                Some(Update::Event(Event { stamp, kind }))
            }
            Self::One(event) => event.take().map(Update::Event),
            Self::Notice(notice) => notice.take().map(|notice| Update::Notice(*notice)),
        }
    }
}
