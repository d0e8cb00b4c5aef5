//! Values that are captured from messages.

use std::collections::VecDeque;

use crate::{
    language::{Data, Names, Secret, Value, World},
    settings::dialogue::Capture,
};

/// The longest value that is captured, in bytes. A longer one counts as absent.
pub const MAX_CAPTURED: usize = 16 * 1024;

/// How many sent secrets of a socket are remembered: a peer repeats the latest ones.
const MAX_SENT: usize = 32;

/// The values of a connection's captures. Allocates nothing before the first is set or cleared.
#[derive(Clone, Debug, Default)]
pub(super) struct Captures {
    /// Boxed: many dialogues have none.
    held: Option<Box<Held>>,
}

/// The values, and their changes.
#[derive(Clone, Debug, Default)]
struct Held {
    values: Box<[Value<'static>]>,
    /// Set or cleared since this was created, or copied.
    touched: CaptureSet,
    /// Changed since the last [`take_changed`](Captures::take_changed).
    changed: CaptureSet,
    /// Changed since the last [`take_news`](Captures::take_news), for stores.
    news: CaptureSet,
    /// Boxed: few dialogues send or expect anything secret.
    passing: Option<Box<Passing>>,
}

/// Secrets on this socket besides captures.
#[derive(Clone, Debug, Default)]
struct Passing {
    /// Sent secrets, which are masked when the peer repeats them: the last [`MAX_SENT`].
    sent: VecDeque<Secret>,
    /// What would have been captured from the last message that a step has checked, if the step had
    /// passed.
    seen: Vec<Secret>,
}

/// A set of captures, by number. The last bit stands for all further ones: there are
/// [`MAX_CAPTURES`](crate::settings::dialogue::MAX_CAPTURES).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CaptureSet(u64);

/// The captures of a step or a rule from one message.
#[derive(Debug, Default)]
pub(super) struct Caught {
    /// Values that differ from the present ones.
    values: Vec<(u16, Value<'static>)>,
    /// Captures whose value is unchanged.
    same: CaptureSet,
}

/// A value that could not be captured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NotCaught<'d> {
    /// It is absent or null.
    Absent(&'d Capture),
    /// It is longer than [`MAX_CAPTURED`].
    TooLong(&'d Capture),
}

impl CaptureSet {
    /// All captures.
    pub const ALL: Self = Self(u64::MAX);

    pub fn insert(&mut self, at: u16) {
        self.0 |= Self::bit(at);
    }

    pub fn has(self, at: u16) -> bool {
        self.0 & Self::bit(at) != 0
    }

    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn bit(at: u16) -> u64 {
        1 << u32::from(at).min(u64::BITS - 1)
    }
}

impl Captures {
    fn values(&self) -> &[Value<'static>] {
        self.held.as_ref().map_or(&[], |held| &held.values)
    }

    fn passing(&self) -> Option<&Passing> {
        self.held.as_ref()?.passing.as_deref()
    }

    fn held(&mut self) -> &mut Held {
        self.held.get_or_insert_default()
    }

    /// The value of a capture.
    pub fn get(&self, at: u16) -> Value<'_> {
        let value = self.values().get(usize::from(at));
        value.map_or_else(Value::absent, Value::as_borrowed)
    }

    /// The captures from a message, all computed with the earlier values. Absent, null and too long
    /// values are not kept.
    pub fn catch(&self, captures: &[Capture], world: &dyn World) -> Caught {
        let mut caught = Caught::default();
        for capture in captures {
            if let Ok(Some(value)) = value_of(capture, world) {
                caught.add(capture.name, value, self);
            }
        }
        caught
    }

    /// The same if every value is required.
    ///
    /// # Errors
    ///
    /// The first that is missing.
    pub fn catch_all<'d>(
        &self,
        captures: &'d [Capture],
        world: &dyn World,
    ) -> Result<Caught, NotCaught<'d>> {
        let mut caught = Caught::default();
        for capture in captures {
            if let Some(value) = value_of(capture, world)? {
                caught.add(capture.name, value, self);
            }
        }
        Ok(caught)
    }

    /// Keeps captured values.
    pub fn keep(&mut self, caught: Caught, names: &Names) {
        if caught.same != CaptureSet::default() {
            self.held().touched.0 |= caught.same.0;
        }
        for (at, value) in caught.values {
            self.allocate(names);
            self.set(at, value);
        }
    }

    /// Sets a capture, or clears it if the value is absent.
    pub fn put(&mut self, at: u16, value: Value<'static>, names: &Names) {
        self.allocate(names);
        self.set(at, value);
    }

    /// Whether it was set or cleared since this was created, or copied.
    pub fn was_touched(&self, at: u16) -> bool {
        self.held.as_ref().is_some_and(|held| held.touched.has(at))
    }

    /// Clears captures.
    pub fn clear(&mut self, captures: &[u16]) {
        for at in captures {
            match self.get(*at).is_absent() {
                true => self.held().touched.insert(*at),
                false => self.set(*at, Value::absent()),
            }
        }
    }

    fn set(&mut self, at: u16, value: Value<'static>) {
        let held = self.held();
        if let Some(slot) = held.values.get_mut(usize::from(at)) {
            *slot = value;
            held.touched.insert(at);
            held.changed.insert(at);
            held.news.insert(at);
        }
    }

    /// Restores a stored value, which does not count as a change.
    pub fn restore(&mut self, at: u16, value: Value<'static>, names: &Names) {
        self.allocate(names);
        if let Some(slot) = self.held().values.get_mut(usize::from(at)) {
            *slot = value;
        }
    }

    fn allocate(&mut self, names: &Names) {
        let Held { values, .. } = self.held();
        if values.is_empty() {
            *values = names.captures().map(|_| Value::absent()).collect();
        }
    }

    /// Whether one of these has changed since the last [`take_news`](Self::take_news).
    pub fn has_news(&self, of: CaptureSet) -> bool {
        self.held.as_ref().is_some_and(|held| held.news.meets(of))
    }

    /// Takes the captures that have changed since the last call.
    pub fn take_news(&mut self) -> CaptureSet {
        let news = self.held.as_mut().map(|held| &mut held.news);
        news.map(std::mem::take).unwrap_or_default()
    }

    /// A copy for a successor.
    pub fn copy(&self) -> Self {
        let copy = |held: &Held| Held {
            values: held.values.clone(),
            ..Held::default()
        };
        Self {
            held: self.held.as_deref().map(copy).map(Box::new),
        }
    }

    /// Takes over the captures that a successor has set or cleared.
    pub fn adopt(&mut self, successor: Self) {
        let Some(successor) = successor.held else {
            return self.forget_passing();
        };
        let Held {
            values, passing, ..
        } = self.held();
        *passing = successor.passing;
        if values.is_empty() && !successor.values.is_empty() {
            *values = vec![Value::absent(); successor.values.len()].into();
        }
        let all = values.len();
        let absent = || Value::absent();
        let mut theirs = successor.values.into_vec().into_iter();
        for at in 0..all {
            let value = theirs.next().unwrap_or_else(absent);
            let Ok(at) = u16::try_from(at) else {
                return;
            };
            if successor.touched.has(at) {
                self.set(at, value);
            }
        }
    }

    /// Whether one of these has changed since the last [`take_changed`](Self::take_changed).
    pub fn has_changed(&self, of: CaptureSet) -> bool {
        self.held
            .as_ref()
            .is_some_and(|held| held.changed.meets(of))
    }

    /// Takes the captures that have changed since the last call.
    pub fn take_changed(&mut self) -> CaptureSet {
        let changed = self.held.as_mut().map(|held| &mut held.changed);
        changed.map(std::mem::take).unwrap_or_default()
    }

    /// Remembers secrets that were sent, including signatures made of them.
    pub fn remember_sent(&mut self, secrets: Vec<Secret>) {
        for secret in secrets {
            if secret.expose().is_empty() {
                continue;
            }
            let Passing { sent, .. } = &mut **self.held().passing.get_or_insert_default();
            if sent.len() == MAX_SENT {
                sent.pop_front();
            }
            sent.push_back(secret);
        }
    }

    /// Remembers the [`secrets_in`] the message that a step is checking. Replaces those of the
    /// message before.
    pub fn remember_seen(&mut self, seen: Vec<Secret>) {
        if !seen.is_empty() || self.passing().is_some() {
            self.held().passing.get_or_insert_default().seen = seen;
        }
    }

    /// Another socket: nothing was sent or seen on it yet.
    pub fn forget_passing(&mut self) {
        if let Some(held) = &mut self.held {
            held.passing = None;
        }
    }

    /// The texts to mask.
    pub fn secrets(&self) -> impl Iterator<Item = String> {
        let secret = self.values().iter().filter(|value| value.is_secret());
        let captured = secret.filter_map(|value| Some(value.as_text()?.into_owned()));
        let passing = self.passing().into_iter();
        let passing = passing.flat_map(|passing| passing.sent.iter().chain(&passing.seen));
        captured.chain(passing.map(|secret| secret.expose().to_owned()))
    }
}

impl Caught {
    fn add(&mut self, name: u16, value: Value<'_>, captures: &Captures) {
        match captures.get(name) == value {
            true => self.same.insert(name),
            false => self.values.push((name, value.into_owned())),
        }
    }
}

/// What these captures would take from a message as a secret.
pub(super) fn secrets_in(captures: &[Capture], world: &dyn World) -> Vec<Secret> {
    let secret = captures.iter().filter(|capture| capture.secret);
    let text = secret.filter_map(|capture| {
        let value = capture.value.evaluate(world);
        let text = value.as_text().filter(|text| !text.is_empty())?;
        Some(Secret::new(&*text))
    });
    text.collect()
}

/// The value of a capture; `None`: it takes nothing from this message.
pub(super) fn value_of<'w, 'd: 'w>(
    capture: &'d Capture,
    world: &'w dyn World,
) -> Result<Option<Value<'w>>, NotCaught<'d>> {
    let when = capture.when.as_ref();
    if when.is_some_and(|when| !when.holds(world)) {
        return Ok(None);
    }
    let value = capture.value.evaluate(world);
    if !value.is_there() {
        return Err(NotCaught::Absent(capture));
    }
    if length(&value) > MAX_CAPTURED {
        return Err(NotCaught::TooLong(capture));
    }
    Ok(Some(match capture.secret {
        true => value.secret(),
        false => value,
    }))
}

/// The size of a value in bytes.
fn length(value: &Value<'_>) -> usize {
    match value.data() {
        Data::Absent | Data::Null | Data::Bool(_) => 0,
        Data::Number(text) | Data::Text(text) | Data::Json(text) => text.len(),
        Data::Bytes(bytes) => bytes.len(),
        Data::List(items) => items
            .iter()
            .map(|item| length(item).saturating_add(1))
            .fold(0, usize::saturating_add),
    }
}
