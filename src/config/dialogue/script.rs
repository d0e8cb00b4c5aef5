//! `open_script`, and `on_open` where it is its short form; `periodic` and `close_script`.

use super::{
    call, captures, compiler::Compiler, durations, merged::Merged, order::Order, places, sending,
};
use crate::config::{
    keys::{AgainTable, OnOpen, OpenMessage, PeriodicTable, StepTable, without_expect},
    read::{Located, Place, Problem},
    values::ExpressionText,
};
use everwire_proto::{
    language::{BuiltIns, Expression, TemplateKind},
    settings::{
        Opening,
        dialogue::{Again, MAX_STEPS, PeriodicStep, ScriptStep, Sending},
    },
};

/// All steps of a dialogue.
pub(super) struct Scripts {
    pub open_script: Vec<ScriptStep>,
    pub periodic: Vec<PeriodicStep>,
    pub close_script: Vec<ScriptStep>,
    /// What may be set after the open script.
    pub opened: Order,
}

/// Compiles the steps. A step may read only what was captured before it: `order` knows what was
/// captured before the dial, and the other steps come after the open script.
pub(super) fn compile(
    merged: &Merged,
    mut order: Order,
    compiler: &mut Compiler<'_, '_>,
) -> Scripts {
    // Both are active from the first byte.
    order.set(&merged.capture, &compiler.names);
    for rule in &merged.rules.0 {
        if let Some(capture) = &rule.value.capture {
            order.set(&capture.value, &compiler.names);
        }
    }
    let on_open = merged.on_open.as_ref();
    let on_open = on_open.map(|list| short_form(list, merged, &order, compiler));
    let max_message = merged.max_message;
    let open_script = script(&merged.open_script.0, max_message, &mut order, compiler);
    let opened = order.clone();
    let periodic = periodic(&merged.periodic.0, max_message, &order, compiler);
    set_all(&merged.periodic.0, &mut order, compiler);
    let close_script = script(&merged.close_script.0, max_message, &mut order, compiler);
    Scripts {
        // Having both is an error, and the errors of each are reported.
        open_script: on_open.unwrap_or(open_script),
        periodic,
        close_script,
        opened,
    }
}

fn script(
    steps: &[Located<StepTable>],
    max_message: usize,
    order: &mut Order,
    compiler: &mut Compiler<'_, '_>,
) -> Vec<ScriptStep> {
    let first = steps.get(MAX_STEPS).map(|step| step.place);
    refuse_too_many(steps.len(), first, compiler);
    let steps = steps.iter();
    let steps = steps.map(|table| step(table, max_message, order, compiler));
    steps.collect()
}

/// The captures of periodic steps may be set from now on.
fn set_all(steps: &[PeriodicTable], order: &mut Order, compiler: &Compiler<'_, '_>) {
    let captures = steps
        .iter()
        .filter_map(|periodic| periodic.step.value.capture.as_ref());
    captures.for_each(|capture| order.set(&capture.value, &compiler.names));
}

/// Periodic steps: each may come before any other.
fn periodic(
    steps: &[PeriodicTable],
    max_message: usize,
    order: &Order,
    compiler: &mut Compiler<'_, '_>,
) -> Vec<PeriodicStep> {
    let first = steps.get(MAX_STEPS).map(|periodic| periodic.step.place);
    refuse_too_many(steps.len(), first, compiler);
    let mut compiled = Vec::with_capacity(steps.len());
    for PeriodicTable {
        schedule,
        step: table,
    } in steps
    {
        let mut order = order.clone();
        set_all(steps, &mut order, compiler);
        let every = schedule.every.as_ref();
        // Without a value the step is not taken yet.
        let every = every.and_then(|every| durations::either(every, places::ELSEWHERE, compiler));
        let step = step(table, max_message, &mut order, compiler);
        let Some(every) = every else {
            // Errors were reported already.
            continue;
        };
        compiled.push(PeriodicStep {
            step,
            every,
            idle: schedule.idle.as_ref().is_some_and(|idle| idle.value),
        });
    }
    compiled
}

fn refuse_too_many(count: usize, first: Option<Place>, compiler: &mut Compiler<'_, '_>) {
    if let Some(place) = first {
        let message = format!("the script has {count} steps");
        compiler.wrong(place, message, format!("a script has at most {MAX_STEPS}"));
    }
}

/// The messages of `on_open` as steps without expectations.
fn short_form(
    list: &OnOpen,
    merged: &Merged,
    order: &Order,
    compiler: &mut Compiler<'_, '_>,
) -> Vec<ScriptStep> {
    let first = list.0.get(MAX_STEPS).map(|message| message.place);
    refuse_too_many(list.0.len(), first, compiler);
    let mut steps = Vec::with_capacity(list.0.len());
    for message in &list.0 {
        compiler.reads.clear();
        let send = match &message.value {
            OpenMessage::Template(text) | OpenMessage::Plain(_, Some(text)) => compiler
                .template(text, TemplateKind::Text, places::SENDING)
                .map(Sending::Text),
            OpenMessage::Plain(Opening::Binary(bytes), None) => {
                Some(Sending::Binary(bytes.clone()))
            }
            OpenMessage::Plain(Opening::Text(text), None) => {
                Some(Sending::Text(text.clone().into()))
            }
        };
        order.refuse_early(std::mem::take(&mut compiler.reads), compiler);
        if let Some(send) = &send {
            sending::refuse_long(send, message.place, merged.max_message, compiler);
        }
        steps.push(ScriptStep {
            send,
            ..ScriptStep::default()
        });
    }
    steps
}

fn step(
    table: &Located<StepTable>,
    max_message: usize,
    order: &mut Order,
    compiler: &mut Compiler<'_, '_>,
) -> ScriptStep {
    let place = table.place;
    let table = &table.value;
    compiler.reads.clear();
    let condition = table.condition.as_ref();
    let condition = condition.and_then(|when| compiler.condition(&when.value, places::ELSEWHERE));
    let send = table.send.as_ref();
    let send = send.and_then(|send| sending::compile(send, places::SENDING, max_message, compiler));
    let calls = table.calls();
    let call = call::compile(
        table.http.as_ref(),
        table.exec.as_ref(),
        places::SENDING,
        compiler,
    );
    let seen = match calls {
        true => places::RESPONSE,
        false => places::ANSWER,
    };
    let mut answer = |key: &Option<Located<ExpressionText>>| -> Option<Expression> {
        compiler.condition(&key.as_ref()?.value, seen)
    };
    let expect = answer(&table.expect);
    let fail = answer(&table.fail);
    let give_up = answer(&table.give_up);
    let again = table.again.as_ref();
    let again = again.and_then(|again| compile_again(again, seen, compiler));
    let reads = std::mem::take(&mut compiler.reads);
    let reads_prepared = order.reads_shared(&reads);
    // If a step has a condition, the author is responsible for the names in it.
    let is_guarded = table.condition.is_some();
    if !is_guarded {
        order.refuse_early(reads, compiler);
    }
    let mut capture = Vec::new();
    if let Some(entries) = &table.capture {
        order.set(&entries.value, &compiler.names);
        capture = captures::compile(&entries.value, seen, compiler);
        let reads = std::mem::take(&mut compiler.reads);
        if !is_guarded {
            order.refuse_early(reads, compiler);
        }
        let has_nothing = table.expect.is_none() && !calls;
        if has_nothing && capture.iter().any(|one| one.looks_into_message()) {
            compiler.push(without_expect("capture", entries.place, place));
        }
    }
    ScriptStep {
        send,
        call: call.map(Box::new),
        expect,
        count: table
            .count
            .as_ref()
            .map_or(ScriptStep::default().count, |count| count.value.0),
        fail,
        give_up,
        within: table
            .within
            .as_ref()
            .map_or(ScriptStep::WITHIN, |within| within.value.0),
        capture,
        clear: captures::cleared(table.clear.as_ref(), compiler),
        condition,
        again,
        rate: table
            .rate
            .as_ref()
            .map(|keys| compiler.rates(&keys.value))
            .unwrap_or_default(),
        reads_prepared,
    }
}

fn compile_again(
    again: &Located<AgainTable>,
    seen: BuiltIns,
    compiler: &mut Compiler<'_, '_>,
) -> Option<Again> {
    let table = &again.value;
    let after = table.after.as_ref();
    let after = after.map(|after| durations::either(after, seen, compiler));
    let Some(when) = &table.when else {
        let problem = Problem::absence(again.place, "`again` has no `when`").help(
            "write which message asks to try again: again = { when = '/status == \"Pending\"' }",
        );
        compiler.push(problem);
        return None;
    };
    Some(Again {
        when: compiler.condition(&when.value, seen)?,
        after: after.flatten(),
    })
}
