//! The keys of a connection as JSON, as they arrive over an API.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;

use everwire::config::{ConnectionSettings, DialPolicy, Inherited, InvalidJson};
use memory::Memory;

fn errors(inherited: &Inherited, json: &str) -> Vec<(String, String)> {
    match inherited.connection(json.as_bytes(), &DialPolicy::Any) {
        Err(InvalidJson::Keys { errors, omitted: 0 }) => errors
            .into_iter()
            .map(|error| (error.pointer, error.message))
            .collect(),
        other => panic!("{json}: {other:?}"),
    }
}

#[test]
fn json_and_toml_give_the_same_settings() {
    let json = r#"{
        "url": "wss://example.com", "tags": ["a", "b"], "enabled": false, "idle_timeout": "1m",
        "headers": {"X-One": "1"}, "heartbeat": "none", "reconnect": {"factor": 3, "max": "1m"},
        "outbox": {"messages": 7}, "compression": true, "on_open": ["hi", {"base64": "AAE="}]
    }"#;
    let toml = "tags = ['a', 'b']\nenabled = false\nidle_timeout = '1m'\nheaders = { X-One = '1' }\nheartbeat = 'none'\n\
                reconnect = { factor = 3, max = '1m' }\noutbox.messages = 7\ncompression = true\non_open = ['hi', { base64 = 'AAE=' }]";
    let settings = Inherited::default()
        .connection(json.as_bytes(), &DialPolicy::Any)
        .unwrap();
    assert_eq!(settings, Memory::default().connection(toml).unwrap());
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_a_pointer() {
    let json = r#"{"url": "http://x", "hearbeat": {}, "outbox": {"messages": 0}, "on_open": ["ok", 7],
                   "headers": {"a/b~c": "1", "X": "a\r\nb"}, "close_code": 1005}"#;
    let told = errors(&Inherited::default(), json);
    let pointers: Vec<_> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/url",
            "/hearbeat",
            "/outbox/messages",
            "/on_open/1",
            "/headers/a~1b~0c",
            "/headers/X",
            "/close_code"
        ]
    );
    assert!(told[5].1.contains("control character"), "{}", told[5].1);
    assert_eq!(
        errors(&Inherited::default(), "{}"),
        [(String::new(), "the connection has no url".to_owned())]
    );
    assert_eq!(errors(&Inherited::default(), "[]")[0].0, "");
}

#[test]
fn nothing_of_the_process_can_be_reached_over_the_api() {
    for (keys, pointer) in [
        (r#""headers": {"X": "${HOME}"}"#, "/headers/X"),
        (r#""headers": {"X": "${file:/etc/passwd}"}"#, "/headers/X"),
        (r#""on_open": ["${file:a}"]"#, "/on_open/0"),
        (
            r#""basic_auth": {"user": "a", "password": "${PW}"}"#,
            "/basic_auth/password",
        ),
        (r#""proxy": "env""#, "/proxy"),
        (r#""proxy": "http://${HOST}:1""#, "/proxy"),
        (r#""tls": {"ca_file": "/ca.pem"}"#, "/tls/ca_file"),
        (
            r#""tls": {"cert_file": "c", "key_file": "k"}"#,
            "/tls/cert_file",
        ),
    ] {
        let json = format!(r#"{{"url": "wss://example.com", {keys}}}"#);
        let told = errors(&Inherited::default(), &json);
        assert_eq!(told[0].0, pointer, "{told:?}");
        assert!(told[0].1.contains("not allowed over the API"), "{told:?}");
    }
}

#[test]
fn what_is_no_json_is_told_with_its_line_and_column() {
    for (json, line, column, part) in [
        ("{\n  \"url\": }", 2, 10, "expected value"),
        (
            r#"{"url": "a", "url": "b"}"#,
            1,
            18,
            "`url` is written twice",
        ),
        (r#"{"group": null}"#, 1, 14, "null"),
        (r#"{"x": 18446744073709551615}"#, 1, 26, "64 bits"),
        ("{} {}", 1, 4, "trailing"),
        ("", 1, 1, "EOF"),
        (&"[".repeat(1000), 1, 128, "recursion"),
    ] {
        match Inherited::default().connection(json.as_bytes(), &DialPolicy::Any) {
            Err(InvalidJson::Syntax {
                line: told_line,
                column: told_column,
                reason,
            }) => {
                assert!(reason.contains(part), "{json}: {reason}");
                assert_eq!((told_line, told_column), (line, column), "{json}");
            }
            other => panic!("{json}: {other:?}"),
        }
    }
}

#[test]
fn the_file_is_inherited_but_for_what_may_be_secret() {
    let text = "[defaults]\nidle_timeout = '1m'\nurl = 'wss://own.example'\nheaders = { A = 's3cret' }\non_open = ['s3cret']\n\
                basic_auth = { user = 'a', password = 's3cret' }\n\
                tls = { ca_file = 'ca.pem', cert_file = 'c.pem', key_file = 'k.pem' }\n\
                [groups.g]\nrate = 'slow'\ntags = ['g']\nheaders = { B = 's3cret' }\n[rates.slow]\nmessages = 1\n";
    let inherited = Memory::default().read(text).unwrap().inherited;
    let settings = inherited
        .connection(
            br#"{"url": "wss://example.com", "group": "g"}"#,
            &DialPolicy::Any,
        )
        .unwrap();
    let mut expected = ConnectionSettings::new("wss://example.com").unwrap();
    expected.group = Some("g".into());
    expected.tags = vec!["g".into()];
    expected.idle_timeout = Some(std::time::Duration::from_secs(60));
    expected.tls.ca_file = Some("ca.pem".into());
    expected.rate = settings.rate.clone();
    assert!(!settings.rate.is_empty());
    assert_eq!(settings, expected);
    assert_eq!(errors(&inherited, "{}")[0].1, "the connection has no url");
    let told = errors(&inherited, r#"{"url": "wss://example.com", "group": "h"}"#);
    assert_eq!(told, [("/group".into(), "unknown group `h`".into())]);
}

#[test]
fn a_url_that_may_never_be_dialled_is_refused() {
    let policy = DialPolicy::Urls(["wss://*.example.com".parse().unwrap()].into());
    let read = |json: &str| Inherited::default().connection(json.as_bytes(), &policy);
    let settings = read(r#"{"url": "wss://a.example.com/x"}"#).unwrap();
    assert_eq!(
        (settings.dial_policy, settings.proxy_policy),
        (policy.clone(), DialPolicy::Any)
    );
    let with_proxy = read(r#"{"url": "wss://a.example.com/x", "proxy": "http://a.example.com:1"}"#);
    assert_eq!(with_proxy.unwrap().proxy_policy, policy);
    for (json, pointer) in [
        (r#"{"url": "wss://example.org/x"}"#, "/url"),
        (
            r#"{"urls": ["wss://a.example.com", "ws://a.example.com"]}"#,
            "/urls",
        ),
    ] {
        match read(json) {
            Err(InvalidJson::Keys { errors, .. }) => {
                assert_eq!(errors[0].pointer, pointer);
                assert!(
                    errors[0].message.contains("must not be dialled"),
                    "{errors:?}"
                );
            }
            other => panic!("{json}: {other:?}"),
        }
    }
    // Only a dial can find this fault.
    assert!(read(r#"{"url": "wss://${secret:host}/x"}"#).is_ok());
}
