//! Secrets are placed wherever a user can put one, and searched for in all output.

mod service_support;

use std::fmt::Write as _;

use everwire::{Settings, config::masked, testing::Peer};
use serde_json::{Value, json};
use service_support::{
    Running, everwire, file,
    http::{Headers, JSON, Service},
    sse::Sse,
    stderr, stdout,
    ws::Socket,
};

/// All secrets begin with this mark, and nothing else does.
const MARK: &str = "pl4nted";

/// The variables of the service's environment.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("PLANTED_QUERY", "pl4nted-query"),
    ("PLANTED_HEADER", "pl4nted-header"),
    ("PLANTED_PASSWORD", "pl4nted-password"),
    ("PLANTED_OPENING", "pl4nted-opening"),
    ("PLANTED_PROXY", "pl4nted-proxy"),
    ("PLANTED_PROTOCOL", "pl4nted-protocol"),
    ("PLANTED_LINES", "pl4nted-first\npl4nted-second"),
];
/// `user:password` of these, in the form that is sent.
const BASIC: &str = "Basic bWU6cGw0bnRlZC1wYXNzd29yZA==";
const AUTH: (&str, &str) = ("Authorization", "Bearer pl4nted-token");

/// One name for each outcome of a dial, each with every kind of secret.
fn keys(peer: &Peer, secret_file: &str, literal: &str) -> String {
    let mut keys = format!(
        "allow_urls = ['ws://127.0.0.1:*']\n[[service.tokens]]\nname = 'ops'\nsecret = 'pl4nted-token'\n\
         [[service.tokens]]\nname = 'reader'\nsecret = 'pl4nted-reader'\nscopes = ['read']\n\
         [defaults]\nreconnect = {{ min = '1h', initial = '1h', max = '1h' }}\n\
         headers = {{ X-Variable = 'a ${{PLANTED_HEADER}}', X-Literal = '{literal}', X-File = 'b ${{file:{secret_file}}}' }}\n\
         basic_auth = {{ user = 'me', password = '${{PLANTED_PASSWORD}}' }}\n\
         subprotocols = ['bearer.${{PLANTED_PROTOCOL}}', 'file.${{file:{secret_file}}}', 'v1']\n\
         on_open = ['hello ${{PLANTED_OPENING}}', '${{file:{secret_file}}}']\n"
    );
    let query = "key=${PLANTED_QUERY}";
    let proxy = |scheme: &str| {
        format!("proxy = '{scheme}://me:${{PLANTED_PROXY}}-pl4nted-literal@127.0.0.1:1'")
    };
    for (name, path, more) in [
        ("up", format!("/sink?{query}"), String::new()),
        // The peer repeats the received data in its refusal.
        (
            "refused",
            format!("/status/401?{query}&body=you+sent+${{PLANTED_QUERY}},+go+away"),
            String::new(),
        ),
        (
            "elsewhere",
            format!("/status/303?{query}&location=/login?next=${{PLANTED_QUERY}}"),
            String::new(),
        ),
        (
            "away",
            format!("/status/302?location=http://a:b@127.0.0.1/?{query}&{query}"),
            String::new(),
        ),
        (
            "closed",
            format!(
                "/close?code=1008&reason=you+sent+${{PLANTED_QUERY}}+and+${{file:{secret_file}}}"
            ),
            String::new(),
        ),
        ("http-proxy", format!("/sink?{query}"), proxy("http")),
        ("socks-proxy", format!("/sink?{query}"), proxy("socks5")),
        (
            "missing",
            format!("/sink?{query}&b=${{file:/nowhere/at/all}}"),
            String::new(),
        ),
    ] {
        let url = peer.url(&path);
        writeln!(keys, "[connections.{name}]\nurl = '{url}'\n{more}").unwrap();
    }
    writeln!(keys, "{}", dialogues(peer, secret_file)).unwrap();
    // A label that is too long fails before any DNS query.
    let nowhere = "n".repeat(64);
    let refused = "[connections.tcp]\nurl = 'ws://127.0.0.1:1/?key=${PLANTED_QUERY}'\n".to_owned()
        + &format!("[connections.dns]\nurl = 'ws://{nowhere}/${{PLANTED_QUERY}}'\n");
    keys + &refused
}

/// Names whose dialogues use secrets in every way. An echo server repeats what it receives, which
/// counts as a refusal.
fn dialogues(peer: &Peer, secret_file: &str) -> String {
    let url = peer.url("/echo");
    // A message that a rule withholds is not published.
    let rules = "rules = [{ when = '/op == \"ask\"', send = '{\"op\":\"answer\",\"mac\":\"${mac}\",\"env\":\"${PLANTED_QUERY}\"}', deliver = false }, { when = 'exists(/op)', deliver = false }]";
    let lets = format!(
        "let = {{ pem = '${{file:{secret_file}}}', mac = '${{hmac(\"sha256\", PLANTED_QUERY, name)}}', \
         token_of_file = '${{jwt(\"HS256\", pem, \"{{}}\", \"{{}}\")}}' }}"
    );
    // The peer's token: it is not in the settings.
    let give = r#"{ send = '{"op":"give","token":"${"pl4" ~ "nted-captured"}"}', expect = '/op == "give"', capture = { token = { value = "/token", secret = true } } }"#;
    let all = r#"{"op":"login","env":"${PLANTED_QUERY}","file":"${pem}","token":"${token}","mac":"${mac}","inline":"${hmac("sha1", pem, token)}","jwt":"${token_of_file}","base64":"${base64(PLANTED_QUERY ~ token)}"}"#;
    let mut keys = String::new();
    for (name, decides, more) in [
        (
            "login-refused",
            r#"expect = '/op == "welcome"', fail = '/op == "login"'"#,
            "",
        ),
        (
            "login-given-up",
            r#"expect = '/op == "welcome"', give_up = '/op == "login"'"#,
            "",
        ),
        (
            "login-unanswered",
            r#"expect = '/op == "welcome"', within = '50ms'"#,
            "",
        ),
        (
            "login-incomplete",
            r#"expect = '/op == "login"', capture = { nothing = '/nothing' }"#,
            "",
        ),
        (
            "login-unfilled",
            r#"expect = '/op == "login"'"#,
            r#", { send = '{"a":"${token}","b":${default(at(token, "/x"), nothing)}}' }"#,
        ),
        (
            "login-answered",
            r#"expect = '/op == "login"'"#,
            r#", { send = '{"op":"ask"}' }"#,
        ),
        (
            "login-moved",
            r#"expect = '/op == "login"'"#,
            r#", { send = '{"op":"move","env":"${PLANTED_QUERY}","token":"${token}","mac":"${mac}"}' }"#,
        ),
    ] {
        let rules = match name {
            "login-moved" => {
                "rules = [{ when = '/op == \"move\"', do = 'reconnect', deliver = false }, { when = 'exists(/op)', deliver = false }]"
            }
            _ => rules,
        };
        writeln!(
            keys,
            "[connections.{name}]\nurl = '{url}'\non_open = []\n{lets}\n{rules}\ncapture = {{ nothing = '/nothing/at/all' }}\n\
             open_script = [{give}, {{ send = '{all}', {decides} }}{more}]",
        )
        .unwrap();
    }
    keys + &prepared(peer) + &subscribed(peer)
}

/// A name whose subscription is refused with everything that was sent: the text of its key, and the
/// headers.
fn subscribed(peer: &Peer) -> String {
    let on = r#"{"op":"sub","key":"${key}","env":"${PLANTED_QUERY}","header":"${"pl4" ~ "nted-header"}"}"#;
    let echo = peer.url("/echo");
    format!(
        "[connections.subscribed]\nurl = '{echo}'\non_open = []\nsubscriptions = ['trades']\nrules = [{{ when = 'exists(/op)', deliver = false }}]\n\
         subscribe = {{ on = '{on}', ack = '/op == \"ok\"', fail = '/op == \"sub\"' }}\n"
    )
}

/// Names with a ticket from a `prepare` step: one has it refused on its socket, one gets none.
fn prepared(peer: &Peer) -> String {
    let http = peer.url("/status/").replace("ws://", "http://");
    // The server's token, as above.
    let ticket = r#"${urlencode("{\"ticket\":\"pl4" ~ "nted-prepared\"}")}"#;
    let given = format!(
        "prepare = [{{ http = {{ url = '{http}200?body={ticket}' }}, capture = {{ ticket = '/ticket' }} }}]"
    );
    let refused = format!(
        "prepare = [{{ http = {{ url = '{http}403?body=you+sent+${{PLANTED_QUERY}}', headers = {{ X-Key = '${{PLANTED_HEADER}}' }} }} }}]"
    );
    let login = r#"open_script = [{ send = '{"op":"login","ticket":"${ticket}","mac":"${hmac("sha256", ticket, name)}"}', expect = '/op == "welcome"', fail = '/op == "login"' }]"#;
    let rules = "rules = [{ when = 'exists(/op)', deliver = false }]";
    let echo = peer.url("/echo");
    format!(
        "[connections.ticket-refused]\nurl = '{echo}?ticket=${{ticket}}'\non_open = []\n{given}\n{login}\n{rules}\n\
         [connections.no-ticket]\nurl = '{echo}'\non_open = []\n{refused}\n"
    )
}

const DIALOGUES: [&str; 10] = [
    "login-refused",
    "login-given-up",
    "login-unanswered",
    "login-incomplete",
    "login-unfilled",
    "login-answered",
    "login-moved",
    "ticket-refused",
    "no-ticket",
    "subscribed",
];

const NAMES: [&str; 10] = [
    "up",
    "refused",
    "elsewhere",
    "away",
    "closed",
    "http-proxy",
    "socks-proxy",
    "missing",
    "tcp",
    "dns",
];

/// All output, with its source.
#[derive(Default)]
struct Told(Vec<(String, String)>);

impl Told {
    fn hear(&mut self, by: impl Into<String>, text: impl Into<String>) {
        self.0.push((by.into(), text.into()));
    }

    /// Asserts that each source has output, and none contains a secret.
    #[track_caller]
    fn assert_clean(&self) {
        for (by, text) in &self.0 {
            assert!(!text.is_empty(), "{by} tells nothing");
            for secret in [MARK, &BASIC[6..]] {
                assert!(!text.contains(secret), "{by}: {text}");
            }
        }
    }
}

fn start(test: &str, peer: &Peer) -> (Service, String) {
    let path = file(&format!("{test}-file"), "pl4nted-file\n");
    let secret_file = path.to_str().unwrap().to_owned();
    let keys = keys(peer, &secret_file, "pl4nted-literal");
    (
        Service::start_in(test, &keys, None, &ENVIRONMENT),
        secret_file,
    )
}

fn ask(service: &Service, method: &str, target: &str, body: &str) -> service_support::http::Answer {
    service.ask(method, target, &[AUTH, JSON], body.as_bytes())
}

/// Creates names over the API that use a stored secret, and one that is refused.
fn create(service: &Service, peer: &Peer, told: &mut Told) {
    for (id, value) in [
        ("stored", "pl4nted-stored"),
        ("lines", "pl4nted-a\r\npl4nted-b"),
    ] {
        let put = ask(service, "PUT", &format!("/v1/secrets/{id}"), value);
        assert_eq!(put.status, 201, "{put:?}");
    }
    let settings = json!({
        "url": peer.url("/sink?api=${secret:stored}"),
        "headers": { "X-Stored": "Bearer ${secret:stored}", "X-Given": "pl4nted-given" },
        "basic_auth": { "user": "me", "password": "pl4nted-password" },
        "subprotocols": ["bearer.${secret:stored}"],
        "proxy": "none",
    });
    let put = ask(service, "PUT", "/v1/connections/api", &settings.to_string());
    assert_eq!(put.status, 201, "{put:?}");
    told.hear("PUT", put.body);
    // A value that cannot be sent is reported without the value.
    let injected =
        json!({ "url": peer.url("/sink"), "headers": { "X-Stored": "${secret:lines}" } });
    let put = ask(
        service,
        "PUT",
        "/v1/connections/injected",
        &injected.to_string(),
    );
    assert_eq!(put.status, 201, "{put:?}");
    told.hear("PUT", put.body);
    // A login that is signed with a stored secret, and refused with it.
    let login = r#"{"op":"login","key":"${stored}","mac":"${hmac("sha256", stored, name)}"}"#;
    let login = json!({
        "url": peer.url("/echo"),
        "let": { "stored": "${secret:stored}" },
        "open_script": [{ "send": login, "expect": "/op == \"welcome\"", "fail": "/op == \"login\"" }],
        "rules": [{ "when": "exists(/op)", "deliver": false }],
        "proxy": "none",
    });
    let put = ask(
        service,
        "PUT",
        "/v1/connections/api-login",
        &login.to_string(),
    );
    assert_eq!(put.status, 201, "{put:?}");
    told.hear("PUT", put.body);
    let connect = ask(
        service,
        "POST",
        "/v1/connections/api/connect",
        "pl4nted-data",
    );
    told.hear("connect", connect.body);
    let sent = ask(
        service,
        "POST",
        "/v1/connections/api/send?wait=written",
        "pl4nted-message",
    );
    assert_eq!(sent.status, 200, "{sent:?}");
    told.hear("send", sent.body);
}

fn all_names() -> impl Iterator<Item = &'static str> {
    let of_api = ["api", "injected", "api-login"];
    NAMES.into_iter().chain(DIALOGUES).chain(of_api)
}

/// Waits for the outcome of each name. Returns those of names whose dials fail.
fn await_outcomes(service: &Service) {
    let status = |name: &str| ask(service, "GET", &format!("/v1/connections/{name}"), "").json();
    let until = std::time::Instant::now() + service_support::SOON;
    let settled = |name: &str| {
        let status = status(name);
        match name {
            "up" | "api" | "login-answered" | "subscribed" => status["ready"] == true,
            "login-given-up" => status["state"] == "failed",
            _ => status["state"] == "backoff",
        }
    };
    for name in all_names() {
        while !settled(name) {
            assert!(
                std::time::Instant::now() < until,
                "{name}: {}",
                status(name)
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

#[test]
fn no_secret_is_told_by_anything_that_the_service_says() {
    let peer = Peer::spawn_thread().unwrap();
    let (service, secret_file) = start("secrets-service", &peer);
    let mut told = Told::default();
    let mut ws = Socket::open(&service, "/v1/ws", &[AUTH]);
    ws.ask(&json!({ "op": "subscribe", "id": "s", "match": "*", "since": "0" }));
    create(&service, &peer, &mut told);
    await_outcomes(&service);
    were_used(&peer);

    for path in [
        "/v1/connections",
        "/metrics",
        "/readyz",
        "/openapi.json",
        "/",
        "/page/app.js",
    ] {
        told.hear(path, ask(&service, "GET", path, "").body);
    }
    for name in all_names() {
        for (method, rest) in [
            ("GET", ""),
            ("GET", "/config"),
            ("GET", "/why"),
            ("GET", "/subscriptions"),
            ("POST", "/probe"),
        ] {
            let path = format!("/v1/connections/{name}{rest}");
            let answer = ask(&service, method, &path, "");
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            told.hear(path, answer.body);
        }
    }
    let subscriptions = ask(
        &service,
        "GET",
        "/v1/connections/subscribed/subscriptions",
        "",
    );
    let refusal = subscriptions.json()["subscriptions"][0]["text"].to_string();
    assert_eq!(refusal.matches("***").count(), 2, "{refusal}");
    let refused = ask(&service, "GET", "/v1/connections/refused", "").json();
    let text = refused["last_error"]["text"].as_str().unwrap();
    assert!(text.ends_with("you sent ***, go away"), "{text}");
    let closed = ask(&service, "GET", "/v1/connections/closed", "").json();
    let last = &closed["last_close"];
    let close = json!({
        "code": 1008, "reason": "you sent *** and ***", "clean": true, "by": "peer",
        "at": last["at"], "sent": { "code": 1008, "reason": "" },
    });
    assert_eq!(last, &close, "{closed}");
    reloads(&service, &peer, &secret_file, &mut told);
    problems(&service, &peer, &mut told);
    events(&service, &mut ws, &mut told);
    commands(&service, &mut told);
    told.hear("the log", service.end());
    told.assert_clean();
}

/// Asserts that the peer has received all of them, so that they were really in use.
fn were_used(peer: &Peer) {
    let dials = peer.connections();
    let requests: Vec<_> = dials
        .iter()
        .filter_map(|dial| dial.request.as_ref())
        .collect();
    let sent = |header: &str, value: &str| {
        let found = requests
            .iter()
            .any(|request| request.header(header) == Some(value));
        assert!(found, "{header}: {value} was not sent");
    };
    sent("x-variable", "a pl4nted-header");
    sent("x-literal", "pl4nted-literal");
    sent("x-file", "b pl4nted-file");
    sent("x-stored", "Bearer pl4nted-stored");
    sent("x-given", "pl4nted-given");
    sent("authorization", BASIC);
    sent(
        "sec-websocket-protocol",
        "bearer.pl4nted-protocol, file.pl4nted-file, v1",
    );
    sent("sec-websocket-protocol", "bearer.pl4nted-stored");
    let texts: Vec<_> = dials.iter().flat_map(|dial| dial.texts()).collect();
    for text in [
        "hello pl4nted-opening",
        "pl4nted-file",
        "pl4nted-data",
        "pl4nted-message",
    ] {
        assert!(texts.contains(&text), "{text} is not in {texts:?}");
    }
    for query in [
        "key=pl4nted-query",
        "api=pl4nted-stored",
        "ticket=pl4nted-prepared",
    ] {
        let found = requests
            .iter()
            .any(|request| request.target().contains(query));
        assert!(found, "{query}");
    }
}

/// A plan that concerns secrets; an invalid file with secrets around the error, and in it.
fn reloads(service: &Service, peer: &Peer, secret_file: &str, told: &mut Told) {
    let test = "secrets-service";
    let valid = keys(peer, secret_file, "pl4nted-other");
    Service::configure(test, &valid);
    let plan = ask(service, "POST", "/v1/reload?plan=true", "");
    assert!(plan.body.contains("headers"), "{plan:?}");
    told.hear("the plan", plan.body);
    for wrong in [
        "[connections.x]\nurl = 'ws://me:pl4nted-credentials@h/'\n",
        "[connections.x]\nurl = 'ws://h/'\nheaders = { A = \"pl4nted\\r\\nB: c\" }\n",
        "[connections.x]\nurl = 'ws://h/'\nproxy = 'ftp://me:pl4nted-pass@h'\n",
        "[connections.x]\nurl = 'ws://h/'\nbasic_auth = { user = 'a:b', password = 'pl4nted' }\n",
        "[connections.x]\nurl = 'ws://h/'\nbasic_auth = 'me:pl4nted'\n",
        "[connections.x]\nurl = 'ws://h/'\nheaders = 'Authorization: pl4nted'\n",
        "[[service.tokens]]\nname = 'x'\nsecert = 'pl4nted'\n",
        "[connections.x]\nurl = '${PLANTED_LINES}'\n",
        "[connections.x]\nurl = 'ws://h/'\nheaders = { A = '${PLANTED_LINES}' }\n",
        "[connections.x]\nurl = 'ws://h/'\nbasic_auth = { user = 'me', pasword = 'pl4nted' }\n",
        "[connections.x]\nurl = 'ws://h/'\non_open = []\nopen_script = [{ send = '{\"a\":${PLANTED_QUERY},\"b\":${id}}' }]\n",
        "[connections.x]\nurl = 'ws://h/'\nrules = [{ when = '/a = PLANTED_QUERY', send = 'x' }]\n",
        "[connections.x]\nurl = 'ws://h/'\nlet = { a = '${PLANTED_QUERY}${b}' }\n",
    ] {
        let path = Service::configure(test, &(valid.clone() + wrong));
        for args in [&["check"][..], &["check", "--json"]] {
            let mut check = everwire(&[args, &[path.to_str().unwrap()]].concat());
            let checked = check.envs(ENVIRONMENT).output().unwrap();
            assert_eq!(checked.status.code(), Some(2), "{checked:?}");
            let told_by_it = stdout(&checked) + &stderr(&checked);
            told.hear(wrong.replace("pl4nted", "…"), told_by_it);
        }
        let refused = ask(service, "POST", "/v1/reload", "");
        assert_eq!(refused.status, 422, "{wrong}: {refused:?}");
        told.hear(wrong.replace("pl4nted", "…"), refused.body);
    }
    Service::configure(test, &valid);
}

/// Refusals do not repeat the secrets of the request.
fn problems(service: &Service, peer: &Peer, told: &mut Told) {
    let wrong_token: Headers<'_> = &[("Authorization", "Bearer pl4nted-wrong")];
    let reader: Headers<'_> = &[("Authorization", "Bearer pl4nted-reader")];
    for (headers, status) in [(wrong_token, 401), (reader, 403)] {
        let refused = service.ask("DELETE", "/v1/secrets/stored", headers, b"");
        assert_eq!(refused.status, status, "{refused:?}");
        told.hear("a token", refused.body);
    }
    let url = peer.url("/sink");
    for settings in [
        json!({ "url": url, "headers": { "A": "pl4nted\r\nB: c" } }),
        json!({ "url": url, "headers": { "A": ["pl4nted"] } }),
        json!({ "url": "ws://me:pl4nted@h/" }),
        json!({ "url": url, "basic_auth": { "user": "me", "pasword": "pl4nted" } }),
        json!({ "url": url, "basic_auth": "pl4nted" }),
        json!({ "url": url, "proxy": "http://me:pl4nted@" }),
    ] {
        let refused = ask(service, "PUT", "/v1/connections/x", &settings.to_string());
        assert_eq!(refused.status, 422, "{settings}: {refused:?}");
        told.hear("settings", refused.body);
    }
    let half = ask(
        service,
        "PUT",
        "/v1/connections/x",
        "{ \"headers\": { \"A\": \"pl4nted",
    );
    assert_eq!(half.status, 400, "{half:?}");
    told.hear("half of a JSON text", half.body);
}

/// All events from the beginning, from both streams, which must be equal.
fn events(service: &Service, ws: &mut Socket, told: &mut Told) {
    let end = |event: &Value| event["type"] == "closed" && event["reason"] == "the end";
    let mut sse = Sse::open(service, "/v1/events?since=0", &[AUTH]);
    let close = r#"{ "code": 1000, "reason": "the end" }"#;
    let closed = ask(service, "POST", "/v1/connections/up/close", close);
    assert_eq!(closed.status, 202, "{closed:?}");
    let mut types = std::collections::BTreeSet::new();
    loop {
        let event = sse.next().data;
        types.insert(event["type"].to_string());
        told.hear("SSE", event.to_string());
        if end(&event) {
            break;
        }
    }
    for kind in [
        "connecting",
        "opened",
        "ready",
        "error",
        "retrying",
        "closed",
    ] {
        assert!(
            types.contains(&format!("\"{kind}\"")),
            "{kind} is not in {types:?}"
        );
    }
    loop {
        let event = ws.next_json();
        told.hear("WebSocket", event.to_string());
        if end(&event) {
            break;
        }
    }
}

/// The commands, in both output formats.
fn commands(service: &Service, told: &mut Told) {
    let api = format!("http://{}", service.listen);
    let command = |args: &[&str]| {
        let mut command = everwire(args);
        command
            .env("EVERWIRE_API", &api)
            .env("EVERWIRE_TOKEN", "pl4nted-token");
        command
    };
    let mut commands = vec![vec!["ls"], vec!["reload", "--plan"], vec!["ls", "--help"]];
    for name in NAMES.into_iter().chain(DIALOGUES) {
        commands.extend([vec!["status", name], vec!["why", name], vec!["probe", name]]);
    }
    for args in commands {
        for args in [args.clone(), [&*args, &["--json"]].concat()] {
            let output = command(&args).output().unwrap();
            told.hear(format!("{args:?}"), stdout(&output) + &stderr(&output));
        }
    }
    let wrong = command(&["ls", "--token", "pl4nted-wrong"])
        .output()
        .unwrap();
    told.hear("a wrong token", stderr(&wrong));
    for json in [&[][..], &["--json"]] {
        let mut tail = Running::spawn(command(&[&["tail", "--since", "0"], json].concat()));
        tail.line("the end", |line| line.contains("the end"));
        tail.signal("INT");
        let (_, lines, stderr) = tail.end();
        told.hear("tail", lines.join("\n") + &stderr);
    }
}

#[test]
fn no_secret_is_told_by_what_settings_print_of_themselves() {
    let peer = Peer::spawn_thread().unwrap();
    let text = "[[service.tokens]]\nname = 'ops'\nsecret = 'pl4nted-token'\n".to_owned()
        + "[connections.a]\nurl = 'ws://h/'\nheaders = { A = 'pl4nted-header' }\n\
           basic_auth = { user = 'me', password = 'pl4nted-password' }\nproxy = 'http://me:pl4nted-proxy@h:1'\n";
    let settings = Settings::from_toml(&text).unwrap();
    let mut told = Told::default();
    told.hear("Debug", format!("{settings:?}"));
    told.hear("pretty Debug", format!("{settings:#?}"));
    for connection in settings.connections.values() {
        told.hear("masked", masked(connection).to_string());
    }
    drop(peer);
    told.assert_clean();
}
