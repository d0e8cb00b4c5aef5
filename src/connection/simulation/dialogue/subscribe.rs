//! The subscription settings of a simulated name.

use std::{num::NonZeroU32, sync::Arc};

use super::Compiler;
use crate::{
    connection::simulation::keys::{KEYS, KeyMoods, KeyRate, OWN, Routing, name_of},
    core::JsonPointer,
    settings::{
        InvalidSubscription, RateSettings, SubscriptionWish,
        dialogue::{
            Asking, DeclaredSubscription, Dialogue, HttpRequest, Route, Sending, SubscribeSettings,
            SubscriptionItem, SubscriptionWords,
        },
    },
};

/// The URL of subscription calls.
const CALLED: &str = "https://peer.invalid/keys";

impl Compiler {
    pub(super) fn subscribe(&mut self, moods: &KeyMoods) -> SubscribeSettings {
        let [on, off] = match moods.over_http {
            true => ["sub", "unsub"].map(|op| Some(self.calls(op))),
            false => [
                r#"{"op":"sub","id":${id},"args":${items}}"#,
                r#"{"op":"unsub","id":${id},"args":${items}}"#,
            ]
            .map(|text| Some(self.asks(text))),
        };
        let fail = match (moods.over_http, moods.acks) {
            (true, _) => r#"contains(/nosub, key ~ ",")"#,
            (false, true) => "/id == id && /nosub == key",
            // An `end` counts even if it arrives late.
            (false, false) => "/nosub == key",
        };
        let ack = match moods.over_http {
            true => "/subbed",
            false => "/id == id && /subbed",
        };
        let words = SubscriptionWords {
            on,
            off,
            ack: moods.acks.then(|| self.condition(ack)),
            fail: moods.fails.then(|| self.condition(fail)),
            end: moods.ends.then(|| self.condition("/ended == key")),
            condition: match (moods.shuts, moods.continues) {
                (true, _) => Some(self.condition("key != shut")),
                (false, true) => Some(self.condition("!handover")),
                (false, false) => None,
            },
            within: moods.within,
            batch: positive(moods.batch),
            rate: moods.rate.iter().map(bucket).collect(),
            capture: match moods.routing {
                Routing::Number => vec![self.capture("sid", "/sid", false)],
                Routing::None | Routing::Name => Vec::new(),
            },
            route: self.route(moods.routing),
            ..SubscriptionWords::default()
        };
        let mut settings = SubscribeSettings::new(words);
        settings.max = positive(moods.max);
        let declared = (0..KEYS).filter(|key| moods.file[*key]);
        let item = |key| match moods.has_own && key == OWN {
            true => self.own(&settings.words),
            false => self.usual(&name_of(key)),
        };
        settings.declared = declared.map(item).map(Arc::new).collect();
        settings
    }

    /// A key whose item is the key, with the shared settings.
    fn usual(&mut self, key: &str) -> DeclaredSubscription {
        DeclaredSubscription {
            key: key.into(),
            item: SubscriptionItem::Text(self.template(key)),
            words: None,
        }
    }

    /// A key with its own settings, in addition to the shared ones.
    fn own(&mut self, usual: &SubscriptionWords) -> DeclaredSubscription {
        let key = name_of(OWN);
        let item = format!(r#"{{"key":"{key}","depth":5,"of":"${{name}}"}}"#);
        let fail = match usual.ack {
            Some(_) => "/id == id && /nosub == key",
            None => "/nosub == key",
        };
        let (acks, fails) = (usual.ack.is_some(), usual.fail.is_some());
        let words = SubscriptionWords {
            on: Some(self.asks(r#"{"op":"sub","id":${id},"what":${item}}"#)),
            off: Some(self.asks(r#"{"op":"unsub","id":${id},"what":${item}}"#)),
            ack: acks.then(|| self.condition("/id == id && /own/taken == key")),
            fail: fails.then(|| self.condition(fail)),
            ..usual.clone()
        };
        DeclaredSubscription {
            key: key.into(),
            item: SubscriptionItem::Json(self.template(&item)),
            words: Some(Arc::new(words)),
        }
    }

    fn asks(&mut self, text: &str) -> Asking {
        Asking::Send(Sending::Text(self.template(text)))
    }

    /// A call names the socket that the keys are for.
    fn calls(&mut self, op: &str) -> Asking {
        let body =
            format!(r#"{{"op":"{op}","id":${{id}},"nonce":"${{nonce}}","args":${{items}}}}"#);
        Asking::Http(HttpRequest {
            method: "POST",
            url: self.template(CALLED),
            headers: Vec::new(),
            body: Some(self.template(&body)),
        })
    }

    fn route(&mut self, routing: Routing) -> Option<Route> {
        let id = match routing {
            Routing::None => return None,
            Routing::Name => "${key}",
            Routing::Number => "${sid}",
        };
        let id = self.template(id);
        let json = JsonPointer::new("/s").expect("a pointer");
        Some(Route::new(&json, id, &mut self.pointers))
    }
}

fn bucket(rate: &KeyRate) -> RateSettings {
    RateSettings {
        bucket: Some("subscriptions".into()),
        burst: positive(rate.burst),
        ..RateSettings::new(positive(rate.messages), rate.per)
    }
}

fn positive(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

/// A caller's subscription to a running dialogue: with the settings for this key, or with those of
/// `wish`.
pub(in crate::connection::simulation) fn wanted(
    dialogue: &Dialogue,
    key: &str,
    wish: &SubscriptionWish,
) -> Result<Arc<DeclaredSubscription>, InvalidSubscription> {
    let settings = dialogue.subscribe.as_ref().expect("it subscribes");
    let declared = settings.declared.iter().find(|known| *known.key == *key);
    if let Some(declared) = declared {
        return Ok(Arc::clone(declared));
    }
    let mut compiler = Compiler {
        names: dialogue.names.clone(),
        pointers: dialogue.pointers.clone(),
        keeps: false,
    };
    if wish.words.is_empty() {
        return Ok(Arc::new(compiler.usual(key)));
    }
    let mut own = compiler.own(&settings.words);
    let pointers = Some(Box::new(compiler.pointers));
    own.words = own.words.map(|words| {
        Arc::new(SubscriptionWords {
            own_pointers: pointers,
            ..(*words).clone()
        })
    });
    Ok(Arc::new(own))
}
