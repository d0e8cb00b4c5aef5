//! Durations and rates.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::{Value as Json, json};

use super::Templated;
use crate::config::{
    read::{Context, IntoField, Node, Place, Read, ShowField, Value, backticked, field},
    units,
};
use crate::settings::MAX_DURATION;
use everwire_proto::settings::Rate;

/// The shortest time between rotations.
const MIN_ROTATION: Duration = Duration::from_secs(1);

/// From a millisecond to a day.
const RATE_PERIODS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);

/// A duration that may be zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::config) struct Period(pub Duration);

/// A duration that is longer than zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::config) struct Timeout(pub Duration);

/// How long a socket is used before it is replaced: zero is for ever; at least a second, since each
/// rotation is a dial.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Rotation(pub Duration);

/// The period in which a rate's messages are counted.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct RatePeriod(pub Duration);

impl Rotation {
    /// The duration; `None` if it is zero, which means off.
    pub fn unless_off(self) -> Option<Duration> {
        Period(self.0).unless_off()
    }
}

impl Period {
    /// The duration; `None` if it is zero, which means off.
    pub fn unless_off(self) -> Option<Duration> {
        Some(self.0).filter(|duration| !duration.is_zero())
    }
}

field! { Period <=> Duration: |period| period.0, |time| units::format_duration(*time) }
field! { Period <=> Option<Duration>: Period::unless_off, show_or_off }
field! { Timeout <=> Duration: |timeout| timeout.0, |time| units::format_duration(*time) }
field! { Rotation <=> Option<Duration>: Rotation::unless_off, show_or_off }
field! { RatePeriod <=> Duration: |period| period.0, |time| units::format_duration(*time) }
field! { Rate => Rate: |rate| rate }

impl IntoField<Option<Duration>> for Templated<Period> {
    /// Also `None` for a template, which belongs to the dialogue.
    fn into_field(self, _: Place, _: &mut Context<'_>) -> Option<Duration> {
        self.fixed().copied().and_then(Period::unless_off)
    }
}

impl ShowField<Option<Duration>> for Templated<Period> {
    fn show_field(field: &Option<Duration>) -> Json {
        show_or_off(field).into()
    }
}

/// A duration that is zero if the feature is off.
fn show_or_off(duration: &Option<Duration>) -> String {
    units::format_duration(duration.unwrap_or_default())
}

fn duration(node: &Node, context: &mut Context<'_>) -> Option<Duration> {
    let (text, help) = match &node.value {
        Value::String(text) => match units::parse_duration(text) {
            Ok(duration) => return Some(duration),
            Err(help) => (text.clone(), help),
        },
        Value::Integer(number) if *number >= 0 => (
            number.to_string(),
            format!("write \"{number}s\" for seconds, \"{number}ms\" for milliseconds"),
        ),
        _ => return context.wrong_type(node, "a duration such as \"10s\""),
    };
    context.wrong(
        node.place,
        format!("invalid duration {}", backticked(&text)),
        help,
    );
    None
}

impl Read for Period {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        duration(node, context).map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": units::DURATION_PATTERN })
    }
}

impl Read for Timeout {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let duration = duration(node, context)?;
        if duration.is_zero() {
            context.wrong(
                node.place,
                "the duration must be longer than zero",
                "write a duration such as \"10s\"",
            );
            return None;
        }
        Some(Self(duration))
    }

    fn schema() -> Json {
        Period::schema()
    }
}

impl Read for Rotation {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let duration = duration(node, context)?;
        let is_off = duration.is_zero();
        (is_off || within(duration, MIN_ROTATION..=MAX_DURATION, node, context))
            .then_some(Self(duration))
    }

    fn schema() -> Json {
        Period::schema()
    }
}

impl Read for RatePeriod {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let duration = duration(node, context)?;
        within(duration, RATE_PERIODS, node, context).then_some(Self(duration))
    }

    fn schema() -> Json {
        Period::schema()
    }
}

fn within(
    duration: Duration,
    bounds: RangeInclusive<Duration>,
    node: &Node,
    context: &mut Context<'_>,
) -> bool {
    let is_within = bounds.contains(&duration);
    if !is_within {
        let [shortest, longest] =
            [bounds.start(), bounds.end()].map(|end| units::format_duration(*end));
        context.wrong(
            node.place,
            format!(
                "the duration {} is out of range",
                units::format_duration(duration)
            ),
            format!("write a duration from {shortest:?} to {longest:?}"),
        );
    }
    is_within
}

impl Read for Rate {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else {
            return context.wrong_type(node, "a rate such as \"200/s\"");
        };
        match units::parse_rate(text) {
            Ok(rate) => Some(rate),
            Err(help) => {
                context.wrong(
                    node.place,
                    format!("invalid rate {}", backticked(text)),
                    help,
                );
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": units::RATE_PATTERN })
    }
}
