//! `prepare`: the steps before a dial, of one connection or of a `[prepare.KEY]`.

use std::{sync::Arc, time::Duration};

use super::{
    call, captures,
    compiler::Compiler,
    declared::{capture_names, compiled_again},
    merged::Merged,
    order::Order,
    places,
};
use crate::config::{
    keys::{CaptureLayer, PrepareLayer, PrepareStepTable, PrepareTable},
    read::{Context, Item, Located, Named, Preparations, Problem, backticked, similar},
    values::{ExpressionText, Text},
};
use everwire_proto::{
    language::{Expression, Lets},
    settings::dialogue::{MAX_STEPS, Preparation, Prepare, PrepareStep, SharedPreparation},
};

/// The entries of `[prepare]`, by key.
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
    let per_node = item.value.per_node.as_ref();
    Some(Arc::new(SharedPreparation {
        key: item.name.as_str().into(),
        keep: keep.unwrap_or(Duration::ZERO),
        per_node: per_node.is_some_and(|per_node| per_node.value),
        preparation: Arc::new(Preparation {
            names,
            pointers,
            lets,
            steps,
        }),
    }))
}

/// The shared entry that a connection names; `None` if it names none, or after errors.
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
            let message = format!("unknown prepare {}", backticked(text));
            compiler.push(Problem::absence(key.place, message).help(help));
            None
        }
    }
}

/// The preparation of a connection. `order` learns its captures.
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
    // Answers are not messages of the socket.
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
    let (http, exec) = (table.http.as_ref(), table.exec.as_ref());
    let call = call::compile(http, exec, here.call, compiler);
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

/// Captures of `prepare` are secret, and secrets must not be written to disk.
fn refuse_keep(captures: &[Item<CaptureLayer>], compiler: &mut Compiler<'_, '_>) {
    for capture in captures {
        if let CaptureLayer::Table(table) = &capture.value
            && let Some(keep) = table.keep.as_ref().filter(|keep| keep.value)
        {
            let message =
                "`keep` would write a secret to disk: everything that `prepare` captures is secret";
            let help = "remove it: `prepare` runs again before the next dial";
            compiler.wrong(keep.place, message, help);
        }
    }
}
