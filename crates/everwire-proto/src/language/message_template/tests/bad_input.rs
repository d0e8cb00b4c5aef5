//! Common mistakes: the whole error is checked.

use super::*;

#[test]
fn each_mistake_is_told_with_what_would_be_right() {
    let mut wrong = Vec::new();
    let json = |reason: &str, help: &str| {
        format!("invalid JSON, with `null` for its holes: {reason}: {help}")
    };
    let glued = |hole: &str| {
        format!("`{hole}` outside of quotes is a whole value: nothing may be glued to it")
    };
    let look = "look for a missing quote or comma before it";
    let inner = "write a `let` with the inner JSON, and `${json(name)}` without quotes, or the name within quotes";
    for (text, at, told) in [
        ("a ${x", "${x", "`${` is not closed: write ${NAME}, or $${ for a literal ${".into()),
        ("a ${\"x}", "\"x", "unclosed text `\"x`: write `\"` at its end".into()),
        ("a ${}", "", "invalid expression: it is empty: write a pointer, a name, a text, a number or a call".into()),
        ("a ${NO}", "${NO}", "the environment variable `NO` is not set: set it, or use ${file:PATH}; a literal ${ is written $${".into()),
        ("a ${file:}", "${file:}", "`${file:}` has no path: write ${file:PATH}".into()),
        ("a ${secret:a b}", "${secret:a b}", "invalid secret id in `${secret:a b}`: a name has no spaces: write ${secret:ID}".into()),
        ("a ${key1}", "key1", "unknown name `key1`: did you mean `key`?".into()),
        ("a ${home}", "home", "unknown name `home`: a part of the message is `/home`; a text is `\"home\"`".into()),
        ("a ${secret}", "secret", "unknown name `secret`: a variable of the environment is written in capitals: `SECRET`".into()),
        ("a ${/a=1}", "=", "invalid operator `=`: write `==` to compare".into()),
        ("a ${x ~ hmca(1)}", "hmca", "unknown function `hmca`: did you mean `hmac`?".into()),
        // JSON.
        (r#"{"a:1,"b":${x}}"#, "b", json("expected `:`", look)),
        (r#"{"op":"login,"k":"${x}"}"#, "k", json("expected `,` or `}`", look)),
        (r#"{"op":"login","k":"${x}}"#, "}", json("EOF while parsing a string", "a quote is missing")),
        (r#"{"x":${x},}"#, "}", json("trailing comma", "leave out the comma before it")),
        (r#"{"x":${x},"ä"#, "ä", json("EOF while parsing a string", "a quote is missing")),
        (r#"[${x},]"#, "]", json("trailing comma", "leave out the comma before it")),
        (r#"{"x":-${n}}"#, "${n}", json("invalid number", &glued("${n}"))),
        (r#"{"x":${n}0}"#, "0", json("expected `,` or `}`", &glued("${n}"))),
        (r#"{"x":1${n}}"#, "${n}", json("expected `,` or `}`", &glued("${n}"))),
        (r#"{${x}:1}"#, "${x}", json("key must be a string", "a hole outside of quotes is a value: for a key write `\"${x}\"`")),
        (r#"{"x":${x}"#, "${x}", json("EOF while parsing an object", "write what closes it")),
        (r#"{"x" ${x}}"#, "${x}", json("expected `:`", &glued("${x}"))),
        ("{\n  \"x\": ${x},\n  y: 1\n}", "y", json("key must be a string", look)),
        (r#"{"x":${x}} tail"#, "t", json("trailing characters", look)),
        ("[INFO] ${x}", "I", json("expected value", "a template that begins with `{` or `[` is JSON: for another text write that as a hole, `${\"[\"}`")),
        ("{ping ${x}}", "p", json("key must be a string", "a template that begins with `{` or `[` is JSON: for another text write that as a hole, `${\"[\"}`")),
        (r#"{"x":"a\${x}"}"#, "${x}", "the escape before `${x}` is not complete: write `\\\\` for a backslash".into()),
        (r#"{"x":"\u00${x}41"}"#, "${x}", "the escape before `${x}` is not complete: write `\\\\` for a backslash".into()),
        (r#"{"x":"{\"y\":\"${x}\"}"}"#, "${x}", format!("`${{x}}` stands in JSON inside a text of JSON: {inner}")),
    ] {
        let found = errors(text, TemplateKind::Text);
        if found != [(at.to_owned(), told)] {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let told: Vec<String> = errors("${hmca(1)} ${NO} ${sesion}", TemplateKind::Text)
        .into_iter()
        .map(|(at, _)| at)
        .collect();
    assert_eq!(told, ["hmca", "${NO}", "sesion"]);
}

#[test]
fn over_the_api_neither_files_nor_the_environment_are_named() {
    for (text, told) in [
        (
            "${file:k}",
            "`${file:k}` is not allowed over the API: PUT the value to /v1/secrets/ID, and write ${secret:ID}",
        ),
        (
            "${KEY}",
            "`${KEY}` is not allowed over the API: PUT the value to /v1/secrets/ID, and write ${secret:ID}",
        ),
        (
            "${id ~ KEY}",
            "the environment variable `KEY` is not allowed over the API: PUT the value to /v1/secrets/ID, and bring it in with `let`: ${secret:ID}",
        ),
    ] {
        let errors =
            over_api(|scope| MessageTemplate::parse(text, TemplateKind::Text, scope)).unwrap_err();
        assert_eq!(
            errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [told],
            "{text}"
        );
    }
    assert!(
        over_api(|scope| MessageTemplate::parse("${secret:id}", TemplateKind::Text, scope)).is_ok()
    );
}

#[test]
fn a_template_has_a_longest_length() {
    let mut bench = Bench::new(&[]);
    let (parsed, _) =
        bench.with(|scope| MessageTemplate::parse(&"x".repeat(65_536), TemplateKind::Text, scope));
    assert!(parsed.is_ok());
    let told = "invalid template: it has 65537 bytes: at most 65536 are allowed";
    assert_eq!(errors(&"x".repeat(65_537), TemplateKind::Text)[0].1, told);
}

#[test]
fn warnings_have_their_place_in_the_template() {
    let mut bench = Bench::new(&[]);
    let outside = outside();
    let mut scope = Scope::new(&bench.names, &mut bench.pointers, &outside);
    let text = "a ${/x-1}";
    MessageTemplate::parse(text, TemplateKind::Text, &mut scope).unwrap();
    assert_eq!(scope.warnings.len(), 1);
    assert_eq!(&text[scope.warnings[0].span.clone()], "/x-1");
}
