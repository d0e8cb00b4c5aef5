//! The addresses of a connection, and the proxies before them.

use everwire::config::masked;

use super::{connection, error, memory::Memory, settings};

#[test]
fn urls_are_tried_in_order_and_the_nearer_of_url_and_urls_counts() {
    let two = "urls = ['wss://a', 'wss://b']";
    let of = |text: &str| {
        let settings = settings(text);
        let urls = settings.connections["a"].urls();
        urls.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(of(&format!("connections.a.{two}")), ["wss://a", "wss://b"]);
    assert_eq!(
        of(&format!("defaults.url = 'wss://c'\nconnections.a.{two}")),
        ["wss://a", "wss://b"]
    );
    assert_eq!(
        of(&format!("defaults.{two}\nconnections.a.url = 'wss://c'")),
        ["wss://c"]
    );
    for (urls, expected) in [
        ("[]", "there are 0 URLs"),
        (
            "['wss://a', 'http://b']",
            "invalid WebSocket URL `http://b`",
        ),
        ("'wss://a'", "expected an array of URLs"),
        (
            "['wss://me:s3cret@a']",
            "invalid WebSocket URL `wss://***@a`",
        ),
    ] {
        let errors = Memory::default()
            .read(&format!("connections.a.urls = {urls}"))
            .unwrap_err();
        let text = errors.to_string();
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    let shown = masked(&settings(&format!("connections.a.{two}")).connections["a"]);
    assert_eq!(shown["urls"][1], "wss://b");
    assert!(shown["url"].is_null());
}

#[test]
fn a_proxy_is_a_url_the_environment_or_none() {
    let of = |text: &str| masked(&connection(text))["proxy"].clone();
    assert_eq!(of(""), "none");
    assert_eq!(of("proxy = 'none'"), "none");
    assert_eq!(of("proxy = 'socks5h://h:1080'"), "socks5h://h:1080");
    assert_eq!(of("proxy = 'http://me:s3cret@h:3128'"), "http://***@h:3128");
    assert!(!format!("{:?}", connection("proxy = 'http://me:s3cret@h:3128'")).contains("s3cret"));
    for (text, expected) in [
        (
            "proxy = 'ftp://me:s3cret@h'",
            "invalid proxy URL | its scheme must be",
        ),
        ("proxy = 'h:3128'", "invalid proxy URL"),
        ("proxy = 7", "expected a proxy's URL"),
    ] {
        let error = error(text);
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn the_environments_proxies_are_read_at_load() {
    let read = |url: &str, variables: &[(&str, &str)]| {
        let source = variables
            .iter()
            .fold(Memory::default(), |source, (name, value)| {
                source.with_variable(name, value)
            });
        source.read(&format!(
            "connections.a = {{ url = '{url}', proxy = 'env' }}"
        ))
    };
    let variables = [
        ("HTTPS_PROXY", "me:s3cret@h:3128"),
        ("no_proxy", "x.example"),
    ];
    let settings = read("wss://h", &variables).unwrap();
    let connection = &settings.connections["a"];
    assert_eq!(masked(connection)["proxy"], "env");
    assert!(!format!("{connection:?}").contains("s3cret"));
    let errors = read("wss://h", &[("ALL_PROXY", "socks4://me:s3cret@h")])
        .unwrap_err()
        .to_string();
    assert!(
        errors.contains("the environment variable ALL_PROXY"),
        "{errors}"
    );
    assert!(!errors.contains("s3cret"), "{errors}");
    // In a CGI program HTTP_PROXY comes from a request.
    assert!(read("ws://h", &[("HTTP_PROXY", "socks4://h")]).is_err());
    let cgi = [("HTTP_PROXY", "socks4://h"), ("REQUEST_METHOD", "GET")];
    assert!(read("ws://h", &cgi).is_ok());
}

/// Desktops set `ALL_PROXY=socks://…`, which is not a proxy URL, beside valid ones for each scheme.
#[test]
fn a_variable_that_names_no_proxy_concerns_only_what_would_go_through_it() {
    let read = |url: &str, variables: &[(&str, &str)]| {
        let mut source = Memory::default();
        for (name, value) in variables {
            source = source.with_variable(name, value);
        }
        source.read(&format!(
            "connections.a = {{ url = '{url}', proxy = 'env' }}"
        ))
    };
    let variables = [("all_proxy", "socks://h:1"), ("https_proxy", "http://h:1")];
    assert!(read("wss://h", &variables).is_ok());
    let errors = read("ws://h", &variables).unwrap_err().to_string();
    assert!(
        errors.contains("the environment variable all_proxy"),
        "{errors}"
    );
    let variables = [("HTTP_PROXY", "socks://h:1"), ("ALL_PROXY", "http://h:1")];
    assert!(read("wss://h", &variables).is_ok());
    assert!(read("ws://h", &variables).is_err());
}
