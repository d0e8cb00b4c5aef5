//! `prepare` steps, with results as lines of text.

use super::*;
use crate::settings::dialogue::{Preparation, PrepareStep};

/// A step as texts; an empty text means absent.
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

pub(super) const SLACK: P = P {
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
            [] => StepCall::Http(HttpRequest {
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
            [path, arguments @ ..] => StepCall::Exec(Program {
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

/// `prepare` steps, and their time.
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
            backoff: None,
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

    pub fn respond(&mut self, response: Response) -> String {
        self.now += millis(120);
        let next = self.at(|preparing, here| preparing.answered(response, here));
        told(next)
    }
}

/// The next action as text.
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
    called(call.target)
}

/// The target of a call as text.
pub(super) fn called(target: CallTarget) -> String {
    match target {
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
