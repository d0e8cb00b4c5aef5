//! What is done before a dial, with answers that are told line by line.

use super::*;
use crate::settings::dialogue::{
    HttpRequest, Preparation, Prepare, PrepareCall, PrepareStep, Program, SharedPreparation,
};

/// A step, as texts; an empty one is not there.
#[derive(Clone, Copy, Default)]
pub(super) struct P {
    pub url: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: &'static str,
    /// Instead of the URL: a program and its arguments.
    pub exec: &'static [&'static str],
    pub expect: &'static str,
    pub fail: &'static str,
    pub give_up: &'static str,
    pub capture: &'static [(&'static str, &'static str)],
    pub clear: &'static [&'static str],
    pub condition: &'static str,
}

const SLACK: P = P {
    url: "https://slack.example/api/open?x=s3cret",
    headers: &[],
    body: "",
    exec: &[],
    expect: "/ok == true",
    fail: "/ok == false",
    give_up: r#"/error in ["invalid_auth", "not_authed"]"#,
    capture: &[("socket", "/url")],
    clear: &[],
    condition: "",
};

pub(super) fn compile(lets: &[(&str, &str)], names: &[&str], steps: &[P]) -> Arc<Preparation> {
    let mut declared = Names::default();
    for (name, _) in lets {
        declared.declare(name).unwrap();
    }
    let captures = steps.iter().flat_map(|step| step.capture);
    for name in names.iter().chain(captures.map(|(name, _)| name)) {
        declared.capture(name).unwrap();
    }
    let mut pointers = PointerSet::default();
    let scope = Scope::new(&declared, &mut pointers, &NothingOutside).with_http();
    let mut compiler = Compiler(scope);
    let texts: Vec<&str> = lets.iter().map(|(_, text)| *text).collect();
    let lets = Lets::compile(&texts, &mut compiler.0).unwrap();
    let mut compiled = Vec::new();
    for step in steps {
        let call = match step.exec {
            [] => PrepareCall::Http(HttpRequest {
                method: if step.body.is_empty() { "GET" } else { "POST" },
                url: compiler.template(step.url, TemplateKind::Url).unwrap(),
                headers: step
                    .headers
                    .iter()
                    .map(|(name, value)| {
                        let value = compiler.template(value, TemplateKind::Header).unwrap();
                        ((*name).to_owned(), value)
                    })
                    .collect(),
                body: compiler.template(step.body, TemplateKind::Text),
            }),
            [path, arguments @ ..] => PrepareCall::Exec(Program {
                path: path.into(),
                arguments: arguments
                    .iter()
                    .map(|text| compiler.template(text, TemplateKind::Text).unwrap())
                    .collect(),
            }),
        };
        compiled.push(PrepareStep {
            expect: compiler.condition(step.expect),
            fail: compiler.condition(step.fail),
            give_up: compiler.condition(step.give_up),
            capture: compiler.captures(step.capture, true),
            clear: step
                .clear
                .iter()
                .map(|name| compiler.number(name))
                .collect(),
            condition: compiler.condition(step.condition),
            ..PrepareStep::new(call)
        });
    }
    Arc::new(Preparation {
        names: declared,
        pointers,
        lets,
        steps: compiled,
    })
}

/// What is done before a dial, and its time.
pub(super) struct Before {
    pub preparing: Preparing,
    pub now: Instant,
}

impl Before {
    pub fn of(steps: &[P]) -> Self {
        Self::with(compile(&[], &[], steps))
    }

    pub fn with(preparation: Arc<Preparation>) -> Self {
        Self {
            preparing: Preparing::new(preparation, "prepare"),
            now: Instant::now(),
        }
    }

    pub fn at<T>(&mut self, tell: impl FnOnce(&mut Preparing, &Here<'_>) -> T) -> T {
        let random = |bytes: &mut [u8]| bytes.fill(7);
        let here = Here {
            now: self.now,
            wall: secs(1_700_000_000),
            random: &random,
            signer: &LengthSigner,
            name: "feed",
            handover: false,
            sequence: None,
            max_message: 1 << 20,
            variables: &NoVariables,
            slow: secs(30),
        };
        tell(&mut self.preparing, &here)
    }

    pub fn next(&mut self) -> String {
        let next = self.at(|preparing, here| preparing.next(here));
        told(next)
    }

    pub fn answer(&mut self, status: u16, body: &str) -> String {
        self.respond(Response {
            status: Some(status),
            body: body.into(),
            ..Response::default()
        })
    }

    fn respond(&mut self, response: Response) -> String {
        self.now += millis(120);
        let next = self.at(|preparing, here| preparing.answered(response, here));
        told(next)
    }
}

/// What is to be done, as text.
pub(super) fn told(next: Next) -> String {
    let call = match next {
        Next::Call(call) => call,
        Next::Passed(prepared) => {
            let all: Vec<String> = prepared.secrets().collect();
            return format!("passed {prepared:?} {}", all.join(" "));
        }
        Next::Failed(cause) => return cause.to_string(),
        Next::Sign(requests) => return format!("sign {}", requests.len()),
    };
    match call.target {
        CallTarget::Http {
            method,
            url,
            headers,
            body,
        } => {
            let headers: String = headers
                .iter()
                .map(|(name, value)| format!(" {name}: {value}"))
                .collect();
            let body = body.map_or(String::new(), |body| {
                format!(" <{}>", String::from_utf8_lossy(&body))
            });
            format!("{method} {url}{headers}{body}")
        }
        CallTarget::Exec { path, arguments } => format!("{} {arguments:?}", path.display()),
    }
}

#[test]
fn an_answer_that_is_expected_brings_captures_that_are_secret() {
    let mut before = Before::of(&[SLACK]);
    assert_eq!(before.next(), "GET https://slack.example/api/open?x=s3cret");
    let told = before.answer(200, r#"{"ok":true,"url":"wss://h/?ticket=1"}"#);
    assert_eq!(told, r#"passed ["socket"] wss://h/?ticket=1"#);
}

#[test]
fn what_was_captured_is_read_by_later_steps_and_lets_stay_within_a_step() {
    let lets = [
        ("nonce", r#"${now("us")}"#),
        ("body", "nonce=${nonce}"),
        ("drawn", r#"${random(2, "hex")}"#),
    ];
    let steps = [
        P {
            url: "https://h/token",
            body: "${body}",
            headers: &[("X-Sign", "${body}/${drawn}")],
            expect: "contains(/sent, text(nonce)) && /drawn == drawn",
            capture: &[("token", "/token"), ("page", "status")],
            ..P::default()
        },
        P {
            url: "https://h/open/${token}",
            condition: "token",
            capture: &[
                ("cookie_of", r#"cookie("session")"#),
                ("kind", r#"header("content-TYPE")"#),
                ("text_of", "message"),
            ],
            clear: &["token"],
            ..P::default()
        },
        P {
            url: "https://h/never",
            condition: "token",
            ..P::default()
        },
    ];
    let mut before = Before::with(compile(&lets, &[], &steps));
    let nonce = "nonce=1700000000000000";
    let sent = format!("POST https://h/token X-Sign: {nonce}/0707 <{nonce}>");
    assert_eq!(before.next(), sent);
    let answer = format!(r#"{{"sent":"{nonce}","drawn":"0707","token":"t-1"}}"#);
    assert_eq!(before.answer(201, &answer), "GET https://h/open/t-1");
    let headers = [
        ("Set-Cookie", "other=2"),
        ("set-cookie", "session=abc; Path=/; HttpOnly"),
        ("Content-Type", "text/plain"),
    ];
    let told = before.respond(Response {
        status: Some(204),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .into(),
        body: b"plain".into(),
        retry_after: None,
    });
    assert_eq!(
        told,
        r#"passed ["token", "page", "cookie_of", "kind", "text_of"] 201 abc text/plain plain"#,
        "what was cleared is absent"
    );
}

#[test]
fn give_up_comes_before_fail_and_fail_before_expect() {
    let both = P {
        expect: "true",
        ..SLACK
    };
    for (body, told) in [
        (
            r#"{"ok":false,"error":"invalid_auth"}"#,
            r#"prepare: step 1 of prepare, GET https://slack.example/api/open, answered 200 after 120ms; give_up (/error in ["invalid_auth", "not_authed"]) held for {"ok":false,"error":"invalid_auth"}"#,
        ),
        (
            r#"{"ok":false,"error":"internal_error"}"#,
            r#"prepare: step 1 of prepare, GET https://slack.example/api/open, answered 200 after 120ms; fail (/ok == false) held for {"ok":false,"error":"internal_error"}"#,
        ),
        (
            r#"{"ok":true}"#,
            r#"prepare: step 1 of prepare, GET https://slack.example/api/open, answered 200 after 120ms; socket (/url) is not there in {"ok":true}"#,
        ),
    ] {
        let mut before = Before::of(&[both]);
        before.next();
        assert_eq!(before.answer(200, body), told);
    }
    let mut before = Before::of(&[SLACK]);
    before.next();
    assert_eq!(
        before.answer(502, "<html>bad</html>"),
        "prepare: step 1 of prepare, GET https://slack.example/api/open, answered 502 after 120ms; expect (/ok == true) did not hold for <html>bad</html>"
    );
}

#[test]
fn without_expect_the_status_decides() {
    let plain = P {
        url: "https://h/?token=s3cret",
        ..P::default()
    };
    for (status, passes) in [
        (200, true),
        (204, true),
        (299, true),
        (302, false),
        (404, false),
    ] {
        let mut before = Before::of(&[plain]);
        before.next();
        let told = before.answer(status, "");
        let refused = format!(
            "prepare: step 1 of prepare, GET https://h/, answered {status} after 120ms: an empty body"
        );
        assert_eq!(told, if passes { "passed [] ".into() } else { refused });
    }
    let program = P {
        exec: &["/bin/token", "-n", "${name}"],
        capture: &[("token", "message")],
        ..P::default()
    };
    let mut before = Before::of(&[program]);
    assert_eq!(before.next(), r#"/bin/token ["-n", "feed"]"#);
    assert_eq!(before.answer(0, "abcd\r\n\n"), r#"passed ["token"] abcd"#);
    for (status, how) in [(Some(3), "answered 3"), (None, "was ended by a signal")] {
        let mut before = Before::of(&[program]);
        before.next();
        let told = before.respond(Response {
            status,
            body: b"no".into(),
            ..Response::default()
        });
        // What would have been captured is not shown; so short a text is no secret.
        assert_eq!(
            told,
            format!("prepare: step 1 of prepare, exec /bin/token, {how} after 120ms: no")
        );
    }
}

#[test]
fn what_a_failure_says_decides_how_it_is_retried() {
    let cause = |step: P, status: u16, body: &str, retry_after: Option<Duration>| {
        let mut before = Before::of(&[step]);
        before.next();
        let response = Response {
            status: Some(status),
            body: body.into(),
            retry_after,
            ..Response::default()
        };
        match before.at(|preparing, here| preparing.answered(response, here)) {
            Next::Failed(Cause::Prepare {
                status,
                retry_after,
                is_refusal,
                gives_up,
                ..
            }) => (status, retry_after, is_refusal, gives_up),
            other => panic!("{other:?}"),
        }
    };
    let minute = Some(secs(60));
    let invalid = r#"{"ok":false,"error":"invalid_auth"}"#;
    assert_eq!(
        cause(SLACK, 429, "", minute),
        (Some(429), minute, false, false)
    );
    assert_eq!(cause(SLACK, 503, "", None), (Some(503), None, false, false));
    assert_eq!(cause(SLACK, 403, "", None), (Some(403), None, true, false));
    assert_eq!(
        cause(SLACK, 200, r#"{"ok":false}"#, None),
        (Some(200), None, true, false)
    );
    assert_eq!(
        cause(SLACK, 200, invalid, minute),
        (Some(200), None, false, true)
    );
    let mut before = Before::of(&[SLACK]);
    before.next();
    before.now += secs(10);
    let why = Unanswered {
        text: "nothing came".into(),
        is_refusal: false,
    };
    let cause = before.preparing.unanswered(&why, before.now);
    assert_eq!(
        cause.to_string(),
        "prepare: step 1 of prepare, GET https://slack.example/api/open, has no answer after 10s: nothing came"
    );
}

#[test]
fn nothing_that_is_or_would_be_captured_is_shown() {
    let step = P {
        url: "https://h/${token}/open",
        capture: &[
            ("ticket", "/ticket"),
            ("absent", "/absent"),
            ("expires", "/n"),
        ],
        ..P::default()
    };
    let first = P {
        url: "https://h/",
        capture: &[("token", "/token")],
        ..P::default()
    };
    let mut before = Before::of(&[first, step]);
    before.next();
    assert_eq!(
        before.answer(200, r#"{"token":"t-secret"}"#),
        "GET https://h/t-secret/open"
    );
    let long = "x".repeat(300);
    let told = before.answer(
        200,
        &format!(r#"{{"ticket":"k\u002dsecret","n":36,"of":"t-secret","{long}":1}}"#),
    );
    let shown = "x".repeat(256 - r#"{"ticket":"***","n":36,"of":"***",""#.len());
    assert_eq!(
        told,
        format!(
            r#"prepare: step 2 of prepare, GET https://h/${{token}}/open, answered 200 after 120ms; absent (/absent) is not there in {{"ticket":"***","n":36,"of":"***","{shown}…"#
        )
    );
}

#[test]
fn what_cannot_be_filled_is_no_call() {
    for (step, told) in [
        (
            P {
                url: "https://h/${token}",
                ..P::default()
            },
            "template: step 1 of prepare cannot fill url: `${token}` is absent",
        ),
        (
            P {
                url: "https://h/",
                headers: &[("X-Token", "${unhex(\"0a\")}")],
                ..P::default()
            },
            "template: step 1 of prepare cannot fill the header X-Token: `${unhex(\"0a\")}` has a control character, which is not allowed there",
        ),
        (
            P {
                exec: &["x", "a", "${token}"],
                ..P::default()
            },
            "template: step 1 of prepare cannot fill argument 2 of exec: `${token}` is absent",
        ),
    ] {
        let mut before = Before::with(compile(&[], &["token"], &[step]));
        assert_eq!(before.next(), told);
    }
}

#[test]
fn a_hostile_answer_decides_nothing_and_breaks_nothing() {
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "{",
        "\u{0}",
        "null",
        deep.as_str(),
        r#"{"ok":true,"url":null}"#,
    ] {
        let mut before = Before::of(&[SLACK]);
        before.next();
        let told = before.answer(200, body);
        assert!(told.starts_with("prepare: step 1 of prepare"), "{told}");
        assert!(told.len() < 800, "{}", told.len());
    }
    let mut before = Before::of(&[SLACK]);
    before.next();
    let long = "x".repeat(MAX_CAPTURED + 1);
    let told = before.answer(200, &format!(r#"{{"ok":true,"url":"{long}"}}"#));
    assert!(
        told.contains("socket (/url) is not there, or too long, in"),
        "{told}"
    );
    let mut before = Before::of(&[SLACK]);
    before.next();
    let told = before.respond(Response {
        status: Some(200),
        body: vec![0xff; 9],
        ..Response::default()
    });
    assert!(told.ends_with("did not hold for 9 bytes"), "{told}");
}

/// A dialogue that dials with what was captured.
fn dialling(prepare: Prepare) -> Arc<Dialogue> {
    let mut dialogue = Arc::unwrap_or_clone(
        D {
            names: &["socket", "session"],
            lets: &[("bearer", "Bearer ${socket}")],
            script: vec![S {
                send: "login ${socket}",
                expect: "/ok",
                fail: "/error",
                reads_prepared: true,
                ..S::default()
            }],
            ..D::default()
        }
        .compile(),
    );
    let Dialogue {
        names, pointers, ..
    } = &mut dialogue;
    let mut compiler = Compiler(Scope::new(names, pointers, &NothingOutside));
    let url = "wss://h/${socket}?s=${default(session, \"\")}";
    let url = compiler.template(url, TemplateKind::Url);
    let header = compiler.template("${bearer}", TemplateKind::Header);
    dialogue.dial.urls = vec![url];
    dialogue.dial.headers = vec![None, header];
    dialogue.prepare = Some(prepare);
    Arc::new(dialogue)
}

#[test]
fn a_dial_is_filled_with_what_was_prepared_and_so_is_its_script() {
    let own = Prepare::Own(compile(&[("bearer", "")], &[], &[SLACK]));
    let shared = SharedPreparation {
        key: "slack".into(),
        keep: secs(60),
        preparation: compile(&[], &["other"], &[SLACK]),
    };
    for prepare in [own, Prepare::Shared(Arc::new(shared))] {
        let called = match &prepare {
            Prepare::Own(_) => "prepare",
            Prepare::Shared(_) => "[prepare.slack]",
        };
        let dialogue = dialling(prepare);
        assert!(!dialogue.is_empty());
        let mut talk = Talk::of(Conversation::new(Arc::clone(&dialogue)));
        let mut known = talk.conversation.before_dial();
        let url = dialogue.dial.urls[0].as_ref().unwrap();
        let unfilled = talk.with(|_, here, _| known.fill(url, here).unwrap_err());
        assert_eq!(unfilled.to_string(), "`${socket}` is absent");

        let mut before = Before {
            preparing: known.preparing().unwrap(),
            now: talk.now,
        };
        let told = before.next();
        assert!(told.starts_with("GET "), "{told}");
        let failed = before.at(|preparing, here| preparing.answered(Response::default(), here));
        let Next::Failed(cause) = failed else {
            panic!("{failed:?}");
        };
        assert!(
            cause
                .to_string()
                .starts_with(&format!("prepare: step 1 of {called}, ")),
            "{cause}"
        );
        let body = r#"{"ok":true,"url":"a b"}"#;
        let response = Response {
            status: Some(200),
            body: body.into(),
            ..Response::default()
        };
        let passed = before.at(|preparing, here| preparing.answered(response, here));
        let Next::Passed(prepared) = passed else {
            panic!("{passed:?}");
        };
        known.prepared(&prepared);
        let filled = talk.with(|_, here, _| known.fill(url, here).unwrap());
        let written = "wss://h/${socket}?s=${default(session, \"\")}";
        assert_eq!(filled.to_string(), written, "it prints what was written");
        let rendered = filled.render(|_| unreachable!()).unwrap();
        assert_eq!(rendered.expose(), "wss://h/a b?s=");
        let header = dialogue.dial.headers[1].as_ref().unwrap();
        let filled = talk.with(|_, here, _| known.fill(header, here).unwrap());
        assert_eq!(
            filled.render(|_| unreachable!()).unwrap().expose(),
            "Bearer a b"
        );

        talk.conversation.prepared(&prepared);
        assert_eq!(talk.opened(), "compose");
        assert_eq!(talk.send(), "login a b");
        let told = talk.hear(r#"{"error":"expired a b"}"#);
        assert!(
            told.starts_with("stale; lose script_refused: step 1 of open_script"),
            "{told}"
        );
        assert!(
            told.ends_with(r#"held for {"error":"expired ***"}"#),
            "{told}"
        );
    }
}

#[test]
fn what_a_name_has_captured_is_there_for_its_own_prepare_and_not_for_a_shared_one() {
    let refresh = P {
        url: "https://h/${default(socket, \"none\")}",
        ..P::default()
    };
    for is_own in [true, false] {
        let preparation = compile(&[("bearer", "")], &["socket"], &[refresh]);
        let prepare = match is_own {
            true => Prepare::Own(preparation),
            false => Prepare::Shared(Arc::new(SharedPreparation {
                key: "k".into(),
                keep: Duration::ZERO,
                preparation,
            })),
        };
        let mut conversation = Conversation::new(dialling(prepare));
        let prepared = {
            let mut before = Before::of(&[SLACK]);
            before.next();
            let response = Response {
                status: Some(200),
                body: br#"{"ok":true,"url":"kept"}"#.into(),
                ..Response::default()
            };
            match before.at(|preparing, here| preparing.answered(response, here)) {
                Next::Passed(prepared) => prepared,
                other => panic!("{other:?}"),
            }
        };
        conversation.prepared(&prepared);
        let mut before = Before {
            preparing: conversation.before_dial().preparing().unwrap(),
            now: Instant::now(),
        };
        let known = if is_own { "kept" } else { "none" };
        assert_eq!(before.next(), format!("GET https://h/{known}"));
    }
}
