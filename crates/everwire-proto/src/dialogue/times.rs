//! Durations from templates: of the heartbeat, and `idle_timeout`.

use std::{num::NonZeroU32, time::Duration};

use super::{
    captures::{CaptureSet, Captures},
    context::Context,
    place::StepPlace,
    reply::Reply,
    report::{Span, clipped, start_of},
};
use crate::{
    core::Cause,
    language::{Name, World},
    settings::{
        Heartbeat,
        dialogue::{Dialogue, PeriodicStep, TemplateDuration},
    },
};

/// The values of duration templates. Boxed: few dialogues have such templates.
#[derive(Debug)]
pub(super) struct Times(Option<Box<Known>>);

/// The values of templates.
#[derive(Debug, Default)]
struct Known {
    interval: Option<Millis>,
    timeout: Option<Millis>,
    idle: Option<Millis>,
    /// The keys whose value was not a duration, as bits of [`Key`].
    told: u32,
    /// The captures that the templates read.
    reads: CaptureSet,
}

/// A duration of at most a day.
pub(super) type Millis = NonZeroU32;

/// A key with a duration template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Interval,
    Timeout,
    Idle,
    /// Of a step.
    Again(StepPlace),
    /// Of a periodic step.
    Every(StepPlace),
}

impl Times {
    /// None has a value yet.
    pub fn new(dialogue: &Dialogue) -> Self {
        let reads = reads(dialogue);
        let known = Known {
            reads,
            ..Known::default()
        };
        Self((reads != CaptureSet::default()).then(|| Box::new(known)))
    }

    pub fn interval(&self) -> Option<Duration> {
        self.known()?.interval.map(duration)
    }

    pub fn timeout(&self) -> Option<Duration> {
        self.known()?.timeout.map(duration)
    }

    pub fn idle(&self) -> Option<Duration> {
        self.known()?.idle.map(duration)
    }

    fn known(&self) -> Option<&Known> {
        self.0.as_deref()
    }

    fn known_mut(&mut self) -> &mut Known {
        self.0.get_or_insert_default()
    }

    /// The three times.
    fn all(&self) -> [Option<Millis>; 3] {
        let known = self.known();
        known.map_or([None; 3], |known| {
            [known.interval, known.timeout, known.idle]
        })
    }

    /// The captures that the templates read.
    fn reads(&self) -> CaptureSet {
        self.known().map(|known| known.reads).unwrap_or_default()
    }

    /// A socket is open. Keys without a value now have none until they get one. Values are
    /// reported, even if they are those of the last socket.
    pub fn opened(&mut self, cx: &mut Context<'_>) {
        let had_any = self.has_any();
        if let Some(known) = self.0.as_deref_mut() {
            *known = Known {
                reads: known.reads,
                ..Known::default()
            };
        }
        cx.captures.take_changed();
        self.evaluate(cx);
        if had_any || self.has_any() {
            cx.out.push(Reply::Times);
        }
    }

    /// Whether captures that durations depend on have changed since the last refresh.
    pub fn are_stale(&self, captures: &Captures) -> bool {
        captures.has_changed(self.reads())
    }

    /// Captures may have changed. `true` if durations depend on the changed ones.
    pub fn refresh(&mut self, cx: &mut Context<'_>) -> bool {
        if !cx.captures.take_changed().meets(self.reads()) {
            return false;
        }
        let before = self.all();
        self.evaluate(cx);
        if before != self.all() {
            cx.out.push(Reply::Times);
        }
        true
    }

    /// The period of a periodic step: the last value, as long as there is no other.
    pub fn every(
        &mut self,
        place: StepPlace,
        step: &PeriodicStep,
        last: Option<Millis>,
        cx: &mut Context<'_>,
    ) -> Option<Millis> {
        let default = Some(PeriodicStep::EVERY);
        self.one(Key::Every(place), &step.every, last, default, cx)
    }

    fn has_any(&self) -> bool {
        self.all() != [None; 3]
    }

    fn evaluate(&mut self, cx: &mut Context<'_>) {
        let dialogue = cx.dialogue;
        let heartbeat = dialogue.heartbeat.as_ref();
        if let Some(interval) = heartbeat.and_then(|heartbeat| heartbeat.interval.as_ref()) {
            let default = Some(Heartbeat::DEFAULT_INTERVAL);
            let value = self.one(Key::Interval, interval, self.all()[0], default, cx);
            self.set(value, |known| &mut known.interval);
        }
        if let Some(timeout) = heartbeat.and_then(|heartbeat| heartbeat.timeout.as_ref()) {
            let default = Some(Heartbeat::DEFAULT_TIMEOUT);
            let value = self.one(Key::Timeout, timeout, self.all()[1], default, cx);
            self.set(value, |known| &mut known.timeout);
        }
        if let Some(idle) = &dialogue.idle_timeout {
            let value = self.one(Key::Idle, idle, self.all()[2], None, cx);
            self.set(value, |known| &mut known.idle);
        }
    }

    fn set(
        &mut self,
        value: Option<Millis>,
        place: impl FnOnce(&mut Known) -> &mut Option<Millis>,
    ) {
        *place(self.known_mut()) = value;
    }

    /// The value of one key: the last one, as long as there is no other.
    fn one(
        &mut self,
        key: Key,
        template: &TemplateDuration,
        last: Option<Millis>,
        default: Option<Duration>,
        cx: &mut Context<'_>,
    ) -> Option<Millis> {
        let wrong = {
            let world = cx.world(None, None);
            let step = cx.step(&world);
            match template.evaluate(&step) {
                Ok(Some(value)) => return Some(millis(value)),
                Ok(None) => return last,
                Err(_) => filled(template, &step),
            }
        };
        self.tell(key, template, wrong, default, cx);
        default.map(millis)
    }

    /// Publishes, once per socket and key, that a template gave no duration, and what is used
    /// instead.
    pub fn tell(
        &mut self,
        key: Key,
        template: &TemplateDuration,
        wrong: Option<String>,
        default: Option<Duration>,
        cx: &mut Context<'_>,
    ) {
        let number = match key {
            Key::Interval => 0,
            Key::Timeout => 1,
            Key::Idle => 2,
            Key::Again(_) => 3,
            // The last bit stands for all further ones.
            Key::Every(place) => (place.at + 4).min(31),
        };
        let bit = 1 << number;
        let known = self.known_mut();
        if known.told & bit != 0 {
            return;
        }
        known.told |= bit;
        let name = match key {
            Key::Interval => "heartbeat.interval".into(),
            Key::Timeout => "heartbeat.timeout".into(),
            Key::Idle => "idle_timeout".into(),
            Key::Again(place) => format!("again.after of {place}"),
            Key::Every(place) => format!("every of {place}"),
        };
        let template = clipped(template.0.as_str());
        let wrong = match wrong {
            Some(wrong) => format!(
                "came to {:?}, which is not a duration",
                start_of(&wrong, cx.captures)
            ),
            None => "has no value".into(),
        };
        let instead = match default {
            Some(default) => format!("{} is taken", Span(default)),
            None => "there is none".into(),
        };
        let text = format!("{name} ({template}) {wrong}: {instead}");
        cx.out.push(Reply::Error(Cause::Template(text)));
    }
}

/// The invalid value of a duration template, in a form that may be shown.
pub(super) fn filled(template: &TemplateDuration, world: &dyn World) -> Option<String> {
    let filled = template.0.render(world).ok()?;
    Some(match filled.is_secret() {
        true => "***".into(),
        false => filled.into_text(),
    })
}

/// The captures that duration templates read; a `let` counts as reading all.
fn reads(dialogue: &Dialogue) -> CaptureSet {
    let heartbeat = dialogue.heartbeat.iter();
    let beats = heartbeat.flat_map(|heartbeat| heartbeat.interval.iter().chain(&heartbeat.timeout));
    let mut reads = CaptureSet::default();
    let periodic = dialogue.periodic.iter().map(|step| &step.every);
    for template in beats.chain(&dialogue.idle_timeout).chain(periodic) {
        for read in template.0.reads() {
            match read.name {
                Name::Capture(at) => reads.insert(at),
                Name::Let(_) => return CaptureSet::ALL,
                Name::BuiltIn(_) => {}
            }
        }
    }
    reads
}

fn millis(duration: Duration) -> Millis {
    let millis = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    Millis::new(millis).unwrap_or(Millis::MIN)
}

pub(super) fn duration(millis: Millis) -> Duration {
    Duration::from_millis(millis.get().into())
}
