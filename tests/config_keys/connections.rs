//! The accepted values of each key of a connection.

use std::{num::NonZeroU32, path::PathBuf};

use everwire::{
    config::{
        Backoff, Compression, Fsync, GiveUpRule, Heartbeat, Jitter, Opening, Reconnect, Resend,
        SequenceSettings, WhenFull, masked,
    },
    core::JsonPointer,
    wire::deflate::{Level, WindowBits},
};

use super::{backoff, connection, error, memory::Memory, s, settings};

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
    // There is no history unless it is requested.
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
                error
                    .message
                    .contains("needs a heartbeat that confirms messages"),
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
fn a_connection_for_sessions_alone_has_nothing_durable() {
    assert!(connection("sessions_only = true").sessions_only);
    connection("sessions_only = false\nhistory = { durable = true }");
    connection("sessions_only = true\noutbox = { durable = false }");
    for keys in [
        "outbox = { durable = true }",
        "history = { durable = true }",
    ] {
        let told = error(&format!("sessions_only = true\n{keys}"));
        assert!(told.contains("but `sessions_only` is set"), "{told}");
        assert!(told.contains("write durable = false here"), "{told}");
    }
}
