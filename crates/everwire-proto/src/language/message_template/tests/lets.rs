//! `let`s: evaluated at their first use in a step.

use super::*;
use crate::language::{Expression, Lets, Name, Step};

fn compile(lets: &[(&str, &str)]) -> Result<(Bench, Lets), Vec<(usize, String)>> {
    let mut bench = Bench::new(&["token"]);
    for (name, _) in lets {
        bench.names.declare(name).unwrap();
    }
    let texts: Vec<&str> = lets.iter().map(|(_, text)| *text).collect();
    let (compiled, _) = bench.with(|scope| Lets::compile(&texts, scope));
    match compiled {
        Ok(lets) => Ok((bench, lets)),
        Err(errors) => Err(errors
            .into_iter()
            .map(|error| (error.at, error.error.to_string()))
            .collect()),
    }
}

/// The result of a text with these `let`s.
fn with(lets: &[(&str, &str)], text: &str) -> Result<String, String> {
    let (mut bench, lets) = compile(lets).unwrap();
    let template = parse(&mut bench, text, TemplateKind::Text);
    let names = [("token", Value::text("t\n").from_peer())];
    let rendered = bench.see(
        r#"{"n":1.50,"o":{"k":1},"lines":"a\nb"}"#,
        &names,
        |world| template.render(&Step::new(world, &lets)),
    );
    rendered
        .map(Rendered::into_text)
        .map_err(|unfilled| unfilled.to_string())
}

#[test]
fn a_single_hole_keeps_the_type_of_its_value() {
    let lets = [
        ("number", "${/n}"),
        ("text", "${/n}!"),
        ("object", "${/o}"),
        ("literal", "5"),
        ("file", "${N}"),
        ("sum", "${number(text(number)) + 0}"),
    ];
    assert_eq!(
        with(&lets, r#"[${number},${text},${object},${literal},${file}]"#),
        Ok(r#"[1.50,"1.50!",{"k":1},"5","5"]"#.into())
    );
    assert_eq!(with(&lets, "${sum}"), Err("`${sum}` is absent".into()));
}

#[test]
fn a_let_is_filled_once_per_step_and_only_when_it_is_used() {
    let lets = [
        ("nonce", "${random(2, \"hex\")}"),
        ("other", "${random(2, \"hex\")}"),
        ("both", "${nonce}-${nonce}"),
    ];
    assert_eq!(
        with(&lets, "${nonce} ${both} ${nonce}"),
        Ok("0001 0001-0001 0001".into())
    );
    assert_eq!(with(&lets, "${other} ${nonce}"), Ok("0001 0203".into()));
    let (bench, lets) = compile(&lets).unwrap();
    bench.see("", &[], |world| {
        let step = Step::new(world, &lets);
        let name = bench.names.find("nonce").unwrap();
        let first = step.name(name);
        assert_eq!(first, step.name(name));
        assert_ne!(first, Step::new(world, &lets).name(name));
    });
}

#[test]
fn a_peers_line_end_is_found_behind_a_let() {
    let lets = [
        ("a", "x ${token}"),
        ("b", "${a}"),
        ("clean", "${hash(\"sha1\", token)}\n"),
    ];
    let refused = |hole: &str| {
        Err(format!(
            "`{hole}` has a control character, which is not allowed there"
        ))
    };
    assert_eq!(with(&lets, "say ${a}"), refused("${a}"));
    assert_eq!(with(&lets, "say ${b}"), refused("${b}"));
    assert_eq!(with(&lets, "say ${raw(b)}"), Ok("say x t\n".into()));
    assert_eq!(
        with(&lets, "{\"say\":\"${b}\"}"),
        Ok("{\"say\":\"x t\\n\"}".into())
    );
    assert!(with(&lets, "say ${clean}").is_ok_and(|text| text.ends_with('\n')));
}

#[test]
fn json_within_json_is_made_with_a_let() {
    let lets = [("inner", r#"{"a":"${token}"}"#)];
    assert_eq!(
        with(&lets, r#"{"outer":${inner}}"#),
        Ok(r#"{"outer":"{\"a\":\"t\\n\"}"}"#.into())
    );
    assert_eq!(
        with(&lets, r#"{"outer":"${inner}"}"#),
        Ok(r#"{"outer":"{\"a\":\"t\\n\"}"}"#.into())
    );
    assert_eq!(
        with(&lets, r#"{"outer":${at(inner, "")}}"#),
        Ok(r#"{"outer":{"a":"t\n"}}"#.into())
    );
}

#[test]
fn a_secret_stays_one_in_a_let() {
    let (bench, lets) = compile(&[
        ("api_key", "${KEY}"),
        ("json", r#"{"k":"${KEY}","n":${id}}"#),
        ("text", "a ${KEY} ${id}"),
        ("none", "${id}"),
    ])
    .unwrap();
    bench.see("", &[("id", Value::from(1_u64))], |world| {
        let step = Step::new(world, &lets);
        let is_secret = |name: &str| step.name(bench.names.find(name).unwrap()).is_secret();
        assert_eq!(
            ["api_key", "json", "text", "none"].map(is_secret),
            [true, true, true, false]
        );
    });
}

#[test]
fn a_circle_is_told_with_its_way() {
    let help = "a `let` may read only others, which do not read it";
    let told = |lets: &[(&str, &str)]| compile(lets).map(|_| ()).unwrap_err();
    assert_eq!(
        told(&[("a", "${a}")]),
        [(0, format!("invalid `let`: it reads itself: a → a: {help}"))]
    );
    assert_eq!(
        told(&[
            ("x", "${a}"),
            ("a", "1 ${b}"),
            ("b", "${text(c)}"),
            ("c", "${default(a, 1)}")
        ]),
        [(
            1,
            format!("invalid `let`: it reads itself: a → b → c → a: {help}")
        )]
    );
}

#[test]
fn a_chain_is_eight_deep_at_most() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let chain = |length: usize| -> Vec<(&str, String)> {
        (0..length)
            .map(|at| {
                (
                    names[at],
                    if at + 1 < length {
                        format!("${{{}}}", names[at + 1])
                    } else {
                        "x".into()
                    },
                )
            })
            .collect()
    };
    let compiled = |length| {
        let chain = chain(length);
        compile(
            &chain
                .iter()
                .map(|(name, text)| (*name, text.as_str()))
                .collect::<Vec<_>>(),
        )
        .map(|_| ())
    };
    assert_eq!(compiled(8), Ok(()));
    let told = "invalid `let`: the chain of those that it reads is longer than 8: a → b → c → d → e → f → g → h → i: put some of them together";
    assert_eq!(compiled(9), Err(vec![(0, told.to_owned())]));
}

#[test]
fn it_is_known_which_templates_belong_on_another_thread() {
    let (mut bench, lets) = compile(&[
        ("claims", "${id}"),
        ("jwt", "${jwt(\"RS256\", KEY, \"{}\", claims)}"),
        ("bearer", "Bearer ${jwt}"),
    ])
    .unwrap();
    let mut is_slow = |text: &str| {
        let template = parse(&mut bench, text, TemplateKind::Text);
        lets.makes_slow(&template)
    };
    assert!(is_slow("${bearer}"));
    assert!(is_slow("${id} ${sign(\"RS256\", KEY, \"x\")}"));
    assert!(!is_slow("${claims}"));
}

#[test]
fn mistakes_in_lets_are_told_with_their_number() {
    let told = compile(&[("a", "${b}"), ("b", "${nothing}")])
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        told,
        [(
            1,
            "unknown name `nothing`: a part of the message is `/nothing`; a text is `\"nothing\"`"
                .to_owned()
        )]
    );
}

#[test]
fn a_condition_sees_lets() {
    let (mut bench, lets) = compile(&[("five", "${/n}")]).unwrap();
    let (condition, _) =
        bench.with(|scope| Expression::condition("five == 1.5 && !(five == 2)", scope));
    let condition = condition.unwrap();
    assert!(bench.see(r#"{"n":1.50}"#, &[], |world| {
        condition.holds(&Step::new(world, &lets))
    }));
    // A world without `let`s returns none.
    assert!(!bench.see(r#"{"n":1.50}"#, &[], |world| condition.holds(world)));
    assert_eq!(
        lets.get(Name::Let(0)).map(MessageTemplate::as_str),
        Some("${/n}")
    );
    assert!(Names::default().find("five").is_none());
}
