//! The accepted values of each key of the service.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf};

use everwire::{
    Pattern,
    config::{LogFormat, LogLevel, Rate, Scope},
};

use super::{memory::Memory, s, settings};

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
            error(listen).contains("so it needs tokens or client certificates"),
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
            errors.to_string().contains("so it needs tokens"),
            "{errors}"
        );
    }
    for listen in ["localhost:80", "127.0.0.1", ":80", "", "127.0.0.1:99999"] {
        assert!(error(listen).contains("invalid listen address"), "{listen}");
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
    // The default may exceed `memory`; a written value may not.
    assert_eq!(bytes("memory = '64MiB'"), 256 << 20);
    assert_eq!(bytes("memory = '64MiB'\nhistory_bytes = '32MiB'"), 32 << 20);
    let told = read("memory = '64MiB'\nhistory_bytes = '33MiB'").unwrap_err();
    assert_eq!(told.count(), 1);
    let told = told.render(false);
    for part in [
        "<toml>:3:17",
        "invalid history_bytes: it is more than half of memory, which is 32MiB",
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
        ("outbox = 0", "invalid size"),
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
        ("[[service.tokens]]", "needs a name and a secret"),
        ("service.tokens = 'x'", "[[service.tokens]]"),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 's3cret\"'",
            "invalid token",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = ''",
            "invalid token",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = '${BAD}'",
            "invalid token",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = '${file:nowhere}'",
            "cannot be read",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = '${secret:x}'",
            "tokens themselves can change such secrets",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 'b'\nscopes = []",
            "the token has no scope",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 'b'\nscopes = ['write']",
            "invalid value `write`",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 'b'\nnames = 'a?'",
            "invalid name pattern",
        ),
        (
            "[[service.tokens]]\nname = 'a'\nsecret = 's3cret'\n[[service.tokens]]\nname = 'b'\nsecret = 's3cret'",
            "the same name or the same secret",
        ),
        ("[service.tls]\ncert_file = 'c'", "`tls` has no `key_file`"),
        ("service.metrics.token = true", "metrics need a token"),
        ("service.metrics.listen = 'x'", "invalid listen address"),
        ("service.allow_urls = ['wss://a:x']", "invalid URL pattern"),
    ] {
        let errors = source.read(text).unwrap_err();
        let told = format!("{errors}\n{}", errors.render(false));
        assert!(told.contains(part), "{text}\n{told}");
        assert!(!told.contains("s3cret"), "{text}\n{told}");
    }
}
