//! Shows a dialogue in the notation of a file. Templates and expressions are shown as written:
//! names of variables, never values.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value as Json, json};

use crate::config::{
    keys::show_rates,
    units::format_duration,
    values::{Choice as _, escaped},
};
use everwire_proto::{
    language::{Expression, MessageTemplate, Name, Names},
    settings::{
        ConnectionSettings,
        dialogue::{
            Again, Capture, Dialogue, DialogueRule, HeartbeatTemplates, HttpRequest, PeriodicStep,
            Preparation, Prepare, PrepareStep, Program, RequestSettings, RuleDelay, ScriptStep,
            Sending, StepCall, TemplateDuration, Trigger,
        },
    },
};

pub(super) type Keys = Map<String, Json>;

/// Adds the keys of the dialogue to those of the connection.
pub(in crate::config) fn show(settings: &ConnectionSettings, keys: &mut Keys) {
    let silent = Dialogue {
        first_id: 1,
        ..Dialogue::default()
    };
    let Dialogue {
        names,
        pointers: _,
        lets,
        captures,
        prepare,
        // Shown in place of the dial's texts.
        dial: _,
        open_script,
        periodic,
        close_script,
        rules,
        request,
        // Shown separately.
        subscribe: _,
        heartbeat,
        idle_timeout,
        first_id,
        peer_urls: _,
        needles: _,
        hears_all: _,
    } = settings.dialogue.as_deref().unwrap_or(&silent);
    let lets = names.lets().zip(lets.iter());
    let lets: Keys = lets
        .map(|(name, template)| (name.to_owned(), template.as_str().into()))
        .collect();
    keys.insert("let".into(), lets.into());
    keys.insert("capture".into(), show_captures(captures, names));
    let prepare = prepare.as_ref().map_or_else(|| json!([]), show_prepare);
    keys.insert("prepare".into(), prepare);
    let script = |steps: &[ScriptStep]| -> Json {
        let steps = steps.iter().map(|step| show_step(step, names).into());
        steps.collect::<Vec<Json>>().into()
    };
    keys.insert("open_script".into(), script(open_script));
    let periodic = periodic.iter().map(|step| show_periodic(step, names));
    keys.insert("periodic".into(), periodic.collect());
    keys.insert("close_script".into(), script(close_script));
    let rules: Vec<Json> = rules.iter().map(|rule| show_rule(rule, names)).collect();
    keys.insert("rules".into(), rules.into());
    put(keys, "request", request.as_ref().map(show_requests));
    keys.insert("ids".into(), json!({ "from": first_id }));
    if let Some(template) = idle_timeout {
        keys.insert("idle_timeout".into(), template.0.as_str().into());
    }
    if let (Some(heartbeat), Some(Json::Object(keys))) = (heartbeat, keys.get_mut("heartbeat")) {
        show_heartbeat(heartbeat, keys);
    }
}

fn show_requests(request: &RequestSettings) -> Json {
    let mut keys = Keys::new();
    let id = escaped(&request.id.to_string());
    put(&mut keys, "id", Some(id));
    put(&mut keys, "answer", Some(request.answer.as_str()));
    put(
        &mut keys,
        "fail",
        request.fail.as_ref().map(|fail| fail.as_str()),
    );
    put(&mut keys, "within", Some(format_duration(request.within)));
    put(&mut keys, "in_flight", Some(request.in_flight.get()));
    keys.into()
}

fn show_heartbeat(heartbeat: &HeartbeatTemplates, keys: &mut Keys) {
    let HeartbeatTemplates {
        ping,
        pong,
        interval,
        timeout,
        first,
        from,
    } = heartbeat;
    put_written(keys, "ping", ping.as_ref());
    let pong = pong.as_ref().map(|pong| json!({ "when": pong.as_str() }));
    put(keys, "pong", pong);
    put_written(keys, "interval", interval.as_ref());
    put_written(keys, "timeout", timeout.as_ref());
    put(keys, "first", Some(first.word()));
    put(keys, "from", Some(from.word()));
}

/// Adds a value if there is one.
pub(super) fn put(keys: &mut Keys, key: &str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        keys.insert(key.into(), value.into());
    }
}

/// A text that is shown as it was written in a file.
pub(super) trait Written {
    fn written(&self) -> &str;
}

impl Written for Expression {
    fn written(&self) -> &str {
        self.as_str()
    }
}

impl Written for MessageTemplate {
    fn written(&self) -> &str {
        self.as_str()
    }
}

impl Written for TemplateDuration {
    fn written(&self) -> &str {
        self.0.as_str()
    }
}

pub(super) fn put_written(keys: &mut Keys, key: &str, value: Option<&impl Written>) {
    put(keys, key, value.map(Written::written));
}

pub(super) fn show_captures(captures: &[Capture], names: &Names) -> Json {
    let show = |capture: &Capture| {
        let Capture {
            name,
            value,
            when,
            secret,
            keep,
        } = capture;
        let shown = match (when, secret, keep) {
            (None, false, false) => value.as_str().into(),
            _ => {
                let mut keys = Keys::new();
                put_written(&mut keys, "value", Some(value));
                put_written(&mut keys, "when", when.as_ref());
                put(&mut keys, "secret", Some(*secret));
                put(&mut keys, "keep", keep.then_some(true));
                Json::Object(keys)
            }
        };
        (names.text(Name::Capture(*name)).to_owned(), shown)
    };
    let captures: Keys = captures.iter().map(show).collect();
    captures.into()
}

/// Adds the captures and clears of a step or a rule.
fn put_captures(keys: &mut Keys, capture: &[Capture], clear: &[u16], names: &Names) {
    if !capture.is_empty() {
        keys.insert("capture".into(), show_captures(capture, names));
    }
    if !clear.is_empty() {
        let name = |at: &u16| names.text(Name::Capture(*at));
        let names: Vec<&str> = clear.iter().map(name).collect();
        keys.insert("clear".into(), names.into());
    }
}

fn show_prepare(prepare: &Prepare) -> Json {
    let preparation = match prepare {
        Prepare::Shared(shared) => return (*shared.key).into(),
        Prepare::Own(preparation) => preparation,
    };
    let Preparation {
        names,
        pointers: _,
        lets: _,
        steps,
    } = &**preparation;
    let steps = steps.iter().map(|step| show_prepare_step(step, names));
    steps.collect()
}

fn show_prepare_step(step: &PrepareStep, names: &Names) -> Json {
    let PrepareStep {
        call,
        expect,
        fail,
        give_up,
        within,
        capture,
        clear,
        condition,
    } = step;
    let mut keys = Keys::new();
    put_written(&mut keys, "if", condition.as_ref());
    put_call(&mut keys, call);
    put_verdict(&mut keys, [expect, fail, give_up], *within);
    put_captures(&mut keys, capture, clear, names);
    keys.into()
}

fn put_call(keys: &mut Keys, call: &StepCall) {
    match call {
        StepCall::Http(request) => put(keys, "http", Some(show_request(request))),
        StepCall::Exec(Program { path, arguments }) => {
            let program = [escaped(&path.to_string_lossy())].into_iter();
            let arguments = arguments.iter().map(|argument| argument.as_str().into());
            let all: Vec<String> = program.chain(arguments).collect();
            put(keys, "exec", Some(all));
        }
    }
}

/// Header values are secret, as in the headers of an upgrade.
pub(super) fn show_request(request: &HttpRequest) -> Json {
    let HttpRequest {
        method,
        url,
        headers,
        body,
    } = request;
    let mut keys = Keys::new();
    put(&mut keys, "method", Some(*method));
    put(&mut keys, "url", Some(url.as_str()));
    let headers: Keys = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.masked().into()))
        .collect();
    put(&mut keys, "headers", Some(headers));
    put_written(&mut keys, "body", body.as_ref());
    keys.into()
}

fn show_periodic(periodic: &PeriodicStep, names: &Names) -> Json {
    let PeriodicStep { step, every, idle } = periodic;
    let mut keys = show_step(step, names);
    put_written(&mut keys, "every", Some(every));
    put(&mut keys, "idle", Some(*idle));
    keys.into()
}

fn show_step(step: &ScriptStep, names: &Names) -> Keys {
    let ScriptStep {
        send,
        call,
        expect,
        count,
        fail,
        give_up,
        within,
        capture,
        clear,
        condition,
        again,
        rate,
        // It follows from the names that it reads.
        reads_prepared: _,
    } = step;
    let mut keys = Keys::new();
    put_written(&mut keys, "if", condition.as_ref());
    put(&mut keys, "send", send.as_ref().map(show_sending));
    if let Some(call) = call {
        put_call(&mut keys, call);
    }
    // A step without expectations has none of the others.
    if expect.is_some() || call.is_some() {
        put_verdict(&mut keys, [expect, fail, give_up], *within);
        let count = call.is_none().then_some(count.get());
        put(&mut keys, "count", count);
        put(&mut keys, "again", again.as_ref().map(show_again));
    }
    put_captures(&mut keys, capture, clear, names);
    let rate = (!rate.is_empty()).then(|| show_rates(rate));
    put(&mut keys, "rate", rate);
    keys
}

/// Adds what decides a step, and its time limit.
fn put_verdict(
    keys: &mut Keys,
    [expect, fail, give_up]: [&Option<Expression>; 3],
    within: Duration,
) {
    for (key, when) in [("expect", expect), ("fail", fail), ("give_up", give_up)] {
        put_written(keys, key, when.as_ref());
    }
    put(keys, "within", Some(format_duration(within)));
}

fn show_again(again: &Again) -> Json {
    let Again { when, after } = again;
    let mut keys = Keys::new();
    put_written(&mut keys, "when", Some(when));
    put_written(&mut keys, "after", after.as_ref());
    keys.into()
}

pub(super) fn show_sending(sending: &Sending) -> Json {
    match sending {
        Sending::Text(template) => template.as_str().into(),
        Sending::Bytes(template) => json!({ "bytes": template.as_str() }),
        Sending::Binary(bytes) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
    }
}

fn show_rule(rule: &DialogueRule, names: &Names) -> Json {
    let DialogueRule {
        trigger,
        send,
        after,
        deliver,
        capture,
        clear,
        action,
        url,
        delay,
    } = rule;
    let mut keys = Keys::new();
    match trigger {
        Trigger::Message(when) => {
            put_written(&mut keys, "when", Some(when));
            put(&mut keys, "deliver", Some(*deliver));
        }
        Trigger::Loss(losses) => {
            let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
            put(&mut keys, "loss", Some(losses));
        }
    }
    put(&mut keys, "send", send.as_ref().map(show_sending));
    put(&mut keys, "after", after.map(|after| after.word()));
    put_captures(&mut keys, capture, clear, names);
    put(&mut keys, "do", action.map(|action| action.word()));
    put_written(&mut keys, "url", url.as_ref());
    put(&mut keys, "delay", delay.map(show_delay));
    keys.into()
}

fn show_delay(delay: RuleDelay) -> String {
    let [min, max] = [delay.min, delay.max].map(format_duration);
    match min == max {
        true => min,
        false => format!("{min}-{max}"),
    }
}
