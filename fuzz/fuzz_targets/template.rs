//! Templates: JSON stays JSON, a peer's values stay intact, and secrets keep their mark.
//!
//! The parts, separated by lines of `===`: the template, the message, the peer's value, and two
//! `let`s.

#![no_main]

use everwire_fuzz::language::{
    Here, MAX_MESSAGE, SECRET, lets, names, parts, scope, told_where_they_are,
};
use everwire_proto::language::{
    Lets, MAX_TEMPLATE, MessageTemplate, Names, Step, TemplateKind,
    json::{PointerSet, RawJson, Spans},
};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde::de::IgnoredAny;
use serde_json::Value as Json;

const KINDS: [TemplateKind; 4] = [
    TemplateKind::Text,
    TemplateKind::Bytes,
    TemplateKind::Header,
    TemplateKind::Url,
];

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some([text, message, x, ts, sign]) = parts::<5>(input) else {
        return Corpus::Reject;
    };
    let names = names();
    comes_back(x, &names);
    for kind in KINDS {
        let mut pointers = PointerSet::default();
        let mut scope = scope(&names, &mut pointers);
        let lets = lets([ts, sign], &mut scope).unwrap_or_default();
        let template = match MessageTemplate::parse(text, kind, &mut scope) {
            Ok(template) => template,
            Err(errors) => {
                told_where_they_are(&errors, text);
                continue;
            }
        };
        for warning in &scope.warnings {
            assert!(!warning.message.is_empty());
        }
        let again = MessageTemplate::parse(&template.to_string(), kind, &mut scope);
        assert_eq!(again.as_ref(), Ok(&template), "{text:?} is another one");
        is_taken_apart(&template, text, &names);
        let mut spans = Spans::default();
        let found = pointers.find(message, &mut spans).unwrap_or_default();
        let here = Here::new(found, message, x);
        is_filled_well(&template, &Step::new(&here, &lets), &lets);
    }
    Corpus::Keep
});

/// Checks the analysis of the template's own text.
fn is_taken_apart(template: &MessageTemplate, text: &str, names: &Names) {
    assert!(text.len() <= MAX_TEMPLATE);
    for read in template.reads() {
        // Parentheses around it belong to the span.
        let written = text.get(read.span.clone()).expect("a place in the text");
        let name = written.trim_matches(|c: char| "()".contains(c) || c.is_whitespace());
        assert_eq!(name, names.text(read.name), "{text:?}");
    }
    assert!(!template.masked().contains(SECRET), "{text:?}");
    if let Some(shipped) = template.as_template() {
        assert!(!template.is_json(), "{text:?} has no expression");
        assert_eq!(shipped.has_variables(), !template.is_literal(), "{text:?}");
    }
}

fn is_filled_well(template: &MessageTemplate, step: &Step<'_>, lets: &Lets) {
    let text = template.as_str();
    let filled = match template.render(step) {
        Ok(filled) => filled,
        Err(unfilled) => {
            return assert!(
                !unfilled.to_string().contains(SECRET),
                "{text:?}: {unfilled}"
            );
        }
    };
    assert!(
        filled.as_bytes().len() <= MAX_MESSAGE,
        "{text:?} is too long"
    );
    let told = String::from_utf8_lossy(filled.as_bytes());
    assert!(
        !told.contains(SECRET) || filled.is_secret(),
        "{text:?} gives a secret away"
    );
    assert!(
        !format!("{filled:?}").contains(SECRET),
        "{text:?} shows a secret"
    );
    if template.is_json() {
        let json = told
            .trim_end_matches('\u{1e}')
            .trim_start_matches(|c: char| c.is_ascii_digit());
        let read = serde_json::from_str::<IgnoredAny>(json);
        assert!(read.is_ok(), "{text:?} has become {json}");
    } else if template.kind() != TemplateKind::Bytes && all_is_the_peers(text, lets) {
        assert!(
            !told.contains(['\r', '\n', '\0']),
            "{text:?} has become {told:?}"
        );
    }
    let refused =
        |c: char| c.is_ascii_control() && (c != '\t' || template.kind() == TemplateKind::Url);
    if matches!(template.kind(), TemplateKind::Header | TemplateKind::Url) {
        assert!(!told.contains(refused), "{text:?} has become {told:?}");
    }
}

/// Whether a line end in the output can only come from the peer: the template contains none in any
/// form, and nothing allows one.
fn all_is_the_peers(text: &str, lets: &Lets) -> bool {
    let mut texts = lets.iter().map(MessageTemplate::as_str).chain([text]);
    let lets_through = ["raw", "un", "\\", "\r", "\n", "\0"];
    texts.all(|text| lets_through.iter().all(|part| !text.contains(part)))
}

/// The peer's value stays intact, wherever it is inserted.
fn comes_back(x: &str, names: &Names) {
    let is_x: fn(&Json, &str) -> bool = |found, x| found == x;
    let in_quotes = |found: &Json, x: &str| found.as_str() == Some(format!("<{x}>").as_str());
    let inner = |found: &Json, x: &str| {
        serde_json::from_str::<Json>(found.as_str().unwrap_or_default())
            .is_ok_and(|found| found == x)
    };
    for (text, pointer, is_well) in [
        ("{\"a\":[${x}]}", "/a/0", is_x),
        ("{\"a\":\"${x}\",\"b\":1}", "/a", is_x),
        ("42[\"<${x}>\"]", "/0", in_quotes),
        ("{\"a\":${json(x)}}\u{1e}", "/a", inner),
        ("{\"a\":${x ~ \"\"},\"b\":${id}}", "/a", is_x),
        ("{\"a\":${/v}}", "/a", is_x),
        ("{\"a\":${at(message, \"/v\")}}", "/a", is_x),
    ] {
        let mut pointers = PointerSet::default();
        let template =
            MessageTemplate::parse(text, TemplateKind::Text, &mut scope(names, &mut pointers));
        let template = template.expect("a template");
        let message = format!("{{\"v\":{}}}", Json::from(x));
        let mut spans = Spans::default();
        let found = pointers.find(&message, &mut spans).unwrap_or_default();
        let here = Here::new(found, &message, x);
        let Ok(filled) = template.render(&here) else {
            assert!(x.len() * 7 > MAX_MESSAGE, "{text:?} cannot take {x:?}");
            continue;
        };
        let filled = filled.into_text();
        let json = filled.trim_end_matches('\u{1e}').trim_start_matches("42");
        let json: Json =
            serde_json::from_str(json).unwrap_or_else(|error| panic!("{filled:?}: {error}"));
        assert_eq!(
            json.as_object().map_or(0, |members| members.len()),
            Json::pointer(&json, "/b").map_or(usize::from(json.is_object()), |_| 2)
        );
        let found = json
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{filled:?}"));
        assert!(is_well(found, x), "{x:?} became {filled:?}");
    }
    stays_as_written(x, names);
}

/// A JSON value keeps its digits and escapes.
fn stays_as_written(x: &str, names: &Names) {
    let Some(raw) = RawJson::parse(x) else {
        return;
    };
    let mut compact = String::new();
    raw.write_compact(&mut compact);
    let message = format!("{{\"v\":{x}}}");
    let mut pointers = PointerSet::default();
    let template = MessageTemplate::parse(
        "[${/v}]",
        TemplateKind::Text,
        &mut scope(names, &mut pointers),
    );
    let template = template.expect("a template");
    let mut spans = Spans::default();
    let Some(found) = pointers.find(&message, &mut spans) else {
        // One more bracket is too deep.
        return assert!(x.matches(['[', '{']).count() > 64, "{message:?} is no JSON");
    };
    let here = Here::new(found, &message, x);
    let Ok(filled) = template.render(&here) else {
        return assert!(x.len() > MAX_MESSAGE - 2, "{x:?} cannot be repeated");
    };
    let written = filled.into_text();
    let again = RawJson::parse(&written[1..written.len() - 1]);
    let is_text = raw.as_text().is_some();
    match is_text {
        // It may have other escapes.
        true => assert_eq!(
            again.and_then(|again| again.as_text()),
            raw.as_text(),
            "{x:?}"
        ),
        false => assert_eq!(
            again.map(|again| again.as_str()),
            Some(compact.as_str()),
            "{x:?}"
        ),
    }
}
