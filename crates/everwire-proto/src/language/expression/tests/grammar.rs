//! The lines of the grammar's page, each with its expected value.

use super::*;

fn names() -> [(&'static str, Value<'static>); 3] {
    [
        ("x", 7_u64.into()),
        ("inside", 1_u64.into()),
        ("id", 3_u64.into()),
    ]
}

#[test]
fn right_expressions_come_to_what_they_must() {
    for (text, message, value) in [
        (r#"/0 == 2 && /2 == "H""#, r#"[2,"x","H"]"#, "true"),
        (r#"/0 == 2 && /2 == "H""#, r#"[2,"x","J"]"#, "false"),
        (r#"/op=="ping""#, r#"{"op":"ping"}"#, "true"),
        ("/a - 1", r#"{"a":5}"#, "4"),
        ("/a -1", r#"{"a":5}"#, "4"),
        ("x-1", "", "6"),
        ("x -1", "", "6"),
        ("/a ~ 1 + 2", r#"{"a":"n"}"#, r#""n3""#),
        (r#"1 + /a ~ "s""#, r#"{"a":5}"#, r#""6s""#),
        ("/a ~/b", r#"{"a":"n","b":"m"}"#, r#""nm""#),
        ("/a~1b", r#"{"a/b":8}"#, "8"),
        ("/a==1 || /b==2 && /c==3", r#"{"a":1,"b":0,"c":0}"#, "true"),
        ("/a==1 || /b==2 && /c==3", r#"{"a":0,"b":2,"c":0}"#, "false"),
        ("/a==1 || /b==2 && /c==3", r#"{"a":0,"b":2,"c":3}"#, "true"),
        ("!exists(/a) && /b", r#"{"b":true}"#, "true"),
        ("!exists(/a) && /b", r#"{"a":1,"b":true}"#, "false"),
        (r#"at(message,"")"#, r#"{"a": 1}"#, r#"{"a":1}"#),
        ("inside == 1", "", "true"),
        ("-1", "", "-1"),
        ("/a == -1", r#"{"a":-1}"#, "true"),
        ("/code in [-1, -2]", r#"{"code":-2}"#, "true"),
        ("/code in [-1, -2]", r#"{"code":-3}"#, "false"),
        ("/a\t== 1", r#"{"a":1}"#, "true"),
        ("/a == 1\n&& /b == 2", r#"{"a":1,"b":2}"#, "true"),
        ("/total/2", r#"{"total":[0,1,9]}"#, "9"),
        // Cases that the page does not list.
        ("(/a == 1) == false", "{}", "true"),
        ("!(/a == 1)", "{}", "true"),
        ("!!/a", r#"{"a":1}"#, "true"),
        ("/a - -1", r#"{"a":5}"#, "6"),
        ("[1,\"a\", [] ]", "", r#"[1,"a",[]]"#),
        ("/ == 1", r#"{"":1}"#, "true"),
        ("/a != 1", "{}", "false"),
        ("/a != 1", r#"{"a":null}"#, "true"),
        ("/a == null", r#"{"a":null}"#, "true"),
        ("/a == null", "{}", "false"),
        ("/a == \"1\"", r#"{"a":1}"#, "false"),
        ("/a == 1", r#"{"a":1.0}"#, "true"),
        ("/a == 10e-1", r#"{"a":1}"#, "true"),
        (
            "/a == 9007199254740993",
            r#"{"a":9007199254740992}"#,
            "false",
        ),
        ("/a > 1 && /a < 1e999999999", r#"{"a":1e99999}"#, "true"),
        ("/a < \"b\"", r#"{"a":"a"}"#, "true"),
        ("/a < 2", r#"{"a":"1"}"#, "false"),
        ("/a in /list", r#"{"a":2,"list":[1, 2]}"#, "true"),
        ("/a in /list", r#"{"a":2,"list":"2"}"#, "false"),
        ("/a == [1, \"x\"]", r#"{"a":[ 1, "x" ]}"#, "true"),
        (
            "/a + 1",
            r#"{"a":170141183460469231731687303715884105727}"#,
            "-",
        ),
        ("/a + 1", r#"{"a":1.5}"#, "-"),
        ("/a + 1", r#"{"a":"1"}"#, "-"),
        ("/a + 1", r#"{"a":1e3}"#, "1001"),
        ("/a ~ null", r#"{"a":1}"#, "-"),
        ("/a ~ \"\"", r#"{"a":{"b": 1.50}}"#, r#""{\"b\":1.50}""#),
        (
            "/a ~ \"\" ~ true",
            r#"{"a":12345678901234567890.10}"#,
            r#""12345678901234567890.10true""#,
        ),
    ] {
        assert_eq!(
            comes_to(text, message, &names()),
            value,
            "{text} in {message}"
        );
    }
}

#[test]
fn wrong_expressions_are_told_with_what_would_be_right() {
    let mut wrong = Vec::new();
    let again = "write two comparisons with `&&` between them, or use parentheses";
    let missing = "write `==` to compare, `~` to join, or `&&` between conditions";
    let pointer = "a pointer is a value: write an operator before it";
    for (text, at, told) in [
        ("/a=1", "=", "invalid operator `=`: write `==` to compare".into()),
        ("/a|/b", "|", "invalid operator `|`: write `||` for \"or\"".into()),
        ("/a&/b", "&", "invalid operator `&`: write `&&` for \"and\"".into()),
        ("1/2", "/", format!("invalid operator `/`: there is no division: {pointer}")),
        ("x/y", "/", "invalid operator `/`: there is no division: a pointer begins with a slash: `/x/y`".into()),
        ("/a / /b", "/", format!("invalid operator `/`: there is no division: {pointer}")),
        ("/a == /b == /c", "==", format!("invalid comparison: `/a == /b` is compared again: {again}")),
        ("/a < /b < 3", "<", format!("invalid comparison: `/a < /b` is compared again: {again}")),
        (".5 == /a", ".5", "invalid number `.5`: write `0.5`, with a digit before the dot".into()),
        ("(/a", "(/a", "unclosed `(/a`: write `)` at its end".into()),
        ("/a == 'x'", "'x'", "invalid text `'x'`: a text stands between `\"`: `\"x\"`".into()),
        ("/a == 1 # c", "# c", "invalid expression: `# c` is not a part of one: there are no comments in an expression".into()),
        ("/a~\"x\"", "/a~", "invalid pointer `/a~`: write `/a ~ \"x\"`, with spaces, to join; in a key ~0 stands for ~, and ~1 for /".into()),
        ("/a~/b", "/a~/b", "invalid pointer `/a~/b`: write `/a ~ /b`, with spaces, to join; in a key ~0 stands for ~, and ~1 for /".into()),
        ("!/a == 1", "!/a == 1", "`!` stands directly before a comparison in `!/a == 1`: write `!(/a == 1)`".into()),
        ("!session == \"x\"", "!session == \"x\"", "`!` stands directly before a comparison in `!session == \"x\"`: write `!(session == \"x\")`".into()),
        ("/x in \"abc\"", "\"abc\"", "`in` needs a list, but `\"abc\"` is a text: write `in [1, 2]`; whether a text holds another says `contains(x, part)`".into()),
        ("in == 1", "in", "invalid name `in`: it is a word of the language: write a value before it, and a list behind it: `/x in [1, 2]`".into()),
        ("01 == 1", "01", "invalid number `01`: a number has no zero before its other digits".into()),
        ("/a[0]", "/a[0]", "invalid pointer `/a[0]`: write `/a/0` for an item of an array".into()),
        // A pointer ends there.
        ("/op:\"x\"", "\"", format!("expected an operator before `\"`: {missing}")),
        ("/a\"b\" == 1", "\"", format!("expected an operator before `\"`: {missing}")),
        ("/a;/b", ";", format!("expected an operator before `;`: {missing}")),
    ] {
        let found = error(text);
        if found != (at.to_owned(), told) {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn keys_that_look_like_operators_are_warned_of() {
    let spaces = |text: &str, right: &str| {
        format!("`{text}` is read as one pointer: a key? else put spaces: `{right}`")
    };
    let empty = |text: &str| {
        format!(
            "`{text}` is read as one pointer: a key between its slashes is empty: for such a key write at(message, \"…\")"
        )
    };
    for (text, told) in [
        ("/a-1", spaces("/a-1", "/a - 1")),
        ("/a+1", spaces("/a+1", "/a + 1")),
        ("/n+1 == 5", spaces("/n+1", "/n + 1")),
        ("/a/b-/c", spaces("/a/b-/c", "/a/b - /c")),
        (
            "/a.b == 1",
            "`/a.b` is read as one pointer: a key with a dot? else write `/a/b`".into(),
        ),
        ("/", empty("/")),
        ("//", empty("//")),
    ] {
        let (compiled, warnings) = Bench::new(&[]).with(|scope| Expression::condition(text, scope));
        assert!(compiled.is_ok(), "{text}");
        assert_eq!(warnings, [told], "{text}");
    }
    for text in [
        "/a-b",
        "/total/2",
        "/a -1",
        "/content-type == \"x\"",
        "/a_b:c",
        "/0",
    ] {
        let (compiled, warnings) = Bench::new(&[]).with(|scope| Expression::condition(text, scope));
        assert_eq!(
            (compiled.is_ok() || text == "/a -1", warnings.len()),
            (true, 0),
            "{text}"
        );
    }
}

#[test]
fn a_text_that_can_never_equal_a_number_is_warned_of() {
    let (compiled, warnings) =
        Bench::new(&[]).with(|scope| Expression::condition("id == \"7\"", scope));
    assert!(compiled.is_ok());
    let told = "a number never equals a text: `text(x)` makes a text of a number, `number(x)` a number of a text";
    assert_eq!(warnings, [told]);
}
