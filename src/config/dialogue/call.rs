//! `http` and `exec`: the call of a step.

use std::path::PathBuf;

use super::compiler::Compiler;
use crate::config::{
    keys::{Exec, HttpTable},
    read::{Located, Problem, backticked},
    values::{Choice as _, Written},
};
use everwire_proto::{
    language::{BuiltIns, MessageTemplate, TemplateKind},
    settings::dialogue::{HttpRequest, Program, StepCall},
};

/// The call of a step; `None`: it makes none, or errors were reported. `here`: the names that its
/// templates may read.
pub(super) fn compile(
    http: Option<&Located<HttpTable>>,
    exec: Option<&Located<Exec>>,
    here: BuiltIns,
    compiler: &mut Compiler<'_, '_>,
) -> Option<StepCall> {
    match (http, exec) {
        (Some(http), _) => {
            if let Some(place) = http.value.body_of_get() {
                let help = "write method = \"POST\", or leave the body out";
                compiler.wrong(place, "a GET request has no body", help);
            }
            http_request(http, here, compiler).map(StepCall::Http)
        }
        (None, Some(exec)) => program(&exec.value, here, compiler).map(StepCall::Exec),
        (None, None) => None,
    }
}

/// An HTTP call. `here`: the names that its templates may read.
pub(super) fn http_request(
    http: &Located<HttpTable>,
    here: BuiltIns,
    compiler: &mut Compiler<'_, '_>,
) -> Option<HttpRequest> {
    let place = http.place;
    let http = &http.value;
    let mut template = |text: &Written, kind| compiler.template(text, kind, here);
    let headers = http.headers.iter().flat_map(|headers| &headers.value.0);
    let headers: Vec<_> = headers
        .map(|(name, value)| Some((name.clone(), template(value, TemplateKind::Header)?)))
        .collect();
    let body = http.body.as_ref();
    let body = body.map(|body| template(&body.value.0, TemplateKind::Text));
    let url = http.url.as_ref();
    let url = url.map(|url| (template(&url.value.0, TemplateKind::Url), &url.value.0));
    let Some((url, written)) = url else {
        let problem = Problem::absence(place, "the request has no url")
            .help("write http = { url = \"https://host/path\" }");
        compiler.push(problem);
        return None;
    };
    let url = url?;
    refuse_url(&url, written, compiler);
    let method = http.method.as_ref().map(|method| method.value);
    Some(HttpRequest {
        method: method.unwrap_or_default().word(),
        url,
        headers: headers.into_iter().collect::<Option<_>>()?,
        body: match body {
            Some(body) => Some(body?),
            None => None,
        },
    })
}

/// Checks a URL as far as it is known; one with variables is checked at each dial.
fn refuse_url(url: &MessageTemplate, written: &Written, compiler: &mut Compiler<'_, '_>) {
    let text = url.as_str();
    let known = text.split_once("${").map_or(text, |(start, _)| start);
    let reason = match known == text {
        true => wrong_url(text),
        false if known.contains("://") => wrong_scheme(known),
        false => None,
    };
    if let Some(reason) = reason {
        let message = format!("invalid URL {}", backticked(text));
        compiler.wrong(written.place, message, reason);
    }
}

fn wrong_scheme(text: &str) -> Option<String> {
    let scheme = text.trim_start().split("://").next().unwrap_or_default();
    let is_http = ["http", "https"].contains(&&*scheme.to_ascii_lowercase());
    (!is_http).then(|| "write http://host/path or https://host/path".into())
}

fn wrong_url(text: &str) -> Option<String> {
    let help = || "write http://host/path or https://host/path".to_owned();
    let Ok(url) = url::Url::parse(text) else {
        return Some(help());
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Some(help());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("it holds credentials; write a header Authorization instead".into());
    }
    None
}

fn program(exec: &Exec, here: BuiltIns, compiler: &mut Compiler<'_, '_>) -> Option<Program> {
    let Written { text, place } = &exec.program;
    let arguments: Vec<_> = exec
        .arguments
        .iter()
        .map(|text| compiler.template(text, TemplateKind::Text, here))
        .collect();
    if text.contains("${") || text.contains('\0') {
        let help = "write the program's name or its path; arguments may be templates";
        compiler.wrong(
            *place,
            "variables are not expanded in the name of a program",
            help,
        );
        return None;
    }
    Some(Program {
        path: match text.contains('/') {
            true => compiler.resolve(*place, text),
            false => PathBuf::from(text),
        },
        arguments: arguments.into_iter().collect::<Option<_>>()?,
    })
}
