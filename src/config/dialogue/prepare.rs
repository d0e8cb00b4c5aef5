//! `prepare`: the steps before a dial, of a connection's own or of a `[prepare.KEY]`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    captures,
    compiler::Compiler,
    declared::{capture_names, compiled_again},
    merged::Merged,
    order::Order,
    places,
};
use crate::config::{
    keys::{CaptureLayer, Exec, HttpTable, PrepareLayer, PrepareStepTable, PrepareTable},
    read::{Context, Item, Located, Named, Preparations, Problem, backticked, similar},
    values::{Choice as _, ExpressionText, Text, Written},
};
use everwire_proto::{
    language::{Expression, Lets, MessageTemplate, TemplateKind},
    settings::dialogue::{
        HttpRequest, MAX_STEPS, Preparation, Prepare, PrepareCall, PrepareStep, Program,
        SharedPreparation,
    },
};

/// What `[prepare]` has, by key.
pub(in crate::config) fn shared(
    tables: Named<PrepareTable>,
    context: &mut Context<'_>,
) -> Preparations {
    let compile = |item: Item<PrepareTable>| {
        let compiled = compile_shared(&item, context);
        (item.name, compiled)
    };
    tables.0.into_iter().map(compile).collect()
}

fn compile_shared(
    item: &Item<PrepareTable>,
    context: &mut Context<'_>,
) -> Option<Arc<SharedPreparation>> {
    let steps = item.value.steps();
    if steps.is_empty() {
        let message = format!("the prepare {} has no steps", backticked(&item.name));
        let problem = Problem::absence(item.place, message)
            .help("write steps = [{ http = { url = \"https://…\" } }]");
        context.problems.push(problem);
    }
    let mut compiler = Compiler::new(context);
    let captures = steps.iter().filter_map(|step| step.value.capture.as_ref());
    capture_names(captures.flat_map(|entries| &entries.value.0), &mut compiler);
    let lets = Lets::default();
    let mut order = Order::new(&lets, &compiler.names);
    let steps = compile_steps(steps, places::SHARED, &mut order, &mut compiler);
    let (names, pointers) = compiler.finish()?;
    let keep = item.value.keep.as_ref();
    let keep = keep.and_then(|keep| keep.value.unless_off());
    Some(Arc::new(SharedPreparation {
        key: item.name.as_str().into(),
        keep: keep.unwrap_or(Duration::ZERO),
        preparation: Arc::new(Preparation {
            names,
            pointers,
            lets,
            steps,
        }),
    }))
}

/// The shared one that a connection names; `None` if it names none, or what is wrong has been told.
pub(super) fn named(
    merged: &Merged,
    compiler: &mut Compiler<'_, '_>,
) -> Option<Arc<SharedPreparation>> {
    let key = merged.prepare.as_ref()?;
    let PrepareLayer::Key(Text(text)) = &key.value else {
        return None;
    };
    match compiler.preparations().get(text) {
        Some(found) => found.clone(),
        None => {
            let known = Arc::clone(compiler.preparations());
            let help = match similar(text, known.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("write [prepare.{text}], or the steps themselves"),
            };
            let message = format!("there is no prepare {}", backticked(text));
            compiler.push(Problem::absence(key.place, message).help(help));
            None
        }
    }
}

/// What is done before each dial of a connection. `order` learns what is captured there.
pub(super) fn compile(
    merged: &Merged,
    shared: Option<Arc<SharedPreparation>>,
    order: &mut Order,
    compiler: &mut Compiler<'_, '_>,
) -> Option<Prepare> {
    if let Some(shared) = shared {
        order.set_shared(shared.preparation.names.captures(), &compiler.names);
        return Some(Prepare::Shared(shared));
    }
    let key = merged.prepare.as_ref()?;
    let PrepareLayer::Steps(steps) = &key.value else {
        return None;
    };
    if steps.0.is_empty() {
        return None;
    }
    // Answers are other messages than those of a socket.
    let outer = compiler.take_pointers();
    let lets = compiled_again(merged, compiler);
    let steps = compile_steps(&steps.0, places::PREPARING, order, compiler);
    let pointers = compiler.put_pointers(outer);
    Some(Prepare::Own(Arc::new(Preparation {
        names: compiler.names.clone(),
        pointers,
        lets,
        steps,
    })))
}

fn compile_steps(
    steps: &[Located<PrepareStepTable>],
    here: places::Preparing,
    order: &mut Order,
    compiler: &mut Compiler<'_, '_>,
) -> Vec<PrepareStep> {
    if let Some(first) = steps.get(MAX_STEPS) {
        let message = format!("there are {} steps", steps.len());
        let help = format!("prepare has at most {MAX_STEPS}");
        compiler.wrong(first.place, message, help);
    }
    let steps = steps.iter();
    let steps = steps.filter_map(|table| step(&table.value, here, order, compiler));
    steps.collect()
}

fn step(
    table: &PrepareStepTable,
    here: places::Preparing,
    order: &mut Order,
    compiler: &mut Compiler<'_, '_>,
) -> Option<PrepareStep> {
    compiler.reads.clear();
    let condition = table.condition.as_ref();
    let condition = condition.and_then(|when| compiler.condition(&when.value, here.call));
    let call = call(table, here, compiler);
    let mut answer = |key: &Option<Located<ExpressionText>>| -> Option<Expression> {
        compiler.condition(&key.as_ref()?.value, here.answer)
    };
    let (expect, fail, give_up) = (
        answer(&table.expect),
        answer(&table.fail),
        answer(&table.give_up),
    );
    let is_guarded = table.condition.is_some();
    let reads = std::mem::take(&mut compiler.reads);
    if !is_guarded {
        order.refuse_early(reads, compiler);
    }
    let mut capture = Vec::new();
    if let Some(entries) = &table.capture {
        refuse_keep(&entries.value.0, compiler);
        order.set(&entries.value, &compiler.names);
        capture = captures::compile(&entries.value, here.answer, compiler);
        let reads = std::mem::take(&mut compiler.reads);
        if !is_guarded {
            order.refuse_early(reads, compiler);
        }
    }
    for capture in &mut capture {
        capture.secret = true;
    }
    let within = table.within.as_ref();
    Some(PrepareStep {
        call: call?,
        expect,
        fail,
        give_up,
        within: within.map_or(PrepareStep::WITHIN, |within| within.value.0),
        capture,
        clear: captures::cleared(table.clear.as_ref(), compiler),
        condition,
    })
}

fn call(
    table: &PrepareStepTable,
    here: places::Preparing,
    compiler: &mut Compiler<'_, '_>,
) -> Option<PrepareCall> {
    match (&table.http, &table.exec) {
        (Some(http), _) => {
            if let Some(place) = table.body_of_get() {
                let help = "write method = \"POST\", or leave the body out";
                compiler.wrong(place, "a GET has no body", help);
            }
            http_request(http, here, compiler).map(PrepareCall::Http)
        }
        (None, Some(exec)) => program(&exec.value, here, compiler).map(PrepareCall::Exec),
        // That has been told.
        (None, None) => None,
    }
}

/// What is called. `here` says what its texts may read.
pub(super) fn http_request(
    http: &Located<HttpTable>,
    here: places::Preparing,
    compiler: &mut Compiler<'_, '_>,
) -> Option<HttpRequest> {
    let place = http.place;
    let http = &http.value;
    let mut template = |text: &Written, kind| compiler.template(text, kind, here.call);
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

/// What can be known of a URL now; one with variables is validated at each dial.
fn refuse_url(url: &MessageTemplate, written: &Written, compiler: &mut Compiler<'_, '_>) {
    let text = url.as_str();
    let known = text.split_once("${").map_or(text, |(start, _)| start);
    let reason = match known == text {
        true => wrong_url(text),
        false if known.contains("://") => wrong_scheme(known),
        false => None,
    };
    if let Some(reason) = reason {
        let message = format!("{} is no URL that can be called", backticked(text));
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

fn program(
    exec: &Exec,
    here: places::Preparing,
    compiler: &mut Compiler<'_, '_>,
) -> Option<Program> {
    let Written { text, place } = &exec.program;
    let arguments: Vec<_> = exec
        .arguments
        .iter()
        .map(|text| compiler.template(text, TemplateKind::Text, here.call))
        .collect();
    if text.contains("${") || text.contains('\0') {
        let help = "write the program's name or its path; arguments may be templates";
        compiler.wrong(*place, "nothing is expanded in the name of a program", help);
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

/// What `prepare` captures is secret, and secrets are not written down.
fn refuse_keep(captures: &[Item<CaptureLayer>], compiler: &mut Compiler<'_, '_>) {
    for capture in captures {
        if let CaptureLayer::Table(table) = &capture.value
            && let Some(keep) = table.keep.as_ref().filter(|keep| keep.value)
        {
            let message = "`keep` would write down a secret: what `prepare` captures is one";
            let help = "remove it: `prepare` runs again before the next dial";
            compiler.wrong(keep.place, message, help);
        }
    }
}
