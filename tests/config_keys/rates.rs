//! Rates and their buckets.

use std::{num::NonZeroU32, slice, time::Duration};

use everwire::config::{RateSettings, masked};

use super::{connection, memory::Memory, s, settings};

#[test]
fn a_rate_is_a_table_a_bucket_or_unlimited() {
    let five = NonZeroU32::new(5).unwrap();
    let own = RateSettings::new(five, s(1));
    assert_eq!(connection("").rate, []);
    assert_eq!(connection("rate = 'unlimited'").rate, []);
    assert_eq!(
        connection("rate = { messages = 5 }").rate,
        slice::from_ref(&own)
    );
    let mut bursty = RateSettings::new(five, Duration::from_millis(1));
    bursty.burst = NonZeroU32::new(3).unwrap();
    bursty.control = true;
    let keys = "rate = { messages = 5, per = '1ms', burst = 3, control = true }";
    assert_eq!(connection(keys).rate, slice::from_ref(&bursty));
    assert_eq!(
        masked(&connection(keys))["rate"],
        serde_json::json!({ "messages": 5, "per": "1ms", "burst": 3, "control": true })
    );

    let of = |keys: &str| {
        let text = format!(
            "[rates]\nsite = {{ messages = 5, per = '1ms', burst = 3, control = true }}\n\
             [defaults]\nrate = {{ messages = 5 }}\n\
             [connections.a]\nurl = 'wss://h'\n{keys}\n[connections.b]\nurl = 'wss://h'\nrate = 'site'"
        );
        let settings = settings(&text);
        let [a, b] = ["a", "b"].map(|name| settings.connections[name].clone());
        (a.rate.clone(), b.rate, masked(&a)["rate"].clone())
    };
    assert_eq!(of("").0, [own]);
    assert_eq!(of("rate = 'unlimited'").0, []);
    let per = of("rate.per = '2s'").0;
    assert_eq!(per, [RateSettings::new(five, s(2))], "tables merge");
    let (a, b, masked) = of("rate = 'site'");
    bursty.bucket = Some("site".into());
    assert_eq!(
        (&a[..], &b[..]),
        (slice::from_ref(&bursty), slice::from_ref(&bursty))
    );
    assert_eq!(masked, "site");
    let key = |rates: Vec<RateSettings>| rates[0].bucket.clone().unwrap();
    assert!(
        std::sync::Arc::ptr_eq(&key(a), &key(b)),
        "the key is shared"
    );
}

#[test]
fn a_rate_of_several_buckets_holds_each_of_them_once() {
    let read = |rate: &str| {
        let text = format!(
            "[rates]\nfast = {{ messages = 5 }}\nslow = {{ messages = 100, per = '1h' }}\n\
             [connections.a]\nurl = 'wss://h'\nrate = {rate}"
        );
        Memory::default().read(&text)
    };
    let several = read("['slow', 'fast']").unwrap().connections["a"].clone();
    let keys = |rates: &[RateSettings]| -> Vec<String> {
        let keys = rates.iter().map(|rate| rate.bucket.as_deref());
        keys.map(|key| key.unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&several.rate), ["slow", "fast"]);
    assert_eq!(
        masked(&several)["rate"],
        serde_json::json!(["slow", "fast"])
    );
    assert_eq!(
        keys(&read("['slow']").unwrap().connections["a"].rate),
        ["slow"]
    );
    for (rate, expected) in [
        (
            "[]",
            "6:8 the list of rates is empty | write the keys of buckets: rate = [\"site\"]",
        ),
        (
            "['fast', 'slw']",
            "6:17 unknown rate `slw` | did you mean \"slow\"? the rates are fast, slow",
        ),
        (
            "['fast', 'fast']",
            "6:17 the rate `fast` is listed twice | remove it: a message counts once",
        ),
        (
            "['fast', 'unlimited']",
            "6:17 unknown rate `unlimited` | did you mean \"unlimited\"? the rates are fast, slow",
        ),
        (
            "['a','b','c','d','e','f','g','h','i']",
            "6:41 there are 9 rates | a message waits for at most 8 at once",
        ),
        (
            "['fast', 5]",
            "6:17 expected a string, found the integer 5 | ",
        ),
    ] {
        let errors = read(rate).unwrap_err();
        let told = errors.iter().map(|error| {
            let help = error.help.as_deref().unwrap_or_default();
            format!("{}:{} {} | {help}", error.line, error.column, error.message)
        });
        assert_eq!(told.collect::<Vec<_>>(), [expected], "{rate}");
    }
}

#[test]
fn a_bucket_is_checked_whether_or_not_it_is_used() {
    let errors = |text: &str| {
        let errors = Memory::default().read(text).unwrap_err();
        let told = errors.iter().map(|error| {
            let help = error.help.as_deref().unwrap_or_default();
            format!("{}:{} {} | {help}", error.line, error.column, error.message)
        });
        told.collect::<Vec<_>>()
    };
    let broken = "rates.a = { per = '1s' }\nconnections.x = { url = 'wss://h', rate = 'a' }";
    let told = errors(broken);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("1:7 the rate has no `messages` | "),
        "{told:?}"
    );
    for broken in [
        "connections.x = { url = 'wss://h', rate.messages = 0 }",
        "connections.x = { url = 'wss://h', sequence.json = 'a' }",
    ] {
        assert_eq!(
            errors(broken).len(),
            1,
            "what is wrong is not missing too: {broken}"
        );
    }
    let told = errors("rates.unlimited = { messages = 1 }");
    assert!(
        told[0].contains("invalid rate name `unlimited`"),
        "{told:?}"
    );
    let told = errors(
        "rates.binance = { messages = 1 }\nrates.okx = { messages = 1 }\n\
         connections.x = { url = 'wss://h', rate = 'binanse' }\nconnections.y = { url = 'wss://h', rate = 'x' }",
    );
    assert_eq!(
        told,
        [
            "3:43 unknown rate `binanse` | did you mean \"binance\"? the rates are binance, okx",
            "4:43 unknown rate `x` | write [rates.x], or a table; the rates are binance, okx",
        ]
    );
}
