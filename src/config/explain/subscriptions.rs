//! Explains what a connection subscribes to, and how.

use super::{
    Line,
    words::{count, kept, sending, written},
};
use crate::config::units::format_duration;
use everwire_proto::settings::{
    ConnectionSettings,
    dialogue::{
        Asking, DeclaredSubscription, Dialogue, Route, SubscribeSettings, SubscriptionWords,
    },
};

/// How many keys are listed.
const NAMED: usize = 10;

pub(super) fn lines(settings: &ConnectionSettings) -> Vec<Line> {
    let Some(dialogue) = settings.dialogue.as_deref() else {
        return Vec::new();
    };
    let Some(subscribe) = dialogue.subscribe.as_deref() else {
        return Vec::new();
    };
    let SubscribeSettings {
        words,
        declared,
        max,
    } = subscribe;
    let max = max.get() as usize;
    let mut told = vec![match declared.len() {
        0 => format!("to what callers ask for, up to {}", count(max, "key")).into(),
        all => Line {
            text: format!(
                "to {} on each socket: {}",
                count(all, "key"),
                named(declared)
            ),
            details: vec![format!("callers may add others, up to {max} in all")],
        },
    }];
    let own: Vec<(&str, &SubscriptionWords)> = declared
        .iter()
        .filter_map(|one| Some((&*one.key, one.words.as_deref()?)))
        .collect();
    if own.len() < declared.len() || declared.is_empty() {
        told.extend(of_words("each", words, dialogue));
    }
    let shown = own.iter().take(NAMED);
    told.extend(shown.filter_map(|(key, words)| of_words(&written(key), words, dialogue)));
    if let Some(more @ 1..) = own.len().checked_sub(NAMED) {
        told.push(format!("{more} more have words of their own").into());
    }
    told
}

fn named(declared: &[std::sync::Arc<DeclaredSubscription>]) -> String {
    let keys = declared.iter().take(NAMED);
    let mut keys: Vec<String> = keys.map(|one| written(&one.key)).collect();
    if declared.len() > NAMED {
        keys.push("…".into());
    }
    keys.join(", ")
}

/// How `which` keys are asked for, and what follows; `None` if nothing asks for them.
fn of_words(which: &str, words: &SubscriptionWords, dialogue: &Dialogue) -> Option<Line> {
    let asks = asking(words.on.as_ref()?);
    let text = match words.batch.get() {
        1 => format!("{which}: {asks}"),
        batch => format!("up to {batch} at once: {asks}"),
    };
    let mut details = Vec::new();
    if let Some(condition) = &words.condition {
        let condition = written(condition.as_str());
        details.push(format!(
            "only if {condition}; what is left out counts as active"
        ));
    }
    let rates = words.rate.iter();
    let rates: Vec<&str> = rates.filter_map(|rate| rate.bucket.as_deref()).collect();
    if !rates.is_empty() {
        details.push(format!("waits for the rate {}", rates.join(" and ")));
    }
    let within = format_duration(words.within);
    details.push(match &words.ack {
        Some(ack) => {
            let ack = written(ack.as_str());
            format!("is active when {ack}, and unanswered when that has not come within {within}")
        }
        None if words.is_http() => {
            format!("is active once a status of 2xx has come, and unanswered after {within}")
        }
        None => "is active once it is written".into(),
    });
    if let Some(fail) = &words.fail {
        details.push(format!("is refused when {}", written(fail.as_str())));
    }
    if let Some(end) = &words.end {
        details.push(format!(
            "is ended by the server when {}",
            written(end.as_str())
        ));
    }
    details.extend(kept(&words.capture, &[], &dialogue.names));
    if let Some(Route { json, id, .. }) = &words.route {
        let pointers = words.own_pointers.as_deref().unwrap_or(&dialogue.pointers);
        let json = pointers.pointer(*json);
        let id = written(id.as_str());
        details.push(format!(
            "its messages have {id} at {json}, and carry its key"
        ));
    }
    details.push(match &words.off {
        Some(off) => format!("when nobody holds it any more: {}", asking(off)),
        None => "nothing is said when nobody holds it any more".into(),
    });
    Some(Line { text, details })
}

fn asking(asking: &Asking) -> String {
    match asking {
        Asking::Send(send) => format!("sends {}", sending(send)),
        Asking::Http(request) => {
            let url = written(request.url.as_str());
            format!("asks {} {url}", request.method)
        }
    }
}
