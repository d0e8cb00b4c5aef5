//! `subscribe`: the messages and expectations of subscriptions.

use super::{call::http_request, captures, compiler::Compiler, order::Order, places, sending};
use crate::config::{
    keys::{AskLayer, CaptureLayer, HttpTable, LimitsTable, RouteTable, WordsTable},
    read::{Item, Located, Place, Problem, backticked},
    values::ExpressionText,
};
use everwire_proto::{
    language::{BuiltIn, BuiltIns, Expression, MessageTemplate, Name, TemplateKind},
    settings::dialogue::{Asking, HttpRequest, Route, SubscriptionWords},
};

/// The context of a subscription's keys.
pub(super) struct Around<'o> {
    /// What may be set when a subscription is asked for.
    pub order: &'o Order,
    /// The longest message, in bytes.
    pub max_message: usize,
}

/// These keys, with the overrides in `table`.
pub(super) fn words(
    table: &WordsTable,
    mut words: SubscriptionWords,
    around: &Around<'_>,
    compiler: &mut Compiler<'_, '_>,
) -> SubscriptionWords {
    let (mut order, max_message) = (around.order.clone(), around.max_message);
    let is_guarded = table.condition.is_some() || words.condition.is_some();
    let refuse_early = |order: &Order, compiler: &mut Compiler<'_, '_>| {
        let reads = std::mem::take(&mut compiler.reads);
        if !is_guarded {
            order.refuse_early(reads, compiler);
        }
    };
    compiler.reads.clear();
    if let Some(when) = &table.condition {
        words.condition = compiler.condition(&when.value, places::ITEM);
    }
    if let Some(on) = &table.on {
        words.on = asking(on, places::SUBSCRIBING, max_message, compiler);
    }
    // Its errors were reported already.
    let own = table.on.as_ref();
    let is_http = own.map_or(words.is_http(), |on| on.value.http().is_some());
    let here = match is_http {
        true => places::OF_SUBSCRIPTION_BY_HTTP,
        false => places::OF_SUBSCRIPTION,
    };
    put(&mut words.ack, &table.ack, here, compiler);
    put(&mut words.fail, &table.fail, here, compiler);
    refuse_early(&order, compiler);
    if let Some(entries) = &table.capture {
        refuse_keep(&entries.value.0, compiler);
        order.set(&entries.value, &compiler.names);
        words.capture = captures::compile(&entries.value, here, compiler);
    }
    order.set_captures(&words.capture);
    put(
        &mut words.end,
        &table.end,
        places::OF_SUBSCRIPTION,
        compiler,
    );
    if let Some(off) = &table.off {
        words.off = asking(off, places::SUBSCRIBED, max_message, compiler);
    }
    if let Some(table) = &table.route {
        words.route = route(table, compiler);
    }
    refuse_early(&order, compiler);
    if let Some(within) = &table.within {
        words.within = within.value.0;
    }
    if let Some(rate) = &table.rate {
        words.rate = compiler.rates(&rate.value);
    }
    if !is_http {
        refuse_status(table, &words, compiler);
    }
    refuse_dead_captures(table, &words, compiler);
    words
}

/// Checks the batch size: a message for a batch needs `${items}`.
pub(super) fn check_batch(
    limits: &LimitsTable,
    table: &WordsTable,
    words: &SubscriptionWords,
    compiler: &mut Compiler<'_, '_>,
) {
    let batch = limits.batch.as_ref();
    let (Some(batch), Some(on), Some(asking)) = (batch, &table.on, &words.on) else {
        return;
    };
    if batch.value.0.get() == 1 {
        return;
    }
    let reads = asking
        .templates()
        .into_iter()
        .flat_map(MessageTemplate::reads);
    let reads: Vec<Name> = reads.map(|read| read.name).collect();
    let has = |built_in| reads.contains(&Name::BuiltIn(built_in));
    let one = [BuiltIn::Item, BuiltIn::Key];
    if let Some(one) = one.into_iter().find(|one| has(*one)) {
        let message = format!(
            "`on` reads {}, and a batch has several",
            backticked(one.as_str())
        );
        let problem = Problem::new(on.place, message).related(batch.place, "batch is here");
        compiler.push(problem.help("write ${items}, which is a JSON array, or batch = 1"));
    } else if !has(BuiltIn::Items) {
        let message = "`on` does not read `items`: all but one of a batch would not be asked for";
        let problem = Problem::new(on.place, message).related(batch.place, "batch is here");
        compiler.push(problem.help("write ${items}, which is a JSON array, or batch = 1"));
    }
}

/// Keys for answers and ends need an `on`.
pub(super) fn refuse_without_on(table: &WordsTable, compiler: &mut Compiler<'_, '_>) {
    if table.on.is_some() {
        return;
    }
    let place = |key: &Option<Located<ExpressionText>>| key.as_ref().map(|key| key.place);
    for (key, place) in [
        ("ack", place(&table.ack)),
        ("fail", place(&table.fail)),
        ("off", table.off.as_ref().map(|off| off.place)),
        (
            "capture",
            table.capture.as_ref().map(|capture| capture.place),
        ),
    ] {
        if let Some(place) = place {
            let message = format!("`{key}` has no `on`: nothing asks for a subscription");
            let help = "write what asks for one: on = '{\"op\":\"subscribe\",\"channel\":${item}}'";
            compiler.push(Problem::absence(place, message).help(help));
        }
    }
}

fn put(
    word: &mut Option<Expression>,
    key: &Option<Located<ExpressionText>>,
    here: BuiltIns,
    compiler: &mut Compiler<'_, '_>,
) {
    if let Some(text) = key {
        *word = compiler.condition(&text.value, here);
    }
}

fn asking(
    layer: &Located<AskLayer>,
    here: BuiltIns,
    max_message: usize,
    compiler: &mut Compiler<'_, '_>,
) -> Option<Asking> {
    match &layer.value {
        AskLayer::Send(send) => {
            let send = Located {
                value: send.clone(),
                place: layer.place,
            };
            sending::compile_quick(&send, here, max_message, compiler).map(Asking::Send)
        }
        AskLayer::Http(http) => {
            if let Some(place) = http.value.body_of_get() {
                let help = "write method = \"POST\", or leave the body out";
                compiler.wrong(place, "a GET request has no body", help);
            }
            let request = http_request(http, here, compiler)?;
            refuse_slow(&http.value, &request, compiler)?;
            Some(Asking::Http(request))
        }
    }
}

/// These texts cannot wait for a slow signature.
fn refuse_slow(
    table: &HttpTable,
    request: &HttpRequest,
    compiler: &mut Compiler<'_, '_>,
) -> Option<()> {
    let headers = table.headers.iter().flat_map(|headers| &headers.value.0);
    let headers = headers.map(|(_, text)| text);
    let url = table.url.as_ref().map(|url| &url.value.0);
    let body = table.body.as_ref().map(|body| &body.value.0);
    let texts = url.into_iter().chain(headers).chain(body);
    for (text, template) in texts.zip(request.templates()) {
        compiler.refuse_slow(text, compiler.lets.makes_slow(template))?;
    }
    Some(())
}

fn route(table: &Located<RouteTable>, compiler: &mut Compiler<'_, '_>) -> Option<Route> {
    let RouteTable { json, id } = &table.value;
    if json.is_none() {
        let problem = Problem::absence(table.place, "`route` has no `json`")
            .help("write where a message names its subscription: json = \"/stream\"");
        compiler.push(problem);
    }
    if id.is_none() {
        let problem = Problem::absence(table.place, "`route` has no `id`").help(
            "write how the server names a subscription there: id = \"${item}\", or \"${on_id}\", or a capture of its answer",
        );
        compiler.push(problem);
    }
    let (json, id) = (json.as_ref()?, id.as_ref()?);
    let id = compiler.quick_template(&id.value.0, TemplateKind::Text, places::SUBSCRIBED)?;
    Some(compiler.route(&json.value.0, id))
}

/// Only an HTTP answer has a status, and a nearer `on` may not use HTTP.
fn refuse_status(table: &WordsTable, words: &SubscriptionWords, compiler: &mut Compiler<'_, '_>) {
    let Some(on) = &table.on else {
        return;
    };
    let asked = [("ack", &words.ack), ("fail", &words.fail)];
    let asked = asked.map(|(key, word)| (key, word.as_ref()));
    let captured = words
        .capture
        .iter()
        .map(|one| ("capture", Some(&one.value)));
    for (key, word) in asked.into_iter().chain(captured) {
        let reads = word.iter().flat_map(|word| word.reads());
        let mut names = reads.map(|read| read.name);
        if names.any(|name| name == Name::BuiltIn(BuiltIn::Status)) {
            let message = format!("`{key}` reads `status`, and `on` is not an HTTP request");
            let help = format!("write {key} for this one, too, or on = {{ http = … }}");
            compiler.wrong(on.place, message, help);
        }
    }
}

/// Captures of an answer need something that decides that there is an answer.
fn refuse_dead_captures(
    table: &WordsTable,
    words: &SubscriptionWords,
    compiler: &mut Compiler<'_, '_>,
) {
    if let (Some(capture), None, Some(Asking::Send(_))) = (&table.capture, &words.ack, &words.on)
        && words.capture.iter().any(|one| one.looks_into_message())
    {
        let message = "`capture` has no `ack` to read: without `ack` a subscription is active once it is sent";
        let problem = Problem::absence(capture.place, message)
            .help("write what an answer looks like: ack = '/id == id', or remove it");
        compiler.push(problem);
    }
}

/// What a server sends for a subscription is valid only for the socket.
fn refuse_keep(captures: &[Item<CaptureLayer>], compiler: &mut Compiler<'_, '_>) {
    for capture in captures {
        if let CaptureLayer::Table(table) = &capture.value
            && let Some(keep) = table.keep.as_ref().filter(|keep| keep.value)
        {
            let message =
                "`keep` is not possible here: the captures of a subscription end with its socket";
            compiler.wrong(keep.place, message, "remove it");
        }
    }
}

/// Reports a subscription without an `on`.
pub(super) fn refuse_unasked(key: &str, place: Place, compiler: &mut Compiler<'_, '_>) {
    let message = format!("nothing asks for the subscription {}", backticked(key));
    let help =
        "write subscribe = { on = '…' } for all, or an `on` for this one: { item = …, on = '…' }";
    compiler.push(Problem::absence(place, message).help(help));
}
