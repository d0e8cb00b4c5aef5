//! The names that a dialogue declares: its `let`s and its captures.

use std::collections::BTreeSet;

use super::{compiler::Compiler, merged::Merged, places};
use crate::config::{
    keys::CaptureLayer,
    read::{Entries, Item},
    values::TemplateText,
};
use everwire_proto::{
    language::{LetError, Lets, MessageTemplate, TemplateKind},
    settings::dialogue::{MAX_CAPTURES, MAX_LETS},
};

/// Declares all names, and compiles the `let`s. Both are numbered in the order of their names, so that the order in which they are
/// written makes no other dialogue.
pub(super) fn declared(merged: &Merged, compiler: &mut Compiler<'_, '_>) -> Lets {
    let lets = declare_lets(&merged.lets, compiler);
    declare_captures(merged, compiler);
    let compiled: Vec<Option<MessageTemplate>> = lets
        .iter()
        .map(|item| compiler.template(&item.value.0, TemplateKind::Text, places::ANSWER))
        .collect();
    let Some(templates) = compiled.into_iter().collect() else {
        return Lets::default();
    };
    match Lets::new(templates, &compiler.names) {
        Ok(lets) => lets,
        Err(errors) => {
            for LetError { at, error } in errors {
                compiler.wrong_within(&lets[at].value.0, error);
            }
            Lets::default()
        }
    }
}

/// The `let`s whose names are right, in the order of their numbers.
fn declare_lets<'m>(
    lets: &'m Entries<TemplateText>,
    compiler: &mut Compiler<'_, '_>,
) -> Vec<&'m Item<TemplateText>> {
    if let Some(item) = lets.0.get(MAX_LETS) {
        let message = format!("there are {} lets", lets.0.len());
        let help = format!("a connection has at most {MAX_LETS}");
        compiler.wrong(item.place, message, help);
    }
    let mut declared: Vec<_> = lets.0.iter().collect();
    declared.sort_by(|a, b| a.name.cmp(&b.name));
    declared.retain(|item| match compiler.names.declare(&item.name) {
        Ok(_) => true,
        Err(error) => {
            let help = "write a name such as `ts` or `session_id`";
            compiler.wrong(item.place, error.to_string(), help);
            false
        }
    });
    declared
}

fn declare_captures(merged: &Merged, compiler: &mut Compiler<'_, '_>) {
    let steps = merged.steps();
    let steps = steps.filter_map(|step| step.value.capture.as_ref());
    let rules = merged.rules.0.iter();
    let rules = rules.filter_map(|rule| rule.value.capture.as_ref());
    let in_scripts = steps.chain(rules).flat_map(|capture| &capture.value.0);
    let all = merged.capture.0.iter().chain(in_scripts);
    let mut names = BTreeSet::new();
    for item in all {
        let item: &Item<CaptureLayer> = item;
        if !names.insert(&item.name) {
            continue;
        }
        if names.len() == MAX_CAPTURES + 1 {
            let message = format!("there are more than {MAX_CAPTURES} captures");
            let help = "capture only what an expression reads";
            compiler.wrong(item.place, message, help);
        }
        // In numbers that go by the names, below.
        let mut tried = compiler.names.clone();
        if let Err(error) = tried.capture(&item.name) {
            let help = "write a name such as `token` or `session_id`";
            compiler.wrong(item.place, error.to_string(), help);
            names.remove(&item.name);
        }
    }
    for name in names {
        // It was tried before.
        let _declared = compiler.names.capture(name);
    }
}
