//! How a name of a life subscribes.

use std::{num::NonZeroU32, sync::Arc};

use super::Compiler;
use crate::{
    connection::simulation::keys::{KEYS, KeyMoods, KeyRate, Routing, name_of},
    core::JsonPointer,
    settings::{
        RateSettings,
        dialogue::{
            Asking, DeclaredSubscription, Route, Sending, SubscribeSettings, SubscriptionItem,
            SubscriptionWords,
        },
    },
};

impl Compiler {
    pub(super) fn subscribe(&mut self, moods: &KeyMoods) -> SubscribeSettings {
        let says =
            |text: &str, this: &mut Self| Some(Asking::Send(Sending::Text(this.template(text))));
        let words = SubscriptionWords {
            on: says(r#"{"op":"sub","id":${id},"args":${items}}"#, self),
            off: says(r#"{"op":"unsub","id":${id},"args":${items}}"#, self),
            ack: moods.acks.then(|| self.condition("/id == id && /subbed")),
            fail: match (moods.fails, moods.acks) {
                (false, _) => None,
                (true, true) => Some(self.condition("/id == id && /nosub == key")),
                // However late that comes, it counts.
                (true, false) => Some(self.condition("/nosub == key")),
            },
            end: moods.ends.then(|| self.condition("/ended == key")),
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
        let item = |key| {
            let name = name_of(key);
            Arc::new(DeclaredSubscription {
                item: SubscriptionItem::Text(self.template(&name)),
                key: name.into(),
                words: None,
            })
        };
        settings.declared = declared.map(item).collect();
        settings
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
