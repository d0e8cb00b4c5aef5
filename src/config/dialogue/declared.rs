//! The names that a dialogue declares: its `let`s and captures.

use std::collections::BTreeSet;

use super::{compiler::Compiler, merged::Merged, places};
use crate::config::{
    keys::CaptureLayer,
    read::{Entries, Item, Place, backticked},
    values::TemplateText,
};
use everwire_proto::{
    language::{LetError, Lets, MessageTemplate, Name, TemplateKind},
    settings::dialogue::{MAX_CAPTURES, MAX_LETS, SharedPreparation},
};

/// Declares all names, and compiles the `let`s. Both are numbered in the order of their names, so
/// that another order in the file gives the same dialogue.
pub(super) fn declared(
    merged: &Merged,
    shared: Option<&SharedPreparation>,
    compiler: &mut Compiler<'_, '_>,
) -> Lets {
    let lets = declare_lets(&merged.lets, compiler);
    declare_captures(merged, shared, compiler);
    compile_lets(&lets, compiler)
}

/// Compiles the `let`s for texts that look into other messages.
pub(super) fn compiled_again(merged: &Merged, compiler: &mut Compiler<'_, '_>) -> Lets {
    let mut lets: Vec<_> = merged.lets.0.iter().collect();
    lets.sort_by(|a, b| a.name.cmp(&b.name));
    let compiled = compiler.again(|compiler| compile_lets(&lets, compiler));
    compiled.unwrap_or_default()
}

fn compile_lets(lets: &[&Item<TemplateText>], compiler: &mut Compiler<'_, '_>) -> Lets {
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

/// The `let`s with valid names, in the order of their numbers.
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

fn declare_captures(
    merged: &Merged,
    shared: Option<&SharedPreparation>,
    compiler: &mut Compiler<'_, '_>,
) {
    let steps = merged.steps();
    let steps = steps.filter_map(|step| step.value.capture.as_ref());
    let rules = merged.rules.0.iter();
    let rules = rules.filter_map(|rule| rule.value.capture.as_ref());
    let in_scripts = steps.chain(rules).flat_map(|capture| &capture.value.0);
    let own = merged.capture.0.iter().chain(in_scripts);
    let own = own.chain(merged.prepare_captures());
    let own = own.map(|item| (item.name.as_str(), item.place));
    let place = merged.prepare.as_ref().map(|key| key.place);
    let shared = shared.zip(place);
    let shared = shared.into_iter().flat_map(|(shared, place)| {
        let names = shared.preparation.names.captures();
        names.map(move |name| (name, place))
    });
    declare(own.chain(shared), compiler);
}

/// Declares the captures of subscriptions.
pub(super) fn of_subscriptions<'i>(
    captures: impl Iterator<Item = &'i Item<CaptureLayer>>,
    compiler: &mut Compiler<'_, '_>,
) {
    let mut own = Vec::new();
    for item in captures {
        if let Some(Name::Capture(_)) = compiler.names.find(&item.name) {
            let name = backticked(&item.name);
            let message = format!(
                "{name} is captured twice: for the connection, and here for each subscription"
            );
            compiler.wrong(item.place, message, "give one of them another name");
        } else {
            own.push(item);
        }
    }
    capture_names(own.into_iter(), compiler);
}

/// Declares the captures of independent steps.
pub(super) fn capture_names<'i>(
    captures: impl Iterator<Item = &'i Item<CaptureLayer>>,
    compiler: &mut Compiler<'_, '_>,
) {
    declare(
        captures.map(|item| (item.name.as_str(), item.place)),
        compiler,
    );
}

fn declare<'n>(all: impl Iterator<Item = (&'n str, Place)>, compiler: &mut Compiler<'_, '_>) {
    let mut names = BTreeSet::new();
    for (name, place) in all {
        if !names.insert(name) {
            continue;
        }
        if compiler.names.captures().len() + names.len() == MAX_CAPTURES + 1 {
            let message = format!("there are more than {MAX_CAPTURES} captures");
            let help = "capture only what an expression reads";
            compiler.wrong(place, message, help);
        }
        // Only to check the names; the numbers are given in order of the names, below.
        let mut tried = compiler.names.clone();
        if let Err(error) = tried.capture(name) {
            let help = "write a name such as `token` or `session_id`";
            compiler.wrong(place, error.to_string(), help);
            names.remove(name);
        }
    }
    for name in names {
        // It was checked above.
        let _declared = compiler.names.capture(name);
    }
}
