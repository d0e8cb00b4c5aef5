//! Durations that may be templates.

use std::time::Duration;

use super::compiler::Compiler;
use crate::config::{
    read::Located,
    units::format_duration,
    values::{Templated, Timeout, Written},
};
use everwire_proto::{
    language::{BuiltIns, MessageTemplate, Template, TemplateKind},
    settings::dialogue::{LONGEST, SHORTEST, TemplateDuration},
};

/// A template of a duration.
pub(super) fn template(
    text: &Written,
    here: BuiltIns,
    compiler: &mut Compiler<'_, '_>,
) -> Option<TemplateDuration> {
    let template = compiler.quick_template(text, TemplateKind::Text, here)?;
    Some(TemplateDuration(template))
}

/// A fixed duration or a template, stored as a template.
pub(super) fn either(
    time: &Located<Templated<Timeout>>,
    here: BuiltIns,
    compiler: &mut Compiler<'_, '_>,
) -> Option<TemplateDuration> {
    let fixed = match &time.value {
        Templated::Template(text) => return template(text, here, compiler),
        Templated::Fixed(Timeout(fixed)) => *fixed,
    };
    if !(SHORTEST..=LONGEST).contains(&fixed) {
        let message = format!("the duration {} is out of range", format_duration(fixed));
        let [shortest, longest] = [SHORTEST, LONGEST].map(format_duration);
        let help = format!("write a duration from {shortest:?} to {longest:?}");
        compiler.wrong(time.place, message, help);
        return None;
    }
    Some(TemplateDuration(literal(fixed)))
}

/// A duration in the notation of the language: a number and one unit.
fn literal(time: Duration) -> MessageTemplate {
    let text = match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    };
    Template::literal(text).into()
}
