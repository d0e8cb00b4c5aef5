//! Reads the values of names from a filled template.

use proptest::prelude::*;

use super::*;
use crate::language::Name;

/// The values that a text has for a template, as `name=JSON`; `None`: the text does not fit.
fn unfilled(template: &str, text: &str) -> Option<String> {
    let mut bench = Bench::new(&["x", "n"]);
    let template = parse(&mut bench, template, TemplateKind::Text);
    let names = bench.see("", &[], |world| template.unfilled_from(text, world))?;
    let told = names.into_iter().map(|(name, value)| {
        let mut json = String::new();
        value.write_json(&mut json).unwrap();
        format!("{}={json}", bench.names.text(name))
    });
    Some(told.collect::<Vec<_>>().join(" "))
}

#[test]
fn names_are_read_back_from_where_they_stand() {
    for (template, text, names) in [
        (
            r#"{"id":${id},"op":"ping"}"#,
            r#"{"id":7,"op":"ping"}"#,
            Some("id=7"),
        ),
        (
            r#"{"id":${id},"op":"ping"}"#,
            r#"{"id":7,"op":"pong"}"#,
            None,
        ),
        (
            r#"[2,"${id}","Heartbeat",{}]"#,
            r#"[2,"7","Heartbeat",{}]"#,
            Some("id=7"),
        ),
        (
            r#"{"a":"${x}","b":${n}}"#,
            r#"{"a":"q\"\\,\"","b":{"c":[1]}}"#,
            Some(r#"x="q\"\\,\"" n={"c":[1]}"#),
        ),
        (
            r#"{"a":"v-${x}-${n}"}"#,
            r#"{"a":"v-1-2"}"#,
            Some(r#"x="1" n="2""#),
        ),
        (
            r#"{"k":"${KEY}","id":${id}}"#,
            r#"{"k":"k3y","id":1}"#,
            Some("id=1"),
        ),
        (
            r#"{"k":"${KEY}","id":${id}}"#,
            r#"{"k":"other","id":1}"#,
            None,
        ),
        (
            r#"{"k":"${QUOTED}","id":${id}}"#,
            r#"{"k":"a\"b\\c","id":1}"#,
            Some("id=1"),
        ),
        (
            r#"{"s":"${hash("sha256", x)}","id":"${text(id)}"}"#,
            r#"{"s":"00","id":"3"}"#,
            Some("id=3"),
        ),
        (
            r#"{"k":"${secret:any}","id":${id}}"#,
            r#"{"k":"whatever","id":1}"#,
            Some("id=1"),
        ),
        ("ping", "ping", Some("")),
        ("ping", "pong", None),
        ("SUB ${x} ${id}", "SUB a b 4", Some(r#"x="a" id="b 4""#)),
        ("SUB ${x}${n}", "SUB ab", None),
        (r#"{"id":${id}}"#, r#"{"id":1} "#, None),
        (r#"{"id":${id}}"#, r#"{"id":}"#, None),
    ] {
        assert_eq!(
            unfilled(template, text).as_deref(),
            names,
            "{template} from {text}"
        );
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn what_was_filled_is_read_back(x in ".{0,12}", n in any::<i64>()) {
        let names = [("x", Value::text(x.clone())), ("n", Value::from(n)), ("id", Value::from(3_u64))];
        let template = r#"{"x":"${x}","n":${n},"again":${x},"id":"${id}"}"#;
        let text = filled(template, "", &names).unwrap();
        let mut bench = Bench::new(&["x", "n"]);
        let template = parse(&mut bench, template, TemplateKind::Text);
        let read = bench.see("", &[], |world| template.unfilled_from(&text, world)).unwrap();
        let value = |name: &str| bench.names.find(name).unwrap();
        prop_assert_eq!(read, vec![
            (value("x"), Value::text(x.clone())),
            (value("n"), Value::from(n)),
            (value("x"), Value::text(x)),
            (Name::BuiltIn(crate::language::BuiltIn::Id), Value::from(3_u64)),
        ]);
    }
}
