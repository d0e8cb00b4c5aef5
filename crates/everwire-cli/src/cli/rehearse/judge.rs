//! Decides whether a name should give up.

use everwire::{
    Reconnect,
    config::GiveUpRule,
    dialogue::{DialogueRule, RuleAction, Trigger},
};

use super::{
    fault::{Fault, Place, What},
    stage::Subject,
};

/// Whether a name should give up after this fault.
pub fn is_to_give_up(subject: &Subject, fault: Fault) -> bool {
    fault.ends_name()
        || matches!(subject.settings.reconnect, Reconnect::Never)
        || is_named(subject, fault)
        || rule_gives_up(subject, fault)
}

/// Whether `give_up_on` contains the fault.
fn is_named(subject: &Subject, fault: Fault) -> bool {
    let Reconnect::Backoff(backoff) = &subject.settings.reconnect else {
        return false;
    };
    backoff
        .give_up_on
        .iter()
        .any(|rule| match (rule, fault.what) {
            (GiveUpRule::Close(range), What::Closed(code)) => range.contains(&code),
            (GiveUpRule::Status(range), What::Status(status)) => range.contains(&status),
            _ => false,
        })
}

/// Whether a rule gives up on the fault.
fn rule_gives_up(subject: &Subject, fault: Fault) -> bool {
    let rules = &subject.dialogue.rules;
    let gives_up = |rule: &DialogueRule| rule.action == Some(RuleAction::GiveUp);
    match (fault.place, fault.what) {
        (Place::Rule(at), _) => rules.get(at).is_some_and(gives_up),
        (_, What::Closed(code)) => rules.iter().filter(|rule| gives_up(rule)).any(|rule| {
            matches!(&rule.trigger, Trigger::Loss(losses) if losses.iter().any(|loss| {
                matches!(loss, GiveUpRule::Close(range) if range.contains(&code))
            }))
        }),
        _ => false,
    }
}
