use super::{super::tests::*, *};
use crate::language::Names;

mod bad_input;
mod filling;
mod hostile;
mod json_values;
mod lets;
mod shipped;
mod unfilling;

fn parse(bench: &mut Bench, text: &str, kind: TemplateKind) -> MessageTemplate {
    let (parsed, _) = bench.with(|scope| MessageTemplate::parse(text, kind, scope));
    parsed.unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

/// The result of a template of this kind, or the reason for none.
fn filled_as(
    text: &str,
    kind: TemplateKind,
    message: &str,
    names: &[(&str, Value<'static>)],
) -> Result<String, String> {
    let captures: Vec<&str> = names
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "id" && *name != "items")
        .collect();
    let mut bench = Bench::new(&captures);
    let template = parse(&mut bench, text, kind);
    let rendered = bench.see(message, names, |world| template.render(world));
    match rendered {
        Ok(rendered) => Ok(String::from_utf8_lossy(rendered.as_bytes()).into_owned()),
        Err(unfilled) => Err(unfilled.to_string()),
    }
}

fn filled(text: &str, message: &str, names: &[(&str, Value<'static>)]) -> Result<String, String> {
    filled_as(text, TemplateKind::Text, message, names)
}

/// All errors of a text: place and message.
fn errors(text: &str, kind: TemplateKind) -> Vec<(String, String)> {
    let mut bench = Bench::new(&["x", "n", "ts"]);
    let (parsed, _) = bench.with(|scope| MessageTemplate::parse(text, kind, scope));
    let errors = parsed.map_or_else(|errors| errors, |_| panic!("{text} is right"));
    let told = errors
        .iter()
        .map(|error| (text[error.span.clone()].to_owned(), error.to_string()));
    told.collect()
}
