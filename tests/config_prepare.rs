//! `prepare`: the accepted keys, the settings they produce, and the messages for mistakes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;

use std::time::Duration;

use everwire::config::{
    Base, ConnectionSettings, DialPolicy, Inherited, InvalidJson, Settings, masked,
};
use everwire_proto::{
    language::Name,
    settings::dialogue::{Prepare, StepCall},
};
use memory::Memory;
use serde_json::json;

/// Reads keys together with the variables of these tests' templates and a `[prepare.login]`.
fn read(keys: &str) -> Result<Settings, everwire::config::Diagnostics> {
    let text = format!(
        "[prepare.login]\nsteps = [{{ http = {{ url = 'https://h/login' }}, capture = {{ shared = '/t' }} }}]\n[connections.a]\n{keys}\n"
    );
    let source = Memory::default().with_variable("KEY", "do not print me");
    source.read(&text)
}

fn connection(keys: &str) -> ConnectionSettings {
    let settings = read(keys).unwrap_or_else(|errors| panic!("{keys}\n{errors}"));
    settings.connections["a"].clone()
}

/// All errors: line, column, the marked text, message and help. The keys begin in line 1.
fn told(keys: &str) -> Vec<String> {
    let errors = match read(keys) {
        Ok(settings) => panic!("accepted: {keys}\n{:?}", settings.connections),
        Err(errors) => errors,
    };
    assert!(
        !errors.render(false).contains("do not print me"),
        "{errors}"
    );
    let told = errors.iter().map(|error| {
        let help = error.help.as_deref().unwrap_or_default();
        let line = error.line as isize - 3;
        let place = format!("{line}:{} {}", error.column, error.text);
        format!("{place}: {} | {help}", error.message)
    });
    told.collect()
}

const HTTP: &str = "http = { url = 'https://h/x' }";

#[test]
fn steps_become_calls_and_what_they_capture_is_secret() {
    let settings = connection(
        r#"url = "wss://h/${socket}?k=${KEY}"
headers = { X-Token = "Bearer ${token}", X-Plain = "x", X-Both = "${KEY}-${token}" }
basic_auth = { user = "me", password = "${hex(token)}" }
subprotocols = ["plain", "token.${token}"]
let = { ts = '${now("s")}' }
prepare = [
  { http = { method = "POST", url = "https://h/token?key=${KEY}", headers = { X-Key = "${KEY}" }, body = '{"ts":${ts}}' }, expect = "/ok", fail = "/no", give_up = 'status == 401 || header("x-dead") == "1"', within = "3s", capture = { token = "/token", socket = { value = 'cookie("socket")', secret = false } } },
  { if = "token", exec = ["./bin/check", "-t", "${token}"], clear = ["token"] },
]"#,
    );
    let dialogue = settings.dialogue.clone().unwrap();
    let Some(Prepare::Own(preparation)) = &dialogue.prepare else {
        panic!("{:?}", dialogue.prepare);
    };
    let [first, second] = &preparation.steps[..] else {
        panic!("{:?}", preparation.steps);
    };
    assert!(first.capture.iter().all(|capture| capture.secret));
    assert_eq!(first.within, Duration::from_secs(3));
    let StepCall::Http(request) = &first.call else {
        panic!("{first:?}");
    };
    assert_eq!((request.method, request.headers.len()), ("POST", 1));
    let StepCall::Exec(program) = &second.call else {
        panic!("{second:?}");
    };
    assert_eq!(
        (program.path.to_str(), program.arguments.len()),
        (Some("./bin/check"), 2)
    );
    assert_eq!(
        dialogue.names.find("token"),
        preparation.names.find("token")
    );
    assert!(matches!(
        dialogue.names.find("token"),
        Some(Name::Capture(_))
    ));

    // The settings are shown as written.
    assert_eq!(settings.url.to_string(), "wss://h/${socket}?k=${KEY}");
    let shown = masked(&settings);
    assert_eq!(shown["url"], "wss://h/${socket}?k=${KEY}");
    assert_eq!(
        shown["headers"],
        json!({ "X-Token": "***${token}", "X-Plain": "***", "X-Both": "${KEY}***${token}" })
    );
    assert_eq!(shown["basic_auth"]["password"], "${hex(token)}");
    assert_eq!(shown["subprotocols"], json!(["plain", "token.${token}"]));
    assert_eq!(
        shown["prepare"],
        json!([
            {
                "http": { "method": "POST", "url": "https://h/token?key=${KEY}", "headers": { "X-Key": "${KEY}" }, "body": "{\"ts\":${ts}}" },
                "expect": "/ok", "fail": "/no", "give_up": "status == 401 || header(\"x-dead\") == \"1\"", "within": "3s",
                "capture": { "token": { "value": "/token", "secret": true }, "socket": { "value": "cookie(\"socket\")", "secret": true } },
            },
            { "if": "token", "exec": ["./bin/check", "-t", "${token}"], "within": "10s", "clear": ["token"] },
        ])
    );
    assert!(!format!("{settings:?}").contains("do not print me"));

    let shared = connection("url = 'wss://h/${shared}'\nprepare = 'login'");
    assert_eq!(masked(&shared)["prepare"], "login");
    let Some(Prepare::Shared(login)) = &shared.dialogue.as_ref().unwrap().prepare else {
        panic!("{shared:?}");
    };
    assert_eq!((&*login.key, login.keep), ("login", Duration::ZERO));
}

#[test]
fn nearer_steps_replace_those_that_are_inherited_and_none_are_none() {
    let text = "[defaults]\nprepare = [{ http = { url = 'https://h/x' } }]\n[connections.a]\nurl = 'wss://h'\n[connections.b]\nurl = 'wss://h'\nprepare = []";
    let settings = Memory::default().read(text).unwrap();
    let has = |name: &str| {
        let dialogue = settings.connections[name].dialogue.as_ref();
        dialogue.is_some_and(|dialogue| dialogue.prepare.is_some())
    };
    assert!(has("a") && !has("b"));
    assert_eq!(masked(&settings.connections["b"])["prepare"], json!([]));
    // Names that are made over the API get none of it.
    let settings = Base::NONE
        .from_toml("[defaults]\nprepare = [{ http = { url = 'https://h/x' } }]")
        .unwrap();
    let own = settings
        .inherited
        .connection(br#"{"url": "wss://example.com"}"#, &DialPolicy::PublicOnly)
        .unwrap();
    assert_eq!(own.dialogue, None);
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_would_be_right() {
    let mut wrong = Vec::new();
    let early =
        "capture it in a step before this one, write `default(token, …)`, or give the step an `if`";
    for (keys, expected) in [
        ("prepare = 1".to_owned(), "1:11 1: expected an array of steps, or the key of a [prepare.KEY], found the integer 1 | ".to_owned()),
        ("prepare = 'logn'".into(), "1:11 'logn': unknown prepare `logn` | did you mean \"login\"?".into()),
        ("prepare = [{}]".into(), "1:12 {}: the step has neither `http` nor `exec` | write what is called: http = { url = \"https://…\" }, or exec = [\"program\"]".into()),
        (format!("prepare = [{{ {HTTP}, exec = ['x'] }}]"), "1:46 exec: `http` and `exec` exclude each other | write two steps".into()),
        ("prepare = [{ http = { method = 'POST' } }]".into(), "1:21 { method = 'POST' }: the request has no url | write http = { url = \"https://host/path\" }".into()),
        ("prepare = [{ http = { url = 'wss://h/x' } }]".into(), "1:29 'wss://h/x': invalid URL `wss://h/x` | write http://host/path or https://host/path".into()),
        ("prepare = [{ http = { url = 'wss://${KEY}' } }]".into(), "1:29 'wss://${KEY}': invalid URL `wss://${KEY}` | write http://host/path or https://host/path".into()),
        ("prepare = [{ http = { url = '/x' } }]".into(), "1:29 '/x': invalid URL `/x` | write http://host/path or https://host/path".into()),
        ("prepare = [{ http = { url = 'https://me:pw@h/' } }]".into(), "1:29 'https://me:pw@h/': invalid URL `https://me:pw@h/` | it holds credentials; write a header Authorization instead".into()),
        ("prepare = [{ http = { url = 'https://h', method = 'PSOT' } }]".into(), "1:51 'PSOT': invalid value `PSOT` | one of \"GET\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\"".into()),
        ("prepare = [{ http = { url = 'https://h', body = 'x' } }]".into(), "1:49 'x': a GET request has no body | write method = \"POST\", or leave the body out".into()),
        ("prepare = [{ http = { url = 'https://h', headers = { Host = 'x' } } }]".into(), "1:54 Host: everwire itself sets the header `Host` | it follows from the URL and the body".into()),
        ("prepare = [{ http = { url = 'https://h', headers = { 'a b' = 'x' } } }]".into(), "1:54 'a b': invalid header name `a b` | it is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.6.2)".into()),
        ("prepare = [{ http = { url = 'https://h', headers = { X-A = 'x', x-a = 'y' } } }]".into(), "1:65 x-a: the header `x-a` comes twice | the case of a header's name does not matter".into()),
        ("prepare = [{ exec = [] }]".into(), "1:21 []: `exec` names no program | write exec = [\"program\", \"argument\"]".into()),
        ("prepare = [{ exec = 'ls -l' }]".into(), "1:21 'ls -l': expected a program and its arguments: [\"program\", \"argument\"], found the string \"ls -l\" | ".into()),
        ("prepare = [{ exec = ['${KEY}'] }]".into(), "1:22 '${KEY}': variables are not expanded in the name of a program | write the program's name or its path; arguments may be templates".into()),
        // Names.
        (format!("prepare = [{{ {HTTP}, fail = '/a = 1' }}]"), "1:57 =: invalid operator `=` | write `==` to compare".into()),
        (format!("prepare = [{{ {HTTP}, expect = 'staus == 200' }}]"), "1:56 staus: unknown name `staus` | did you mean `status`?".into()),
        ("prepare = [{ http = { url = 'https://h/${status}' } }]".into(), "1:42 status: there is no `status` here | built in here: `sequence`, `handover`, `name`".into()),
        ("prepare = [{ http = { url = 'https://h/${header(\"a\")}' } }]".into(), "1:42 header(\"a\"): `header(\"a\")` looks into an HTTP answer, but there is none here | it stands in a step with `http`".into()),
        ("prepare = [{ http = { url = 'https://h/${token}' }, capture = { token = '/t' } }]".into(), format!("1:42 token: `token` is read before any step sets it | {early}")),
        (format!("prepare = [{{ {HTTP} }}]\nheaders = {{ X = '${{token}}' }}\ncapture = {{ token = '/t' }}"), format!("2:20 token: `token` is read before any step sets it | {early}")),
        (format!("prepare = [{{ {HTTP} }}]\nheaders = {{ X = '${{tokn}}' }}"), "2:20 tokn: unknown name `tokn` | set it with `let` or `capture`".into()),
        ("prepare = 'login'\nlet = { shared = 'x' }".into(), "1:11 'login': invalid name \"shared\": a capture and a `let` must have different names | write a name such as `token` or `session_id`".into()),
        (format!("prepare = [{{ {HTTP}, clear = ['tokn'], capture = {{ token = '/t' }} }}]"), "1:55 'tokn': unknown capture `tokn` | did you mean \"token\"?".into()),
        (format!("prepare = [{{ {HTTP}, capture = {{ t = {{ value = '/t', keep = true }} }} }}]"), "1:85 true: `keep` would write a secret to disk: everything that `prepare` captures is secret | remove it: `prepare` runs again before the next dial".into()),
        // Slow functions where nothing waits for them.
        ("prepare = [{ http = { url = 'https://h' }, expect = '/a == sign(\"RS256\", KEY, \"x\")' }]".into(), "1:53 '/a == sign(\"RS256\", KEY, \"x\")': RS256 takes too long here: the arbiter's other connections would wait | write ES256 or EdDSA, or sign in what a step sends or calls, which waits for it".into()),
        ("headers = { X = '${s}' }\nlet = { s = '${sign(\"RS256\", KEY, \"x\")}' }".into(), "1:17 '${s}': RS256 takes too long here: the arbiter's other connections would wait | write ES256 or EdDSA, or sign in what a step sends or calls, which waits for it".into()),
        // Keys of other steps.
        (format!("prepare = [{{ {HTTP}, send = 'x' }}]"), "1:46 send: unknown key `send` | the keys here are http, exec, expect, fail, give_up, within, capture, clear, if".into()),
        (format!("prepare = [{{ {HTTP}, within = '0s' }}]"), "1:55 '0s': the duration must be longer than zero | write a duration such as \"10s\"".into()),
        ("reconnect.give_up_on = ['cause:prepare']".into(), "1:25 'cause:prepare': `cause:prepare` can never match: nothing is prepared | write prepare = [{ http = { url = \"https://…\" } }], or remove the rule".into()),
    ] {
        let told = told(&format!("{keys}\nurl = 'wss://h'"));
        if told != [expected.clone()] {
            wrong.push((keys, expected, told));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_url_that_reads_what_nothing_has_captured_is_told() {
    let keys = "url = 'wss://h/${token}'\ncapture = { token = '/t' }";
    assert_eq!(
        told(keys),
        [
            "1:18 token: `token` is read before any step sets it | capture it in a step before this one, write `default(token, …)`, or give the step an `if`"
        ]
    );
    for keys in [
        "url = 'wss://h/${default(token, \"\")}'\ncapture = { token = '/t' }",
        "url = 'wss://h/${token}'\nprepare = [{ http = { url = 'https://h' }, capture = { token = '/t' } }]",
        "urls = ['wss://h/', 'wss://h/${name}', '${shared}']\nprepare = 'login'",
    ] {
        assert!(read(keys).is_ok(), "{keys}: {:?}", told(keys));
    }
}

#[test]
fn a_shared_one_is_checked_where_it_stands() {
    for (text, expected) in [
        (
            "[prepare.k]",
            "1:10 k: the prepare `k` has no steps | write steps = [{ http = { url = \"https://…\" } }]",
        ),
        (
            "[prepare.k]\nsteps = [{ http = { url = 'https://h/${name}' } }]",
            "2:40 name: there is no `name` here | no name is built in here",
        ),
        (
            "[prepare.k]\nsteps = [{ http = { url = 'https://h/${token}' } }]",
            "2:40 token: unknown name `token` | ",
        ),
        (
            "[prepare.k]\nkep = '1m'",
            "2:1 kep: unknown key `kep` | did you mean `keep`? the keys here are steps, keep",
        ),
    ] {
        let errors = Memory::default().read(text).unwrap_err();
        let told: Vec<String> = errors
            .iter()
            .map(|error| {
                let help = error.help.as_deref().unwrap_or_default();
                let place = format!("{}:{} {}", error.line, error.column, error.text);
                format!("{place}: {} | {help}", error.message)
            })
            .collect();
        assert!(
            told.iter().any(|told| told.starts_with(expected)),
            "{text}\n{told:#?}"
        );
    }
}

#[test]
fn there_are_bounds() {
    let steps = |count: usize| {
        format!(
            "prepare = [{}]\nurl = 'wss://h'",
            vec![format!("{{ {HTTP} }}"); count].join(", ")
        )
    };
    assert!(read(&steps(32)).is_ok());
    let told = told(&steps(33));
    assert_eq!(told.len(), 1);
    assert!(
        told[0].ends_with("there are 33 steps | prepare has at most 32"),
        "{told:?}"
    );
}

#[test]
fn over_the_api_steps_reach_neither_files_nor_the_environment_nor_other_names() {
    for (keys, policy, pointer, message) in [
        (
            r#""prepare": "login""#,
            DialPolicy::Any,
            "/prepare",
            "the `prepare` of the file is not allowed over the API",
        ),
        (
            r#""prepare": [{"exec": ["id"]}]"#,
            DialPolicy::Any,
            "/prepare/0/exec",
            "`exec` is not allowed over the API",
        ),
        (
            r#""prepare": [{"http": {"url": "https://h/${KEY}"}}]"#,
            DialPolicy::Any,
            "/prepare/0/http/url",
            "`${KEY}` is not allowed over the API",
        ),
        (
            r#""prepare": [{"http": {"url": "https://h", "headers": {"A": "${file:/etc/passwd}"}}}]"#,
            DialPolicy::Any,
            "/prepare/0/http/headers/A",
            "`${file:/etc/passwd}` is not allowed over the API",
        ),
        (
            r#""periodic": [{"every": "5s", "exec": ["id"]}]"#,
            DialPolicy::Any,
            "/periodic/0/exec",
            "`exec` is not allowed over the API",
        ),
        (
            r#""open_script": [{"http": {"method": "POST", "url": "https://h", "body": "${KEY}"}}]"#,
            DialPolicy::Any,
            "/open_script/0/http/body",
            "`${KEY}` is not allowed over the API",
        ),
        (
            r#""open_script": [{"http": {"url": "http://127.0.0.1/x"}}]"#,
            DialPolicy::PublicOnly,
            "/open_script/0/http/url",
            "this URL must not be called: 127.0.0.1 is not a public address",
        ),
        (
            r#""close_script": [{"http": {"url": "http://169.254.169.254/${name}"}}]"#,
            DialPolicy::PublicOnly,
            "/close_script/0/http/url",
            "this URL must not be called: 169.254.169.254 is not a public address",
        ),
        (
            r#""periodic": [{"every": "5s", "http": {"url": "https://example.com/x"}}]"#,
            DialPolicy::Urls(["wss://*".parse().unwrap()].into()),
            "/periodic/0/http/url",
            "this URL must not be called: no pattern of service.allow_urls selects it",
        ),
        (
            r#""headers": {"A": "${KEY ~ \"x\"}"}"#,
            DialPolicy::Any,
            "/headers/A",
            "the environment variable `KEY` is not allowed over the API",
        ),
        (
            r#""prepare": [{"http": {"url": "http://127.0.0.1/x"}}]"#,
            DialPolicy::PublicOnly,
            "/prepare/0/http/url",
            "this URL must not be called: 127.0.0.1 is not a public address",
        ),
        (
            r#""prepare": [{"http": {"url": "http://169.254.169.254/${name}"}}]"#,
            DialPolicy::PublicOnly,
            "/prepare/0/http/url",
            "this URL must not be called: 169.254.169.254 is not a public address",
        ),
        (
            r#""prepare": [{"http": {"url": "https://example.com/x"}}]"#,
            DialPolicy::Urls(["wss://*".parse().unwrap()].into()),
            "/prepare/0/http/url",
            "this URL must not be called: no pattern of service.allow_urls selects it",
        ),
    ] {
        let json = format!(r#"{{"url": "wss://example.com", {keys}}}"#);
        let result = Inherited::default().connection(json.as_bytes(), &policy);
        let Err(InvalidJson::Keys { errors, omitted: 0 }) = result else {
            panic!("{json}: {result:?}")
        };
        let told: Vec<_> = errors
            .iter()
            .map(|error| (error.pointer.as_str(), error.message.as_str()))
            .collect();
        assert_eq!(told, [(pointer, message)]);
    }
    let json = br#"{"url": "${socket}", "prepare": [{"http": {"url": "https://example.com/${secret:id}"}, "capture": {"socket": "/url"}}]}"#;
    let settings = Inherited::default().connection(json, &DialPolicy::PublicOnly);
    assert!(settings.is_ok(), "{settings:?}");
    let json = br#"{"url": "ws://10.0.0.1/${socket}", "prepare": [{"http": {"url": "https://example.com/"}, "capture": {"socket": "/url"}}]}"#;
    assert!(
        Inherited::default()
            .connection(json, &DialPolicy::PublicOnly)
            .is_err()
    );
}
