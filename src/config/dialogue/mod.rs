//! From the merged keys to the dialogue: collects the names, then compiles all texts with them.

mod call;
mod captures;
mod compiler;
mod declared;
mod dial;
mod durations;
mod heartbeat;
mod item;
mod kept;
mod merged;
mod order;
mod outside;
mod places;
mod prepare;
mod request;
mod rules;
mod script;
mod sending;
mod show;
mod show_subscriptions;
mod subscribe;
mod subscriptions;
mod wish;
#[cfg(test)]
mod wish_tests;

use std::{collections::VecDeque, sync::Arc};

use self::{compiler::Compiler, declared::declared, merged::Merged, order::Order};
use super::{keys::ConnectionTable, read::Context};
use everwire_proto::settings::dialogue::{Capture, Dialogue};

pub(super) use self::{
    prepare::shared as shared_preparations, show::show, show_subscriptions::show_subscriptions,
    wish::compile_subscription,
};

/// How many different dialogues are searched for an equal one.
const LOOKED_AT: usize = 16;

/// The dialogues that were compiled last: thousands of names may have the same keys, and then share
/// the result.
#[derive(Default)]
pub(super) struct Dialogues(VecDeque<(Merged, Option<Arc<Dialogue>>)>);

impl Dialogues {
    /// The dialogue of a connection; `None` if it has none, or after errors, which are reported.
    pub fn of(
        &mut self,
        table: &ConnectionTable,
        context: &mut Context<'_>,
    ) -> Option<Arc<Dialogue>> {
        let merged = Merged::of(table, &context.allow_urls)?;
        if let Some((_, known)) = self.0.iter().find(|(known, _)| *known == merged) {
            return known.clone();
        }
        let dialogue = compile(&merged, context).map(Arc::new);
        self.0.truncate(LOOKED_AT - 1);
        self.0.push_front((merged, dialogue.clone()));
        dialogue
    }
}

fn compile(merged: &Merged, context: &mut Context<'_>) -> Option<Dialogue> {
    let mut compiler = Compiler::new(context);
    let shared = prepare::named(merged, &mut compiler);
    let lets = declared(merged, shared.as_deref(), &mut compiler);
    compiler.lets = lets.clone();
    let captures = captures::compile(&merged.capture, places::CAPTURE, &mut compiler);
    let mut order = Order::new(&lets, &compiler.names);
    let prepare = prepare::compile(merged, shared, &mut order, &mut compiler);
    let dial = dial::compile(&merged.dial, &order, &mut compiler);
    let scripts = script::compile(merged, order, &mut compiler);
    let rules = rules::compile(merged, &mut compiler);
    let periodic = scripts.periodic.iter().map(|periodic| &periodic.step);
    let steps = scripts.open_script.iter().chain(periodic);
    let steps = steps.chain(&scripts.close_script);
    let in_steps = steps.flat_map(|step| &step.capture);
    let in_rules = rules.iter().flat_map(|rule| &rule.capture);
    let all: Vec<&Capture> = captures.iter().chain(in_steps).chain(in_rules).collect();
    kept::refuse_secrets(merged, &all, &lets, &mut compiler);
    let heartbeat = merged.heartbeat.as_ref();
    let heartbeat =
        heartbeat.and_then(|heartbeat| heartbeat::compile(heartbeat, merged, &mut compiler));
    let request = merged.request.as_ref();
    let request = request.and_then(|table| request::compile(table, &mut compiler));
    let idle_timeout = merged.idle_timeout.as_ref();
    let idle_timeout = idle_timeout
        .and_then(|written| durations::template(written, places::ELSEWHERE, &mut compiler));
    // Its captures belong to a subscription, and nothing earlier reads them.
    let subscribe = subscriptions::compile(merged, scripts.opened, &mut compiler);
    let (names, pointers) = compiler.finish()?;
    let dialogue = Dialogue {
        names,
        pointers,
        lets,
        captures,
        prepare,
        dial,
        open_script: scripts.open_script,
        periodic: scripts.periodic,
        close_script: scripts.close_script,
        rules,
        request,
        subscribe: subscribe.map(Arc::new),
        heartbeat,
        idle_timeout,
        first_id: merged.first_id,
        peer_urls: Arc::clone(&merged.peer_urls),
        ..Dialogue::default()
    };
    Some(dialogue.with_needles())
}
