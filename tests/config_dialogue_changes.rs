//! The keys of a dialogue that a reload reports as changed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;

use everwire::config::ConnectionSettings;
use everwire_proto::settings::Changes;
use memory::Memory;

fn connection(keys: &str) -> ConnectionSettings {
    Memory::default()
        .connection(keys)
        .unwrap_or_else(|errors| panic!("{keys}\n{errors}"))
}

/// For each key a change that only this key has, although captures and pointers of other keys get
/// other numbers.
#[test]
fn a_change_names_the_keys_that_differ() {
    const BASE: &[&str] = &[
        "let = { nonce = '${uuid()}' }",
        "capture = { seq = '/s' }",
        "open_script = [{ send = 'hi ${nonce}', expect = '/op == 1', capture = { beat = '/beat' } }]",
        "periodic = [{ every = '5s', send = 'x', expect = '/x' }]",
        "close_script = [{ send = 'bye' }]",
        "rules = [{ when = '/op == 7', do = 'reconnect', clear = ['beat'] }]",
        "request = { id = '/id', answer = '/id == id' }",
        "heartbeat = { kind = 'text', ping = '{\"p\":${default(seq, null)}}', pong = { when = '/op == 11' } }",
        "idle_timeout = '${beat}ms'",
        "prepare = [{ http = { url = 'https://h/x' }, capture = { token = '/t' } }]",
        "headers = { x = '${token}' }",
    ];
    let read = |changed: Option<&str>| {
        let key = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let is_changed = |line: &str| changed.is_some_and(|changed| key(changed) == key(line));
        let kept = BASE.iter().copied().filter(|line| !is_changed(line));
        let lines: Vec<&str> = kept.chain(changed).collect();
        connection(&lines.join("\n"))
    };
    let base = read(None);
    let changes = |other: &ConnectionSettings| {
        let there = Changes::between(&base, other);
        let back = Changes::between(other, &base);
        assert_eq!(there.keys, back.keys);
        there.keys
    };
    assert!(changes(&base).is_empty());
    for (line, keys) in [
        ("let = { nonce = '${random(8, \"hex\")}' }", &["let"][..]),
        ("let = { first = 'x', nonce = '${uuid()}' }", &["let"]),
        ("capture = { aaa = '/new/a', seq = '/s' }", &["capture"]),
        (
            "capture = { seq = { value = '/s', keep = true } }",
            &["capture"],
        ),
        (
            "open_script = [{ send = 'hi ${nonce}', expect = '/other == 1', capture = { beat = '/beat' } }]",
            &["open_script"],
        ),
        (
            "periodic = [{ every = '6s', send = 'x', expect = '/x' }]",
            &["periodic"],
        ),
        ("close_script = [{ send = 'bye now' }]", &["close_script"]),
        (
            "rules = [{ when = '/op == 7', do = 'rotate', clear = ['beat'] }]",
            &["rules"],
        ),
        (
            "request = { id = '/id', answer = '/id == id', fail = '/e' }",
            &["request"],
        ),
        (
            "heartbeat = { kind = 'text', ping = '{\"p\":${default(seq, null)}}', pong = { when = '/op == 12' } }",
            &["heartbeat"],
        ),
        ("idle_timeout = '${beat}s'", &["idle_timeout"]),
        (
            "prepare = [{ http = { url = 'https://h/y' }, capture = { token = '/t' } }]",
            &["prepare"],
        ),
        ("headers = { x = 'y ${token}' }", &["headers"]),
        ("ids = { from = 9 }", &["ids"]),
        ("tags = ['x']", &["tags"]),
    ] {
        assert_eq!(changes(&read(Some(line))), keys, "{line}");
    }
    // A dialogue that is added or removed.
    let silent = connection("");
    let keys = Changes::between(&silent, &connection("close_script = [{ send = 'x' }]")).keys;
    assert_eq!(keys, ["close_script"]);
}
