//! Explains the preparation before each dial.

use super::{
    Line,
    words::{calls, kept, of_answer, written},
};
use crate::config::units::format_duration;
use everwire_proto::{
    language::Names,
    settings::{
        ConnectionSettings,
        dialogue::{Prepare, PrepareStep},
    },
};

/// The calls before a dial, in order.
pub(super) fn lines(settings: &ConnectionSettings) -> Vec<Line> {
    let dialogue = settings.dialogue.as_ref();
    let Some(prepare) = dialogue.and_then(|dialogue| dialogue.prepare.as_ref()) else {
        return Vec::new();
    };
    let preparation = prepare.preparation();
    let steps = preparation.steps.iter().zip(1..);
    let mut told: Vec<Line> = steps
        .map(|(step, number)| one_step(number, step, &preparation.names))
        .collect();
    if let Prepare::Shared(shared) = prepare {
        let keep = match shared.keep.is_zero() {
            true => "for those that wait for it".into(),
            false => format!("and kept for {}", format_duration(shared.keep)),
        };
        let key = &shared.key;
        let node = if shared.per_node {
            " on the same node"
        } else {
            ""
        };
        told.push(
            format!("that is done once for all with prepare = \"{key}\"{node}, {keep}").into(),
        );
    }
    told
}

fn one_step(number: usize, step: &PrepareStep, names: &Names) -> Line {
    let text = format!("step {number} {}", calls(&step.call));
    let mut details = Vec::new();
    if let Some(condition) = &step.condition {
        details.push(format!("only if {}", written(condition.as_str())));
    }
    let expect = of_answer(step.expect.as_ref(), &step.call);
    let within = format_duration(step.within);
    details.push(format!("expects {expect} within {within}"));
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
    details.extend(kept(&step.capture, &step.clear, names));
    Line { text, details }
}
