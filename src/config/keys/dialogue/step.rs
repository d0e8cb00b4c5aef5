//! `open_script` and `close_script`.

use serde_json::{Value as Json, json};

use super::{
    super::RateKeys, CaptureLayer, CaptureNames, Exec, HttpTable, SendLayer, call::refuse_both,
};
use crate::config::{
    read::{Context, Entries, Keys as _, Located, Node, Place, Problem, Read, Value, table},
    values::{Count, ExpressionText, Templated, Timeout, Written},
};
use everwire_proto::settings::dialogue::MAX_STEPS;

table! {
    /// A step: it sends a message, then checks each incoming message until one decides; or it makes
    /// a call, and checks the answer. One of send, http, exec.
    #[derive(PartialEq)]
    pub(in crate::config) struct StepTable {
        /// The message to send; without it the step makes a call, or only listens.
        send: SendLayer,
        /// An HTTP request, through the connection's proxy and with its authorities.
        http: HttpTable,
        /// A program and its arguments: its output is the answer. It gets no shell, and no
        /// environment but a PATH.
        exec: Exec,
        /// The expected message. Without it the step has passed once it is written; for the answer
        /// to a call the default is a status of 2xx, or 0 for a program.
        expect: ExpressionText,
        /// A temporary refusal: a loss, dialled again from reconnect.max.
        fail: ExpressionText,
        /// A permanent refusal: the name fails.
        give_up: ExpressionText,
        /// The time limit, from when the step was written or its call began. A program gets at most
        /// 10s.
        within: Timeout = "10s",
        /// How often the expected message must come.
        count: Count = 1,
        /// Values that are captured from the message that decides.
        capture: Entries<CaptureLayer>,
        /// Captures that are cleared when the step has passed.
        clear: CaptureNames,
        /// Whether the step runs at all.
        condition as "if": ExpressionText,
        /// When the step is repeated on the same socket.
        again: AgainTable,
        /// The KEY of a bucket in [rates], or several at once. The step waits for it before it is
        /// written, besides the connection's rate, or before its call.
        rate: RateKeys,
    }
}

table! {
    /// When a step is repeated.
    #[derive(PartialEq)]
    pub(in crate::config) struct AgainTable {
        /// The message that asks for a repetition.
        when: ExpressionText,
        /// The delay; without it reconnect.max.
        after: Templated<Timeout>,
    }
}

impl StepTable {
    /// Whether it makes a call.
    pub fn calls(&self) -> bool {
        self.http.is_some() || self.exec.is_some()
    }

    /// Whether it waits for something that may not come.
    pub fn awaits(&self) -> bool {
        self.expect.is_some() || self.calls()
    }

    /// The URL of its call, as it is written.
    pub fn url(&self) -> Option<&Written> {
        self.http.as_ref()?.value.written_url()
    }
}

/// Consecutive steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct Script(pub Vec<Located<StepTable>>);

impl Read for Script {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of steps");
        };
        let steps = items.iter().filter_map(|item| {
            refuse_dead_keys(item, &[], context);
            Located::read(item, context)
        });
        Some(Self(steps.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": StepTable::schema(), "maxItems": MAX_STEPS })
    }
}

/// A step without `expect` has passed once it is written, so keys that decide otherwise are errors.
/// `others`: other keys that such a step may have.
pub(super) fn refuse_dead_keys(step: &Node, others: &[&str], context: &mut Context<'_>) {
    let Value::Table(entries) = &step.value else {
        return;
    };
    let has = |keys: &[&str]| {
        entries
            .iter()
            .any(|entry| keys.contains(&entry.key.as_str()))
    };
    for keys in [["send", "http"], ["send", "exec"], ["http", "exec"]] {
        refuse_both(entries, keys, context);
    }
    let calls = has(&["http", "exec"]);
    if calls && let Some(count) = entries.iter().find(|entry| entry.key == "count") {
        let message = "`count` counts messages, but a call has only one answer";
        let problem = Problem::new(count.place, message)
            .related(step.place, "the step is here")
            .help("remove it");
        context.problems.push(problem);
    }
    if !has(&["expect"]) && !calls {
        for entry in entries {
            let needs_expect = ["fail", "give_up", "count", "within", "again"];
            if needs_expect.contains(&entry.key.as_str()) {
                let problem = without_expect(&entry.key, entry.node.place, step.place);
                context.problems.push(problem);
            }
        }
    }
    if !has(&["send"])
        && !calls
        && let Some(rate) = entries.iter().find(|entry| entry.key == "rate")
    {
        let message = "`rate` has no `send`: only sending has to wait for a rate";
        let problem = Problem::absence(rate.node.place, message)
            .related(step.place, "the step is here")
            .help("write send = '…', or remove it");
        context.problems.push(problem);
    }
    // Misspelt keys, and keys of a later version, were reported already.
    let mut keys = entries.iter().map(|entry| entry.key.as_str());
    let all_known = keys.all(|key| StepTable::NAMES.contains(&key) || others.contains(&key));
    if all_known && !calls && !has(&["send", "expect", "clear", "capture"]) {
        let problem = Problem::absence(step.place, "the step neither sends nor expects")
            .help("write send = '…', or expect = '…' for a message that the server sends first");
        context.problems.push(problem);
    }
}

/// Reports a key that needs `expect` in a step without it.
pub(in crate::config) fn without_expect(key: &str, place: Place, step: Place) -> Problem {
    let message = format!(
        "`{key}` has no `expect` to go with: without `expect` a step passes once it is sent"
    );
    Problem::absence(place, message)
        .related(step, "the step is here")
        .help("write expect = '…', or remove it")
}
