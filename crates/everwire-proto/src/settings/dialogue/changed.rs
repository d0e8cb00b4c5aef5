//! The keys that differ between two dialogues, as written in settings.
//!
//! A compiled dialogue numbers its captures and pointers, so one more of them shifts others.
//! Therefore the written forms are compared: expressions and templates as text, captures by name.

use super::{
    Capture, DeclaredSubscription, Dialogue, DialogueRule, PeriodicStep, Prepare, PrepareStep,
    RequestSettings, ScriptStep, SubscriptionWords,
};
use crate::language::{Lets, Name, Names};

impl Dialogue {
    /// The keys whose values differ, in the order of the settings. If both are written alike, and
    /// only the value of an environment variable differs, the result is `dialogue`.
    ///
    /// ```
    /// use everwire_proto::settings::dialogue::Dialogue;
    ///
    /// let old = Dialogue { first_id: 1, ..Dialogue::default() };
    /// let new = Dialogue { first_id: 1_000_000, ..old.clone() };
    /// assert_eq!(old.changed_keys(&new), ["ids"]);
    /// assert!(old.changed_keys(&old).is_empty());
    /// ```
    pub fn changed_keys(&self, new: &Self) -> Vec<&'static str> {
        if self == new {
            return Vec::new();
        }
        let both = self.written().into_iter().zip(new.written());
        let changed = both.filter(|((_, old), (_, new))| old != new);
        let keys: Vec<&'static str> = changed.map(|((key, _), _)| key).collect();
        match keys.is_empty() {
            true => vec!["dialogue"],
            false => keys,
        }
    }

    /// The written form of each key.
    fn written(&self) -> [(&'static str, String); 18] {
        // A new key must define its written form here.
        let Self {
            names,
            pointers: _,
            lets,
            captures,
            prepare,
            dial,
            open_script,
            periodic,
            close_script,
            rules,
            request,
            subscribe,
            heartbeat,
            idle_timeout,
            first_id,
            peer_urls,
            needles: _,
            hears_all: _,
        } = self;
        [
            ("let", all(named(lets, names), |it| format!("{it:?}"))),
            ("capture", all(captures, |it| capture(it, names))),
            (
                "prepare",
                prepare.as_ref().map_or_else(String::new, preparation),
            ),
            ("urls", format!("{:?}", dial.urls)),
            ("headers", format!("{:?}", dial.headers)),
            ("subprotocols", format!("{:?}", dial.subprotocols)),
            ("basic_auth", format!("{:?}", (&dial.user, &dial.password))),
            ("open_script", all(open_script, |it| step(it, names))),
            ("periodic", all(periodic, |it| periodic_step(it, names))),
            ("close_script", all(close_script, |it| step(it, names))),
            ("rules", all(rules, |it| rule(it, names))),
            ("request", all(request, self::request)),
            (
                "subscribe",
                all(subscribe, |it| {
                    format!("{} {}", it.max, words(&it.words, names))
                }),
            ),
            (
                "subscriptions",
                all(subscribe.iter().flat_map(|it| &it.declared), |it| {
                    subscription(it, names)
                }),
            ),
            ("heartbeat", format!("{heartbeat:?}")),
            ("idle_timeout", format!("{idle_timeout:?}")),
            ("ids", first_id.to_string()),
            ("service.allow_urls", format!("{peer_urls:?}")),
        ]
    }
}

fn all<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T) -> String) -> String {
    let mut written = String::new();
    for item in items {
        written.push_str(&write(item));
        written.push('\n');
    }
    written
}

/// The `let`s with their names.
fn named<'a>(lets: &'a Lets, names: &'a Names) -> impl Iterator<Item = impl std::fmt::Debug + 'a> {
    names.lets().zip(lets.iter())
}

fn capture(it: &Capture, names: &Names) -> String {
    let Capture {
        name,
        value,
        when,
        secret,
        keep,
    } = it;
    let name = names.text(Name::Capture(*name));
    format!("{name} {value:?} {when:?} {secret} {keep}")
}

fn subscription(it: &DeclaredSubscription, names: &Names) -> String {
    let DeclaredSubscription {
        key,
        item,
        words: own,
    } = it;
    let own = own.iter().map(|own| words(own, names));
    format!("{key:?} {item:?} {}", own.collect::<String>())
}

fn words(it: &SubscriptionWords, names: &Names) -> String {
    let SubscriptionWords {
        on,
        off,
        ack,
        fail,
        end,
        condition,
        within,
        batch,
        rate,
        capture: captures,
        route,
        own_pointers: _,
    } = it;
    let route = route.as_ref().map(|route| (&route.need, &route.id));
    let captures = all(captures, |it| capture(it, names));
    let answers = format!("{ack:?} {fail:?} {end:?} {condition:?} {within:?}");
    format!("{on:?} {off:?} {answers} {batch} {rate:?} {captures} {route:?}")
}

fn capture_names<'n>(of: &[u16], names: &'n Names) -> Vec<&'n str> {
    of.iter().map(|at| names.text(Name::Capture(*at))).collect()
}

fn step(it: &ScriptStep, names: &Names) -> String {
    let ScriptStep {
        send,
        call,
        expect,
        count,
        fail,
        give_up,
        within,
        capture: captures,
        clear,
        condition,
        again,
        rate,
        // It follows from what the other keys read.
        reads_prepared: _,
    } = it;
    let captures = all(captures, |it| capture(it, names));
    let clear = capture_names(clear, names);
    let expected = (expect, count, fail, give_up, within);
    let said = (send, call);
    format!("{said:?} {expected:?} {captures} {clear:?} {condition:?} {again:?} {rate:?}")
}

fn periodic_step(it: &PeriodicStep, names: &Names) -> String {
    let PeriodicStep { step, every, idle } = it;
    format!("{every:?} {idle} {}", self::step(step, names))
}

fn rule(it: &DialogueRule, names: &Names) -> String {
    let DialogueRule {
        trigger,
        send,
        after,
        deliver,
        capture: captures,
        clear,
        action,
        url,
        delay,
    } = it;
    let captures = all(captures, |it| capture(it, names));
    let clear = capture_names(clear, names);
    let done = (action, url, delay);
    format!("{trigger:?} {send:?} {after:?} {deliver} {captures} {clear:?} {done:?}")
}

/// Its other pointers follow from `answer` and `id`.
fn request(it: &RequestSettings) -> String {
    let asked = (&it.id, &it.answer, &it.fail);
    format!("{asked:?} {:?} {}", it.within, it.in_flight)
}

fn preparation(it: &Prepare) -> String {
    let shared = match it {
        Prepare::Own(_) => None,
        Prepare::Shared(shared) => Some((&shared.key, shared.keep, shared.per_node)),
    };
    let preparation = it.preparation();
    let names = &preparation.names;
    let steps = all(&preparation.steps, |it| prepare_step(it, names));
    let lets = match shared {
        Some(_) => all(named(&preparation.lets, names), |it| format!("{it:?}")),
        // They are the dialogue's.
        None => String::new(),
    };
    format!("{shared:?} {steps} {lets}")
}

fn prepare_step(it: &PrepareStep, names: &Names) -> String {
    let PrepareStep {
        call,
        expect,
        fail,
        give_up,
        within,
        capture: captures,
        clear,
        condition,
    } = it;
    let captures = all(captures, |it| capture(it, names));
    let clear = capture_names(clear, names);
    let expected = (expect, fail, give_up, within);
    format!("{call:?} {expected:?} {captures} {clear:?} {condition:?}")
}
