//! The values that are kept of messages.

use std::collections::VecDeque;

use crate::{
    language::{Data, Names, Secret, Value, World},
    settings::dialogue::Capture,
};

/// The longest value that is captured, in bytes. A longer one counts as absent.
pub const MAX_CAPTURED: usize = 16 * 1024;

/// So many secrets that were sent on a socket are remembered: a peer repeats what it was told last.
const MAX_SENT: usize = 32;

/// The values of a connection's captures. Nothing is allocated before the first is set or cleared.
#[derive(Clone, Debug, Default)]
pub(super) struct Captures {
    /// Boxed: many dialogues have none.
    held: Option<Box<Held>>,
}

/// The values, and what was done with them.
#[derive(Clone, Debug, Default)]
struct Held {
    values: Box<[Value<'static>]>,
    /// Which were set or cleared since this was made, or copied.
    touched: CaptureSet,
    /// Which have another value than when that was asked last.
    changed: CaptureSet,
    /// The same, for those who keep them over restarts.
    news: CaptureSet,
    /// Boxed: few dialogues send or expect anything secret.
    passing: Option<Box<Passing>>,
}

/// What is secret on this socket besides captures.
#[derive(Clone, Debug, Default)]
struct Passing {
    /// What was sent, and must not be shown when the peer repeats it: the last [`MAX_SENT`] of it.
    sent: VecDeque<Secret>,
    /// What would have been captured of the last message that a step has looked at, had the step passed.
    seen: Vec<Secret>,
}

/// A set of captures, by their numbers. The last bit stands for all behind it: there are [`MAX_CAPTURES`](crate::settings::dialogue::MAX_CAPTURES).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CaptureSet(u64);

/// What the captures of a step or a rule have come to in one message.
#[derive(Debug, Default)]
pub(super) struct Caught {
    /// The values that differ from those that are there.
    values: Vec<(u16, Value<'static>)>,
    /// Those that came to what is there already.
    same: CaptureSet,
}

/// A value that was to be captured, and was not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NotCaught<'d> {
    /// It is absent or null.
    Absent(&'d Capture),
    /// It is longer than [`MAX_CAPTURED`].
    TooLong(&'d Capture),
}

impl CaptureSet {
    /// All of them.
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

    /// What is kept of a message, all of it seen as it was before. What is absent, null or too long is not kept.
    pub fn catch(&self, captures: &[Capture], world: &dyn World) -> Caught {
        let mut caught = Caught::default();
        for capture in captures {
            if let Ok(Some(value)) = value_of(capture, world) {
                caught.add(capture.name, value, self);
            }
        }
        caught
    }

    /// The same where each value is needed.
    ///
    /// # Errors
    ///
    /// The first that is not there.
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

    /// Keeps what was caught.
    pub fn keep(&mut self, caught: Caught, names: &Names) {
        if caught.same != CaptureSet::default() {
            self.held().touched.0 |= caught.same.0;
        }
        for (at, value) in caught.values {
            self.allocate(names);
            self.set(at, value);
        }
    }

    /// Sets a capture, or forgets it where the value is absent.
    pub fn put(&mut self, at: u16, value: Value<'static>, names: &Names) {
        self.allocate(names);
        self.set(at, value);
    }

    /// Whether it was set or cleared since this was made, or copied.
    pub fn was_touched(&self, at: u16) -> bool {
        self.held.as_ref().is_some_and(|held| held.touched.has(at))
    }

    /// Forgets these.
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

    /// Puts in a value that was kept: it is no news.
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

    /// Whether one of these has another value than when its news were taken last.
    pub fn has_news(&self, of: CaptureSet) -> bool {
        self.held.as_ref().is_some_and(|held| held.news.meets(of))
    }

    /// Which have another value than when this was asked last.
    pub fn take_news(&mut self) -> CaptureSet {
        let news = self.held.as_mut().map(|held| &mut held.news);
        news.map(std::mem::take).unwrap_or_default()
    }

    /// The captures with which a successor begins.
    pub fn copy(&self) -> Self {
        let copy = |held: &Held| Held {
            values: held.values.clone(),
            ..Held::default()
        };
        Self {
            held: self.held.as_deref().map(copy).map(Box::new),
        }
    }

    /// Takes over what a successor has set or cleared.
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

    /// Whether one of these has another value than when that was asked last.
    pub fn has_changed(&self, of: CaptureSet) -> bool {
        self.held
            .as_ref()
            .is_some_and(|held| held.changed.meets(of))
    }

    /// Which have another value than when this was asked last.
    pub fn take_changed(&mut self) -> CaptureSet {
        let changed = self.held.as_mut().map(|held| &mut held.changed);
        changed.map(std::mem::take).unwrap_or_default()
    }

    /// Remembers what was sent of secrets, signatures that are made of them too.
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

    /// Remembers the [`secrets_in`] the message at which a step has looked now. The one before it is the last one no more.
    pub fn remember_seen(&mut self, seen: Vec<Secret>) {
        if !seen.is_empty() || self.passing().is_some() {
            self.held().passing.get_or_insert_default().seen = seen;
        }
    }

    /// Another socket: on it nothing was sent or seen yet.
    pub fn forget_passing(&mut self) {
        if let Some(held) = &mut self.held {
            held.passing = None;
        }
    }

    /// The texts that must not be shown.
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

/// What these captures would take of a message as a secret.
pub(super) fn secrets_in(captures: &[Capture], world: &dyn World) -> Vec<Secret> {
    let secret = captures.iter().filter(|capture| capture.secret);
    let text = secret.filter_map(|capture| {
        let value = capture.value.evaluate(world);
        let text = value.as_text().filter(|text| !text.is_empty())?;
        Some(Secret::new(&*text))
    });
    text.collect()
}

/// The value of a capture; `None`: it takes nothing of this message.
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

/// How many bytes a value has.
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
