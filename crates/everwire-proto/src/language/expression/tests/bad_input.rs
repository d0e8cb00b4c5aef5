//! Common mistakes: the whole error is checked.

use super::*;

#[test]
fn each_mistake_is_told_with_what_would_be_right() {
    let mut wrong = Vec::new();
    let value = "write a pointer, a name, a text, a number or a call";
    let condition =
        "write a comparison such as `/op == \"ping\"`, `exists(/x)`, or a pointer or name alone";
    let missing = "write `==` to compare, `~` to join, or `&&` between conditions";
    let hashes = "\"sha1\", \"sha256\", \"sha384\", \"sha512\"";
    for (text, at, told) in [
        // One letter off.
        ("hmca(\"sha256\", KEY, /a)", "hmca", "unknown function `hmca`: did you mean `hmac`?".into()),
        ("exist(/a)", "exist", "unknown function `exist`: did you mean `exists`?".into()),
        ("sesion", "sesion", "unknown name `sesion`: did you mean `session`?".into()),
        ("mesage == \"x\"", "mesage", "unknown name `mesage`: did you mean `message`?".into()),
        ("KEX == /a", "KEX", "the environment variable `KEX` is not set: set it, or bring in a file with `let`: ${file:PATH}".into()),
        ("SESSION == /a", "SESSION", "the environment variable `SESSION` is not set: set it, or write `session` for the name".into()),
        ("hash(\"sha265\", /a) == /b", "\"sha265\"", format!("unknown algorithm `\"sha265\"`: did you mean \"sha256\"? one of {hashes}")),
        ("hash(\"SHA-256\", /a) == /b", "\"SHA-256\"", format!("unknown algorithm `\"SHA-256\"`: did you mean \"sha256\"? one of {hashes}")),
        ("sign(\"ES265\", KEY, /a) == /b", "\"ES265\"", "unknown algorithm `\"ES265\"`: did you mean \"ES256\"? one of \"ES256\", \"EdDSA\", \"RS256\"".into()),
        ("jwt(\"HS265\", KEY, \"{}\", \"{}\") == /b", "\"HS265\"", "unknown algorithm `\"HS265\"`: did you mean \"HS256\"? one of \"HS256\", \"ES256\", \"EdDSA\", \"RS256\"".into()),
        ("now(\"isoo\") == /b", "\"isoo\"", "unknown unit `\"isoo\"`: did you mean \"iso\"? one of \"s\", \"ms\", \"us\", \"ns\", \"iso\"".into()),
        ("hash(\"sha1\", /a, \"hexx\") == /b", "\"hexx\"", "unknown form `\"hexx\"`: did you mean \"hex\"? one of \"hex\", \"base64\", \"base64url\", \"bytes\"".into()),
        ("random(4, \"bytes\") == /b", "\"bytes\"", "unknown form `\"bytes\"`: write one of \"hex\", \"base64\", \"base64url\"".into()),
        // A name that nothing sets.
        ("op == \"ping\"", "op", "unknown name `op`: a part of the message is `/op`; a text is `\"op\"`".into()),
        ("secret == /a", "secret", "unknown name `secret`: a variable of the environment is written in capitals: `SECRET`".into()),
        // Wrong arity.
        ("starts(/a)", "starts(/a)", "`starts` takes 2 arguments, but has 1: write `starts(x, beginning)`".into()),
        ("exists()", "exists()", "`exists` takes 1 argument, but has 0: write `exists(x)`".into()),
        ("hash(\"sha1\") == /a", "hash(\"sha1\")", "`hash` takes 2 or 3 arguments, but has 1: write `hash(algorithm, text, out)`".into()),
        ("uuid(1) == /a", "uuid(1)", "`uuid` takes no arguments, but has 1: write `uuid()`".into()),
        // Kinds that do not fit.
        ("now(\"s\") + \"GET\" == /a", "\"GET\"", "`+` takes whole numbers, but `\"GET\"` is a text: `~` joins texts; `number(x)` makes a number of a text".into()),
        ("now(\"iso\") - 1 == /a", "now(\"iso\")", "`-` takes whole numbers, but `now(\"iso\")` is a text: `~` joins texts; `number(x)` makes a number of a text".into()),
        ("/a + 1.5 == 2", "1.5", "`+` takes whole numbers, but `1.5` is a number with a fraction or an exponent: write a whole number".into()),
        ("now(\"s\", \"5\") == /a", "\"5\"", "the offset `\"5\"` is a text: write a whole number of units".into()),
        ("hash(/a, /b) == /c", "/a", format!("invalid algorithm `/a`: it must be a literal text: write one of {hashes}")),
        ("hash(\"sha\" ~ \"1\", /b) == /c", "\"sha\" ~ \"1\"", format!("invalid algorithm `\"sha\" ~ \"1\"`: it must be a literal text: write one of {hashes}")),
        ("random(0, \"hex\") == /a", "0", "invalid number of bytes `0`: write a number from 1 to 1024".into()),
        ("random(/n, \"hex\") == /a", "/n", "invalid number of bytes `/n`: write a number from 1 to 1024".into()),
        ("starts(true, \"a\")", "true", "`starts` takes texts, but `true` is true or false: write a text, or `json(x)`".into()),
        ("at(/a, \"b\")", "\"b\"", "invalid pointer `\"b\"`: it starts with a slash, as in \"/data/t\"".into()),
        ("at(/a, \"/~2\")", "\"/~2\"", "invalid pointer `\"/~2\"`: the ~ at position 1 is neither ~0 (for ~) nor ~1 (for /)".into()),
        // Invalid conditions.
        ("\"x\"", "\"x\"", format!("invalid condition `\"x\"`: it is a text: {condition}")),
        ("/a && 5", "5", format!("invalid condition `5`: it is a number: {condition}")),
        ("/a ~ \"x\" || /b", "/a ~ \"x\"", format!("invalid condition `/a ~ \"x\"`: it is a text: {condition}")),
        ("!null", "null", format!("invalid condition `null`: it is null: {condition}")),
        ("[1]", "[1]", format!("invalid condition `[1]`: it is a list: {condition}")),
        ("id + 1", "id + 1", format!("invalid condition `id + 1`: it is a number: {condition}")),
        // Pointers.
        ("data/t == 1", "/", "invalid operator `/`: there is no division: a pointer begins with a slash: `/data/t`".into()),
        ("data.t == 1", ".", "expected an operator, found `.`: a part of the message is named by a pointer: `/data/t`".into()),
        ("/a~2", "/a~2", "invalid pointer `/a~2`: write `/a ~ 2`, with spaces, to join; in a key ~0 stands for ~, and ~1 for /".into()),
        // The rest of the grammar.
        ("", "", format!("invalid expression: it is empty: {value}")),
        (" ", "", format!("invalid expression: it is empty: {value}")),
        ("/a ==", "", format!("expected a value at the end: {value}")),
        ("/a == )", ")", format!("expected a value before `)`: {value}")),
        ("/a == 1)", ")", "`)` closes nothing: leave it out, or open it before".into()),
        ("/a == \"x", "\"x", "unclosed text `\"x`: write `\"` at its end".into()),
        ("/a == \"\\x\"", "\"\\x\"", "invalid text `\"\\x\"`: the escapes are those of JSON: \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u0000".into()),
        ("/a and /b", "and", "invalid operator `and`: write `&&`".into()),
        ("/a or /b", "or", "invalid operator `or`: write `||`".into()),
        ("exists (/a)", "(", "expected an operator, found `(`: a call has its parenthesis directly behind its name: `exists(`".into()),
        ("session (/a)", "(", "expected an operator, found `(`: a call has its parenthesis directly behind its name: `session(`".into()),
        ("session(/a)", "session", "unknown function `session`: `session` is a name: leave out the parentheses".into()),
        ("/a in [1, 2,]", "]", "expected a value before `]`: leave out the comma behind the last value".into()),
        ("${/a} == 1", "$", "expected a value, found `$`: write names and pointers without `${` and `}`".into()),
        ("/a * 2 == 4", "*", "invalid operator `*`: there are `+` and `-` for whole numbers, and `~` to join".into()),
        ("/a \"b\"", "\"", format!("expected an operator before `\"`: {missing}")),
        ("/a /b", "/", "invalid operator `/`: there is no division: a pointer is a value: write an operator before it".into()),
        ("Session == 1", "Session", "invalid name `Session`: a name starts with a small letter; a variable of the environment has capitals only".into()),
        ("_x == 1", "_x", "invalid name `_x`: a name starts with a letter".into()),
        ("1. == /a", "1.", "invalid number `1.`: write it as JSON does: 1, -2, 0.5 or 1e3".into()),
        ("1x == /a", "1x", "invalid number `1x`: write it as JSON does: 1, -2, 0.5 or 1e3".into()),
        ("-x == /a", "-", "invalid sign `-`: it stands only before digits: write `0 - x`".into()),
        ("+1 == /a", "+", "invalid sign `+`: a number is written without it: leave it out".into()),
        ("/a == !/b", "!", "expected a value, found `!`: `!` stands before a condition; write it with parentheses: `(!x)`".into()),
        ("== 1", "=", "expected a value, found `=`: write `==` to compare, and a value on each side".into()),
    ] {
        let found = error(text);
        if found != (at.to_owned(), told) {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn several_mistakes_are_told_at_once() {
    let told: Vec<String> = errors(
        "hmca(1) == sesion && exists() || \"x\"",
        Expression::condition,
    )
    .into_iter()
    .map(|(at, _)| at)
    .collect();
    assert_eq!(told, ["hmca", "sesion", "exists()", "\"x\""]);
}

#[test]
fn where_there_is_no_message_and_no_answer_none_is_looked_into() {
    let names = Names::default();
    let mut pointers = PointerSet::default();
    let mut told = |text: &str| {
        let here = BuiltIns::of(&[BuiltIn::Name, BuiltIn::Handover]);
        let mut scope = Scope::new(&names, &mut pointers, &NothingOutside).with_built_ins(here);
        let errors = Expression::value(text, &mut scope).unwrap_err();
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<String>>()
    };
    assert_eq!(
        told("/a"),
        [
            "`/a` looks into a message, but there is none here: capture the value before, and write the capture's name"
        ]
    );
    assert_eq!(
        told("id"),
        ["there is no `id` here: built in here: `handover`, `name`"]
    );
    assert_eq!(
        told("header(\"x\")"),
        [
            "`header(\"x\")` looks into an HTTP answer, but there is none here: it stands in a step with `http`"
        ]
    );
    assert_eq!(
        told("KEY"),
        [
            "the environment variable `KEY` is not allowed over the API: PUT the value to /v1/secrets/ID, and bring it in with `let`: ${secret:ID}"
        ]
    );
    assert_eq!(
        told("sesion"),
        ["unknown name `sesion`: set it with `let` or `capture`"]
    );
}

#[test]
fn what_is_nested_too_deep_too_long_or_too_wide_is_refused() {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{}/a{}", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [
        ("(", ")"),
        ("!", ""),
        ("[", "]"),
        ("text(", ")"),
        ("!(", ")"),
    ] {
        let levels = open.len().min(2) - usize::from(open == "text(");
        let most = 32 / levels;
        let right = nested(open, close, most);
        let (compiled, _) = Bench::new(&[]).with(|scope| Expression::value(&right, scope));
        assert!(compiled.is_ok(), "{right}");
        let wrong = nested(open, close, most + 1);
        let told = errors(&wrong, Expression::value);
        let told: Vec<&str> = told.iter().map(|(_, told)| told.as_str()).collect();
        assert_eq!(
            told,
            ["invalid expression: it is nested deeper than 32 levels: split it, with `let`"],
            "{wrong}"
        );
    }
    let wide = |parts: usize| vec!["1"; parts].join("+");
    let (compiled, _) = Bench::new(&[]).with(|scope| Expression::value(&wide(1023), scope));
    assert!(compiled.is_ok());
    let told = errors(&wide(1024), Expression::value);
    assert_eq!(
        told[0].1,
        "invalid expression: it has more than 1024 parts: split it, with `let`"
    );
    let long = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    let (compiled, _) = Bench::new(&[]).with(|scope| Expression::value(&long(4096), scope));
    assert!(compiled.is_ok());
    assert_eq!(
        errors(&long(4097), Expression::value)[0].1,
        "invalid expression: it has 4097 bytes: at most 4096 are allowed"
    );
}
