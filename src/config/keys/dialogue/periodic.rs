//! `periodic`.

use serde_json::Value as Json;

use super::step::{StepTable, refuse_dead_keys};
use crate::config::{
    read::{Context, Keys, Located, Node, Problem, Read, Value, table, table_schema, unknown_key},
    values::{Templated, Timeout},
};
use everwire_proto::settings::dialogue::MAX_STEPS;

table! {
    /// The schedule of a periodic step.
    #[derive(PartialEq)]
    pub(in crate::config) struct ScheduleTable {
        /// The time from *ready* to the first run, and from each run to the next: a duration, or a
        /// template of one, such as "${expires - 60}s".
        every: Templated<Timeout>,
        /// Whether the step runs only if we have sent no message for that time.
        idle: bool = false,
    }
}

/// A periodic step.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct PeriodicTable {
    pub schedule: ScheduleTable,
    pub step: Located<StepTable>,
}

/// The periodic steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct Periodic(pub Vec<PeriodicTable>);

impl Read for PeriodicTable {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(node, "a table");
        };
        refuse_dead_keys(node, ScheduleTable::NAMES, context);
        let (mut schedule, mut step) = (ScheduleTable::default(), StepTable::default());
        for entry in entries {
            let is_known = schedule.set(&entry.key, &entry.node, context)
                || step.set(&entry.key, &entry.node, context);
            if !is_known {
                let known = [StepTable::NAMES, ScheduleTable::NAMES];
                unknown_key(&entry.key, entry.place, &known, StepTable::LATER, context);
            }
        }
        if !entries.iter().any(|entry| entry.key == "every") {
            let problem = Problem::absence(node.place, "the periodic step has no `every`")
                .help("write how often it is taken: every = \"30s\"");
            context.problems.push(problem);
        }
        let place = node.place;
        Some(Self {
            schedule,
            step: Located { value: step, place },
        })
    }

    fn schema() -> Json {
        let mut schema = table_schema::<StepTable>();
        let mut properties = StepTable::properties();
        properties.extend(ScheduleTable::properties());
        schema["properties"] = properties.into();
        schema["required"] = ["every"].into_iter().collect();
        schema
    }
}

impl Read for Periodic {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of steps");
        };
        let steps = items.iter();
        let steps = steps.filter_map(|item| PeriodicTable::read(item, context));
        Some(Self(steps.collect()))
    }

    fn schema() -> Json {
        serde_json::json!({ "type": "array", "items": PeriodicTable::schema(), "maxItems": MAX_STEPS })
    }
}
