//! The runs of a name: each fault at each place where it is possible.

use everwire::{
    Heartbeat, Reconnect,
    config::GiveUpRule,
    dialogue::{Dialogue, DialogueRule, ScriptStep, SubscriptionWords, Trigger},
};

use super::{
    fault::{Fault, Junk, Place, What},
    stage::Subject,
};

/// All runs of a name. The first is the run as written.
pub fn of(subject: &Subject) -> Vec<Fault> {
    let dialogue = &subject.dialogue;
    let mut faults = vec![Fault::new(Place::Whole, What::AsWritten)];
    if let Some(prepare) = &dialogue.prepare {
        for (at, step) in prepare.preparation().steps.iter().enumerate() {
            let place = Place::Prepare(at);
            let mut whats = vec![
                What::CutBefore,
                What::CutWithin,
                What::Silence,
                What::Refusal,
            ];
            whats.extend(step.give_up.as_ref().map(|_| What::GiveUp));
            faults.extend(whats.into_iter().map(|what| Fault::new(place, what)));
        }
    }
    let refused = [
        What::CutBefore,
        What::Silence,
        What::Status(503),
        What::Status(401),
    ];
    let given = of_give_up(subject).filter_map(|rule| match rule {
        GiveUpRule::Status(range) => Some(What::Status(*range.start())),
        GiveUpRule::Close(_) | GiveUpRule::Cause(_) => None,
    });
    let refused = refused.into_iter().chain(given);
    faults.extend(refused.map(|what| Fault::new(Place::Upgrade, what)));
    for (at, step) in dialogue.open_script.iter().enumerate() {
        faults.extend(of_step(Place::Open(at), step));
    }
    faults.extend(of_subscriptions(&subject.dialogue));
    faults.extend(of_socket(subject));
    for (at, rule) in dialogue.rules.iter().enumerate() {
        faults.extend(of_rule(rule).map(|what| Fault::new(Place::Rule(at), what)));
    }
    if !matches!(subject.settings.heartbeat, Heartbeat::Off) {
        faults.push(Fault::new(Place::Pong, What::Silence));
    }
    for (at, periodic) in dialogue.periodic.iter().enumerate() {
        faults.extend(of_step(Place::Periodic(at), &periodic.step));
    }
    for (at, step) in dialogue.close_script.iter().enumerate() {
        let faulty = of_step(Place::Close(at), step);
        faults.extend(faulty.filter(|fault| fault.what != What::CutBehind));
    }
    let mut unique = Vec::with_capacity(faults.len());
    for fault in faults {
        if !unique.contains(&fault) {
            unique.push(fault);
        }
    }
    unique
}

/// The faults of a step. A periodic step or a step of the close script may never run if it has an
/// `if`.
fn of_step(place: Place, step: &ScriptStep) -> impl Iterator<Item = Fault> {
    let may_be_left_out = !matches!(place, Place::Open(_)) && step.condition.is_some();
    let whats = match may_be_left_out {
        true => Vec::new(),
        false if step.call.is_some() => of_call(step),
        false => of_message(step),
    };
    whats.into_iter().map(move |what| Fault::new(place, what))
}

fn of_message(step: &ScriptStep) -> Vec<What> {
    let mut whats = vec![What::CutBefore];
    if step.expect.is_some() {
        whats.extend([What::CutWithin, What::Silence]);
        whats.push(What::Junk(Junk::NoJson));
    }
    whats.push(What::CutBehind);
    whats.extend(step.fail.as_ref().map(|_| What::Refusal));
    whats.extend(step.give_up.as_ref().map(|_| What::GiveUp));
    let again = step.again.as_ref().filter(|_| step.send.is_some());
    whats.extend(again.map(|_| What::Again));
    whats
}

/// The connection that ends is that of the call.
fn of_call(step: &ScriptStep) -> Vec<What> {
    let mut whats = vec![
        What::CutBefore,
        What::CutWithin,
        What::Silence,
        What::Refusal,
    ];
    whats.extend(step.give_up.as_ref().map(|_| What::GiveUp));
    whats.extend(step.again.as_ref().map(|_| What::Again));
    whats
}

/// The faults of subscriptions. A refusal or a missing answer ends nothing.
fn of_subscriptions(dialogue: &Dialogue) -> impl Iterator<Item = Fault> {
    let mut whats = Vec::new();
    if let Some(words) = first_words(dialogue) {
        whats.push(What::CutBefore);
        if words.ack.is_some() || words.is_http() {
            whats.extend([What::CutWithin, What::Silence]);
        }
        if !words.is_http() {
            whats.extend([What::CutBehind, What::Junk(Junk::NoJson)]);
        }
        if words.fail.is_some() || words.is_http() {
            whats.push(What::Refusal);
        }
    }
    let place = Place::Subscribe;
    whats.into_iter().map(move |what| Fault::new(place, what))
}

/// The messages of the first key that the settings subscribe to.
fn first_words(dialogue: &Dialogue) -> Option<&SubscriptionWords> {
    let subscribe = dialogue.subscribe.as_deref()?;
    let first = subscribe.declared.first()?;
    let words = first.words.as_ref().unwrap_or(&subscribe.words);
    words.on.as_ref().map(|_| &**words)
}

/// The faults of a socket in use.
fn of_socket(subject: &Subject) -> impl Iterator<Item = Fault> {
    let settings = &subject.settings;
    let mut whats = vec![
        What::CutBehind,
        What::Closed(1001),
        What::Closed(1011),
        What::Rotation,
        What::Junk(Junk::NoJson),
        What::Junk(Junk::Deep),
        What::Junk(Junk::Bytes),
        What::Junk(Junk::Long),
    ];
    // A rehearsal sends nothing longer than this.
    if settings.max_message < 32 << 20 {
        whats.push(What::Junk(Junk::TooLong));
    }
    if settings.idle_timeout.is_some() || subject.dialogue.idle_timeout.is_some() {
        whats.push(What::Silence);
    }
    let given = of_give_up(subject).filter_map(|rule| match rule {
        GiveUpRule::Close(range) => closable(*range.start()),
        GiveUpRule::Status(_) | GiveUpRule::Cause(_) => None,
    });
    whats.extend(given.map(What::Closed));
    whats
        .into_iter()
        .map(|what| Fault::new(Place::Message, what))
}

fn of_rule(rule: &DialogueRule) -> impl Iterator<Item = What> {
    let whats: Vec<What> = match &rule.trigger {
        Trigger::Message(_) => vec![What::Said],
        Trigger::Loss(losses) => losses
            .iter()
            .filter_map(|loss| match loss {
                GiveUpRule::Close(range) => closable(*range.start()),
                GiveUpRule::Status(_) | GiveUpRule::Cause(_) => None,
            })
            .map(What::Closed)
            .collect(),
    };
    whats.into_iter()
}

fn of_give_up(subject: &Subject) -> impl Iterator<Item = &GiveUpRule> {
    let rules = match &subject.settings.reconnect {
        Reconnect::Never => &[][..],
        Reconnect::Backoff(backoff) => &backoff.give_up_on,
    };
    rules.iter()
}

/// A code that is allowed in a close frame (RFC 6455 §7.4).
fn closable(code: u16) -> Option<u16> {
    let reserved = matches!(code, 1004..=1006 | 1015..=2999);
    ((1000..5000).contains(&code) && !reserved).then_some(code)
}
