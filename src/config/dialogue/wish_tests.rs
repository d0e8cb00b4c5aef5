//! The possible subscriptions of callers on an open connection.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::compile_subscription;
use crate::settings::{Settings, SubscriptionWish};
use everwire_proto::settings::dialogue::{Asking, DeclaredSubscription, Dialogue};

/// A name of the operator, with a secret.
const FEED: &str = r#"
[service]
allow_urls = ["http://127.0.0.1:8080"]
[connections.a]
url = "wss://example.com"
let = { signed = '${hash("sha256", token)}' }
prepare = [{ http = { url = "https://api.example/start" } }]
open_script = [{ expect = '/ok', capture = { token = { value = "/token", secret = true } } }]
rules = [{ when = '/op == "x"' }]
subscribe = { on = '{"sub":${item},"id":${id}}', off = '{"end":"${sub}"}', ack = '/id == id', fail = '/id == id && exists(/error)', capture = { sub = "/sub" } }
[connections.a.subscriptions]
orders = { item = { channel = "orders", token = "${token}" } }
door = { on = '{"door":1}' }
"#;

fn dialogue(toml: &str) -> Arc<Dialogue> {
    let settings = Settings::from_toml(toml).unwrap();
    settings.connections["a"].dialogue.clone().unwrap()
}

fn compile(key: &str, body: Json) -> Result<Arc<DeclaredSubscription>, String> {
    let wish = SubscriptionWish::from_json(&body).unwrap();
    compile_subscription(&dialogue(FEED), key, &wish).map_err(|error| error.to_string())
}

fn item(key: &str, body: Json) -> String {
    let compiled = compile(key, body).unwrap();
    assert_eq!(*compiled.key, *key);
    compiled.item.as_written()
}

#[test]
fn a_wish_is_a_key_an_item_or_a_long_form() {
    assert_eq!(item("trades", json!({})), "\"trades\"");
    assert_eq!(item("${x}", json!({})), "\"${x}\"");
    assert_eq!(item("k", json!({ "item": "t.${token}" })), "\"t.${token}\"");
    let value =
        json!({ "a": [1, 2.5, true, null, "x ${key}"], "b": { "c": -9007199254740993_i64 } });
    let text = value.to_string();
    assert_eq!(item("k", json!({ "item": value })), text);
    assert!(compile("k", json!({ "item": 1 })).unwrap().words.is_none());

    let long = json!({ "item": "x", "on": "{\"x\":${item},\"t\":\"${signed}\"}", "within": "3s", "if": "!handover" });
    let compiled = compile("k", long).unwrap();
    let words = compiled.words.as_ref().unwrap();
    let settings = dialogue(FEED);
    let usual = &settings.subscribe.as_ref().unwrap().words;
    assert_eq!((words.within.as_secs(), &words.ack), (3, &usual.ack));
    assert_ne!(words.on, usual.on);
    // Only pointers of the dialogue: its pass over a message serves this, too. Otherwise they have
    // separate slots.
    assert_eq!(words.own_pointers, None);
    let ended = compile("k", json!({ "end": "/never/seen == key" })).unwrap();
    let own = ended.words.as_ref().unwrap().own_pointers.clone().unwrap();
    assert!(own.is_in_line_with(&settings.pointers) && *own != settings.pointers);
}

#[test]
fn a_key_of_the_settings_is_what_they_say_of_it() {
    let declared = |key: &str| {
        let settings = dialogue(FEED);
        let subscribe = settings.subscribe.clone().unwrap();
        let mut all = subscribe.declared.iter();
        all.find(|one| *one.key == *key).unwrap().clone()
    };
    assert_eq!(compile("orders", json!({})).unwrap(), declared("orders"));
    assert_eq!(compile("door", json!({})).unwrap(), declared("door"));
    // Its members may have any order.
    let same = json!({ "item": { "token": "${token}", "channel": "orders" } });
    assert_eq!(compile("orders", same).unwrap(), declared("orders"));
    let other = json!({ "item": { "channel": "orders" } });
    assert_ne!(compile("orders", other).unwrap(), declared("orders"));
    assert_eq!(
        compile("door", json!({ "item": "door" })).unwrap(),
        declared("door")
    );
}

#[test]
fn what_is_wrong_is_told_with_what_would_be_right() {
    let mut wrong = Vec::new();
    for (body, expected) in [
        (
            json!({ "item": "${KEY}" }),
            "`${KEY}` is not allowed over the API at /item (PUT the value to /v1/secrets/ID, and write ${secret:ID})",
        ),
        (
            json!({ "item": ["${file:x}"] }),
            "`${file:x}` is not allowed over the API at /item/0 (PUT the value to /v1/secrets/ID, and write ${secret:ID})",
        ),
        (
            json!({ "item": { "a": "${secret:x}" } }),
            "`${secret:x}` is not allowed here: it is read at a dial at /item (bring it in with `let` of the settings, and write its name)",
        ),
        (
            json!({ "on": "${secret:x} ${id}" }),
            "`${secret:x}` is not allowed here: it is read at a dial at /on (bring it in with `let` of the settings, and write its name)",
        ),
        (
            json!({ "item": "${tokn}" }),
            "unknown name `tokn` at /item (did you mean `token`?)",
        ),
        (
            json!({ "item": "${sub}" }),
            "`sub` is read before any step sets it at /item (capture it in a step before this one, write `default(sub, …)`, or give the step an `if`)",
        ),
        (
            json!({ "item": 18446744073709551615_u64 }),
            "invalid number at /item: it does not fit into 64 bits; write it as a text",
        ),
        (
            json!({ "item": "x".repeat(65_537) }),
            "the item has 65537 bytes at /item (at most 64KiB are allowed)",
        ),
        (
            json!({ "ack": "/x = 1" }),
            "invalid operator `=` at /ack (write `==` to compare)",
        ),
        (
            json!({ "ack": "/x == KEY" }),
            "the environment variable `KEY` is not allowed over the API at /ack (PUT the value to /v1/secrets/ID, and bring it in with `let`: ${secret:ID})",
        ),
        (
            json!({ "onn": "x" }),
            "unknown key `onn` at /onn (did you mean `on`? the keys here are item, on, off, ack, fail, end, within, if, rate, capture, route)",
        ),
        (
            json!({ "query": "x" }),
            "unknown key `query`: a table is the long form at /query (an item that is a table stands under `item`: { item = { … } })",
        ),
        (
            json!({ "max": 5 }),
            "`max` cannot be set for one key at /max (write it in `subscribe`)",
        ),
        (
            json!({ "on": null }),
            r#"expected a text, { text = "…" }, { base64 = "…" }, { bytes = "…" } or { http = { url = "https://…" } }, found null at /on"#,
        ),
        (
            json!({ "rate": "site" }),
            "`rate` is not allowed over the API at /rate (leave it out: the rate of `subscribe` holds)",
        ),
        (
            json!({ "capture": { "other": "/x" } }),
            "unknown capture `other` at /capture/other (`subscribe.capture` of the settings has `sub`)",
        ),
        (
            json!({ "on": { "http": { "url": "https://evil.example/?${token}" } } }),
            "https://evil.example must not be called: the settings do not call it at /on (service.allow_urls has the patterns of URLs that may be called besides)",
        ),
        (
            json!({ "on": { "http": { "url": "http://127.0.0.1:8080/x", "method": "POST", "body": "${signed}" } } }),
            "an HTTP request to http://127.0.0.1:8080 must not read `signed` at /on (captures are sent only to servers that the settings name)",
        ),
        (
            json!({ "on": { "http": { "url": "http://127.0.0.1:9180/" } } }),
            "http://127.0.0.1:9180 must not be called: the settings do not call it at /on (service.allow_urls has the patterns of URLs that may be called besides)",
        ),
        (
            json!({ "off": { "http": { "url": "http://10.0.0.1/${key}" } } }),
            "http://10.0.0.1 must not be called: the settings do not call it at /off (service.allow_urls has the patterns of URLs that may be called besides)",
        ),
        (
            json!({ "on": { "http": { "url": "https://api.example.${key}/x" } } }),
            "the host of this URL is not fixed at /on (write the host itself, without ${…}: url = \"https://host/path?${key}\")",
        ),
        (
            json!({ "on": { "http": { "url": "https://${key}/x" } } }),
            "the host of this URL is not fixed at /on (write the host itself, without ${…}: url = \"https://host/path?${key}\")",
        ),
        (
            json!({ "on": { "http": { "url": "https://api.example@evil.example/x" } } }),
            "https://evil.example must not be called: the settings do not call it at /on (service.allow_urls has the patterns of URLs that may be called besides); invalid URL `https://api.example@evil.example/x` at /on/http/url (it holds credentials; write a header Authorization instead)",
        ),
        (
            json!({ "on": { "http": { "url": "http://api.example/x?${token}" } } }),
            "http://api.example must not be called: the settings do not call it at /on (service.allow_urls has the patterns of URLs that may be called besides)",
        ),
    ] {
        let told = match compile("k", body.clone()) {
            Ok(compiled) => format!("accepted: {compiled:?}"),
            Err(told) => told,
        };
        if told != expected {
            wrong.push(format!(
                "{}\n  {told}",
                body.to_string().chars().take(200).collect::<String>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let long = compile(&"k".repeat(1025), json!({})).unwrap_err();
    assert!(long.starts_with("the key has 1025 bytes"), "{long}");
}

#[test]
fn a_request_goes_where_the_operator_lets_it() {
    for url in [
        "https://api.example/x?${item}&t=${token}",
        "http://127.0.0.1:8080/x",
    ] {
        let compiled = compile("k", json!({ "on": { "http": { "url": url } } })).unwrap();
        let words = compiled.words.as_ref().unwrap();
        assert!(matches!(&words.on, Some(Asking::Http(_))), "{url}");
    }
}

#[test]
fn without_subscribe_a_wish_says_itself_what_asks_for_it() {
    let plain = dialogue("[connections.a]\nurl = 'wss://h'\nsubscriptions.x = { on = 'X' }");
    let compile = |body: Json| {
        let wish = SubscriptionWish::from_json(&body).unwrap();
        compile_subscription(&plain, "k", &wish).map_err(|error| error.to_string())
    };
    assert!(compile(json!({ "on": "SUB ${key}" })).is_ok());
    let told = compile(json!({})).unwrap_err();
    assert!(
        told.starts_with("nothing asks for the subscription `k`"),
        "{told}"
    );
    let silent = dialogue("[connections.a]\nurl = 'wss://h'\ncapture = { x = '/x' }");
    let told = compile_subscription(&silent, "k", &SubscriptionWish::default());
    assert_eq!(
        told.unwrap_err().to_string(),
        "the settings have no `subscribe`: write subscribe = { on = '…' }"
    );
}
