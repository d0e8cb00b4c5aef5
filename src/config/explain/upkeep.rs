//! Explains how a connection detects a dead socket, and what it does then.

use super::{
    Line,
    words::{count, lines, template_duration, written},
};
use crate::config::units::format_duration;
use everwire_proto::settings::{
    Backoff, ConnectionSettings, Heartbeat, Jitter, Reconnect,
    dialogue::{Dialogue, FirstBeat, HeartbeatStart, HeartbeatTemplates, TemplateDuration},
};

pub(super) fn heartbeat(settings: &ConnectionSettings) -> Vec<Line> {
    let dialogue = settings.dialogue.as_deref();
    match &settings.heartbeat {
        Heartbeat::Off => lines(["none".into()]),
        Heartbeat::Protocol { interval, timeout } => lines([format!(
            "a WebSocket ping every {}; the socket is lost when its pong has not come after {}",
            format_duration(*interval),
            format_duration(*timeout)
        )]),
        Heartbeat::Text {
            interval,
            timeout,
            ping,
            pong,
            fence,
            deliver,
        } => {
            let templates = dialogue.and_then(|dialogue| dialogue.heartbeat.as_ref());
            let times = Times {
                interval: time(templates.and_then(|it| it.interval.as_ref()), dialogue)
                    .unwrap_or_else(|| format_duration(*interval)),
                timeout: time(templates.and_then(|it| it.timeout.as_ref()), dialogue)
                    .unwrap_or_else(|| format_duration(*timeout)),
            };
            let template = templates.and_then(|it| it.ping.as_ref());
            let ping = written(template.map_or(ping, |template| template.as_str()));
            let text = format!("sends {ping} every {}", times.interval);
            let mut details = beginning(templates);
            let when = templates.and_then(|it| it.pong.as_ref());
            details.push(match when {
                Some(when) => format!("an answer is a message with {}", written(when.as_str())),
                None => format!("the answer is {}", written(pong)),
            });
            details.push(format!(
                "the socket is lost when it has not come after {}",
                times.timeout
            ));
            if *fence {
                details.push("an answer confirms what was sent before its ping".into());
            }
            if *deliver {
                details.push("subscribers see the answers".into());
            }
            vec![Line { text, details }]
        }
    }
}

struct Times {
    interval: String,
    timeout: String,
}

fn time(template: Option<&TemplateDuration>, dialogue: Option<&Dialogue>) -> Option<String> {
    Some(template_duration(template?, dialogue?))
}

/// When the first ping is sent.
fn beginning(templates: Option<&HeartbeatTemplates>) -> Vec<String> {
    let Some(templates) = templates else {
        return vec!["the first one interval after the socket is open".into()];
    };
    let from = match templates.from {
        HeartbeatStart::Ready => "the name is ready",
        HeartbeatStart::Open => "the socket is open",
    };
    let first = match templates.first {
        FirstBeat::Interval => "one interval",
        FirstBeat::Now => "at once",
        FirstBeat::Jitter => "a random part of the interval",
    };
    let first = match templates.first {
        FirstBeat::Now => format!("the first {first}, when {from}"),
        FirstBeat::Interval | FirstBeat::Jitter => format!("the first {first} after {from}"),
    };
    vec![first]
}

pub(super) fn silence(settings: &ConnectionSettings) -> Vec<Line> {
    let dialogue = settings.dialogue.as_deref();
    let template = dialogue.and_then(|dialogue| dialogue.idle_timeout.as_ref());
    let after = time(template, dialogue).or_else(|| settings.idle_timeout.map(format_duration));
    let idle = after.map(|after| {
        format!("the socket is lost when no message has come for {after} (idle_timeout)")
    });
    let age = settings.rotate_after.map(format_duration);
    let rotates = age.map(|age| {
        format!("a socket that was ready for {age} is replaced by a successor (rotate_after)")
    });
    lines(idle.into_iter().chain(rotates))
}

pub(super) fn losses(settings: &ConnectionSettings) -> Vec<Line> {
    match &settings.reconnect {
        Reconnect::Never => lines(["the first loss is final: the name fails".into()]),
        Reconnect::Backoff(backoff) => backoff_lines(backoff),
    }
}

fn backoff_lines(backoff: &Backoff) -> Vec<Line> {
    let [min, initial, max, stable] = [
        backoff.min,
        backoff.initial,
        backoff.max,
        backoff.stable_after,
    ]
    .map(format_duration);
    let first = match backoff.jitter {
        Jitter::Full => format!("dials again after {min} to {initial}, drawn"),
        Jitter::None => format!("dials again after {initial}"),
    };
    let factor = backoff.factor;
    let mut told = vec![
        format!("{first}; then up to {factor} times as long each time, at most {max}"),
        format!("counts from the start again once a socket was up for {stable}"),
    ];
    if let Some(most) = backoff.max_attempts {
        let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
        told.push(format!(
            "gives up after {} in a row",
            count(most, "failed attempt")
        ));
    }
    if !backoff.give_up_on.is_empty() {
        let rules: Vec<String> = backoff.give_up_on.iter().map(ToString::to_string).collect();
        told.push(format!("gives up at once on {}", rules.join(", ")));
    }
    lines(told)
}
