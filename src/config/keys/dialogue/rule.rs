//! `rules`.

use serde_json::{Value as Json, json};

use super::{super::give_up, CaptureLayer, CaptureNames, SendLayer};
use crate::config::{
    read::{Context, Entries, Keys as _, Located, Node, Problem, Read, Value, backticked, table},
    units::{self, parse_duration},
    values::{ExpressionText, TemplateText, choice},
};
use everwire_proto::settings::{
    GiveUpRule,
    dialogue::{AnswerAfter, MAX_RULES, RuleAction, RuleDelay},
};

table! {
    /// A rule: the first that matches acts. Others still see the message.
    #[derive(PartialEq)]
    pub(in crate::config) struct RuleTable {
        /// The messages that it matches.
        when: ExpressionText,
        /// Instead of when: the losses that it matches, written as in reconnect.give_up_on;
        /// "cause:dial" is any failed dial.
        loss: LossRules,
        /// The answer.
        send: SendLayer,
        /// What the answer waits for: "stored", until the message is in the durable history.
        after: AnswerAfter,
        /// Whether subscribers get the message.
        deliver: bool = true,
        /// Values that are captured from the message.
        capture: Entries<CaptureLayer>,
        /// Captures that are cleared.
        clear: CaptureNames,
        /// The action: "rotate", "reconnect", "give_up", "beat".
        action as "do": RuleAction,
        /// The URL of the next dial, and only of that one.
        url: TemplateText,
        /// The delay before the action: "5s", or "1s-5s" for a random time in that range.
        delay: DelayRange,
    }
}

choice! { AnswerAfter { "stored" => Stored } }

choice! {
    RuleAction { "rotate" => Rotate, "reconnect" => Reconnect, "give_up" => GiveUp, "beat" => Beat }
}

/// The rules, in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct Rules(pub Vec<Located<RuleTable>>);

/// Losses.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct LossRules(pub Vec<Located<GiveUpRule>>);

/// A time, or a range from which one is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::config) struct DelayRange(pub RuleDelay);

/// Any failed dial, beside the kinds of causes.
const DIAL: &str = "dial";

impl Read for Rules {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of rules");
        };
        let rules = items.iter().filter_map(|item| {
            refuse_without_trigger(item, context);
            Located::read(item, context)
        });
        Some(Self(rules.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": RuleTable::schema(), "maxItems": MAX_RULES })
    }
}

fn refuse_without_trigger(rule: &Node, context: &mut Context<'_>) {
    let Value::Table(entries) = &rule.value else {
        return;
    };
    let keys = || entries.iter().map(|entry| entry.key.as_str());
    // Misspelt keys were reported already.
    let all_known = keys().all(|key| RuleTable::NAMES.contains(&key));
    if all_known && !keys().any(|key| matches!(key, "when" | "loss")) {
        let problem = Problem::absence(rule.place, "the rule has neither `when` nor `loss`")
            .help("write when it acts: when = '/op == \"ping\"', or loss = [\"close:4000\"]");
        context.problems.push(problem);
    }
}

impl Read for LossRules {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        if matches!(&node.value, Value::Array(items) if items.is_empty()) {
            let help = "write the losses that it matches: loss = [\"close:4000-4999\"]";
            context.wrong(node.place, "the rule matches no loss", help);
        }
        give_up::read_rules(node, &[DIAL], context).map(Self)
    }

    fn schema() -> Json {
        give_up::schema_of_rules(&[DIAL])
    }
}

impl Read for DelayRange {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else {
            return context.wrong_type(node, "a duration such as \"5s\", or two: \"1s-5s\"");
        };
        let (min, max) = text.split_once('-').unwrap_or((text, text));
        let help = match (parse_duration(min), parse_duration(max)) {
            (Ok(min), Ok(max)) if min <= max => return Some(Self(RuleDelay { min, max })),
            (Ok(_), Ok(_)) => format!("write the shorter one first: \"{max}-{min}\""),
            (Err(help), _) | (_, Err(help)) => help,
        };
        let message = format!("invalid delay {}", backticked(text));
        context.wrong(node.place, message, help);
        None
    }

    fn schema() -> Json {
        let one = units::DURATION_PATTERN
            .trim_start_matches("^(?!$)")
            .trim_end_matches('$');
        json!({ "type": "string", "pattern": format!("^(?!-|$){one}(-{one})?$") })
    }
}
