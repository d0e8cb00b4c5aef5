//! The order of the delays between dials.

use std::time::Duration;

use super::{
    keys::{ConnectionTable, ReconnectLayer, ReconnectTable},
    read::{Context, Place, Problem},
    units::format_duration,
};
use everwire_proto::settings::Backoff;

/// Checks `min` ≤ `initial` ≤ `max`. A layer may leave a key to a nearer one, so there only written
/// keys count.
pub(super) fn check_order(table: &ConnectionTable, with_defaults: bool, context: &mut Context<'_>) {
    let Some(ReconnectLayer::Backoff(table)) = table.reconnect.as_ref().map(|layer| &layer.value)
    else {
        return;
    };
    let ReconnectTable {
        min, initial, max, ..
    } = &**table;
    let defaults = Backoff::default();
    let min = Bound::new(
        "min",
        min.as_ref().map(|min| (min.value.0, min.place)),
        defaults.min,
    );
    let initial = Bound::new(
        "initial",
        initial
            .as_ref()
            .map(|initial| (initial.value.0, initial.place)),
        defaults.initial,
    );
    let max = Bound::new(
        "max",
        max.as_ref().map(|max| (max.value.0, max.place)),
        defaults.max,
    );
    for (shorter, longer) in [(&min, &initial), (&initial, &max), (&min, &max)] {
        let written = shorter.place.is_some() && longer.place.is_some();
        if shorter.duration > longer.duration
            && (with_defaults || written)
            && shorter.report(longer, context)
        {
            return;
        }
    }
}

/// One of the durations that bound a delay.
struct Bound {
    key: &'static str,
    duration: Duration,
    /// Where it is written, if it is.
    place: Option<Place>,
}

impl Bound {
    fn new(key: &'static str, written: Option<(Duration, Place)>, default: Duration) -> Self {
        Self {
            key,
            duration: written.map_or(default, |(duration, _)| duration),
            place: written.map(|(_, place)| place),
        }
    }

    /// Reports that this bound is longer than one that must be at least as long; `false` if neither
    /// is written.
    fn report(&self, longer: &Self, context: &mut Context<'_>) -> bool {
        let Some(place) = longer.place.or(self.place) else {
            return false;
        };
        let said = |bound: &Self| {
            let default = if bound.place.is_none() {
                ", the default"
            } else {
                ""
            };
            format!(
                "{} ({}{default})",
                bound.key,
                format_duration(bound.duration)
            )
        };
        let mut problem = Problem::new(
            place,
            format!("{} is longer than {}", said(self), said(longer)),
        )
        .help("min must not be longer than initial, nor initial longer than max");
        if let Some(other) = self.place.filter(|other| *other != place) {
            problem = problem.related(other, "the longer one is here");
        }
        context.problems.push(problem);
        true
    }
}
