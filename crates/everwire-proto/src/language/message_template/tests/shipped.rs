//! Templates without expressions behave as before.

use std::path::PathBuf;

use super::*;
use crate::language::Secret;

#[test]
fn variables_files_and_secrets_have_the_form_that_they_had() {
    let env = |name: &str, value: &str| Part::Env {
        name: name.into(),
        value: Secret::new(value),
    };
    let literal = |text: &str| Part::Literal(text.into());
    for (text, parts) in [
        ("", vec![]),
        ("plain {text} } $ $x", vec![literal("plain {text} } $ $x")]),
        ("Bearer ${KEY}", vec![literal("Bearer "), env("KEY", "k3y")]),
        (
            "${KEY}${N}x",
            vec![env("KEY", "k3y"), env("N", "5"), literal("x")],
        ),
        ("$${KEY} $$${x}", vec![literal("${KEY} $${x}")]),
        (
            "${file:a b.pem}",
            vec![Part::File(PathBuf::from("/etc/a b.pem"))],
        ),
        (
            "a${secret:id}",
            vec![literal("a"), Part::Stored("id".into())],
        ),
        (
            "{\"n\":${N}}",
            vec![literal("{\"n\":"), env("N", "5"), literal("}")],
        ),
        ("{ping", vec![literal("{ping")]),
        ("[${N}", vec![literal("["), env("N", "5")]),
    ] {
        let mut bench = Bench::new(&[]);
        let template = parse(&mut bench, text, TemplateKind::Text);
        assert_eq!(
            template.as_template(),
            Some(Template::from_parts(parts.clone())),
            "{text}"
        );
        assert!(!template.is_json());
        assert_eq!(
            template.is_literal(),
            !text.contains("${N}") && !text.contains("${KEY}") && !text.contains(':')
                || text.starts_with("$$"),
            "{text}"
        );
        // A template of the settings is one of these, too.
        let back = MessageTemplate::from(Template::from_parts(parts.clone()));
        assert_eq!(
            back.as_template(),
            Some(Template::from_parts(parts)),
            "{text}"
        );
    }
    let mut bench = Bench::new(&[]);
    assert_eq!(
        parse(&mut bench, "${KEY}${id}", TemplateKind::Text).as_template(),
        None
    );
}

#[test]
fn what_must_be_read_before_is_known() {
    let mut bench = Bench::new(&["ts"]);
    let template = parse(
        &mut bench,
        "${file:a}${KEY}${secret:b}${ts ~ /x}",
        TemplateKind::Text,
    );
    let variables: Vec<Variable<'_>> = template.variables().collect();
    assert_eq!(
        variables,
        [
            Variable::File(std::path::Path::new("/etc/a")),
            Variable::Stored("b")
        ]
    );
    let reads: Vec<Read> = template.reads().collect();
    assert_eq!(reads.len(), 1);
    assert_eq!(
        (
            &template.as_str()[reads[0].span.clone()],
            bench.names.text(reads[0].name)
        ),
        ("ts", "ts")
    );
    assert!(template.looks_into_message());
    assert!(!parse(&mut bench, "${ts}", TemplateKind::Text).looks_into_message());
}
