//! The messages for wrong keys of a dialogue.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;

use everwire::config::{DialPolicy, Inherited, InvalidJson};
use memory::Memory;

/// All errors of a connection with these keys: line, column, the marked text, message and help. The
/// keys begin in line 1.
fn told(keys: &str) -> Vec<String> {
    let source = Memory::default().with_variable("KEY", "do not print me");
    let errors = match source.connection(keys) {
        Ok(settings) => panic!("accepted: {keys}\n{settings:?}"),
        Err(errors) => errors,
    };
    assert!(
        !errors.render(false).contains("do not print me"),
        "{errors}"
    );
    let told = errors.iter().map(|error| {
        let help = error.help.as_deref().unwrap_or_default();
        let line = error.line as isize - 2;
        let place = format!("{line}:{} {}", error.column, error.text);
        format!("{place}: {} | {help}", error.message)
    });
    told.collect()
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_would_be_right() {
    let json = "invalid JSON, with `null` for its holes";
    let mut wrong = Vec::new();
    for (keys, expected) in [
        // The language.
        ("rules = [{ when = '/op = \"ping\"' }]", "1:24 =: invalid operator `=` | write `==` to compare".to_owned()),
        ("rules = [{ when = \"/op = \\\"ping\\\"\" }]", "1:24 =: invalid operator `=` | write `==` to compare".into()),
        ("rules = [{ when = 'exist(/id)' }]", "1:20 exist: unknown function `exist` | did you mean `exists`?".into()),
        ("let = { s = '${hmca(\"sha256\", KEY, \"x\")}' }", "1:16 hmca: unknown function `hmca` | did you mean `hmac`?".into()),
        ("capture = { token = '/t' }\nrules = [{ when = 'tokn == /t' }]", "2:20 tokn: unknown name `tokn` | did you mean `token`?".into()),
        ("let = { s = '${hash(\"sha265\", \"x\")}' }", "1:21 \"sha265\": unknown algorithm `\"sha265\"` | did you mean \"sha256\"? one of \"sha1\", \"sha256\", \"sha384\", \"sha512\"".into()),
        ("rules = [{ when = 'starts(/a)' }]", "1:20 starts(/a): `starts` takes 2 arguments, but has 1 | write `starts(x, beginning)`".into()),
        ("let = { s = '${now(\"s\") + \"GET\"}' }", "1:27 \"GET\": `+` takes whole numbers, but `\"GET\"` is a text | `~` joins texts; `number(x)` makes a number of a text".into()),
        ("rules = [{ when = 'data/t == 1' }]", "1:24 /: invalid operator `/`: there is no division | a pointer begins with a slash: `/data/t`".into()),
        ("rules = [{ when = '/a~2 == 1' }]", "1:20 /a~2: invalid pointer `/a~2` | write `/a ~ 2`, with spaces, to join; in a key ~0 stands for ~, and ~1 for /".into()),
        ("rules = [{ when = '/a == \"x' }]", "1:26 \"x: unclosed text `\"x` | write `\"` at its end".into()),
        ("rules = [{ when = '\"x\"' }]", "1:20 \"x\": invalid condition `\"x\"`: it is a text | write a comparison such as `/op == \"ping\"`, `exists(/x)`, or a pointer or name alone".into()),
        ("open_script = [{ send = 'a ${id' }]", "1:28 ${id: `${` is not closed | write ${NAME}, or $${ for a literal ${".into()),
        ("open_script = [{ send = '{\"op\":\"login,\"id\":${id}}' }]", format!("1:40 i: {json}: expected `,` or `}}` | look for a missing quote or comma before it")),
        ("open_script = [{ send = '{\"id\":${id},}' }]", format!("1:38 }}: {json}: trailing comma | leave out the comma before it")),
        ("open_script = [{ send = '${KEX}' }]", "1:26 ${KEX}: the environment variable `KEX` is not set | set it, or use ${file:PATH}; a literal ${ is written $${".into()),
        ("rules = [{ when = 'op == \"ping\"' }]", "1:20 op: unknown name `op` | a part of the message is `/op`; a text is `\"op\"`".into()),
        ("rules = [{ when = '/a == id' }]", "1:26 id: there is no `id` here | built in here: `message`, `sequence`, `handover`, `name`".into()),
        ("open_script = [{ if = '/a', send = 'x' }]", "1:24 /a: `/a` looks into a message, but there is none here | capture the value before, and write the capture's name".into()),
        // Names.
        ("open_script = [{ send = '${token}', expect = '/ok', capture = { token = '/t' } }]", "1:28 token: `token` is read before any step sets it | capture it in a step before this one, write `default(token, …)`, or give the step an `if`".into()),
        ("let = { s = 'x${token}' }\nopen_script = [{ send = '${s}' }, { expect = '/ok', capture = { token = '/t' } }]", "2:28 s: `s` reads `token` before any step sets it | capture it in a step before this one, write `default(token, …)`, or give the step an `if`".into()),
        ("let = { a = '${b}', b = '${c}', c = '${a}' }", "1:16 b: invalid `let`: it reads itself: a → b → c → a | a `let` may read only others, which do not read it".into()),
        ("let = { Ts = '1' }", "1:9 Ts: invalid name \"Ts\": it starts with a small letter, and has letters, digits and `_` | write a name such as `ts` or `session_id`".into()),
        ("let = { ts = '1' }\ncapture = { ts = '/ts' }", "2:13 ts: invalid name \"ts\": a capture and a `let` must have different names | write a name such as `token` or `session_id`".into()),
        ("capture = { id = '/id' }", "1:13 id: invalid name \"id\": this name is built in | write a name such as `token` or `session_id`".into()),
        ("capture = { token = '/t' }\nrules = [{ when = '/a', clear = ['tokn'] }]", "2:34 'tokn': unknown capture `tokn` | did you mean \"token\"?".into()),
        ("capture = { x = { when = '/a' } }", "1:13 x: the capture `x` has no `value` | write which value to keep: value = '/data/id'".into()),
        // Keys that exclude each other.
        ("on_open = ['x']\nopen_script = [{ send = 'y' }]", "2:15 [{ send = 'y' }]: `on_open` and `open_script` exclude each other | write each message of on_open as a step: open_script = [{ send = '…' }]".into()),
        ("rules = [{ when = '/a == 1' }, { when = '( /a==1 )' }]", "1:41 '( /a==1 )': this rule never acts: one before it has the same `when` | put both into one rule, or remove one".into()),
        ("rules = [{ loss = ['close:4000'] }, { loss = ['close:4000'] }]", "1:46 ['close:4000']: this rule never acts: one before it has the same `loss` | put both into one rule, or remove one".into()),
        ("rules = [{ send = 'x' }]", "1:10 { send = 'x' }: the rule has neither `when` nor `loss` | write when it acts: when = '/op == \"ping\"', or loss = [\"close:4000\"]".into()),
        ("rules = [{ when = '/a', loss = ['close:4000'] }]", "1:32 ['close:4000']: `when` and `loss` exclude each other | write a rule for each".into()),
        ("rules = [{ loss = [] }]", "1:19 []: the rule matches no loss | write the losses that it matches: loss = [\"close:4000-4999\"]".into()),
        ("heartbeat = 'none'\nrules = [{ loss = ['cause:pong_timeout'] }]", "2:20 'cause:pong_timeout': `cause:pong_timeout` can never match: the heartbeat is off | ".into()),
        ("reconnect.give_up_on = ['cause:script_refused']", "1:25 'cause:script_refused': `cause:script_refused` can never match: no script expects anything | write open_script = [{ expect = '…' }], or remove the rule".into()),
        ("reconnect.give_up_on = ['cause:rule']", "1:25 'cause:rule': `cause:rule` can never match: there are no rules | write rules = [{ when = '…', do = \"reconnect\" }], or remove the rule".into()),
        (
            "rules = [{ loss = ['cause:dail'] }]", "1:20 'cause:dail': invalid rule `cause:dail` | did you mean \"cause:dial\"?".into()),
        ("rules = [{ loss = ['close:4000'], send = 'x' }]", "1:42 'x': `send` belongs to a rule with `when`: behind a loss there is neither a message nor a socket | remove it, or write when instead of loss".into()),
        ("rules = [{ loss = ['close:4000'], do = 'beat' }]", "1:40 'beat': `do = \"beat\"` belongs to a rule with `when`: behind a loss there is neither a message nor a socket | remove it, or write when instead of loss".into()),
        ("heartbeat = 'none'\nrules = [{ when = '/a', do = 'beat' }]", "2:30 'beat': `do = \"beat\"` has no heartbeat | write a heartbeat, or remove it".into()),
        ("rules = [{ when = '/a', do = 'rotte' }]", "1:30 'rotte': invalid value `rotte` | did you mean \"rotate\"? one of \"rotate\", \"reconnect\", \"give_up\", \"beat\"".into()),
        ("rules = [{ when = '/a', url = '${/u}' }]", "1:31 '${/u}': `url` belongs to `do = \"rotate\"` or `\"reconnect\"` | write do = \"rotate\" too, or remove it".into()),
        ("rules = [{ when = '/a', do = 'rotate', url = 'ws://h' }]", "1:46 'ws://h': invalid URL of a rule: it must begin with wss:// | write one such as \"wss://example.com/feed\", or \"${/reconnect_url}\"".into()),
        ("rules = [{ when = '/a', delay = '5s' }]", "1:33 '5s': `delay` has no `do`: it says how long the rule waits before it acts | write do = \"reconnect\" too, or remove it".into()),
        ("rules = [{ when = '/a', do = 'rotate', delay = '5s-1s' }]", "1:48 '5s-1s': invalid delay `5s-1s` | write the shorter one first: \"1s-5s\"".into()),
        ("rules = [{ when = '/a', do = 'rotate', delay = '5 sec' }]", "1:48 '5 sec': invalid delay `5 sec` | write \"5s\"".into()),
        ("rules = [{ loss = ['close:4000'], after = 'stored' }]", "1:43 'stored': `after` belongs to a rule with `when`: behind a loss there is neither a message nor a socket | remove it, or write when instead of loss".into()),
        ("rules = [{ when = '/a', send = 'x', after = 'stored' }]", "1:45 'stored': `after = \"stored\"` never acts: the connection keeps no durable history | write history = { messages = 1000, durable = true } for the connection, or remove it".into()),
        ("history = { durable = true }\nrules = [{ when = '/a', send = 'x', after = 'stored' }]", "2:45 'stored': `after = \"stored\"` never acts: the connection keeps no durable history | write history = { messages = 1000, durable = true } for the connection, or remove it".into()),
        ("history = { messages = 9, durable = true }\nrules = [{ when = '/a', after = 'stored' }]", "2:33 'stored': `after` has no `send`: it is what the answer waits for | write send = '…' too, or remove it".into()),
        ("history = { messages = 9, durable = true }\nrules = [{ when = '/a', send = 'x', deliver = false, after = 'stored' }]", "2:62 'stored': `after = \"stored\"` never acts: `deliver = false` keeps the message out of the history | remove one of them".into()),
        ("history = { messages = 9, durable = true }\nrules = [{ when = '/a', send = 'x', after = 'store' }]", "2:45 'store': invalid value `store` | did you mean \"stored\"? one of \"stored\"".into()),
        ("rotation = 'swap'", "1:12 'swap': invalid value `swap` | one of \"overlap\", \"replace\"".into()),
        ("capture = { a = { value = '/a', secret = true, keep = true } }", "1:55 true: `keep` and `secret` exclude each other: a secret is never written to disk | remove one of them".into()),
        ("capture = { a = { value = '/a', keep = true } }\nopen_script = [{ expect = '/b', capture = { a = { value = '/b', secret = true } } }]", "1:40 true: `keep` and `secret` exclude each other: a secret is never written to disk | remove one of them".into()),
        ("capture = { a = { value = 'hmac(\"sha256\", KEY, /a)', keep = true } }", "1:61 true: `keep` would write a secret to disk: `a` is made from one | keep only what the server says, or remove it".into()),
        ("let = { k = '${KEY}' }\ncapture = { b = '/b ~ k', a = { value = 'default(b, /a)', keep = true } }", "2:66 true: `keep` would write a secret to disk: `a` is made from one | keep only what the server says, or remove it".into()),
        ("open_script = [{ send = 'x', fail = '/a' }]", "1:37 '/a': `fail` has no `expect` to go with: without `expect` a step passes once it is sent | write expect = '…', or remove it".into()),
        ("open_script = [{ send = 'x', capture = { a = '/a' } }]", "1:40 { a = '/a' }: `capture` has no `expect` to go with: without `expect` a step passes once it is sent | write expect = '…', or remove it".into()),
        ("open_script = [{}]", "1:16 {}: the step neither sends nor expects | write send = '…', or expect = '…' for a message that the server sends first".into()),
        ("open_script = [{ expect = '/a', again = { after = '5s' } }]", "1:41 { after = '5s' }: `again` has no `when` | write which message asks to try again: again = { when = '/status == \"Pending\"' }".into()),
        ("open_script = [{ expect = '/a', again = { when = '/b', after = '500ms' } }]", "1:64 '500ms': the duration 500ms is out of range | write a duration from \"1s\" to \"24h\"".into()),
        ("open_script = [{ send = { text = 'a', bytes = 'b' } }]", "1:25 { text = 'a', bytes = 'b' }: a message has one of `text`, `base64` and `bytes` | write '…', { text = '…' }, { base64 = '…' } or { bytes = '…' }".into()),
        ("max_message = 4\nopen_script = [{ send = '12345' }]", "2:25 '12345': the message is longer than max_message (4B) | shorten it, or write a larger max_message".into()),
        ("max_message = 4\non_open = ['${id}', '12345']", "2:21 '12345': the message is longer than max_message (4B) | shorten it, or write a larger max_message".into()),
        ("open_script = [{ snd = 'x' }]", "1:18 snd: unknown key `snd` | did you mean `send`? the keys here are send, http, exec, expect, fail, give_up, within, count, capture, clear, if, again, rate".into()),
        ("ids = { from = 0 }", "1:16 0: 0 is out of range | write a number from 1 to 4294967295".into()),
        ("heartbeat = { interval = '${beat}s' }\ncapture = { beat = '/b' }", "1:26 '${beat}s': a template as `interval` belongs to a heartbeat of kind \"text\" | write kind = \"text\" too, or a duration such as \"10s\"".into()),
        ("heartbeat = { first = 'now' }", "1:23 'now': `first` belongs to a heartbeat of kind \"text\" | write kind = \"text\" too, or remove it".into()),
        ("heartbeat = { kind = 'text', pong = {} }", "1:37 {}: `pong` has no `when` | write pong = { when = '/op == \"pong\"' }, or the whole message as a text".into()),
        ("heartbeat = { kind = 'text', pong = '${id}' }", "1:37 '${id}': `pong` as a text is the whole message: `${…}` is not filled in here | write a condition: pong = { when = '/id == id' }; a literal ${ is written $${".into()),
        // Requests.
        ("request = { answer = '/id == id' }", "1:11 { answer = '/id == id' }: `request` has no `id` | write where the number of a request stands: id = \"/id\"".into()),
        ("request = { id = '/id' }", "1:11 { id = '/id' }: `request` has no `answer` | write which message is the answer: answer = '/id == id'".into()),
        ("request = { id = 'id', answer = '/id == id' }", "1:18 'id': invalid JSON Pointer `id`: it starts with a slash, as in \"/data/t\" | write \"/id\"".into()),
        ("request = { id = '/id', answer = 'exists(/result)' }", "1:34 'exists(/result)': `answer` does not look at `id`: each message would answer any request | compare it with the number that the server repeats: answer = '/id == id'".into()),
        ("request = { id = '/id', answer = '/id == id', fail = '/a = 1' }", "1:58 =: invalid operator `=` | write `==` to compare".into()),
        ("request = { id = '/id', answer = '/id == ID' }", "1:42 ID: the environment variable `ID` is not set | set it, or write `id` for the name".into()),
        ("request = { id = '/id', answer = '/id == id', in_flight = 1025 }", "1:59 1025: 1025 is out of range | write a number from 1 to 1024".into()),
        ("request = { id = '/id', answer = '/id == id', in_flight = 0 }", "1:59 0: 0 is out of range | write a number from 1 to 1024".into()),
        ("request = { id = '/id', answer = '/id == id', inflight = 1 }", "1:47 inflight: unknown key `inflight` | did you mean `in_flight`? the keys here are id, answer, fail, within, in_flight".into()),
        ("request = { id = '/id', answer = '/id == id && tokn' }", "1:48 tokn: unknown name `tokn` | a part of the message is `/tokn`; a text is `\"tokn\"`".into()),
        // Matchers of an earlier version.
        ("open_script = [{ expect = { json = '/type', equals = 'auth_ok' } }]", "1:27 { json = '/type', equals = 'auth_ok' }: expected an expression, found a table | write '/type == \"auth_ok\"'".into()),
        ("rules = [{ when = { wehn = 5 } }]", "1:19 { wehn = 5 }: expected an expression, found a table | write it as a string: '/op == \"ping\"'".into()),
        ("heartbeat = { kind = 'text', pong = { json = '/op', equals = 'pong' } }", "1:37 { json = '/op', equals = 'pong' }: the pong is matched by an expression | write { when = '/op == \"pong\"' }".into()),
        // Decoding.
        ("decode = 'gzp'", r#"1:10 'gzp': invalid value `gzp` | did you mean "gzip"? write "gzip", "zlib", "deflate", "zlib-stream", { split = "\u001e" }, a list of them, or "none""#.into()),
        ("decode = ['gzip', 'brotli']", r#"1:19 'brotli': invalid value `brotli` | write "gzip", "zlib", "deflate", "zlib-stream", { split = "\u001e" }, a list of them, or "none""#.into()),
        ("decode = { split = '' }", "1:20 '': the text is empty | write at least one character".into()),
        ("decode = {}", r#"1:10 {}: the table has no `split` | write what stands between two messages: { split = "\u001e" }"#.into()),
        ("decode = { splt = 'x' }", "1:12 splt: unknown key `splt` | did you mean `split`? the keys here are split".into()),
        ("decode = ['zlib-stream', 'zlib-stream']", "1:10 ['zlib-stream', 'zlib-stream']: `zlib-stream` comes twice, and a socket has one stream | write it once".into()),
        ("decode = ['gzip', 'gzip', 'gzip', 'gzip', 'gzip']", "1:10 ['gzip', 'gzip', 'gzip', 'gzip', 'gzip']: there are 5 stages, and at most 4 may be | a message goes through them one after another: write what the server has done, last first".into()),
        ("decode = true", r#"1:10 true: expected a word such as "gzip", or { split = "\u001e" }, found the boolean true | "#.into()),
        ("reconnect.give_up_on = ['cause:decode']", "1:25 'cause:decode': `cause:decode` can never match: nothing is decoded | write decode, such as \"gzip\", or remove the rule".into()),
        ("decode = 'none'\nreconnect.give_up_on = ['cause:decode']", "2:25 'cause:decode': `cause:decode` can never match: nothing is decoded | ".into()),
        // Rates, and keys of other steps.
        ("open_script = [{ send = 'x', rate = 'site' }]", "1:37 'site': unknown rate `site` | write [rates.site], or a table".into()),
        ("open_script = [{ send = 'x', rate = [] }]", "1:37 []: the list of rates is empty | write the keys of buckets: rate = [\"site\"]".into()),
        ("open_script = [{ send = 'x', rate = { messages = 5 } }]", "1:37 { messages = 5 }: expected the key of a bucket in [rates], or a list of them, found a table | ".into()),
        ("open_script = [{ send = 'x', every = '5s' }]", "1:30 every: unknown key `every` | the keys here are send, http, exec, expect, fail, give_up, within, count, capture, clear, if, again, rate".into()),
        ("periodic = [{ send = 'x' }]", "1:13 { send = 'x' }: the periodic step has no `every` | write how often it is taken: every = \"30s\"".into()),
        ("periodic = [{ every = '5s' }]", "1:13 { every = '5s' }: the step neither sends nor expects | write send = '…', or expect = '…' for a message that the server sends first".into()),
        ("periodic = [{ evry = '5s', every = '5s', send = 'x' }]", "1:15 evry: unknown key `evry` | did you mean `every`? the keys here are send, http, exec, expect, fail, give_up, within, count, capture, clear, if, again, rate, every, idle".into()),
        ("periodic = [{ every = '500ms', send = 'x' }]", "1:23 '500ms': the duration 500ms is out of range | write a duration from \"1s\" to \"24h\"".into()),
        ("periodic = [{ every = 'soon', send = 'x' }]", "1:23 'soon': invalid duration `soon` | write whole numbers with units, the longest first: \"500ms\", \"10s\", \"5m\", \"1h30m\"".into()),
        ("periodic = [{ every = '${/t}s', send = 'x' }]", "1:26 /t: `/t` looks into a message, but there is none here | capture the value before, and write the capture's name".into()),
        ("periodic = [{ every = '5s', idle = 'yes', send = 'x' }]", "1:36 'yes': expected true or false, without quotes, found the string \"yes\" | ".into()),
        ("periodic = { every = '5s' }", "1:12 { every = '5s' }: expected an array of steps, found a table | ".into()),
        ("periodic = [{ every = '5s', send = '${token}' }]\ncapture = {}", "1:39 token: unknown name `token` | set it with `let` or `capture`".into()),
        ("periodic = [{ every = '5s', send = '${token}' }]\nclose_script = [{ expect = '/a', capture = { token = '/t' } }]", "1:39 token: `token` is read before any step sets it | capture it in a step before this one, write `default(token, …)`, or give the step an `if`".into()),
        ("close_script = [{ send = 'x', fail = '/a' }]", "1:38 '/a': `fail` has no `expect` to go with: without `expect` a step passes once it is sent | write expect = '…', or remove it".into()),
        ("close_script = 'x'", "1:16 'x': expected an array of steps, found the string \"x\" | ".into()),
        ("reconnect.give_up_on = ['cause:script_timeout']\nclose_script = [{ expect = '/a' }]", "1:25 'cause:script_timeout': `cause:script_timeout` can never match: no script expects anything | write open_script = [{ expect = '…' }], or remove the rule".into()),
        // Slow functions where nothing waits for them.
        ("rules = [{ when = '/a', send = '${sign(\"RS256\", KEY, \"x\")}' }]", "1:32 '${sign(\"RS256\", KEY, \"x\")}': RS256 takes too long here: the arbiter's other connections would wait | write ES256 or EdDSA, or sign in what a step sends or calls, which waits for it".into()),
        ("let = { s = '${sign(\"RS256\", KEY, \"x\")}' }\nheartbeat = { kind = 'text', ping = '${s}', pong = 'x' }", "2:37 '${s}': RS256 takes too long here: the arbiter's other connections would wait | write ES256 or EdDSA, or sign in what a step sends or calls, which waits for it".into()),
        ("let = { s = '${sign(\"RS256\", KEY, \"x\")}' }\nopen_script = [{ send = '${s}', expect = '/a == s' }]", "2:42 '/a == s': RS256 takes too long here: the arbiter's other connections would wait | write ES256 or EdDSA, or sign in what a step sends or calls, which waits for it".into()),
        ("capture = { a = 'sign(\"RS256\", KEY, text(/x))' }", "1:17 'sign(\"RS256\", KEY, text(/x))': RS256 takes too long here: the arbiter's other connections would wait | write ES256 or EdDSA, or sign in what a step sends or calls, which waits for it".into()),
        ("open_script = [{ send = 'x', http = { url = 'https://h' } }]", "1:30 http: `send` and `http` exclude each other | write two steps".into()),
        ("open_script = [{ http = { url = 'https://h' }, exec = ['x'] }]", "1:48 exec: `http` and `exec` exclude each other | write two steps".into()),
        ("open_script = [{ http = { url = 'https://h' }, count = 2 }]", "1:48 count: `count` counts messages, but a call has only one answer | remove it".into()),
        ("open_script = [{ http = {} }]", "1:25 {}: the request has no url | write http = { url = \"https://host/path\" }".into()),
        ("open_script = [{ http = { url = 'ftp://h' } }]", "1:33 'ftp://h': invalid URL `ftp://h` | write http://host/path or https://host/path".into()),
        ("open_script = [{ send = 'x', expect = 'status == 200' }]", "1:40 status: there is no `status` here | built in here: `message`, `id`, `sequence`, `handover`, `name`".into()),
        ("close_script = [{ exec = [] }]", "1:26 []: `exec` names no program | write exec = [\"program\", \"argument\"]".into()),
        ("periodic = [{ every = '5s', http = { url = 'https://h', body = 'x' } }]", "1:64 'x': a GET request has no body | write method = \"POST\", or leave the body out".into()),
        ("resume = 'x'", "1:1 resume: unknown key `resume`".into()),
    ] {
        let told = told(keys);
        let is_right = match keys {
            "resume = 'x'" => told[0].starts_with(&expected),
            _ => told.contains(&expected),
        };
        if !is_right || told.len() > 1 {
            wrong.push((keys, told));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_sends_nothing_has_no_rate() {
    let text = "[rates]\nsite = { messages = 1 }\n[connections.a]\nurl = 'wss://h'\n\
                periodic = [{ every = '5s', expect = '/x', rate = 'site' }]";
    let errors = Memory::default().read(text).unwrap_err();
    let told: Vec<String> = errors
        .iter()
        .map(|error| format!("{}:{} {}", error.line, error.column, error.message))
        .collect();
    assert_eq!(
        told,
        ["5:51 `rate` has no `send`: only sending has to wait for a rate"]
    );
}

#[test]
fn a_place_is_found_within_each_kind_of_string() {
    for (keys, place) in [
        ("rules = [{ when = \"\"\"\n/op\n  = 1\"\"\" }]", "3:3 ="),
        ("rules = [{ when = '''/op\r\n  = 1''' }]", "2:3 ="),
        ("rules = [{ when = \"\"\"/op \\\n\n   = 1\"\"\" }]", "3:4 ="),
        ("rules = [{ when = \"\\\"\\u00e4\\\" = /op\" }]", "1:31 ="),
        ("rules = [{ when = '\"ä\" = /op' }]", "1:24 ="),
        ("on_open = [\"\"\"\n{\n  \"id\": ${id},\n}\"\"\"]", "4:1 }"),
    ] {
        let told = told(keys);
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(
            told[0].starts_with(&format!("{place}: ")),
            "{keys}\n{told:#?}"
        );
    }
}

#[test]
fn all_mistakes_of_all_texts_are_told_at_once() {
    let keys = "let = { a = '${hmca(1)}', b = '${/x = 1}' }\ncapture = { c = 'sesion' }\n\
                open_script = [{ send = '${nme}', expect = 'x = 1', fail = 'exist(/a)' }]\n\
                rules = [{ when = '\"x\"', send = '{\"a\":${/a}' }, { wen = 1 }]";
    let told = told(keys);
    let places: Vec<&str> = told
        .iter()
        .filter_map(|told| told.split(": ").next())
        .collect();
    assert_eq!(
        places,
        [
            "1:16 hmca",
            "1:37 =",
            "2:18 sesion",
            "3:28 nme",
            "3:47 =",
            "3:61 exist",
            "4:20 \"x\"",
            "4:39 ${/a}",
            "4:51 wen",
        ],
        "{told:#?}"
    );
}

#[test]
fn there_are_bounds() {
    let list = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let rules = |count| {
        format!(
            "rules = [{}]",
            list(count, &|at| format!("{{ when = '/a == {at}' }}"))
        )
    };
    let steps = |count| {
        format!(
            "open_script = [{}]",
            list(count, &|_| "{ send = 'x' }".into())
        )
    };
    let opening = |count| format!("on_open = [{}]", list(count, &|_| "'${id}'".into()));
    let captures = |count| {
        format!(
            "capture = {{ {} }}",
            list(count, &|at| format!("c{at} = '/c'"))
        )
    };
    let lets = |count| format!("let = {{ {} }}", list(count, &|at| format!("l{at} = 'x'")));
    let nested = |depth: usize| {
        format!(
            "rules = [{{ when = '{}/a{}' }}]",
            "(".repeat(depth),
            ")".repeat(depth)
        )
    };
    type Keys<'k> = &'k dyn Fn(usize) -> String;
    let cases: [(Keys<'_>, usize, &str); 6] = [
        (
            &rules,
            64,
            "there are 65 rules | a connection has at most 64",
        ),
        (
            &steps,
            32,
            "the script has 33 steps | a script has at most 32",
        ),
        (
            &opening,
            32,
            "the script has 33 steps | a script has at most 32",
        ),
        (
            &captures,
            64,
            "there are more than 64 captures | capture only what an expression reads",
        ),
        (&lets, 32, "there are 33 lets | a connection has at most 32"),
        (
            &nested,
            32,
            "invalid expression: it is nested deeper than 32 levels | split it, with `let`",
        ),
    ];
    for (keys, most, expected) in cases {
        let right = keys(most);
        assert!(Memory::default().connection(&right).is_ok(), "{right}");
        let told = told(&keys(most + 1));
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].ends_with(&format!(": {expected}")), "{told:#?}");
    }
}

#[test]
fn what_a_step_may_read_is_not_complained_about() {
    for keys in [
        // Set by an earlier step, by a rule, or by the connection.
        "open_script = [{ expect = '/a', capture = { t = '/t' } }, { send = '${t}' }]",
        "open_script = [{ send = '${t}' }]\nrules = [{ when = '/a', capture = { t = '/t' } }]",
        "open_script = [{ send = '${t}' }]\ncapture = { t = '/t' }",
        // With a default for an absent value.
        "open_script = [{ send = '${default(t, 1)}', expect = '/a', capture = { t = '/t' } }]",
        "open_script = [{ if = 't', send = '${t}', expect = '/a', capture = { t = '/t' } }]",
        "open_script = [{ send = 'x', expect = '/a && !t', capture = { t = '/t' } }]",
        "let = { l = '${default(t, 1)}' }\nopen_script = [{ send = '${l}', expect = '/a', capture = { t = '/t' } }]",
        // After the script, or as soon as there is a value.
        "open_script = [{ expect = '/a', capture = { t = '/t' } }]\nheartbeat = { kind = 'text', ping = '${t}', interval = '${t}s' }\nidle_timeout = '${t}s'",
    ] {
        assert!(Memory::default().connection(keys).is_ok(), "{keys}");
    }
}

#[test]
fn what_looks_wrong_is_a_warning_with_its_place() {
    let text = "[connections.a]\nurl = 'wss://h'\nrules = [{ when = '/x-1 == 5' }]\nlet = { a = 'x${/y-1}' }";
    let settings = Memory::default()
        .read(text)
        .unwrap_or_else(|errors| panic!("{errors}"));
    let places: Vec<(usize, usize, &str)> = settings
        .warnings
        .iter()
        .map(|warning| (warning.line, warning.column, warning.text.as_str()))
        .collect();
    assert_eq!(places, [(3, 20, "/x-1"), (4, 17, "/y-1")]);
}

#[test]
fn in_a_fleet_the_place_is_that_of_the_template() {
    let text = "[fleet.f]\nnames = ['a', 'b']\nurl = 'wss://h/{name}'\n\
                rules = [{ when = '/name == \"{name}\" && /op = 1' }, { when = '/b = \"{name}\"' }]";
    let errors = Memory::default().read(text).unwrap_err();
    let places: Vec<(usize, usize, &str)> = errors
        .iter()
        .map(|error| (error.line, error.column, error.text.as_str()))
        .collect();
    assert_eq!(places, [(4, 45, "="), (4, 66, "=")], "{errors}");
}

#[test]
fn over_the_api_neither_the_environment_nor_files_are_named() {
    for (keys, pointer, message) in [
        (
            r#""rules": [{"when": "/a == KEY"}]"#,
            "/rules/0/when",
            "the environment variable `KEY` is not allowed over the API",
        ),
        (
            r#""let": {"s": "${hmac(\"sha256\", KEY, \"x\")}"}"#,
            "/let/s",
            "the environment variable `KEY` is not allowed over the API",
        ),
        (
            r#""open_script": [{"send": "${KEY}"}]"#,
            "/open_script/0/send",
            "`${KEY}` is not allowed over the API",
        ),
        (
            r#""open_script": [{"send": {"text": "${file:/etc/passwd}"}}]"#,
            "/open_script/0/send/text",
            "`${file:/etc/passwd}` is not allowed over the API",
        ),
        (
            r#""on_open": ["${id}${KEY}"]"#,
            "/on_open/0",
            "`${KEY}` is not allowed over the API",
        ),
        (
            r#""heartbeat": {"kind": "text", "ping": "${KEY}"}"#,
            "/heartbeat/ping",
            "`${KEY}` is not allowed over the API",
        ),
        (
            r#""idle_timeout": "${KEY}s""#,
            "/idle_timeout",
            "`${KEY}` is not allowed over the API",
        ),
    ] {
        let json = format!(r#"{{"url": "wss://example.com", {keys}}}"#);
        let result = Inherited::default().connection(json.as_bytes(), &DialPolicy::Any);
        let Err(InvalidJson::Keys { errors, omitted: 0 }) = result else {
            panic!("{json}: {result:?}")
        };
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(
            (errors[0].pointer.as_str(), errors[0].message.as_str()),
            (pointer, message)
        );
        assert!(
            errors[0]
                .help
                .as_deref()
                .unwrap()
                .contains("/v1/secrets/ID"),
            "{errors:?}"
        );
    }
    let json = br#"{"url": "wss://example.com", "open_script": [{"send": "${id} ${secret:tok}", "expect": "/id == id"}]}"#;
    assert!(
        Inherited::default()
            .connection(json, &DialPolicy::Any)
            .is_ok()
    );
}
