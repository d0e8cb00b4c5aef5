use super::{super::tests::*, *};
use crate::language::{BuiltIn, BuiltIns, Data, Names, Needles, NothingOutside, json::PointerSet};

mod bad_input;
mod functions;
mod grammar;
mod marks;
mod needles;
pub(in crate::language) mod properties;
mod signatures;
mod vectors;

type Compile = fn(&str, &mut Scope<'_>) -> Result<Expression, Vec<LanguageError>>;

/// All errors of a text: place and message.
fn errors(text: &str, compile: Compile) -> Vec<(String, String)> {
    let mut bench = Bench::new(&["x", "y", "session"]);
    let (compiled, _) = bench.with(|scope| compile(text, scope));
    let errors = compiled.map_or_else(|errors| errors, |_| panic!("{text} is right"));
    let told = errors
        .iter()
        .map(|error| (text[error.span.clone()].to_owned(), error.to_string()));
    told.collect()
}

/// The only error of a condition.
fn error(text: &str) -> (String, String) {
    let mut errors = errors(text, Expression::condition);
    assert_eq!(errors.len(), 1, "{text}: {errors:?}");
    errors.remove(0)
}

/// The value of an expression with this message and these names, as JSON; `-` if absent.
fn comes_to(text: &str, message: &str, names: &[(&str, Value<'static>)]) -> String {
    let captures: Vec<&str> = names
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| BuiltIn::named(name).is_none())
        .collect();
    let mut bench = Bench::new(&captures);
    let (compiled, _) = bench.with(|scope| Expression::value(text, scope));
    let expression = compiled.unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    bench.see(message, names, |world| {
        let mut json = String::new();
        let value = expression.evaluate(world);
        value.write_json(&mut json).map_or("-".into(), |()| json)
    })
}
