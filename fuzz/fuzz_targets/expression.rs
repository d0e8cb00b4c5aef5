//! Expressions over messages: no panic, no output that is too long, and no needle that hides a
//! match.
//!
//! The parts, separated by lines of `===`: the expression, the message, and two `let`s.

#![no_main]

use everwire_fuzz::language::{
    Here, MAX_MESSAGE, SECRET, is_too_big, lets, names, parts, scope, size, told_where_they_are,
};
use everwire_proto::language::{
    Expression, Lets, Names, Needles, Step, Value,
    json::{Found, PointerSet, Spans},
};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde::de::IgnoredAny;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some([text, message, ts, sign]) = parts::<4>(input) else {
        return Corpus::Reject;
    };
    let (names, mut pointers) = (names(), PointerSet::default());
    let mut scope = scope(&names, &mut pointers);
    let lets = lets([ts, sign], &mut scope).unwrap_or_else(|errors| {
        for error in &errors {
            let text = [ts, sign][error.at];
            told_where_they_are(std::slice::from_ref(&error.error), text);
        }
        Lets::default()
    });
    let condition = Expression::condition(text, &mut scope);
    let expression = match Expression::value(text, &mut scope) {
        Ok(expression) => expression,
        Err(errors) => {
            told_where_they_are(&errors, text);
            assert!(condition.is_err(), "a condition that is no value: {text:?}");
            return Corpus::Keep;
        }
    };
    if let Err(errors) = &condition {
        told_where_they_are(errors, text);
    }
    told_what_it_reads(&expression, text, &names);
    let compile = |text: &str, scope: &mut _| match Expression::value(text, scope) {
        Ok(expression) => Some(expression),
        Err(errors) if is_too_big(&errors) => None,
        Err(errors) => panic!("{text:?} is refused: {errors:?}"),
    };
    // It means the same when printed, with white space around it, and in parentheses.
    for again in [
        expression.to_string(),
        format!("\n{text}\t "),
        format!("({text})"),
    ] {
        let again = compile(&again, &mut scope);
        assert!(
            again.is_none_or(|again| again == expression),
            "{text:?} is another one"
        );
    }
    let with_default = compile(&format!("default({text}, \"of its own\")"), &mut scope);
    let twice_not = condition
        .is_ok()
        .then(|| compile(&format!("!(!({text}))"), &mut scope))
        .flatten();

    let mut spans = Spans::default();
    let found = pointers.find(message, &mut spans).unwrap_or_default();
    let value = seen(&expression, found, message, &lets);
    assert_eq!(
        seen(&expression, found, message, &lets),
        value,
        "{text:?} comes to something else"
    );
    is_bounded(&value, text);
    // A message without its needles need not be read.
    let needles = Needles::new(expression.need().clone());
    if !needles.any_in(message.as_bytes()) {
        let unread = seen(&expression, Found::default(), message, &lets);
        assert_eq!(
            unread, value,
            "a needle of {text:?} hides a match in {message:?}"
        );
    }
    for same in condition.iter().chain(&twice_not) {
        let here = Here::new(found, message, message);
        let holds = same.holds(&Step::new(&here, &lets));
        assert_eq!(holds, value.is_true(), "{same:?}");
    }
    if let Some(with_default) = with_default {
        let with_default = seen(&with_default, found, message, &lets);
        match value.is_there() {
            true => assert_eq!(with_default, value, "{text:?} is there"),
            false => assert_eq!(
                with_default.as_text().as_deref(),
                Some("of its own"),
                "{text:?} is not there"
            ),
        }
    }
    Corpus::Keep
});

/// The result, with the same time and randomness each time.
fn seen(
    expression: &Expression,
    found: Found<'_, '_>,
    message: &str,
    lets: &Lets,
) -> Value<'static> {
    let here = Here::new(found, message, message);
    let step = Step::new(&here, lets);
    let value = expression.evaluate(&step);
    assert_eq!(value.is_true(), {
        let here = Here::new(found, message, message);
        expression.holds(&Step::new(&here, lets))
    });
    value.into_owned()
}

fn told_what_it_reads(expression: &Expression, text: &str, names: &Names) {
    for read in expression.reads() {
        // Parentheses around it belong to the span.
        let written = text.get(read.span.clone()).expect("a place in the text");
        let name = written.trim_matches(|c: char| "()".contains(c) || c.is_whitespace());
        assert_eq!(name, names.text(read.name), "{text:?}");
    }
}

fn is_bounded(value: &Value<'_>, text: &str) {
    assert!(
        size(value) <= MAX_MESSAGE,
        "{text:?}: {} bytes",
        size(value)
    );
    let mut json = String::new();
    if value.write_json(&mut json).is_some() {
        assert!(
            serde_json::from_str::<IgnoredAny>(&json).is_ok(),
            "{text:?} is written as {json}"
        );
    }
    let told = format!("{value:?}");
    if value.as_text().is_some_and(|text| text.contains(SECRET)) {
        assert!(value.is_secret(), "{text:?} gives a secret away");
    }
    assert!(!told.contains(SECRET), "{text:?} shows a secret");
}
