//! Rules of `give_up_on` that are accepted and never match.
//!
//! Reported: `check` calls `close:1005` and `close:1006` valid, the status shows those codes, and the name is dialled on and on.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use everwire::{
    ConnectionSettings, EventKind, Pattern, Settings,
    config::{DialPolicy, GiveUpRule, Heartbeat, Part, Proxy, ProxyUrl, Resend, Template},
    core::{Cause, Rule},
    memory::MemoryUse,
};
use everwire_proto::{
    decode::{Decoding, Stage},
    settings::dialogue::Dialogue,
};

use crate::support::{Foreign, PrivateCa, Server, TestDir, rig::*};

/// The result of `check` for these keys of a connection.
fn check(keys: &str) -> Result<Settings, String> {
    let text = format!("[connections.feed]\nurl = 'ws://h/'\n{keys}\n");
    Settings::from_toml(&text).map_err(|wrong| wrong.to_string())
}

fn rules(rules: &[&str]) -> String {
    format!("reconnect = {{ give_up_on = {rules:?} }}")
}

#[test]
fn a_rule_that_can_never_match_is_refused_with_its_reason() {
    for (rule, why) in [
        ("close:1004", "no peer may send"),
        ("close:1015", "no peer may send"),
        ("close:1016", "no peer may send"),
        ("close:1016-2999", "no peer may send"),
        ("status:101", "interim"),
        ("status:100-199", "interim"),
        ("cause:store", "the causes are"),
    ] {
        let text = check(&rules(&[rule])).expect_err(rule);
        assert!(text.contains(rule) && text.contains(why), "{rule}: {text}");
    }
    for (rule, keys, why) in [
        ("cause:idle_timeout", "", "idle_timeout is off"),
        (
            "cause:idle_timeout",
            "idle_timeout = '0s'",
            "idle_timeout is off",
        ),
        (
            "cause:pong_timeout",
            "heartbeat = 'none'",
            "the heartbeat is off",
        ),
        (
            "cause:write_timeout",
            "heartbeat = 'none'",
            "the heartbeat is off",
        ),
        ("cause:proxy", "", "there is no proxy"),
    ] {
        let text = check(&format!("{keys}\n{}", rules(&[rule]))).expect_err(rule);
        assert!(text.contains(rule) && text.contains(why), "{rule}: {text}");
    }
}

#[test]
fn a_rule_that_can_match_is_accepted() {
    let all = [
        "close:1005",
        "close:1006",
        "close:1000-1015",
        "close:1004-1007",
        "close:4999",
        "status:100-200",
        "status:407",
        "cause:panic",
    ];
    check(&rules(&all)).unwrap();
    check(&format!(
        "idle_timeout = '1m'\n{}",
        rules(&["cause:idle_timeout"])
    ))
    .unwrap();
    // Inherited rules are for other connections, too.
    let inherited = "[defaults]\nreconnect = { give_up_on = ['cause:idle_timeout', 'cause:proxy'] }\n\
                     [connections.feed]\nurl = 'ws://h/'\n";
    Settings::from_toml(inherited).unwrap();
}

/// Opens a name that gives up on this rule, and waits until it has. Returns the cause and the
/// number of dials.
async fn gives_up(
    rig: &mut Rig,
    path: &str,
    rule: &GiveUpRule,
    change: impl FnOnce(&mut ConnectionSettings),
) -> Cause {
    let told = rule.clone();
    let _feed = rig.open_with(path, |settings| {
        change(settings);
        with_backoff(settings, |backoff| backoff.give_up_on = vec![rule.clone()]);
    });
    let failed = rig.watch.failed().await;
    assert_eq!(failed.rule, Rule::GiveUpOn(told));
    failed.cause
}

fn beats(interval: Duration, timeout: Duration) -> Heartbeat {
    Heartbeat::Protocol { interval, timeout }
}

#[tokio::test]
async fn close_1005_matches_a_close_frame_without_a_code() {
    let mut rig = Rig::new();
    let rule = GiveUpRule::Close(1005..=1005);
    let cause = gives_up(&mut rig, "/close-empty", &rule, |_| {}).await;
    assert_eq!(cause.kind(), "closed");
    assert_eq!(rig.peer.accepted(), 1);
}

#[tokio::test]
async fn close_1006_matches_each_end_without_a_close_frame() {
    let rule = GiveUpRule::Close(1006..=1006);
    for (path, kind) in [("/drop?how=fin", "eof"), ("/drop?how=reset", "reset")] {
        let mut rig = Rig::new();
        let cause = gives_up(&mut rig, path, &rule, |_| {}).await;
        assert_eq!(cause.kind(), kind);
        let feed = rig.manager.find("feed").unwrap();
        let last = feed.status().await.unwrap().last_close.unwrap();
        assert_eq!(last.code, 1006);
    }
    let mut rig = Rig::new();
    let silent = |settings: &mut ConnectionSettings| settings.heartbeat = beats(ms(20), ms(100));
    let cause = gives_up(&mut rig, "/silent", &rule, silent).await;
    assert_eq!(cause.kind(), "pong_timeout");
}

#[tokio::test]
async fn close_1006_does_not_match_a_dial_that_came_to_nothing_nor_a_close_with_a_code() {
    for path in [
        "/hang-up?how=reset",
        "/hang-up?how=fin",
        "/status/500",
        "/close?code=1011",
    ] {
        let mut rig = Rig::new();
        rig.open_with(path, |settings| {
            with_backoff(settings, |backoff| {
                backoff.give_up_on = vec![GiveUpRule::Close(1006..=1006)];
            });
        });
        assert_eq!(rig.watch.retrying().await.rule, Rule::Backoff, "{path}");
    }
}

/// Answers "host unreachable" to all requests (RFC 1928 §6).
fn socks_proxy_without_a_way() -> Proxy {
    use std::io::{Read as _, Write as _};

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _set = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let mut asked = [0; 64];
            let _hello = stream.read(&mut asked);
            let _none = stream.write_all(&[5, 0]);
            let _request = stream.read(&mut asked);
            let _gone = stream.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]);
            let _end = stream.read(&mut asked);
        }
    });
    proxy(port)
}

fn proxy(port: u16) -> Proxy {
    Proxy::Url(ProxyUrl::new(&format!("socks5://127.0.0.1:{port}")).unwrap())
}

/// The path on which the peer causes this, if the peer is the cause.
fn path_to(kind: &str) -> &'static str {
    match kind {
        "handshake_status" => "/status/500",
        "handshake_invalid" => "/wrong-accept",
        "subprotocol" => "/echo?subprotocol=unasked",
        "extension" => "/echo?extension=permessage-deflate",
        "closed" => "/close?code=4000",
        "eof" => "/drop?how=fin",
        "reset" => "/drop?how=reset",
        "pong_timeout" | "write_timeout" | "idle_timeout" => "/silent",
        "fence_timeout" => "/feed?every=20ms&pongs=ignore",
        "protocol" => "/raw?hex=8300",
        // Half of a message.
        "memory" => "/raw?hex=82040001",
        "connect_timeout" => "/never",
        _ => "/echo",
    }
}

/// The settings with which it happens.
fn provoke(kind: &str, settings: &mut ConnectionSettings, dir: &TestDir, tls: &Server) {
    let hour = Duration::from_secs(3600);
    match kind {
        "secret_missing" => {
            let file = Template::from_parts([Part::File(dir.path().join("none"))]);
            settings.headers = vec![("X-Key".into(), file.into())];
        }
        "invalid_request" => settings.headers = vec![("X-Key".into(), "a\nb".into())],
        "forbidden" => settings.dial_policy = DialPolicy::PublicOnly,
        // A label that is too long fails before any DNS query.
        "dns" => settings.url = format!("ws://{}/", "n".repeat(64)).as_str().into(),
        "proxy" => settings.proxy = Some(proxy(1)),
        "refused" => settings.url = "ws://127.0.0.1:1/".into(),
        "unreachable" => settings.proxy = Some(socks_proxy_without_a_way()),
        "connect_timeout" => settings.connect_timeout = ms(50),
        // A documentation address, which no machine has.
        "tcp" => settings.source_address = Some("192.0.2.1".parse().unwrap()),
        "tls_certificate" => settings.url = tls.tls_url("/echo").as_str().into(),
        "tls" => settings.url = tls.url("/echo").replace("ws://", "wss://").as_str().into(),
        "pong_timeout" => settings.heartbeat = beats(ms(20), ms(100)),
        "fence_timeout" => {
            settings.heartbeat = beats(ms(50), ms(300));
            settings.outbox.resend = Resend::InDoubt;
        }
        "write_timeout" => settings.heartbeat = beats(hour, ms(100)),
        "idle_timeout" => settings.idle_timeout = Some(ms(50)),
        "decode" => settings.decode = Decoding::new(vec![Stage::Gzip]).ok(),
        // The peer echoes.
        "script_refused" => {
            let script = r#"open_script = [{ send = '{"no":1}', expect = "/yes", fail = "/no" }]"#;
            settings.dialogue = dialogue(script);
        }
        "prepare" => {
            settings.dialogue = dialogue(r#"prepare = [{ exec = ["false"] }]"#);
        }
        "script_timeout" => {
            let script = r#"open_script = [{ expect = "/yes", within = "100ms" }]"#;
            settings.dialogue = dialogue(script);
        }
        "rule" => {
            let rule = r#"open_script = [{ send = '{"op":"bye"}' }], rules = [{ when = '/op == "bye"', do = "reconnect" }]"#;
            settings.dialogue = dialogue(rule);
        }
        "template" => {
            let script =
                r#"open_script = [{ send = '{"seq":${seq}}' }], capture = { seq = "/seq" }"#;
            settings.dialogue = dialogue(script);
        }
        _ => {}
    }
}

/// The dialogue of a connection with these keys.
fn dialogue(keys: &str) -> Option<Arc<Dialogue>> {
    let text = format!("connections.a = {{ url = 'ws://h', {keys} }}");
    let settings = Settings::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}"));
    settings.connections["a"].dialogue.clone()
}

/// The messages that are sent to make it happen.
fn messages(kind: &str) -> Vec<Vec<u8>> {
    match kind {
        // More than both kernels hold.
        "write_timeout" => vec![vec![7; 12 << 20]; 4],
        "fence_timeout" => vec![b"does this arrive?".to_vec()],
        "decode" => vec![b"no gzip".to_vec()],
        _ => Vec::new(),
    }
}

/// Each kind that a rule may name, with a way to cause it. A kind without one fails the test.
#[tokio::test]
async fn each_cause_that_a_rule_may_name_can_happen_and_is_matched() {
    let dir = TestDir::new("rules");
    let ca = PrivateCa::new(dir.path());
    let tls = Foreign::Python.start(Some(&ca));
    for kind in Cause::KINDS {
        let mut rig = Rig::new();
        let panics = kind == "panic";
        let _guard = rig.manager.on_event(Pattern::all(), move |update| {
            let is_asked_for = panics && update.kind() == Some(&EventKind::Ready);
            assert!(!is_asked_for, "a panic that was asked for");
        });
        let mut others = rig.manager.charge(MemoryUse::Bodies);
        if kind == "memory" {
            others.set(rig.manager.memory_usage().limit);
        }
        let rule = GiveUpRule::Cause(kind);
        let feed = rig.open_with(path_to(kind), |settings| {
            settings.outbox.bytes = 64 << 20;
            provoke(kind, settings, &dir, &tls);
            with_backoff(settings, |backoff| backoff.give_up_on = vec![rule.clone()]);
        });
        for message in messages(kind) {
            feed.send(message).unwrap();
        }
        let failed = rig.watch.failed().await;
        let told = (failed.cause.kind(), failed.rule);
        assert_eq!(told, (kind, Rule::GiveUpOn(rule)));
    }
}
