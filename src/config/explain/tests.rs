//! Explanations, checked as a whole.

use super::*;
use crate::settings::Settings;

/// The explanation of a file's connections, as text.
fn told(file: &str) -> String {
    let settings = Settings::from_toml(file).unwrap_or_else(|errors| panic!("{errors}"));
    let mut lines = Vec::new();
    for Explanation { names, sections } in explain(&settings.connections) {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        lines.push(format!("= {}", names.join(" ")));
        for Section {
            subject,
            lines: said,
        } in sections
        {
            lines.push(format!("{subject}:"));
            for Line { text, details } in said {
                lines.push(format!("  {text}"));
                lines.extend(details.iter().map(|detail| format!("    {detail}")));
            }
        }
    }
    lines.join("\n")
}

/// The sections of these subjects of one connection with these keys.
fn some(keys: &str, subjects: &[&str]) -> String {
    let told = told(&format!("[connections.feed]\nurl = 'wss://h/'\n{keys}"));
    let mut shown = Vec::new();
    let mut is_shown = false;
    for line in told.lines() {
        if let Some(subject) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
            is_shown = subjects.contains(&subject);
            continue;
        }
        if is_shown {
            shown.push(line.trim_start());
        }
    }
    shown.join("\n")
}

#[test]
fn a_name_without_a_dialogue_is_told_by_its_defaults() {
    assert_eq!(
        told("[connections.feed]\nurl = 'wss://example.com/feed'"),
        "= feed
dials:
  wss://example.com/feed
  gives up a dial after 10s
heartbeat:
  a WebSocket ping every 10s; the socket is lost when its pong has not come after 20s
losses:
  dials again after 100ms to 500ms, drawn; then up to 2 times as long each time, at most 30s
  counts from the start again once a socket was up for 10s
sends:
  up to 1024 messages of 4MiB wait in the outbox; further ones are rejected
  what a lost socket leaves in doubt is not sent again
receives:
  messages of up to 16MiB, in frames of up to 16MiB"
    );
}

#[test]
fn what_is_done_before_a_dial_is_told_first() {
    let keys = r#"
    headers = { X-Token = '${token}' }
    prepare = [
      { http = { method = 'POST', url = 'https://h/login?k=1' }, fail = '/error', give_up = '/dead', capture = { token = '/token' } },
      { if = 'token', exec = ['check', '-v', '${token}'], within = '3s', clear = ['token'] },
    ]
    "#;
    assert_eq!(
        some(keys, &["prepares", "also", "hints"]),
        "step 1 asks POST https://h/login?k=1
expects a status of 2xx within 10s
is refused, and the name tries again after reconnect.max, when /error
is refused for good, and the name gives up, when /dead
keeps token = /token (secret)
step 2 runs check
only if token
expects that it ends with 0 within 3s
forgets token"
    );
    let shared = told(
        "[prepare.login]\nkeep = '50m'\nsteps = [{ http = { url = 'https://h/' }, capture = { token = '/t' } }]\n\
         [connections.feed]\nurl = 'wss://h/${token}'\nprepare = 'login'",
    );
    let start = "= feed
prepares:
  step 1 asks GET https://h/
    expects a status of 2xx within 10s
    keeps token = /t (secret)
  that is done once for all with prepare = \"login\", and kept for 50m
dials:
  wss://h/${token}";
    assert!(shared.starts_with(start), "{shared}");
}

#[test]
fn a_script_is_told_step_by_step_as_it_was_written() {
    let keys = r#"
    open_script = [
      { expect = '/op == 10', capture = { beat = "/d/beat" } },
      { if = 'session', send = '{"op":6,"seq":${seq}}', expect = '/t == "RESUMED"', within = "5s", fail = '/op == 9', again = { when = '/wait', after = "${/wait}s" } },
      { if = '!session', send = '{"op":2,"n":"${nonce}"}', expect = '/t == "READY"', count = 2, give_up = '/code == 4004', capture = { session = { value = "/s", secret = true } }, clear = ["beat"] },
      { send = { base64 = "AAE=" } },
    ]
    let = { nonce = '${random(4, "hex")}' }
    capture = { seq = "/s" }
    "#;
    assert_eq!(
        some(keys, &["opening", "captures"]),
        r#"step 1 waits
expects /op == 10 within 10s
keeps beat = /d/beat
step 2 sends {"op":6,"seq":${seq}}
only if session
expects /t == "RESUMED" within 5s
is refused, and the name tries again after reconnect.max, when /op == 9
comes again after ${/wait}s, when /wait
step 3 sends {"op":2,"n":"${nonce}"}
only if !session
expects /t == "READY" 2 times within 10s
is refused for good, and the name gives up, when /code == 4004
keeps session = /s (secret)
forgets beat
step 4 sends a binary message of 2 bytes
has passed once it is written
then it is ready, and its outbox is sent
of each message keeps seq = /s"#
    );
}

#[test]
fn a_key_without_a_sentence_of_its_own_is_told_as_it_is_written() {
    let keys = "tags = ['a', 'b']\nclose_code = 1000\nids = { from = 7 }\nclose_timeout = '5s'\n";
    assert_eq!(
        some(keys, &["also"]),
        "close_code = 1000\nids = {\"from\":7}\ntags = [\"a\",\"b\"]"
    );
}

#[test]
fn rules_are_told_in_their_order() {
    let keys = r#"
    rules = [
      { when = 'exists(/ping)', send = '{"pong":${/ping}}', deliver = false },
      { when = '/op == 7', do = "reconnect", delay = "1s-5s" },
      { when = '/op == 8', send = "bye", capture = { to = "/url" }, do = "rotate", url = "${/url}" },
      { when = '/op == 9', do = "give_up", delay = "2s" },
      { when = '/op == 7 && /hard', do = "beat" },
      { loss = ["close:4003", "cause:dial"], clear = ["to"] },
    ]"#;
    assert_eq!(
        some(keys, &["rules", "hints"]),
        r#"rule 1 when exists(/ping): answers {"pong":${/ping}}
subscribers do not see the message
rule 2 when /op == 7: reconnects after 1s-5s
rule 3 when /op == 8: answers bye, and rotates
keeps to = /url
the next dial, and that one only, is of ${/url}
rule 4 when /op == 9: gives up after 2s
rule 5 when /op == 7 && /hard: sends a ping
rule 6 after a loss by close:4003 or cause:dial
forgets to
rule 5 can never act: wherever /op == 7 && /hard holds, rule 2 has acted already
to is captured, and nothing reads it"#
    );
}

#[test]
fn a_heartbeat_is_told_with_what_must_be_known_for_it() {
    let keys = r#"
    open_script = [{ expect = '/op == 10', capture = { beat = "/d/heartbeat_interval" } }]
    heartbeat = { kind = "text", first = "jitter", from = "open", ping = '{"id":${id}}', pong = { when = '/id == id' }, interval = "${beat}ms", timeout = "20s" }
    idle_timeout = "${beat}ms"
    rotate_after = "6h""#;
    assert_eq!(
        some(keys, &["heartbeat", "silence"]),
        r#"sends {"id":${id}} every ${beat}ms, once beat is known
the first a random part of the interval after the socket is open
an answer is a message with /id == id
the socket is lost when it has not come after 20s
the socket is lost when no message has come for ${beat}ms, once beat is known (idle_timeout)
a socket that was ready for 6h is replaced by a successor (rotate_after)"#
    );
    assert_eq!(some("heartbeat.kind = 'none'", &["heartbeat"]), "none");
    let plain = "heartbeat = { kind = 'text', ping = 'ping', pong = 'pong', interval = '5s', deliver = true }";
    assert_eq!(
        some(plain, &["heartbeat"]),
        "sends ping every 5s\nthe first one interval after the socket is open\nthe answer is pong\n\
         the socket is lost when it has not come after 20s\nsubscribers see the answers"
    );
}

#[test]
fn what_is_read_is_told_by_name_and_never_by_value() {
    // It is set on every system.
    let path = std::env::var("PATH").unwrap();
    let keys = r#"
    headers = { Authorization = "Bearer ${file:/run/token}", X = "plain-secret" }
    proxy = "http://user:hush@proxy:3128"
    subprotocols = ["${secret:pass}"]
    let = { sign = '${hmac("sha256", PATH, "x")}' }
    open_script = [{ send = '{"a":"${sign}","b":"${HOME}"}', expect = '/ok', fail = 'exists(/error)' }]
    tls.insecure = true"#;
    let told = some(keys, &["dials", "reads", "hints"]);
    assert_eq!(
        told,
        "wss://h/
through the proxy http://***@proxy:3128
with the headers Authorization, X
offers the subprotocols ${secret:pass}, and needs one of them
gives up a dial after 10s
of the environment: HOME, PATH
files: /run/token
stored secrets: pass
any certificate of the server is accepted: tls.insecure is set"
    );
    for secret in ["hush", "plain-secret", &path] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn names_that_do_the_same_are_told_together_with_a_token_for_their_own_name() {
    let told = told(
        "[fleet.sensor]\nname = 'sensor-{i}'\nrange = [8, 12]\nurls = ['wss://h/{name}', 'wss://h/v2/{i}?of=8']\n\
         [connections.other]\nurl = 'wss://h/other/x'\n[connections.zz]\nurl = 'wss://h/zz'",
    );
    let heads: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with('=') || line.contains("wss"))
        .collect();
    assert_eq!(
        heads,
        [
            "= other",
            "  wss://h/other/x",
            "= sensor-10 sensor-11 sensor-12 sensor-9",
            "  wss://h/{name}",
            "  if that fails: wss://h/v2/{i}?of=8",
            "= sensor-8",
            "  wss://h/sensor-8",
            "  if that fails: wss://h/v2/8?of=8",
            "= zz",
            "  wss://h/zz"
        ]
    );
}

#[test]
fn a_rate_a_history_and_a_sequence_are_told() {
    let keys = r#"
    rate = { messages = 5, per = "1s", burst = 2 }
    history = { messages = 100 }
    sequence = { json = "/n", by = "/stream" }
    outbox = { when_full = "drop_oldest", ttl = "1m", resend = "in_doubt" }
    reconnect = { jitter = "none", initial = "1s", max_attempts = 3, give_up_on = ["status:401"] }"#;
    assert_eq!(
        some(keys, &["losses", "sends", "receives"]),
        "dials again after 1s; then up to 2 times as long each time, at most 30s
counts from the start again once a socket was up for 10s
gives up after 3 failed attempts in a row
gives up at once on status:401
up to 1024 messages of 4MiB wait in the outbox; then the oldest are dropped
one that has waited for 1m expires
what a lost socket leaves in doubt is sent again first
at most 5 messages in any 1s, 2 of them back to back
messages of up to 16MiB, in frames of up to 16MiB
keeps the last 100 messages, up to 256KiB, in memory
tells where the numbers of each /stream at /n have a hole"
    );
}

#[test]
fn a_name_that_stands_in_other_words_keeps_nobody_from_being_told_together() {
    let told = told(
        "[connections.a]\nurl = 'wss://example.com/a'\n[connections.b]\nurl = 'wss://example.com/a'\n\
         [connections.e]\nurl = 'wss://example.com/e'\n[connections.m]\nurl = 'wss://example.com/a'\n\
         [connections.n-1]\nurl = 'wss://h/n-1'\n[connections.n-2]\nurl = 'wss://h/n-2'\n[connections.z]\nurl = 'wss://h/n-1'",
    );
    let heads: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with('=') || line.contains("wss"))
        .collect();
    assert_eq!(
        heads,
        [
            "= a b m",
            "  wss://example.com/a",
            "= e",
            "  wss://example.com/e",
            "= n-1 n-2",
            "  wss://h/{name}",
            "= z",
            "  wss://h/n-1"
        ]
    );
}

#[test]
fn how_callers_are_answered_is_told() {
    let keys = r#"request = { id = "/id", answer = '/id == id', fail = 'exists(/error)', within = "3s", in_flight = 1 }"#;
    assert_eq!(
        some(keys, &["requests"]),
        "of callers go out with a number of ours at /id
are answered by /id == id within 3s
are refused when exists(/error) too
1 message may await an answer by number: requests, steps, heartbeats"
    );
}

#[test]
fn calls_of_scripts_are_told_in_words() {
    let keys = r#"
prepare = [{ http = { url = 'https://h/key' }, capture = { ticket = '/key' } }]
open_script = [
  { http = { method = 'POST', url = 'https://h/token?k=${ticket}' }, give_up = 'status == 403', again = { when = 'status == 202' }, capture = { token = { value = '/token', secret = true } } },
  { send = 'login ${token}' },
]
periodic = [
  { every = '30m', http = { method = 'PUT', url = 'https://h/key' }, expect = 'status == 204' },
  { every = '1m', idle = true, exec = ['check', '${ticket}'] },
]
close_script = [{ http = { method = 'DELETE', url = 'https://h/key' }, fail = 'status == 409' }]"#;
    assert_eq!(
        some(keys, &["opening", "periodic", "closing", "also"]),
        "step 1 asks POST https://h/token?k=${ticket}
expects a status of 2xx within 10s
is refused for good, and the name gives up, when status == 403
comes again after reconnect.max, when status == 202
keeps token = /token (secret)
step 2 sends login ${token}
has passed once it is written
then it is ready, and its outbox is sent
step 1 asks PUT https://h/key, every 30m
expects status == 204 within 10s
step 2 runs check, every 1m
only if it has said nothing for so long
expects that it ends with 0 within 10s
step 1 asks DELETE https://h/key
expects a status of 2xx within 10s
a refusal is told, and it closes all the same
then it closes, after 5s at the latest"
    );
}

/// The explanation of a file's bridge, as text.
fn bridge(file: &str) -> String {
    let settings = Settings::from_toml(file).unwrap_or_else(|errors| panic!("{errors}"));
    let mut lines = Vec::new();
    for Line { text, details } in explain_nats(&settings).unwrap().lines {
        lines.push(text);
        lines.extend(details.iter().map(|detail| format!("  {detail}")));
    }
    lines.join("\n")
}

#[test]
fn a_bridge_says_what_it_publishes_and_what_it_sends() {
    assert_eq!(explain_nats(&Settings::default()), None);
    let names = "[connections.a]\nurl = 'wss://h/'\n[connections.b]\nurl = 'wss://h/'\n";
    assert_eq!(
        bridge(&format!(
            "[nats]\nservers = ['nats://h', 'tls://i:5']\nin = {{ match = 'a' }}\nout = {{}}\n{names}"
        )),
        "connects to nats://h, tls://i:5 without credentials\n\
         publishes the messages of a (1 name) to everwire.in.NAME, in the stream EVERWIRE_IN\n  \
         up to 1GiB wait on disk while no server can be reached\n  \
         servers drop what is published twice within 30s\n  \
         the stream, where there is none yet, is made on 1 server and holds up to 1GiB, for ever\n\
         sends what is put on everwire.out.NAME through all names (2 names); a message leaves the work queue EVERWIRE_OUT once it is confirmed\n  \
         the stream, where there is none yet, is made on 1 server and holds up to 1GiB, for ever"
    );
    let told = bridge(
        "[nats]\nservers = ['nats://h']\nuser = 'me'\npassword = 's3cret${file:pass}'\n\
         tls = { ca_file = 'ca.pem', cert_file = 'c.pem', key_file = 'k.pem' }\n\
         in = { spool = 0, max_bytes = 0, max_age = '1h', replicas = 3 }\nout = { subject = 'x', ack = 'written' }",
    );
    for line in [
        "connects to nats://h as the user me",
        "  trusts the authorities in ca.pem",
        "  shows the certificate in c.pem",
        "  reads files: c.pem, ca.pem, k.pem, pass",
        "  nothing waits on disk while no server can be reached",
        "  the stream, where there is none yet, is made on 3 servers and holds as much as the servers allow, for 1h",
        "sends what is put on x.NAME through all names (0 names); a message leaves the work queue EVERWIRE_OUT once it is written, and can be lost then",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    assert!(!told.contains("s3cret"), "{told}");
}
