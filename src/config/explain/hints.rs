//! Settings that are valid but look unintended.

use std::collections::BTreeSet;

use super::{
    Line,
    words::{lines as told, written},
};
use crate::config::units::format_duration;
use everwire_proto::{
    language::Name,
    settings::{
        ConnectionSettings,
        dialogue::{Capture, Dialogue, DialogueRule, Trigger},
    },
};

pub(super) fn lines(settings: &ConnectionSettings) -> Vec<Line> {
    let mut hints = Vec::new();
    if settings.tls.insecure {
        hints.push("any certificate of the server is accepted: tls.insecure is set".into());
    }
    if let Some(dialogue) = &settings.dialogue {
        hints.extend(silent_refusals(dialogue));
        hints.extend(shadowed(&dialogue.rules));
        hints.extend(unread(dialogue));
    }
    told(hints)
}

/// Steps that send something and cannot be refused.
fn silent_refusals(dialogue: &Dialogue) -> impl Iterator<Item = String> {
    let steps = dialogue.open_script.iter().zip(1..);
    steps.filter_map(|(step, number)| {
        let asks = step.send.is_some() && step.expect.is_some();
        let knows_none = step.fail.is_none() && step.give_up.is_none();
        (asks && knows_none).then(|| {
            let within = format_duration(step.within);
            format!(
                "step {number} has neither fail nor give_up: a refusal is noticed after {within} only"
            )
        })
    })
}

/// Rules that match only where an earlier one does; the earlier one acts.
fn shadowed(rules: &[DialogueRule]) -> Vec<String> {
    let mut hints = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let Trigger::Message(when) = &rule.trigger else {
            continue;
        };
        let wider = rules[..at].iter().position(|earlier| {
            let Trigger::Message(earlier) = &earlier.trigger else {
                return false;
            };
            let rest = when.as_str().strip_prefix(earlier.as_str());
            rest.is_some_and(|rest| rest.trim_start().starts_with("&&"))
        });
        if let Some(wider) = wider {
            hints.push(format!(
                "rule {} can never act: wherever {} holds, rule {} has acted already",
                at + 1,
                written(when.as_str()),
                wider + 1
            ));
        }
    }
    hints
}

/// Captures that nothing reads.
fn unread(dialogue: &Dialogue) -> Option<String> {
    let read: BTreeSet<u16> = dialogue
        .reads()
        .into_iter()
        .filter_map(|name| match name {
            Name::Capture(at) => Some(at),
            Name::BuiltIn(_) | Name::Let(_) => None,
        })
        .collect();
    let steps = dialogue.steps().flat_map(|step| &step.capture);
    let rules = dialogue.rules.iter().flat_map(|rule| &rule.capture);
    let captures = dialogue.captures.iter().chain(steps).chain(rules);
    let unread: BTreeSet<&str> = captures
        .filter(|Capture { name, .. }| !read.contains(name))
        .map(|capture| dialogue.names.text(Name::Capture(capture.name)))
        .collect();
    let names: Vec<&str> = unread.into_iter().collect();
    match names.len() {
        0 => None,
        1 => Some(format!("{} is captured, and nothing reads it", names[0])),
        _ => Some(format!(
            "{} are captured, and nothing reads them",
            names.join(", ")
        )),
    }
}
