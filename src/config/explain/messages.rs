//! Explains how much a connection keeps of sent and received messages, and how fast it sends.

use super::{
    Line,
    words::{count, lines, written},
};
use crate::config::units::{format_duration, format_size};
use everwire_proto::settings::{ConnectionSettings, RateSettings, Resend, WhenFull};

pub(super) fn sends(settings: &ConnectionSettings) -> Vec<Line> {
    if settings.sessions_only {
        return Vec::new();
    }
    let outbox = &settings.outbox;
    let full = match outbox.when_full {
        WhenFull::Reject => "further ones are rejected",
        WhenFull::DropOldest => "then the oldest are dropped",
    };
    let mut told = vec![format!(
        "up to {} of {} wait in the outbox; {full}",
        count(outbox.messages, "message"),
        format_size(outbox.bytes as u64)
    )];
    if outbox.durable {
        told.push("they are kept on disk until they are confirmed".into());
    }
    if let Some(ttl) = outbox.ttl {
        told.push(format!(
            "one that has waited for {} expires",
            format_duration(ttl)
        ));
    }
    told.push(match outbox.resend {
        Resend::Never => "what a lost socket leaves in doubt is not sent again".into(),
        Resend::InDoubt => "what a lost socket leaves in doubt is sent again first".into(),
    });
    told.extend(settings.rate.iter().map(rate));
    lines(told)
}

/// How callers' requests are answered.
pub(super) fn requests(settings: &ConnectionSettings) -> Vec<Line> {
    let dialogue = settings.dialogue.as_ref();
    let Some(request) = dialogue.and_then(|dialogue| dialogue.request.as_ref()) else {
        return Vec::new();
    };
    let text = format!("of callers go out with a number of ours at {}", request.id);
    let within = format_duration(request.within);
    let answer = written(request.answer.as_str());
    let mut details = vec![format!("are answered by {answer} within {within}")];
    if let Some(fail) = &request.fail {
        details.push(format!("are refused when {} too", written(fail.as_str())));
    }
    let limit = count(request.in_flight.get() as usize, "message");
    details.push(format!(
        "{limit} may await an answer by number: requests, steps, heartbeats"
    ));
    vec![Line { text, details }]
}

fn rate(rate: &RateSettings) -> String {
    let RateSettings {
        bucket,
        messages,
        per,
        burst,
        control,
        per_node,
    } = rate;
    let messages = usize::try_from(messages.get()).unwrap_or(usize::MAX);
    let mut told = format!(
        "at most {} in any {}, {burst} of them back to back",
        count(messages, "message"),
        format_duration(*per)
    );
    if let Some(bucket) = bucket {
        told.push_str(&format!(", shared with all names of the rate {bucket}"));
        if *per_node {
            told.push_str(" on the same node");
        }
    }
    if *control {
        told.push_str("; pings and pongs count too");
    }
    told
}

pub(super) fn receives(settings: &ConnectionSettings) -> Vec<Line> {
    let size = |bytes: usize| format_size(bytes as u64);
    let mut told = vec![format!(
        "messages of up to {}, in frames of up to {}",
        size(settings.max_message),
        size(settings.max_frame)
    )];
    let history = &settings.history;
    if history.messages > 0 {
        let kept = match history.durable {
            true => "on disk",
            false => "in memory",
        };
        told.push(format!(
            "keeps the last {}, up to {}, {kept}",
            count(history.messages, "message"),
            size(history.bytes)
        ));
    }
    if let Some(sequence) = &settings.sequence {
        let by = sequence.by.as_ref();
        let by = by.map_or_else(String::new, |by| format!(" of each {by}"));
        told.push(format!(
            "tells where the numbers{by} at {} have a hole",
            sequence.json
        ));
    }
    lines(told)
}
