//! Texts that several subjects share.

use std::collections::BTreeSet;

use super::Line;
use crate::config::units::{format_duration, parse_duration};
use everwire_proto::{
    language::{Expression, Name, Names},
    settings::dialogue::{Capture, Dialogue, Sending, StepCall, TemplateDuration},
};

/// How many bytes of a template or an expression are shown.
const SHOWN: usize = 512;

/// The start of a text, in one line.
pub(super) fn written(text: &str) -> String {
    let mut start = text[..text.floor_char_boundary(SHOWN)].replace(['\r', '\n', '\t'], " ");
    if text.len() > SHOWN {
        start.push('…');
    }
    start
}

/// A message, as it was written.
pub(super) fn sending(send: &Sending) -> String {
    match send {
        Sending::Text(template) => written(template.as_str()),
        Sending::Bytes(template) => format!("the binary message {}", written(template.as_str())),
        Sending::Binary(bytes) => format!("a binary message of {} bytes", bytes.len()),
    }
}

/// The call of a step, as it was written.
pub(super) fn calls(call: &StepCall) -> String {
    match call {
        StepCall::Http(request) => {
            let url = written(request.url.as_str());
            format!("asks {} {url}", request.method)
        }
        StepCall::Exec(program) => format!("runs {}", program.path.display()),
    }
}

/// The required answer to a call.
pub(super) fn of_answer(expect: Option<&Expression>, call: &StepCall) -> String {
    match (expect, call) {
        (Some(expect), _) => written(expect.as_str()),
        (None, StepCall::Http(_)) => "a status of 2xx".into(),
        (None, StepCall::Exec(_)) => "that it ends with 0".into(),
    }
}

/// The captures and clears of a message.
pub(super) fn kept(captures: &[Capture], clear: &[u16], names: &Names) -> Vec<String> {
    let mut told: Vec<String> = captures
        .iter()
        .map(|capture| {
            let name = names.text(Name::Capture(capture.name));
            let mut text = format!("keeps {name} = {}", written(capture.value.as_str()));
            if let Some(when) = &capture.when {
                text.push_str(&format!(", when {}", written(when.as_str())));
            }
            if capture.secret {
                text.push_str(" (secret)");
            }
            text
        })
        .collect();
    if !clear.is_empty() {
        let clear = clear.iter().map(|at| names.text(Name::Capture(*at)));
        told.push(format!("forgets {}", clear.collect::<Vec<_>>().join(", ")));
    }
    told
}

/// The value of a duration template, and what must be known for it.
pub(super) fn template_duration(duration: &TemplateDuration, dialogue: &Dialogue) -> String {
    let template = &duration.0;
    // Fixed durations are stored in seconds.
    if template.is_literal()
        && let Ok(fixed) = parse_duration(template.as_str())
    {
        return format_duration(fixed);
    }
    let needs: BTreeSet<&str> = template
        .reads()
        .filter(|read| !matches!(read.name, Name::BuiltIn(_)))
        .map(|read| dialogue.names.text(read.name))
        .collect();
    let written = written(template.as_str());
    match needs.is_empty() {
        true => written,
        false => {
            let needs: Vec<&str> = needs.into_iter().collect();
            let verb = if needs.len() == 1 { "is" } else { "are" };
            format!("{written}, once {} {verb} known", needs.join(" and "))
        }
    }
}

/// A count and its noun, with an `s` unless the count is one.
pub(super) fn count(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// Lines from texts.
pub(super) fn lines(text: impl IntoIterator<Item = String>) -> Vec<Line> {
    text.into_iter().map(Line::new).collect()
}
