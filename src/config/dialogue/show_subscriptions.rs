//! Shows `subscribe` and `subscriptions` in the notation of a file.

use serde_json::{Value as Json, json};

use super::show::{Keys, put, put_written, show_captures, show_request, show_sending};
use crate::config::{keys::show_rates, units::format_duration, values::escaped};
use everwire_proto::settings::{
    ConnectionSettings,
    dialogue::{
        Asking, DeclaredSubscription, Dialogue, Route, SubscribeSettings, SubscriptionItem,
        SubscriptionWords,
    },
};

/// Adds the keys of subscriptions to those of the connection.
pub(in crate::config) fn show_subscriptions(settings: &ConnectionSettings, keys: &mut Keys) {
    let dialogue = settings.dialogue.as_deref();
    let subscribing =
        dialogue.and_then(|dialogue| Some((dialogue, dialogue.subscribe.as_deref()?)));
    let Some((dialogue, subscribe)) = subscribing else {
        keys.insert("subscriptions".into(), json!([]));
        return;
    };
    let SubscribeSettings {
        words,
        declared,
        max,
    } = subscribe;
    let mut shown = show_words(words, dialogue);
    put(&mut shown, "batch", Some(words.batch.get()));
    put(&mut shown, "max", Some(max.get()));
    keys.insert("subscribe".into(), shown.into());
    let texts: Option<Vec<&str>> = declared.iter().map(|one| as_text(one)).collect();
    let shown: Json = match texts {
        Some(texts) => texts.into(),
        None => {
            let declared = declared.iter();
            let declared: Keys = declared
                .map(|one| (one.key.to_string(), show_declared(one, dialogue)))
                .collect();
            declared.into()
        }
    };
    keys.insert("subscriptions".into(), shown);
}

/// The text for a list, if the subscription's key is its item.
fn as_text(declared: &DeclaredSubscription) -> Option<&str> {
    let (SubscriptionItem::Text(text), None) = (&declared.item, &declared.words) else {
        return None;
    };
    (text.as_str() == &*declared.key && !text.as_str().contains("$${")).then(|| text.as_str())
}

fn show_declared(declared: &DeclaredSubscription, dialogue: &Dialogue) -> Json {
    let DeclaredSubscription {
        key: _,
        item,
        words,
    } = declared;
    let item = match item {
        SubscriptionItem::Text(text) => match text.is_literal() {
            // An item that is its key is not a template.
            true if text.as_str() == &*declared.key => escaped(text.as_str()).into(),
            _ => text.as_str().into(),
        },
        SubscriptionItem::Json(json) => json.as_json().unwrap_or_else(|| json.as_str().into()),
    };
    match words {
        None if !item.is_object() => item,
        None => json!({ "item": item }),
        Some(words) => {
            let mut keys = show_words(words, dialogue);
            keys.insert("item".into(), item);
            keys.into()
        }
    }
}

fn show_words(words: &SubscriptionWords, dialogue: &Dialogue) -> Keys {
    let SubscriptionWords {
        on,
        off,
        ack,
        fail,
        end,
        condition,
        within,
        // It cannot be set for one key.
        batch: _,
        rate,
        capture,
        route,
        own_pointers,
    } = words;
    let mut keys = Keys::new();
    put_written(&mut keys, "if", condition.as_ref());
    put(&mut keys, "on", on.as_ref().map(show_asking));
    put(&mut keys, "off", off.as_ref().map(show_asking));
    put_written(&mut keys, "ack", ack.as_ref());
    put_written(&mut keys, "fail", fail.as_ref());
    put_written(&mut keys, "end", end.as_ref());
    put(&mut keys, "within", Some(format_duration(*within)));
    put(
        &mut keys,
        "rate",
        (!rate.is_empty()).then(|| show_rates(rate)),
    );
    if !capture.is_empty() {
        keys.insert("capture".into(), show_captures(capture, &dialogue.names));
    }
    if let Some(Route { json, need: _, id }) = route {
        let pointers = own_pointers.as_deref().unwrap_or(&dialogue.pointers);
        let json = escaped(&pointers.pointer(*json).to_string());
        put(
            &mut keys,
            "route",
            Some(json!({ "json": json, "id": id.as_str() })),
        );
    }
    keys
}

fn show_asking(asking: &Asking) -> Json {
    match asking {
        Asking::Send(sending) => show_sending(sending),
        Asking::Http(request) => json!({ "http": show_request(request) }),
    }
}
