//! Values for captures: of the type that the dialogue needs.

use std::collections::HashMap;

use everwire::{
    dialogue::{Capture, Dialogue, TemplateDuration},
    language::{Expression, MessageTemplate, Name, Value},
};

use super::placeholders::Placeholders;

/// The host in URLs that the peer names.
pub const HOST: &str = "rehearsal.example";

/// The values for captures by their number, the best first.
#[derive(Debug, Default)]
pub struct Samples(HashMap<u16, Vec<Value<'static>>>);

/// The use of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// The beginning of a URL.
    Url,
    /// A number of seconds or milliseconds.
    Duration,
    Any,
}

impl Samples {
    /// The values for all captures of a dialogue. Secret ones have placeholders.
    pub fn of(dialogue: &Dialogue, placeholders: &Placeholders) -> Self {
        let mut samples = Self::default();
        let steps = dialogue.steps().flat_map(|step| &step.capture);
        let rules = dialogue.rules.iter().flat_map(|rule| &rule.capture);
        let subscribe = dialogue.subscribe.iter();
        let words = subscribe.flat_map(|subscribe| subscribe.all_words());
        let subscribed = words.flat_map(|words| &words.capture);
        let said = dialogue.captures.iter().chain(steps).chain(rules);
        let said = said.chain(subscribed);
        let said = said.map(|capture| (capture, capture.secret));
        let prepared = dialogue.prepare.iter();
        let prepared = prepared.flat_map(|prepare| &prepare.preparation().steps);
        // All values from a call are secret.
        let prepared = prepared
            .flat_map(|step| &step.capture)
            .map(|capture| (capture, true));
        let all: Vec<(&Capture, bool)> = said.chain(prepared).collect();
        for (capture, _) in &all {
            let is_secret = all
                .iter()
                .any(|(other, is_secret)| other.name == capture.name && *is_secret);
            let name = dialogue.names.text(Name::Capture(capture.name));
            let marker = match is_secret {
                true => placeholders.make(format!("the secret capture `{name}`"), true),
                false => format!("{name}-1"),
            };
            samples.0.insert(
                capture.name,
                values(use_of(capture.name, dialogue), marker, is_secret),
            );
        }
        samples
    }

    /// The values for a capture.
    pub fn get(&self, capture: u16) -> &[Value<'static>] {
        self.0.get(&capture).map_or(&[], |values| values)
    }
}

/// A URL that the peer names.
pub fn url(marker: &str) -> Value<'static> {
    Value::text(format!("wss://{HOST}/{marker}"))
}

fn values(used: Use, marker: String, is_secret: bool) -> Vec<Value<'static>> {
    match used {
        Use::Url => vec![url(&marker)],
        Use::Duration => vec![Value::from(1_u64), Value::text("1")],
        Use::Any if is_secret => vec![Value::text(marker)],
        Use::Any => vec![Value::text(marker), Value::from(1_u64), Value::from(true)],
    }
}

fn use_of(capture: u16, dialogue: &Dialogue) -> Use {
    let name = Name::Capture(capture);
    let reads = |expression: &Expression| expression.reads().iter().any(|read| read.name == name);
    let mut urls = dialogue.dial.urls.iter().flatten();
    let begins_url = urls.any(|url| url.leading_hole().is_some_and(reads));
    let times = |template: &MessageTemplate| template.reads().any(|read| read.name == name);
    match (
        begins_url,
        durations(dialogue).any(|duration| times(&duration.0)),
    ) {
        (true, _) => Use::Url,
        (false, true) => Use::Duration,
        (false, false) => Use::Any,
    }
}

fn durations(dialogue: &Dialogue) -> impl Iterator<Item = &TemplateDuration> {
    let heartbeat = dialogue.heartbeat.iter();
    let beats = heartbeat.flat_map(|heartbeat| [&heartbeat.interval, &heartbeat.timeout]);
    let again = dialogue.steps().filter_map(|step| step.again.as_ref());
    let again = again.filter_map(|again| again.after.as_ref());
    let periodic = dialogue.periodic.iter().map(|periodic| &periodic.every);
    beats
        .flatten()
        .chain(&dialogue.idle_timeout)
        .chain(again)
        .chain(periodic)
}
