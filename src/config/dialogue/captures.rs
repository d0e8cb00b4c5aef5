//! `capture` and `clear`.

use super::compiler::Compiler;
use crate::config::{
    keys::{CaptureLayer, CaptureNames},
    read::{Entries, Item, Located, Problem, backticked, similar},
};
use everwire_proto::{
    language::{BuiltIns, Expression, Name},
    settings::dialogue::Capture,
};

/// The captures of a connection, a step or a rule, sorted by name.
pub(super) fn compile(
    entries: &Entries<CaptureLayer>,
    here: BuiltIns,
    compiler: &mut Compiler<'_, '_>,
) -> Vec<Capture> {
    let mut items: Vec<&Item<CaptureLayer>> = entries.0.iter().collect();
    items.sort_by(|a, b| a.name.cmp(&b.name));
    let captures = items.into_iter().map(|item| capture(item, here, compiler));
    captures.collect::<Vec<_>>().into_iter().flatten().collect()
}

fn capture(
    item: &Item<CaptureLayer>,
    here: BuiltIns,
    compiler: &mut Compiler<'_, '_>,
) -> Option<Capture> {
    let (value, when, secret, keep) = match &item.value {
        CaptureLayer::Value(value) => (Some(value), None, false, false),
        CaptureLayer::Table(table) => (
            table.value.as_ref().map(|value| &value.value),
            table.when.as_ref().map(|when| &when.value),
            table.secret.as_ref().is_some_and(|secret| secret.value),
            table.keep.as_ref().is_some_and(|keep| keep.value),
        ),
    };
    let Some(value) = value else {
        let message = format!("the capture {} has no `value`", backticked(&item.name));
        let help = "write which value to keep: value = '/data/id'";
        compiler.push(Problem::absence(item.place, message).help(help));
        return None;
    };
    let value: Option<Expression> = compiler.value(value, here);
    let when = when.map(|when| compiler.condition(when, here));
    // An invalid name was reported already.
    let Some(Name::Capture(name)) = compiler.names.find(&item.name) else {
        return None;
    };
    Some(Capture {
        name,
        value: value?,
        when: match when {
            Some(when) => Some(when?),
            None => None,
        },
        secret,
        keep,
    })
}

/// The captures that are cleared, sorted by name, without duplicates.
pub(super) fn cleared(
    names: Option<&Located<CaptureNames>>,
    compiler: &mut Compiler<'_, '_>,
) -> Vec<u16> {
    let names = names.into_iter().flat_map(|names| &names.value.0);
    let mut numbers: Vec<u16> = Vec::new();
    for name in names {
        match compiler.names.find(&name.value) {
            Some(Name::Capture(number)) => numbers.push(number),
            _ => {
                let known: Vec<&str> = compiler.names.captures().collect();
                let help = match similar(&name.value, known.iter().copied()) {
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None if known.is_empty() => "nothing is captured here".into(),
                    None => format!("the captures are {}", known.join(", ")),
                };
                let message = format!("unknown capture {}", backticked(&name.value));
                compiler.wrong(name.place, message, help);
            }
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
