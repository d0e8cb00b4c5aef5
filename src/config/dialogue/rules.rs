//! `rules`.

use super::{captures, compiler::Compiler, merged::Merged, places, sending};
use crate::config::{
    keys::RuleTable,
    read::{Located, Place, Problem},
    values::TemplateText,
};
use everwire_proto::{
    language::{BuiltIns, MessageTemplate, TemplateKind},
    settings::{
        dialogue::{DialogueRule, MAX_RULES, RuleAction, Trigger},
        url,
    },
};

/// The rules, in the order in which they are tried.
pub(super) fn compile(merged: &Merged, compiler: &mut Compiler<'_, '_>) -> Vec<DialogueRule> {
    let tables = &merged.rules.0;
    if let Some(rule) = tables.get(MAX_RULES) {
        let message = format!("there are {} rules", tables.len());
        let help = format!("a connection has at most {MAX_RULES}");
        compiler.wrong(rule.place, message, help);
    }
    let mut rules: Vec<DialogueRule> = Vec::with_capacity(tables.len());
    let mut places: Vec<Place> = Vec::with_capacity(tables.len());
    for table in tables {
        let Some(rule) = rule(table, merged, compiler) else {
            continue;
        };
        let place = trigger_place(table);
        let earlier = rules
            .iter()
            .position(|earlier| earlier.trigger == rule.trigger);
        if let Some(earlier) = earlier {
            let key = match &rule.trigger {
                Trigger::Message(_) => "when",
                Trigger::Loss(_) => "loss",
            };
            let message = format!("this rule never acts: one before it has the same `{key}`");
            let problem = Problem::new(place, message)
                .related(
                    places[earlier],
                    "the first rule that matches acts, which is this one",
                )
                .help("put both into one rule, or remove one");
            compiler.push(problem);
        }
        rules.push(rule);
        places.push(place);
    }
    rules
}

fn trigger_place(table: &Located<RuleTable>) -> Place {
    let when = table.value.when.as_ref().map(|when| when.place);
    let loss = table.value.loss.as_ref().map(|loss| loss.place);
    when.or(loss).unwrap_or(table.place)
}

fn rule(
    table: &Located<RuleTable>,
    merged: &Merged,
    compiler: &mut Compiler<'_, '_>,
) -> Option<DialogueRule> {
    let trigger = trigger(table, compiler);
    let place = table.place;
    let table = &table.value;
    let here = match table.loss {
        Some(_) => places::ELSEWHERE,
        None => places::ANSWER,
    };
    refuse_on_loss(table, compiler);
    refuse_without_action(table, merged, place, compiler);
    refuse_to_wait(table, merged, place, compiler);
    let send = table.send.as_ref();
    let send =
        send.and_then(|send| sending::compile_quick(send, here, merged.max_message, compiler));
    let capture = table.capture.as_ref();
    let capture = capture.map(|capture| captures::compile(&capture.value, here, compiler));
    let clear = captures::cleared(table.clear.as_ref(), compiler);
    let url = table.url.as_ref();
    let url = url.and_then(|url| compile_url(url, here, compiler));
    Some(DialogueRule {
        send,
        deliver: table.deliver.as_ref().is_none_or(|deliver| deliver.value),
        capture: capture.unwrap_or_default(),
        clear,
        after: table.after.as_ref().map(|after| after.value),
        action: table.action.as_ref().map(|action| action.value),
        url,
        delay: table.delay.as_ref().map(|delay| delay.value.0),
        ..DialogueRule::new(trigger?)
    })
}

fn trigger(table: &Located<RuleTable>, compiler: &mut Compiler<'_, '_>) -> Option<Trigger> {
    match (&table.value.when, &table.value.loss) {
        (Some(when), None) => {
            let when = compiler.condition(&when.value, places::CAPTURE)?;
            Some(Trigger::Message(when))
        }
        // An empty list was reported already.
        (None, Some(loss)) if loss.value.0.is_empty() => None,
        (None, Some(loss)) => {
            let losses = loss.value.0.iter().map(|loss| loss.value.clone());
            Some(Trigger::Loss(losses.collect()))
        }
        (Some(when), Some(loss)) => {
            let problem = Problem::new(loss.place, "`when` and `loss` exclude each other")
                .related(when.place, "when is here")
                .help("write a rule for each");
            compiler.push(problem);
            None
        }
        // It was reported already.
        (None, None) => None,
    }
}

/// A loss is not a message, and after it there is no socket.
fn refuse_on_loss(table: &RuleTable, compiler: &mut Compiler<'_, '_>) {
    let Some(loss) = &table.loss else {
        return;
    };
    let keys = [
        ("send", table.send.as_ref().map(|key| key.place)),
        ("after", table.after.as_ref().map(|key| key.place)),
        ("deliver", table.deliver.as_ref().map(|key| key.place)),
        ("capture", table.capture.as_ref().map(|key| key.place)),
    ];
    let actions = [RuleAction::Rotate, RuleAction::Beat];
    let action = table.action.as_ref();
    let action = action.filter(|action| actions.contains(&action.value));
    let keys = keys
        .into_iter()
        .filter_map(|(key, place)| Some((format!("`{key}`"), place?)));
    let action = action.map(|action| (format!("`do = {:?}`", action.value.as_str()), action.place));
    for (key, place) in keys.chain(action) {
        let message = format!(
            "{key} belongs to a rule with `when`: behind a loss there is neither a message nor a socket"
        );
        let problem = Problem::new(place, message).related(loss.place, "loss is here");
        compiler.push(problem.help("remove it, or write when instead of loss"));
    }
}

/// Keys that describe an action need an action.
fn refuse_without_action(
    table: &RuleTable,
    merged: &Merged,
    rule: Place,
    compiler: &mut Compiler<'_, '_>,
) {
    let action = table.action.as_ref().map(|action| action.value);
    if let (Some(url), None | Some(RuleAction::GiveUp | RuleAction::Beat)) = (&table.url, action) {
        let problem = Problem::new(
            url.place,
            "`url` belongs to `do = \"rotate\"` or `\"reconnect\"`",
        )
        .related(rule, "the rule is here")
        .help("write do = \"rotate\" too, or remove it");
        compiler.push(problem);
    }
    if let (Some(delay), None) = (&table.delay, action) {
        let problem = Problem::new(
            delay.place,
            "`delay` has no `do`: it says how long the rule waits before it acts",
        )
        .related(rule, "the rule is here")
        .help("write do = \"reconnect\" too, or remove it");
        compiler.push(problem);
    }
    if let (Some(action), false) = (&table.action, merged.beats)
        && action.value == RuleAction::Beat
    {
        let help = "write a heartbeat, or remove it";
        compiler.wrong(action.place, "`do = \"beat\"` has no heartbeat", help);
    }
}

/// An answer that waits until its message is stored needs an answer, a message, and a durable
/// history.
fn refuse_to_wait(
    table: &RuleTable,
    merged: &Merged,
    rule: Place,
    compiler: &mut Compiler<'_, '_>,
) {
    // With a loss it was reported already.
    let Some(after) = table.after.as_ref().filter(|_| table.loss.is_none()) else {
        return;
    };
    if table.send.is_none() {
        let message = "`after` has no `send`: it is what the answer waits for";
        let problem = Problem::new(after.place, message).related(rule, "the rule is here");
        compiler.push(problem.help("write send = '…' too, or remove it"));
    }
    if let Some(deliver) = table.deliver.as_ref().filter(|deliver| !deliver.value) {
        let message = "`after = \"stored\"` never acts: `deliver = false` keeps the message out of the history";
        let problem = Problem::new(after.place, message).related(deliver.place, "deliver is here");
        compiler.push(problem.help("remove one of them"));
    }
    if !merged.stores {
        let help =
            "write history = { messages = 1000, durable = true } for the connection, or remove it";
        let message = "`after = \"stored\"` never acts: the connection keeps no durable history";
        compiler.wrong(after.place, message, help);
    }
}

/// The URL of the next dial; it is checked now if it is known.
fn compile_url(
    url: &Located<TemplateText>,
    here: BuiltIns,
    compiler: &mut Compiler<'_, '_>,
) -> Option<MessageTemplate> {
    let template = compiler.quick_template(&url.value.0, TemplateKind::Url, here)?;
    let known = template.as_template();
    if let Some(text) = known.as_ref().and_then(|known| known.as_literal()) {
        let is_secure = url::parse(text).is_ok_and(|url| url.scheme() == "wss");
        if !is_secure {
            let help = "write one such as \"wss://example.com/feed\", or \"${/reconnect_url}\"";
            compiler.wrong(
                url.place,
                "invalid URL of a rule: it must begin with wss://",
                help,
            );
        }
    }
    Some(template)
}
