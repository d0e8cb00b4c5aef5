//! What each key of a configuration accepts, and what it becomes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, slice, time::Duration};

use everwire::Pattern;
use everwire::config::masked;
use everwire::config::{
    AuthEncoding, Backoff, Compression, ConnectionSettings, Fsync, GiveUpRule, Heartbeat, Jitter,
    LogFormat, LogLevel, Opening, Rate, RateSettings, Reconnect, Resend, Scope, SequenceSettings,
    Settings, WhenFull,
};
use everwire::core::JsonPointer;
use everwire::wire::deflate::{Level, WindowBits};
use memory::Memory;

fn connection(keys: &str) -> ConnectionSettings {
    Memory::default()
        .connection(keys)
        .unwrap_or_else(|errors| panic!("{keys}\n{errors}"))
}

/// The first error of a connection with these keys: message and help.
fn error(keys: &str) -> String {
    let errors = match Memory::default().connection(keys) {
        Ok(_) => panic!("accepted: {keys}"),
        Err(errors) => errors,
    };
    let first = errors.iter().next().unwrap();
    format!(
        "{} | {}",
        first.message,
        first.help.as_deref().unwrap_or_default()
    )
}

fn settings(text: &str) -> Settings {
    Memory::default()
        .read(text)
        .unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

fn backoff(keys: &str) -> Backoff {
    match connection(keys).reconnect {
        Reconnect::Backoff(backoff) => backoff,
        Reconnect::Never => panic!("never"),
    }
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn an_empty_text_gives_the_defaults() {
    assert_eq!(settings(""), Settings::default());
    assert_eq!(settings("schema_version = 1"), Settings::default());
    assert_eq!(
        connection(""),
        ConnectionSettings::new("wss://example.com").unwrap()
    );
}

#[test]
fn each_key_of_a_connection_is_read() {
    assert!(!connection("enabled = false").enabled);
    assert_eq!(connection("tags = ['a', 'b']").tags, ["a", "b"]);
    assert_eq!(
        connection("subprotocols = ['v2', 'v1']").subprotocols,
        ["v2", "v1"]
    );
    assert_eq!(
        connection("source_address = '::1'").source_address,
        Some("::1".parse().unwrap())
    );
    assert_eq!(connection("connect_timeout = '3s'").connect_timeout, s(3));
    assert_eq!(connection("close_timeout = '1m30s'").close_timeout, s(90));
    assert_eq!(
        connection("idle_timeout = '1h'").idle_timeout,
        Some(s(3600))
    );
    assert_eq!(connection("idle_timeout = '0s'").idle_timeout, None);
    assert_eq!(connection("close_code = 4000").close_code, 4000);
    assert_eq!(connection("max_message = '64KiB'").max_message, 65536);
    assert_eq!(connection("max_frame = 1000").max_frame, 1000);
    assert_eq!(
        connection("tls = { ca_file = 'ca.pem' }").tls.ca_file,
        Some(PathBuf::from("ca.pem"))
    );
    let tls = connection(
        "tls = { cert_file = 'c.pem', key_file = 'k.pem', server_name = '::1', insecure = true }",
    )
    .tls;
    assert_eq!(tls.cert_file, Some(PathBuf::from("c.pem")));
    assert_eq!(tls.key_file, Some(PathBuf::from("k.pem")));
    assert_eq!(tls.server_name.as_deref(), Some("::1"));
    assert!(tls.insecure);
}

#[test]
fn each_key_of_the_outbox_is_read() {
    let outbox = connection(
        "outbox = { messages = 5, bytes = '1kB', when_full = 'drop_oldest', ttl = '2s' }",
    )
    .outbox;
    assert_eq!((outbox.messages, outbox.bytes), (5, 1000));
    assert_eq!(
        (outbox.when_full, outbox.ttl),
        (WhenFull::DropOldest, Some(s(2)))
    );
    assert_eq!(connection("outbox.ttl = '0s'").outbox.ttl, None);
    assert!(!outbox.keeps());
    let durable = connection("outbox = { durable = true, fsync = 'interval' }").outbox;
    assert!(durable.durable && durable.keeps());
    assert_eq!(
        (durable.fsync, durable.resend),
        (Fsync::Interval, Resend::Never)
    );
    let resent = connection("outbox.resend = 'in_doubt'").outbox;
    assert!(!resent.durable && resent.keeps());
    assert_eq!(
        (resent.fsync, resent.resend),
        (Fsync::Always, Resend::InDoubt)
    );
}

#[test]
fn each_key_of_the_history_is_read() {
    let history = connection("history = { messages = 7, bytes = '2KiB', durable = true }").history;
    assert_eq!(
        (history.messages, history.bytes, history.durable),
        (7, 2048, true)
    );
    // Nothing is kept unless it is asked for.
    let history = connection("").history;
    assert_eq!((history.messages, history.bytes), (0, 256 << 10));
}

#[test]
fn a_rotation_takes_at_least_a_second_or_is_off() {
    assert_eq!(connection("").rotate_after, None);
    assert_eq!(connection("rotate_after = '0s'").rotate_after, None);
    assert_eq!(connection("rotate_after = '1s'").rotate_after, Some(s(1)));
    assert_eq!(
        connection("rotate_after = '23h30m'").rotate_after,
        Some(s(84_600))
    );
}

#[test]
fn a_sequence_is_a_table_of_pointers_or_none() {
    let pointer = |text: &str| JsonPointer::new(text).unwrap();
    let plain = SequenceSettings::new(pointer("/data/t"));
    let mut of_streams = plain.clone();
    of_streams.by = Some(pointer("/a~1b/0"));
    assert_eq!(connection("").sequence, None);
    assert_eq!(connection("sequence = 'none'").sequence, None);
    assert_eq!(
        connection("sequence.json = '/data/t'").sequence,
        Some(plain.clone())
    );
    let keys = "sequence = { json = '/data/t', by = '/a~1b/0' }";
    assert_eq!(connection(keys).sequence, Some(of_streams.clone()));
    assert_eq!(
        masked(&connection(keys))["sequence"],
        serde_json::json!({ "json": "/data/t", "by": "/a~1b/0" })
    );

    let layered = |keys: &str| {
        let inherited = "defaults.sequence = { json = '/data/t', by = '/a~1b/0' }";
        let text = format!("{inherited}\n[connections.a]\nurl = 'wss://h'\n{keys}");
        settings(&text).connections["a"].sequence.clone()
    };
    assert_eq!(layered(""), Some(of_streams));
    assert_eq!(layered("sequence.by = ''"), Some(plain));
    assert_eq!(layered("sequence = 'none'"), None);
}

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
            "6:17 there is no rate `slw` | did you mean \"slow\"? the rates are fast, slow",
        ),
        (
            "['fast', 'fast']",
            "6:17 the rate `fast` stands here twice | remove it: a message counts once",
        ),
        (
            "['fast', 'unlimited']",
            "6:17 there is no rate `unlimited` | did you mean \"unlimited\"? the rates are fast, slow",
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
        told[0].contains("`unlimited` is no name of a rate"),
        "{told:?}"
    );
    let told = errors(
        "rates.binance = { messages = 1 }\nrates.okx = { messages = 1 }\n\
         connections.x = { url = 'wss://h', rate = 'binanse' }\nconnections.y = { url = 'wss://h', rate = 'x' }",
    );
    assert_eq!(
        told,
        [
            "3:43 there is no rate `binanse` | did you mean \"binance\"? the rates are binance, okx",
            "4:43 there is no rate `x` | write [rates.x], or a table; the rates are binance, okx",
        ]
    );
}

#[test]
fn what_is_kept_until_it_is_confirmed_needs_a_heartbeat_that_confirms() {
    for heartbeat in ["'protocol'", "{}", "{ kind = 'text', fence = true }"] {
        let keys =
            format!("heartbeat = {heartbeat}\noutbox = {{ durable = true, resend = 'in_doubt' }}");
        let settings = connection(&keys);
        assert!(settings.heartbeat.can_fence() && settings.outbox.keeps());
    }
    for heartbeat in ["'none'", "'text'", "{ kind = 'text', fence = false }"] {
        let keys = format!("heartbeat = {heartbeat}\n");
        assert!(!connection(&keys).heartbeat.can_fence());
        for (outbox, column) in [("durable = true", 22), ("resend = 'in_doubt'", 21)] {
            let errors = Memory::default()
                .connection(&format!("{keys}outbox = {{ {outbox} }}"))
                .unwrap_err();
            assert_eq!(errors.count(), 1, "{errors}");
            let error = errors.iter().next().unwrap();
            assert_eq!((error.line, error.column), (4, column), "{error}");
            assert_eq!(error.related.as_ref().map(|related| related.line), Some(3));
            assert!(
                error.message.contains("which this heartbeat never does"),
                "{error}"
            );
        }
        assert!(
            !connection(&format!(
                "{keys}outbox = {{ durable = false, resend = 'never' }}"
            ))
            .outbox
            .keeps()
        );
    }
    let text = "[defaults]\nurl = 'wss://h'\noutbox.durable = true\n\
                [connections]\na.heartbeat = 'none'\nb.heartbeat = 'text'\nc = {}";
    let errors = Memory::default().read(text).unwrap_err();
    let heartbeats = errors
        .iter()
        .map(|error| error.related.as_ref().unwrap().line);
    assert_eq!(
        heartbeats.collect::<Vec<_>>(),
        [5, 6],
        "each heartbeat is told"
    );
}

#[test]
fn a_heartbeat_is_a_table_or_only_its_kind() {
    let protocol = |interval, timeout| Heartbeat::Protocol { interval, timeout };
    assert_eq!(
        connection("heartbeat = 'protocol'").heartbeat,
        protocol(s(10), s(20))
    );
    assert_eq!(
        connection("heartbeat.interval = '1s'").heartbeat,
        protocol(s(1), s(20))
    );
    assert_eq!(
        connection("heartbeat = { kind = 'protocol', timeout = '5s' }").heartbeat,
        protocol(s(10), s(5))
    );
    assert_eq!(connection("heartbeat = 'none'").heartbeat, Heartbeat::Off);
    assert_eq!(
        connection("heartbeat = { kind = 'none' }").heartbeat,
        Heartbeat::Off
    );
    let text = |ping: &str, pong: &str, fence, deliver| Heartbeat::Text {
        interval: s(10),
        timeout: s(20),
        ping: ping.into(),
        pong: pong.into(),
        fence,
        deliver,
    };
    assert_eq!(
        connection("heartbeat = 'text'").heartbeat,
        text("ping", "pong", false, false)
    );
    assert_eq!(
        connection(
            "heartbeat = { kind = 'text', ping = '{\"a\":1}', pong = '$${x}', deliver = true }"
        )
        .heartbeat,
        text("{\"a\":1}", "${x}", false, true)
    );
    assert_eq!(
        connection("heartbeat = { kind = 'text', fence = true }").heartbeat,
        text("ping", "pong", true, false)
    );
}

#[test]
fn a_reconnect_is_a_table_or_never() {
    assert_eq!(
        connection("reconnect = 'never'").reconnect,
        Reconnect::Never
    );
    assert_eq!(
        connection("reconnect = {}").reconnect,
        Reconnect::Backoff(Backoff::default())
    );
    let backoff = backoff(
        "reconnect = { min = '0s', initial = '1s', max = '2s', factor = 3, jitter = 'none', stable_after = '0s', \
         max_attempts = 7, give_up_on = ['status:401', 'close:4010-4014', 'cause:refused'] }",
    );
    assert_eq!(
        (backoff.min, backoff.initial, backoff.max),
        (s(0), s(1), s(2))
    );
    assert_eq!((backoff.factor, backoff.jitter), (3.0, Jitter::None));
    assert_eq!(
        (backoff.stable_after, backoff.max_attempts),
        (s(0), NonZeroU32::new(7))
    );
    assert_eq!(
        backoff.give_up_on,
        [
            GiveUpRule::Status(401..=401),
            GiveUpRule::Close(4010..=4014),
            GiveUpRule::Cause("refused")
        ]
    );
}

#[test]
fn headers_keep_their_order_and_their_case() {
    let headers =
        connection("headers = { X-B = '2', host = 'other.example.com', x-a = '' , X-C = 'ä' }")
            .headers;
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["X-B", "host", "X-C"]);
}

#[test]
fn on_open_takes_texts_and_bytes() {
    let messages = connection("on_open = ['a $${b}', { text = '' }, { base64 = 'AAEC' }]").on_open;
    let expected = [
        Opening::Text("a ${b}".into()),
        Opening::Text(everwire::config::Template::default()),
        Opening::Binary(bytes::Bytes::from_static(&[0, 1, 2])),
    ];
    assert_eq!(messages, expected);
}

#[test]
fn each_key_of_the_service_is_read() {
    let service = settings(
        "[service]\nlisten = '[::1]:1'\nworkers = 3\nstate_dir = 'x'\ndrain_timeout = '0s'\nmax_handshakes = 1\n\
         dial_rate = '300/5m'\nlog = { level = 'debug', format = 'json', messages = true }\n\
         [service.hosts.'Example.com:443']\ndial_rate = '1/s'\nmax_handshakes = 2",
    )
    .service;
    assert_eq!(service.listen, "[::1]:1".parse::<SocketAddr>().unwrap());
    assert_eq!(
        (service.workers, service.state_dir),
        (3, PathBuf::from("x"))
    );
    assert_eq!(
        (service.drain_timeout, service.max_handshakes.get()),
        (s(0), 1)
    );
    let rate = |count, per| Rate::Limited {
        count: NonZeroU32::new(count).unwrap(),
        per,
    };
    assert_eq!(service.dial_rate, rate(300, s(300)));
    assert_eq!(
        (service.log.level, service.log.format),
        (LogLevel::Debug, LogFormat::Json)
    );
    assert!(service.log.messages);
    let host = service.hosts["example.com:443"];
    assert_eq!(
        (host.dial_rate, host.max_handshakes.get()),
        (rate(1, s(1)), 2)
    );
}

#[test]
fn a_wrong_value_is_told_with_what_would_be_right() {
    let cases = [
        (
            "enabled = 'yes'",
            "expected true or false, without quotes, found the string \"yes\"",
        ),
        ("tags = 'a'", "expected an array of tags"),
        ("tags = ['']", "the text is empty"),
        (
            "connect_timeout = '10 sec'",
            "`10 sec` is no duration | write \"10s\"",
        ),
        (
            "connect_timeout = 10",
            "`10` is no duration | write \"10s\" for seconds",
        ),
        (
            "connect_timeout = '0s'",
            "the duration must be longer than zero",
        ),
        (
            "connect_timeout = 1.5",
            "expected a duration such as \"10s\", found the float 1.5",
        ),
        (
            "idle_timeout = '366d'",
            "`366d` is no duration | the longest duration is a year",
        ),
        (
            "max_message = '16 mib'",
            "`16 mib` is no size | write \"16MiB\"",
        ),
        (
            "max_message = 0",
            "`0` is no size | write a size of at least 1 byte",
        ),
        ("max_message = -1", "`-1` is no size"),
        (
            "close_code = 1005",
            "1005 is no close code that may be sent | it is one of 1000 to 1003",
        ),
        ("close_code = 1004", "1004 is no close code"),
        ("close_code = 2999", "2999 is no close code"),
        ("close_code = 66536", "66536 is no close code"),
        ("subprotocols = ['a b']", "`a b` is no subprotocol"),
        (
            "subprotocols = ['a', 'a']",
            "the subprotocol `a` comes twice",
        ),
        ("source_address = 'eth0'", "`eth0` is no IP address"),
        ("headers = { 'a b' = '' }", "`a b` is no name of a header"),
        (
            "headers = { a = '1', A = '2' }",
            "the header `A` comes twice",
        ),
        (
            "headers = { upgrade = 'x' }",
            "the header `upgrade` is everwire's own",
        ),
        (
            "headers = { Sec-WebSocket-Protocol = 'x' }",
            "the header `Sec-WebSocket-Protocol` is everwire's own | use subprotocols",
        ),
        (
            "headers = { a = \"x\\r\\ny: z\" }",
            "the value has a control character",
        ),
        (
            "basic_auth = { user = 'a' }",
            "`basic_auth` has no password",
        ),
        (
            "basic_auth = { user = 'a:b', password = '' }",
            "the user name has a colon",
        ),
        (
            "basic_auth = { user = '€', password = '', encoding = 'latin1' }",
            "a character of it is not in ISO 8859-1",
        ),
        (
            "basic_auth = { user = 'a', password = '' }\nheaders = { authorization = 'x' }",
            "the header `Authorization` and `basic_auth` exclude each other",
        ),
        ("on_open = 'a'", "expected an array of messages"),
        ("on_open = [{}]", "a message is either a text or base64"),
        ("on_open = [{ base64 = '!' }]", "this is no base64"),
        (
            "on_open = ['12345']\nmax_message = 4",
            "the message is longer than max_message (4B)",
        ),
        (
            "heartbeat = 'tekst'",
            "`tekst` is not known here | one of \"protocol\", \"text\", \"none\"",
        ),
        (
            "heartbeat = 'Text'",
            "`Text` is not known here | did you mean \"text\"?",
        ),
        (
            "heartbeat = false",
            "expected a table, \"protocol\", \"text\" or \"none\"",
        ),
        (
            "heartbeat = { timeout = '0s' }",
            "the duration must be longer than zero",
        ),
        (
            "heartbeat = { interval = '0s' }",
            "the duration must be longer than zero",
        ),
        (
            "heartbeat = { ping = 'x' }",
            "`ping` belongs to a heartbeat of kind \"text\"",
        ),
        (
            "heartbeat = { kind = 'none', deliver = true }",
            "`deliver` belongs to a heartbeat of kind \"text\"",
        ),
        (
            "heartbeat = { kind = 'text', pong = { json = '/a' } }",
            "the pong is matched by an expression | write { when = 'exists(/a)' }",
        ),
        (
            "heartbeat = { kind = 'text', ping = '${nwo(\"s\")}' }",
            "unknown function `nwo` | did you mean `now`?",
        ),
        (
            "heartbeat = { fence = true }",
            "`fence` belongs to a heartbeat of kind \"text\"",
        ),
        (
            "heartbeat = { kind = 'none', fence = false }",
            "`fence` belongs to a heartbeat of kind \"text\"",
        ),
        (
            "reconnect = 'always'",
            "`always` is not known here | write \"never\", or a table",
        ),
        (
            "reconnect = { min = '1s', initial = '500ms' }",
            "min (1s) is longer than initial (500ms)",
        ),
        (
            "reconnect = { min = '1s' }",
            "min (1s) is longer than initial (500ms, the default)",
        ),
        (
            "reconnect = { max = '400ms' }",
            "initial (500ms, the default) is longer than max (400ms)",
        ),
        (
            "reconnect = { initial = '0s' }",
            "the duration must be longer than zero",
        ),
        (
            "reconnect = { factor = 0.9 }",
            "the factor 0.9 is out of range",
        ),
        (
            "reconnect = { factor = nan }",
            "the factor NaN is out of range",
        ),
        ("reconnect = { max_attempts = -1 }", "-1 is out of range"),
        (
            "reconnect = { give_up_on = ['cause:refusd'] }",
            "`cause:refusd` is no rule | did you mean \"cause:refused\"?",
        ),
        ("compression = 'deflate'", "expected true, false or a table"),
        (
            "compression = { client_max_window_bits = 8 }",
            "8 is out of range | write a number from 9 to 15",
        ),
        (
            "compression = { server_max_window_bits = 16 }",
            "16 is out of range | write a number from 8 to 15",
        ),
        ("compression = { level = 0 }", "0 is out of range"),
        ("outbox = { messages = 0 }", "0 is out of range"),
        (
            "outbox = { when_full = 'drop' }",
            "`drop` is not known here | one of \"reject\", \"drop_oldest\"",
        ),
        (
            "outbox = { durable = 'yes' }",
            "expected true or false, without quotes",
        ),
        (
            "outbox = { fsync = 'never' }",
            "`never` is not known here | one of \"always\", \"interval\"",
        ),
        (
            "outbox = { resend = 'in-doubt' }",
            "`in-doubt` is not known here | did you mean \"in_doubt\"?",
        ),
        ("history = 100", "expected a table, found the integer 100"),
        ("history = { messages = -1 }", "-1 is out of range"),
        ("history = { bytes = 0 }", "write a size of at least 1 byte"),
        (
            "rotate_after = '999ms'",
            "the duration 999ms is out of range | write a duration from \"1s\" to \"8760h\"",
        ),
        ("rotate_after = 'never'", "`never` is no duration"),
        (
            "sequence = '/data/t'",
            "`/data/t` is not known here | write \"none\", or a table: { json = \"/data/t\" }",
        ),
        (
            "sequence = {}",
            "`sequence` has no json | write where the number stands: sequence = { json = \"/data/t\" }",
        ),
        (
            "sequence = { json = 'data/t' }",
            "`data/t` is no JSON Pointer: it starts with a slash, as in \"/data/t\" | write \"/data/t\"",
        ),
        (
            "sequence = { json = '$.a.items[0].n' }",
            "| write \"/a/items/0/n\"",
        ),
        (
            "sequence = { json = '/a~b' }",
            "the ~ at position 2 is neither ~0, which stands for ~, nor ~1",
        ),
        (
            "sequence = { json = 1 }",
            "expected a JSON Pointer such as \"/data/t\", found the integer 1",
        ),
        (
            "rate = 5",
            "expected a table such as { messages = 5, per = \"1s\" }, the key of a bucket in [rates], a list of keys, or",
        ),
        ("rate = ''", "the text is empty"),
        ("rate = {}", "the rate has no `messages`"),
        (
            "rate = 'unlimitd'",
            "there is no rate `unlimitd` | did you mean \"unlimited\"?",
        ),
        (
            "rate = 'site'",
            "there is no rate `site` | write [rates.site], or a table",
        ),
        (
            "rate = { messages = 0 }",
            "0 is out of range | write a number from 1 to 1000000",
        ),
        (
            "rate = { messages = 1, burst = 1000001 }",
            "1000001 is out of range",
        ),
        (
            "rate = { messages = 1, per = '0s' }",
            "the duration 0s is out of range | write a duration from \"1ms\" to \"24h\"",
        ),
        (
            "rate = { messages = 1, per = '25h' }",
            "the duration 25h is out of range",
        ),
        (
            "rate = { messages = 5, burst = 10 }",
            "invalid burst 10: only 5 messages may go out in 1s | write a burst of 1 to 5; without one all 5",
        ),
        (
            "rate = { messages = 1, brust = 2 }",
            "unknown key `brust` | did you mean `burst`?",
        ),
        ("tls = { ca_file = '' }", "the text is empty"),
        (
            "urls = ['wss://b']",
            "`url` and `urls` exclude each other | write all of them into urls",
        ),
        (
            "tls = { cert_file = 'c.pem' }",
            "`cert_file` has no `key_file` | write key_file too",
        ),
        (
            "tls = { key_file = 'k.pem' }",
            "`key_file` has no `cert_file`",
        ),
        (
            "tls = { server_name = 'a.example:443' }",
            "`a.example:443` is no name that a certificate may have",
        ),
        (
            "idel_timeout = '1s'",
            "unknown key `idel_timeout` | did you mean `idle_timeout`?",
        ),
        ("group = 'x'", "there is no group `x`"),
        (
            "on_open = ['${sid}']",
            "unknown name `sid` | did you mean `id`?",
        ),
        (
            "on_open = ['${/a}']",
            "`/a` looks into a message, and here is none | capture the value before, and write the capture's name",
        ),
        (
            "on_open = ['${secret:..}']",
            "`${secret:..}` names no secret",
        ),
        ("on_open = ['${now(\"sec\")}']", "unknown unit `\"sec\"`"),
        (
            "on_open = ['${Home}']",
            "`${Home}` is no variable | a variable is written in upper case: ${HOME}",
        ),
        ("on_open = ['${file:}']", "`${file:}` names no file"),
        ("on_open = ['${X']", "`${` is not closed"),
        (
            "on_open = ['${X}']",
            "the environment variable `X` is not set",
        ),
    ];
    for (keys, expected) in cases {
        let error = error(keys);
        assert!(error.contains(expected), "{keys}\n  {error}\n  {expected}");
    }
}

#[test]
fn compression_is_a_switch_or_a_table_and_a_switch_keeps_what_is_inherited() {
    let on = Some(Compression::default());
    assert_eq!(connection("").compression, None);
    assert_eq!(connection("compression = false").compression, None);
    assert_eq!(connection("compression = true").compression, on);
    assert_eq!(connection("compression = {}").compression, on);
    let table = "compression = { client_max_window_bits = 9, server_max_window_bits = 8, \
                 client_no_context_takeover = true, server_no_context_takeover = true, level = 9, min_size = '2KiB' }";
    let mut all = Compression::default();
    all.client_max_window_bits = WindowBits::new(9).unwrap();
    all.server_max_window_bits = WindowBits::MIN;
    all.client_no_context_takeover = true;
    all.server_no_context_takeover = true;
    all.level = Level::new(9).unwrap();
    all.min_size = 2048;
    assert_eq!(connection(table).compression, Some(all));
    assert_eq!(
        masked(&connection(table))["compression"],
        serde_json::json!({
            "client_max_window_bits": 9, "server_max_window_bits": 8, "client_no_context_takeover": true,
            "server_no_context_takeover": true, "level": 9, "min_size": "2KiB",
        })
    );
    assert_eq!(masked(&connection(""))["compression"], false);

    let layered = |keys: &str| {
        let text = format!(
            "defaults.compression = {{ level = 2 }}\n[connections.a]\nurl = 'wss://h'\n{keys}"
        );
        settings(&text).connections["a"].compression
    };
    let level = |compression: Option<Compression>| compression.map(|own| own.level.get());
    assert_eq!(level(layered("")), Some(2));
    assert_eq!(level(layered("compression = true")), Some(2));
    assert_eq!(level(layered("compression = { min_size = 1 }")), Some(2));
    assert_eq!(layered("compression = false"), None);
}

#[test]
fn a_key_that_is_still_to_come_is_not_supported_yet() {
    for key in ["subscribe", "subscriptions", "spread", "request", "place"] {
        assert_eq!(
            error(&format!("{key} = 1")),
            format!("`{key}` is not supported yet | ")
        );
    }
    for (text, key) in [
        ("cluster.node = 'x'", "cluster"),
        ("nats.servers = []", "nats"),
    ] {
        let errors = Memory::default().read(text).unwrap_err();
        assert_eq!(errors.count(), 1, "{errors}");
        assert_eq!(
            errors.iter().next().unwrap().message,
            format!("`{key}` is not supported yet")
        );
    }
}

#[test]
fn a_url_is_checked_after_its_variables() {
    let read = |url: &str, value: &str| {
        let source = Memory::default().with_variable("X", value);
        source.read(&format!("connections.a.url = '{url}'"))
    };
    for url in [
        "ws://h",
        "wss://h:1/p?q=1",
        "wss://[::1]/",
        "wss://${X}/",
        "${X}",
        "${file:x}",
    ] {
        let value = if url == "${X}" { "ws://h" } else { "h" };
        assert!(read(url, value).is_ok(), "{url}");
    }
    for url in [
        "",
        "h",
        "http://h",
        "wss://",
        "wss://h/#f",
        "wss://u@h",
        "wss://h:99999",
        "wss://${X}/",
        "${X}",
    ] {
        let errors = read(url, "geheim:zu#").unwrap_err();
        assert!(
            !format!("{errors}{errors:?}").contains("geheim"),
            "{errors}"
        );
    }
}

#[test]
fn the_listener_stays_on_this_machine_unless_who_comes_in_is_known() {
    let error = |listen: &str| {
        let errors = Memory::default()
            .read(&format!("service.listen = '{listen}'"))
            .unwrap_err();
        errors.iter().next().unwrap().message.clone()
    };
    for listen in ["127.0.0.1:0", "127.1.2.3:80", "[::1]:9180"] {
        settings(&format!("service.listen = '{listen}'"));
    }
    for listen in ["0.0.0.0:80", "192.0.2.1:80", "[::]:80"] {
        assert!(
            error(listen).contains("which needs tokens or client certificates"),
            "{listen}"
        );
        let known = [
            "[[service.tokens]]\nname = 'a'\nsecret = 'b'",
            "[service.tls]\ncert_file = 'c'\nkey_file = 'k'\nclient_ca_file = 'a'",
        ];
        for known in known {
            let read = settings(&format!("service.listen = '{listen}'\n{known}"));
            assert_eq!(read.service.listen, listen.parse().unwrap());
        }
        let metrics = format!("service.metrics.listen = '{listen}'");
        let errors = Memory::default().read(&metrics).unwrap_err();
        assert!(
            errors.to_string().contains("which needs tokens"),
            "{errors}"
        );
    }
    for listen in ["localhost:80", "127.0.0.1", ":80", "", "127.0.0.1:99999"] {
        assert!(
            error(listen).contains("is no address to listen on"),
            "{listen}"
        );
    }
}

#[test]
fn a_connection_for_sessions_alone_has_nothing_durable() {
    assert!(connection("sessions_only = true").sessions_only);
    connection("sessions_only = false\nhistory = { durable = true }");
    connection("sessions_only = true\noutbox = { durable = false }");
    for keys in [
        "outbox = { durable = true }",
        "history = { durable = true }",
    ] {
        let told = error(&format!("sessions_only = true\n{keys}"));
        assert!(
            told.contains("`sessions_only` is for one that has none"),
            "{told}"
        );
        assert!(told.contains("write durable = false here"), "{told}");
    }
}

#[test]
fn the_doors_of_the_service_are_read() {
    let source = Memory::default()
        .with_file("t.txt", "from-file\n")
        .with_variable("T", "from-env");
    let text = "[[service.tokens]]\nname = 'a'\nsecret = 'x-${T}'\nscopes = ['read', 'send']\nnames = 'acme-*'\n\
                [[service.tokens]]\nname = 'b'\nsecret = '${file:t.txt}'\n\
                [service.tls]\ncert_file = 'c.pem'\nkey_file = 'k.pem'\n\
                [service.metrics]\nlisten = '127.0.0.1:7'\ntoken = true\nmax_names = 3\n\
                [service]\nallow_urls = ['wss://*.example.com', 'ws://127.0.0.1:*, localhost']\n\
                [connections.a]\nurl = 'wss://h'\nrequired = true\n";
    let settings = source
        .read(text)
        .unwrap_or_else(|errors| panic!("{errors}"));
    assert!(settings.connections["a"].required);
    let service = settings.service;
    let [a, b] = &service.tokens[..] else {
        panic!("{:?}", service.tokens)
    };
    assert_eq!((&*a.name, a.secret.expose()), ("a", "x-from-env"));
    assert_eq!(a.scopes, [Scope::Read, Scope::Send].into());
    assert_eq!(a.names, Pattern::new("acme-*").unwrap());
    assert_eq!(
        (b.secret.expose(), &b.names),
        ("from-file", &Pattern::all())
    );
    assert_eq!(b.scopes, Scope::ALL.into());
    let tls = service.tls.unwrap();
    assert_eq!((tls.cert_file, tls.client_ca_file), ("c.pem".into(), None));
    assert_eq!(service.metrics.listen, Some("127.0.0.1:7".parse().unwrap()));
    assert_eq!(
        (service.metrics.token, service.metrics.max_names),
        (true, 3)
    );
    assert_eq!(service.allow_urls.len(), 3);
}

#[test]
fn the_public_url_is_read() {
    let read = |text: &str| Memory::default().read(&format!("service.public_url = '{text}'"));
    assert_eq!(read("").unwrap().service.public_url, None);
    let url = read("https://ops.example.com/everwire").unwrap();
    let url = url.service.public_url.unwrap();
    assert_eq!(url.to_string(), "https://ops.example.com/everwire/");
    for text in ["wss://h", "ops.example.com", "https://h/?a", "https://me@h"] {
        let errors = read(text).unwrap_err();
        let told = errors.render(false);
        assert!(told.contains("invalid public URL"), "{told}");
        assert!(told.contains("https://example.com/everwire"), "{told}");
    }
}

#[test]
fn histories_have_half_of_the_memory_at_most() {
    let read = |keys: &str| Memory::default().read(&format!("[service]\n{keys}"));
    let bytes = |keys: &str| read(keys).unwrap().service.history_bytes;
    assert_eq!(bytes(""), 256 << 20);
    assert_eq!(bytes("history_bytes = '1GiB'"), 1 << 30);
    // Nobody has asked for more than there is.
    assert_eq!(bytes("memory = '64MiB'"), 256 << 20);
    assert_eq!(bytes("memory = '64MiB'\nhistory_bytes = '32MiB'"), 32 << 20);
    let told = read("memory = '64MiB'\nhistory_bytes = '33MiB'").unwrap_err();
    assert_eq!(told.count(), 1);
    let told = told.render(false);
    for part in [
        "<toml>:3:17",
        "history_bytes is more than half of memory, which is 32MiB",
        "memory is here",
        "write 32MiB or less, or a larger memory",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn the_limits_of_the_api_are_read() {
    let read = |text: &str| Memory::default().read(text).unwrap().service.api_limits;
    let usual = read("");
    let written = "[service.api_limits]\ntimeout = '5m'\nmax_message = '16MiB'\noutbox = '16MiB'\nhistory = '16MiB'\nnames = 1000";
    assert_eq!(read(written), usual);
    let other = read("service.api_limits = { outbox = '1MiB', names = 0 }");
    assert_eq!((other.outbox, other.names), (1 << 20, 0));
    assert_eq!(other.timeout, usual.timeout);
    for (key, part) in [
        ("timeout = '0s'", "longer than zero"),
        ("outbox = 0", "is no size"),
        ("names = -1", "out of range"),
        ("bytes = 1", "unknown key `bytes`"),
    ] {
        let errors = Memory::default().read(&format!("service.api_limits.{key}"));
        let told = errors.unwrap_err().render(false);
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn what_is_wrong_with_the_doors_is_told_without_the_secrets() {
    let source = Memory::default().with_variable("BAD", "s3cret s3cret");
    for (text, part) in [
        ("[[service.tokens]]", "no usable name and secret"),
        ("service.tokens = 'x'", "[[service.tokens]]"),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 's3cret\"'",
            "can be no token",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = ''",
            "can be no token",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = '${BAD}'",
            "can be no token",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = '${file:nowhere}'",
            "cannot be read",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = '${secret:x}'",
            "not kept among",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 'b'\nscopes = []",
            "is for nothing",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 'b'\nscopes = ['write']",
            "`write` is not known here",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 'b'\nnames = 'a?'",
            "is no pattern of names",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 's3cret'\n[[service.tokens]]\nname = 'b'\nsecret = 's3cret'",
            "the same name or the same secret",
        ),
        ("[service.tls]\ncert_file = 'c'", "`tls` has no `key_file`"),
        ("service.metrics.token = true", "metrics need a token"),
        ("service.metrics.listen = 'x'", "is no address to listen on"),
        (
            "service.allow_urls = ['wss://a:x']",
            "is no pattern of URLs",
        ),
    ] {
        let errors = source.read(text).unwrap_err();
        let told = format!("{errors}\n{}", errors.render(false));
        assert!(told.contains(part), "{text}\n{told}");
        assert!(!told.contains("s3cret"), "{text}\n{told}");
    }
}

#[test]
fn nearer_layers_win_and_only_tables_are_merged() {
    let settings = settings(
        "[defaults]\nurl = 'wss://default'\ntags = ['d']\nheaders = { A = 'd', B = 'd' }\n\
         reconnect = { initial = '1s', max = '8s' }\nheartbeat = { kind = 'text', ping = 'd', interval = '1s' }\n\
         [groups.g]\ntags = ['g']\nheaders = { b = '', C = 'g' }\nreconnect = { max = '9s' }\n\
         [connections.plain]\n\
         [connections.grouped]\ngroup = 'g'\n\
         [connections.own]\ngroup = 'g'\nurl = 'wss://own'\ntags = []\nheaders = { B = 'o' }\n\
         reconnect = 'never'\nheartbeat = 'protocol'\n",
    );
    let of = |name: &str| &settings.connections[name];
    let headers = |name: &str| -> Vec<(String, String)> {
        of(name)
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_string()))
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    };
    assert_eq!(of("plain").tags, ["d"]);
    assert_eq!(of("grouped").tags, ["g"]);
    assert!(of("own").tags.is_empty());
    assert_eq!(headers("plain"), pairs(&[("A", "d"), ("B", "d")]));
    assert_eq!(headers("grouped"), pairs(&[("A", "d"), ("C", "g")]));
    assert_eq!(headers("own"), pairs(&[("A", "d"), ("B", "o"), ("C", "g")]));
    let Reconnect::Backoff(grouped) = &of("grouped").reconnect else {
        panic!()
    };
    assert_eq!((grouped.initial, grouped.max), (s(1), s(9)));
    assert_eq!(of("own").reconnect, Reconnect::Never);
    assert_eq!(
        of("own").heartbeat,
        Heartbeat::Protocol {
            interval: s(1),
            timeout: s(20)
        }
    );
    assert!(matches!(&of("plain").heartbeat, Heartbeat::Text { ping, .. } if ping == "d"));
    assert_eq!(of("plain").url, "wss://default".into());
    assert_eq!(of("own").url, "wss://own".into());
    assert_eq!(of("own").group.as_deref(), Some("g"));
}

#[test]
fn basic_auth_may_come_from_two_layers() {
    let settings = settings(
        "[defaults.basic_auth]\nuser = 'u'\nencoding = 'latin1'\n[connections.a]\nurl = 'ws://h'\nbasic_auth.password = 'p'",
    );
    let auth = settings.connections["a"].basic_auth.as_ref().unwrap();
    assert_eq!(
        (auth.user.to_string(), auth.encoding),
        ("u".into(), AuthEncoding::Latin1)
    );
}

#[test]
fn paths_start_at_the_folder_of_their_file() {
    let source = Memory::default().with_file(
        "etc/e.toml",
        "[connections.a]\nurl = 'wss://h'\ntls.ca_file = 'ca.pem'\non_open = ['${file:sub/t}', '${file:/abs}']",
    );
    let settings = Settings::load_with("etc/e.toml", &source).unwrap();
    let a = &settings.connections["a"];
    assert_eq!(a.tls.ca_file, Some(PathBuf::from("etc/ca.pem")));
    assert_eq!(
        settings.service.state_dir,
        PathBuf::from("etc/everwire-state")
    );
    let files = a.on_open.iter().flat_map(|opening| match opening {
        Opening::Text(template) => template.files().map(PathBuf::from).collect::<Vec<_>>(),
        Opening::Binary(_) => Vec::new(),
    });
    assert_eq!(
        files.collect::<Vec<_>>(),
        [PathBuf::from("etc/sub/t"), PathBuf::from("/abs")]
    );
}

#[test]
fn variables_are_read_once_and_never_printed() {
    let source = Memory::default()
        .with_variable("TOKEN", "s3cr3t")
        .with_variable("X_1", "h");
    let a = source.connection("headers = { A = 'Bearer ${TOKEN}', B = 'x' }\nbasic_auth = { user = '${X_1}', password = 'pw' }").unwrap();
    let (_, header) = &a.headers[0];
    assert_eq!(
        header.expose().render(|_| unreachable!()).unwrap().expose(),
        "Bearer s3cr3t"
    );
    let printed = format!("{a:?} {}", masked(&a));
    assert!(!printed.contains("s3cr3t"), "{printed}");
    assert_eq!(masked(&a)["headers"]["A"], "***${TOKEN}");
    assert_eq!(masked(&a)["headers"]["B"], "***");
    assert_eq!(masked(&a)["basic_auth"]["password"], "***");
    assert_eq!(masked(&a)["basic_auth"]["user"], "${X_1}");
    let errors = source
        .connection("headers = { A = \"${TOKEN}\\u0007\", B = 'hidden' }\nnope = 1")
        .unwrap_err();
    let printed = format!(
        "{errors} {errors:?} {} {}",
        errors.render(true),
        serde_json::to_string(&errors).unwrap()
    );
    assert!(
        !printed.contains("s3cr3t") && !printed.contains("hidden"),
        "{printed}"
    );
}

#[test]
fn a_control_character_in_a_variable_is_told_by_its_name() {
    let source = Memory::default().with_variable("TOKEN", "abc\n");
    let errors = source
        .connection("headers = { A = '${TOKEN}' }")
        .unwrap_err();
    let message = &errors.iter().next().unwrap().message;
    assert!(
        message.starts_with("the value of `${TOKEN}` has a control character"),
        "{message}"
    );
}

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
        ("['wss://a', 'http://b']", "`http://b` is no WebSocket URL"),
        ("'wss://a'", "expected an array of URLs"),
        ("['wss://me:s3cret@a']", "***@a` is no WebSocket URL"),
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
            "this is no proxy's URL | its scheme must be",
        ),
        ("proxy = 'h:3128'", "this is no proxy's URL"),
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

/// Desktops set `ALL_PROXY=socks://…`, which is no proxy's URL, beside good ones for each scheme.
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

#[test]
fn a_variable_without_braces_is_warned_of() {
    let warnings = |keys: &str| {
        let settings = settings(&format!("[connections.a]\nurl = 'wss://h'\n{keys}"));
        let told = settings.warnings.iter();
        told.map(|warning| (warning.line, warning.message.clone()))
            .collect::<Vec<_>>()
    };
    let token = "`$TOKEN` is sent as it stands, and no variable".to_owned();
    for keys in [
        "headers = { Authorization = 'Bearer $TOKEN' }",
        "basic_auth = { user = '$TOKEN', password = 'p' }",
        "basic_auth = { user = 'u', password = '$TOKEN' }",
    ] {
        assert_eq!(warnings(keys), [(3, token.clone())], "{keys}");
    }
    let text = "connections.a.url = 'wss://h/?token=$TOKEN'";
    assert_eq!(settings(text).warnings[0].message, token);
    for keys in [
        "headers = { X = '$1 $ $a a$TOKEN $TOKENx' }",
        "basic_auth = { user = 'u', password = 'pa$WORD' }",
        "on_open = ['{\"$REF\":1}']",
    ] {
        assert_eq!(warnings(keys), [], "{keys}");
    }
}
