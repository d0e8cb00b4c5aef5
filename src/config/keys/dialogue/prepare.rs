//! `prepare` and `[prepare.KEY]`.

use serde_json::{Value as Json, json};

use super::{CaptureLayer, CaptureNames, Exec, HttpTable, call::refuse_both};
use crate::{
    config::{
        read::{Context, Entries, Keys, Located, Node, Problem, Read, Section, Value, table},
        values::{ExpressionText, Period, Text, Timeout, Written},
    },
    core::ConnectionName,
};
use everwire_proto::settings::dialogue::MAX_STEPS;

table! {
    /// Steps that connections with prepare = "KEY" share: one call at a time for all of them.
    pub(in crate::config) struct PrepareTable {
        /// The steps. All captures are secret.
        steps: PrepareSteps = [],
        /// How long captures are reused; "0s": each dial asks again.
        keep: Period = "0s",
        /// Whether each node of a cluster prepares for itself. Otherwise all names that share it
        /// are on one node. Without a cluster it changes nothing.
        per_node: bool = false,
    }
}

table! {
    /// A step before a dial: a call, and how its answer is judged. Either http or exec.
    #[derive(PartialEq)]
    pub(in crate::config) struct PrepareStepTable {
        /// An HTTP request, through the connection's proxy and with its authorities.
        http: HttpTable,
        /// A program and its arguments: its output is the answer. It gets no shell, and no
        /// environment but a PATH.
        exec: Exec,
        /// What the answer must be. The default is a status of 2xx, or 0 for a program.
        expect: ExpressionText,
        /// A temporary refusal: dialled again from reconnect.max.
        fail: ExpressionText,
        /// A permanent refusal: the name fails.
        give_up: ExpressionText,
        /// The time limit of the step, from its turn on. A program gets at most 10s.
        within: Timeout = "10s",
        /// Values that are captured from the answer. All of them are secret, and all must be
        /// present.
        capture: Entries<CaptureLayer>,
        /// Captures that are cleared when the step has passed.
        clear: CaptureNames,
        /// Whether the step runs at all.
        condition as "if": ExpressionText,
    }
    later { rate }
}

/// The preparation of a dial: steps, or the KEY of a `[prepare.KEY]`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum PrepareLayer {
    Steps(PrepareSteps),
    Key(Text),
}

/// Steps before a dial.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct PrepareSteps(pub Vec<Located<PrepareStepTable>>);

impl PrepareLayer {
    /// Whether there are no steps.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Steps(steps) if steps.0.is_empty())
    }

    /// The URLs of its own steps, as they are written.
    pub fn urls(&self) -> impl Iterator<Item = &Written> {
        let steps = match self {
            Self::Steps(PrepareSteps(steps)) => &steps[..],
            Self::Key(_) => &[],
        };
        let https = steps.iter().filter_map(|step| step.value.http.as_ref());
        https.filter_map(|http| http.value.written_url())
    }
}

impl Read for PrepareLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Array(_) => PrepareSteps::read(node, context).map(Self::Steps),
            Value::String(_) => {
                let help =
                    "write the steps themselves: prepare = [{ http = { url = \"https://…\" } }]";
                if context.refuse_over_api(node.place, "the `prepare` of the file", help) {
                    return None;
                }
                Text::read(node, context).map(Self::Key)
            }
            _ => context.wrong_type(node, "an array of steps, or the key of a [prepare.KEY]"),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [PrepareSteps::schema(), Text::schema()] })
    }
}

impl Read for PrepareSteps {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of steps");
        };
        let steps = items.iter().filter_map(|item| {
            refuse_wrong_call(item, context);
            Located::read(item, context)
        });
        Some(Self(steps.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": PrepareStepTable::schema(), "maxItems": MAX_STEPS })
    }
}

/// A step makes exactly one call.
fn refuse_wrong_call(step: &Node, context: &mut Context<'_>) {
    let Value::Table(entries) = &step.value else {
        return;
    };
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    refuse_both(entries, ["http", "exec"], context);
    // Misspelt keys were reported already.
    let known = [PrepareStepTable::NAMES, PrepareStepTable::LATER].concat();
    let all_known = entries.iter().all(|entry| known.contains(&&*entry.key));
    if all_known && find("http").is_none() && find("exec").is_none() {
        let problem = Problem::absence(step.place, "the step has neither `http` nor `exec`")
            .help("write what is called: http = { url = \"https://…\" }, or exec = [\"program\"]");
        context.problems.push(problem);
    }
}

impl PrepareTable {
    /// Its own steps, if there are any.
    pub fn steps(&self) -> &[Located<PrepareStepTable>] {
        self.steps.as_ref().map_or(&[], |steps| &steps.value.0)
    }
}

impl Section for PrepareTable {
    const SECTION: &'static str = "prepare";
    const WHAT: &'static str = "prepare";
    const KEYS: &'static [&'static [&'static str]] = &[Self::NAMES, Self::LATER];

    fn name(name: &str) -> Result<String, String> {
        let name = ConnectionName::new(name).map_err(|error| error.to_string())?;
        Ok(name.as_str().to_owned())
    }
}
