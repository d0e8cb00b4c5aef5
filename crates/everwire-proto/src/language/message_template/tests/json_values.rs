//! JSON values whose texts are templates.

use super::*;
use crate::language::json::RawJson;

/// `[N, "text", …]` of these texts.
fn list(bench: &mut Bench, texts: &[&str]) -> MessageTemplate {
    let mut template = JsonTemplate::default();
    template.fixed("[7");
    for text in texts {
        template.fixed(",");
        let (read, _) = bench.with(|scope| template.text(text, scope));
        assert!(read.is_ok(), "{text}: {read:?}");
    }
    template.fixed("]");
    template.finish().unwrap()
}

#[test]
fn what_fills_a_hole_stays_within_its_text() {
    for (text, written, filled) in [
        ("plain", r#"[7,"plain"]"#, r#"[7,"plain"]"#),
        (
            "say \"hi\"\n",
            r#"[7,"say \"hi\"\n"]"#,
            r#"[7,"say \"hi\"\n"]"#,
        ),
        ("${x}", r#"[7,"${x}"]"#, r#"[7,"a\"],[\"b"]"#),
        ("<${x}>", r#"[7,"<${x}>"]"#, r#"[7,"<a\"],[\"b>"]"#),
        ("${QUOTED}", r#"[7,"${QUOTED}"]"#, r#"[7,"a\"b\\c"]"#),
        ("$${x}", r#"[7,"$${x}"]"#, r#"[7,"${x}"]"#),
        ("$$${x}", r#"[7,"$$${x}"]"#, r#"[7,"$${x}"]"#),
        ("${\"}\\\"\"}", r#"[7,"${"}\""}"]"#, r#"[7,"}\""]"#),
        // Alone, it would be taken for JSON.
        (
            "{ a(b: ${n}) { c } }",
            r#"[7,"{ a(b: ${n}) { c } }"]"#,
            r#"[7,"{ a(b: 5) { c } }"]"#,
        ),
    ] {
        let mut bench = Bench::new(&["x", "n"]);
        let template = list(&mut bench, &[text]);
        assert_eq!(template.as_str(), written);
        assert_eq!(template.as_json(), Some(serde_json::json!([7, text])));
        let names = [
            ("x", Value::text("a\"],[\"b").from_peer()),
            ("n", 5_u64.into()),
        ];
        let rendered = bench.see("", &names, |world| template.render(world).unwrap());
        assert_eq!(rendered.as_text(), Some(filled), "{text}");
        assert!(RawJson::parse(filled).is_some(), "{filled}");
        // It is the same text as in a file.
        let (again, _) =
            bench.with(|scope| MessageTemplate::parse(written, TemplateKind::Text, scope));
        let again = again.map(|again| bench.see("", &names, |world| again.render(world).unwrap()));
        match again {
            // Without an expression it is not JSON, in which variables are escaped.
            Ok(_) if text == "${QUOTED}" => {}
            Ok(again) => assert_eq!(again.as_text(), Some(filled)),
            Err(errors) => panic!("{text}: {errors:?}"),
        }
    }
}

#[test]
fn an_absent_hole_fills_nothing() {
    let mut bench = Bench::new(&["x"]);
    let template = list(&mut bench, &["a", "${x}"]);
    let rendered = bench.see("", &[], |world| template.render(world));
    assert!(matches!(rendered, Err(Unfilled::Absent { hole }) if &*hole == "${x}"));
}

#[test]
fn what_is_read_and_what_is_wrong_has_its_place_in_its_text() {
    let mut bench = Bench::new(&["x"]);
    let mut template = JsonTemplate::default();
    template.fixed("[");
    let (reads, _) = bench.with(|scope| template.text("a \" b", scope));
    assert!(reads.is_ok_and(|reads| reads.is_empty()));
    let (reads, _) = bench.with(|scope| template.text("äß ${x}", scope));
    let reads = reads.unwrap();
    assert_eq!(&"äß ${x}"[reads[0].span.clone()], "x");
    for (text, at, told) in [
        ("a ${id", "${id", "`${` is not closed"),
        ("a ${y}", "y", "unknown name `y`"),
        (
            "\"${x}\"",
            "${x}",
            "`${x}` stands in JSON inside a text of JSON",
        ),
    ] {
        let (wrong, _) = bench.with(|scope| template.text(text, scope));
        let wrong = wrong.unwrap_err();
        assert_eq!(&text[wrong[0].span.clone()], at);
        assert!(wrong[0].to_string().starts_with(told), "{}", wrong[0]);
    }
}

#[test]
fn a_value_is_no_longer_than_a_template() {
    let mut template = JsonTemplate::default();
    let mut bench = Bench::new(&[]);
    let half = "x".repeat(MAX_TEMPLATE / 2 - 4);
    for _ in 0..2 {
        template.fixed("[");
        let (read, _) = bench.with(|scope| template.text(&half, scope));
        assert!(read.is_ok());
        template.fixed("]");
    }
    assert_eq!(template.size(), MAX_TEMPLATE);
    template.fixed(" ");
    assert!(template.finish().is_none());
}
