//! Explains the conversation of a connection: on opening, and by rules.

use super::{
    Line,
    words::{calls, kept, of_answer, sending, template_duration, written},
};
use crate::config::units::format_duration;
use everwire_proto::settings::{
    ConnectionSettings, Opening,
    dialogue::{
        AnswerAfter, Dialogue, DialogueRule, PeriodicStep, RuleAction, RuleDelay, ScriptStep,
        Trigger,
    },
};

/// What happens between the upgrade and *ready*.
pub(super) fn opening(settings: &ConnectionSettings) -> Vec<Line> {
    let mut told: Vec<Line> = settings.on_open.iter().map(opening_message).collect();
    if let Some(dialogue) = &settings.dialogue {
        let steps = dialogue.open_script.iter().zip(1..);
        told.extend(steps.map(|(step, number)| script_step(number, step, dialogue)));
    }
    if !told.is_empty() {
        told.push("then it is ready, and its outbox is sent".into());
    }
    told
}

/// The periodic steps while it is ready.
pub(super) fn periodic(settings: &ConnectionSettings) -> Vec<Line> {
    let Some(dialogue) = &settings.dialogue else {
        return Vec::new();
    };
    let steps = dialogue.periodic.iter().zip(1..);
    let line = |(periodic, number): (&PeriodicStep, usize)| {
        let Line { text, mut details } = script_step(number, &periodic.step, dialogue);
        if periodic.idle {
            let idle = "only if it has said nothing for so long";
            details.insert(0, idle.into());
        }
        let every = template_duration(&periodic.every, dialogue);
        let text = format!("{text}, every {every}");
        Line { text, details }
    };
    steps.map(line).collect()
}

/// The steps before our close frame.
pub(super) fn closing(settings: &ConnectionSettings) -> Vec<Line> {
    let Some(dialogue) = &settings.dialogue else {
        return Vec::new();
    };
    let steps = dialogue.close_script.iter().zip(1..);
    let mut told: Vec<Line> = steps
        .map(|(step, number)| {
            let refusable = step.fail.is_some() || step.give_up.is_some();
            let step = ScriptStep {
                fail: None,
                give_up: None,
                ..step.clone()
            };
            let mut line = script_step(number, &step, dialogue);
            if refusable {
                let told = "a refusal is told, and it closes all the same";
                line.details.push(told.into());
            }
            line
        })
        .collect();
    if !told.is_empty() {
        let within = format_duration(settings.close_timeout);
        told.push(format!("then it closes, after {within} at the latest").into());
    }
    told
}

fn opening_message(opening: &Opening) -> Line {
    match opening {
        Opening::Text(template) => format!("sends {}", written(&template.to_string())),
        Opening::Binary(bytes) => format!("sends a binary message of {} bytes", bytes.len()),
    }
    .into()
}

fn script_step(number: usize, step: &ScriptStep, dialogue: &Dialogue) -> Line {
    let text = match (&step.send, &step.call, &step.expect) {
        (Some(send), ..) => format!("step {number} sends {}", sending(send)),
        (None, Some(call), _) => format!("step {number} {}", calls(call)),
        (None, None, Some(_)) => format!("step {number} waits"),
        (None, None, None) => format!("step {number} sends nothing and waits for nothing"),
    };
    let mut details = Vec::new();
    if let Some(condition) = &step.condition {
        details.push(format!("only if {}", written(condition.as_str())));
    }
    let rates: Vec<&str> = step
        .rate
        .iter()
        .filter_map(|rate| rate.bucket.as_deref())
        .collect();
    if !rates.is_empty() {
        details.push(format!("waits for the rate {}", rates.join(" and ")));
    }
    match (&step.call, &step.expect) {
        (Some(call), expect) => {
            let expect = of_answer(expect.as_ref(), call);
            let within = format_duration(step.within);
            details.push(format!("expects {expect} within {within}"));
        }
        (None, Some(expect)) => {
            let times = match step.count.get() {
                1 => String::new(),
                count => format!(" {count} times"),
            };
            let within = format_duration(step.within);
            let expect = written(expect.as_str());
            details.push(format!("expects {expect}{times} within {within}"));
        }
        (None, None) if step.send.is_some() => details.push("has passed once it is written".into()),
        (None, None) => {}
    }
    if let Some(fail) = &step.fail {
        let fail = written(fail.as_str());
        details.push(format!(
            "is refused, and the name tries again after reconnect.max, when {fail}"
        ));
    }
    if let Some(give_up) = &step.give_up {
        let give_up = written(give_up.as_str());
        details.push(format!(
            "is refused for good, and the name gives up, when {give_up}"
        ));
    }
    if let Some(again) = &step.again {
        let after = match &again.after {
            Some(after) => template_duration(after, dialogue),
            None => "reconnect.max".into(),
        };
        let when = written(again.when.as_str());
        details.push(format!("comes again after {after}, when {when}"));
    }
    details.extend(kept(&step.capture, &step.clear, &dialogue.names));
    Line { text, details }
}

/// The rules, in order.
pub(super) fn rules(settings: &ConnectionSettings) -> Vec<Line> {
    let Some(dialogue) = &settings.dialogue else {
        return Vec::new();
    };
    let rules = dialogue.rules.iter().zip(1..);
    rules
        .map(|(rule, number)| one_rule(number, rule, dialogue))
        .collect()
}

fn one_rule(number: usize, rule: &DialogueRule, dialogue: &Dialogue) -> Line {
    let trigger = match &rule.trigger {
        Trigger::Message(when) => format!("when {}", written(when.as_str())),
        Trigger::Loss(losses) => {
            let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
            format!("after a loss by {}", losses.join(" or "))
        }
    };
    let answers = rule.send.as_ref();
    let when = rule.after.map_or(
        "",
        |AnswerAfter::Stored| " once it is in the history on disk",
    );
    let answers = answers.map(|send| format!("answers {}{when}", sending(send)));
    let acts = rule.action.map(|action| act(action, rule.delay));
    let does: Vec<String> = answers.into_iter().chain(acts).collect();
    let does = match does.is_empty() {
        true => String::new(),
        false => format!(": {}", does.join(", and ")),
    };
    let mut details = Vec::new();
    if !rule.deliver {
        details.push("subscribers do not see the message".into());
    }
    details.extend(kept(&rule.capture, &rule.clear, &dialogue.names));
    if let Some(url) = &rule.url {
        let url = written(url.as_str());
        details.push(format!("the next dial, and that one only, is of {url}"));
    }
    let text = format!("rule {number} {trigger}{does}");
    Line { text, details }
}

fn act(action: RuleAction, delay: Option<RuleDelay>) -> String {
    let does = match action {
        RuleAction::Rotate => "rotates",
        RuleAction::Reconnect => "reconnects",
        RuleAction::GiveUp => "gives up",
        RuleAction::Beat => "sends a ping",
    };
    match delay {
        Some(delay) if delay.min == delay.max => {
            format!("{does} after {}", format_duration(delay.min))
        }
        Some(delay) => {
            let [min, max] = [delay.min, delay.max].map(format_duration);
            format!("{does} after {min}-{max}")
        }
        None => does.into(),
    }
}

/// The captures from each message.
pub(super) fn captures(settings: &ConnectionSettings) -> Vec<Line> {
    let Some(dialogue) = &settings.dialogue else {
        return Vec::new();
    };
    let captures = kept(&dialogue.captures, &[], &dialogue.names).into_iter();
    captures
        .map(|text| format!("of each message {text}").into())
        .collect()
}
