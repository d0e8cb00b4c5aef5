//! Shortens the waits in settings: a rehearsal waits for each of them many times.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use everwire::{
    ConnectionSettings, Heartbeat, Reconnect,
    config::Template,
    dialogue::{
        DeclaredSubscription, Dialogue, Preparation, Prepare, ScriptStep, SharedPreparation,
        SubscribeSettings, SubscriptionWords, TemplateDuration,
    },
    language::{BuiltIn, Expression, MessageTemplate, Name},
};

/// The longest `within` of a step.
const WITHIN: Duration = Duration::from_secs(2);
/// The longest wait between dials.
const BACKOFF: Duration = Duration::from_millis(200);
/// The longest interval of a heartbeat.
const BEAT: Duration = Duration::from_millis(500);
/// The timeout of a heartbeat: long enough also for a busy machine.
const PONG: Duration = Duration::from_secs(2);
/// The longest `connect_timeout`.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest `close_timeout`.
const CLOSE: Duration = Duration::from_secs(2);
/// The longest delay of a rule.
const DELAY: Duration = Duration::from_millis(100);
/// `idle_timeout` if no run waits for it.
const IDLE: Duration = Duration::from_secs(10);
/// `idle_timeout` if a run waits for it.
const IDLE_AWAITED: Duration = Duration::from_secs(1);

/// The settings with short waits, and without rates. Waits that the peer names are short because
/// the peer sends short ones.
pub fn shortened(settings: &ConnectionSettings, waits_for_idle: bool) -> ConnectionSettings {
    let mut short = settings.clone();
    short.enabled = false;
    short.required = false;
    short.rotate_after = None;
    short.rate.clear();
    short.connect_timeout = short.connect_timeout.min(CONNECT);
    short.close_timeout = short.close_timeout.min(CLOSE);
    let idle = match waits_for_idle {
        true => IDLE_AWAITED,
        false => IDLE,
    };
    short.idle_timeout = short.idle_timeout.map(|_| idle);
    if let Reconnect::Backoff(backoff) = &mut short.reconnect {
        backoff.min = backoff.min.min(Duration::from_millis(10));
        backoff.initial = backoff.initial.min(Duration::from_millis(50));
        backoff.max = backoff.max.min(BACKOFF);
        backoff.stable_after = backoff.stable_after.min(BACKOFF);
    }
    match &mut short.heartbeat {
        Heartbeat::Off => {}
        Heartbeat::Protocol { interval, timeout }
        | Heartbeat::Text {
            interval, timeout, ..
        } => {
            *interval = (*interval).min(BEAT);
            *timeout = (*timeout).min(PONG);
        }
    }
    // A connection without a dialogue can be watched, too.
    let dialogue = settings.dialogue.clone().unwrap_or_default();
    short.dialogue = Some(Arc::new(of_dialogue(&dialogue)));
    short
}

fn of_dialogue(dialogue: &Dialogue) -> Dialogue {
    let mut short = dialogue.clone();
    let scripts = short.open_script.iter_mut().chain(&mut short.close_script);
    scripts.for_each(of_step);
    for periodic in &mut short.periodic {
        of_step(&mut periodic.step);
        if periodic.every.0.is_literal() {
            let second = MessageTemplate::from(Template::literal("1s"));
            periodic.every = TemplateDuration(second);
        }
    }
    for rule in &mut short.rules {
        if let Some(delay) = &mut rule.delay {
            delay.min = delay.min.min(DELAY);
            delay.max = delay.max.min(DELAY);
        }
    }
    short.subscribe = short
        .subscribe
        .map(|subscribe| Arc::new(of_subscriptions(&subscribe)));
    short.prepare = short.prepare.map(|prepare| match prepare {
        Prepare::Own(preparation) => Prepare::Own(Arc::new(of_preparation(&preparation))),
        Prepare::Shared(shared) => Prepare::Shared(Arc::new(SharedPreparation {
            preparation: Arc::new(of_preparation(&shared.preparation)),
            ..SharedPreparation::clone(&shared)
        })),
    });
    short
}

/// Whether an answer has a result for each key: the peer makes no message that has one for all keys
/// of a batch.
fn decides_by_key(words: &SubscriptionWords) -> bool {
    let expressions = [&words.ack, &words.fail].into_iter().flatten();
    let mut reads = expressions.flat_map(Expression::reads);
    reads.any(|read| matches!(read.name, Name::BuiltIn(BuiltIn::Key | BuiltIn::Item)))
}

fn of_subscriptions(subscribe: &SubscribeSettings) -> SubscribeSettings {
    let short = |words: &SubscriptionWords| {
        Arc::new(SubscriptionWords {
            within: words.within.min(WITHIN),
            rate: Vec::new(),
            batch: match decides_by_key(words) {
                true => NonZeroU32::MIN,
                false => words.batch,
            },
            ..words.clone()
        })
    };
    let mut all = subscribe.clone();
    all.words = short(&all.words);
    for declared in &mut all.declared {
        if let Some(words) = &declared.words {
            let words = Some(short(words));
            *declared = Arc::new(DeclaredSubscription {
                words,
                ..DeclaredSubscription::clone(declared)
            });
        }
    }
    all
}

fn of_step(step: &mut ScriptStep) {
    step.within = step.within.min(WITHIN);
    step.rate.clear();
}

fn of_preparation(preparation: &Preparation) -> Preparation {
    let mut short = preparation.clone();
    for step in &mut short.steps {
        step.within = step.within.min(WITHIN);
    }
    short
}
