//! Marks pass through all functions.

use super::*;

#[test]
fn a_secret_stays_one_whatever_is_made_of_it() {
    for (text, is_secret) in [
        ("KEY", true),
        ("token", true),
        ("/a", false),
        ("\"x\" ~ token", true),
        ("default(/missing, token)", true),
        ("default(/a, token)", false),
        (r#"hmac("sha256", token, /a)"#, true),
        (r#"hmac("sha256", /a, token)"#, true),
        (r#"hash("sha256", KEY)"#, true),
        (r#"jwt("HS256", KEY, "{}", "{}")"#, true),
        (r#"base64(token)"#, true),
        (r#"hex(unhex(hex(token)))"#, true),
        (r#"urlencode(token)"#, true),
        (r#"json([1, token])"#, true),
        (r#"raw(token)"#, true),
        (r#"after(token, "a")"#, true),
        (r#"between("abc", token, "c")"#, true),
        (r#"at([token], "/0")"#, true),
        (r#"contains(token, "a")"#, true),
        (r#"exists(token)"#, true),
        (r#"number(token) + 1"#, true),
        (r#"now("s", number(token))"#, true),
        (r#"text(secret_number) ~ "x""#, true),
        ("secret_number + 1", true),
    ] {
        let mut bench = Bench::new(&["token", "secret_number"]);
        let (compiled, _) = bench.with(|scope| Expression::value(text, scope));
        let expression = compiled.unwrap();
        let names = [
            ("token", Value::text("abc").secret()),
            ("secret_number", Value::from(5_u64).secret()),
        ];
        bench.see(r#"{"a":"b"}"#, &names, |world| {
            let value = expression.evaluate(world);
            assert_eq!(value.is_secret(), is_secret, "{text}");
            assert_eq!(format!("{value:?}") == "***", is_secret, "{text}");
        });
    }
}

#[test]
fn what_an_expression_reads_is_known_and_whether_it_may_be_absent() {
    let mut bench = Bench::new(&["a", "b", "c", "d", "e"]);
    let text = r#"default(a, b) ~ text(c) ~ (exists(d) && e && id == 1)"#;
    let (compiled, _) = bench.with(|scope| Expression::value(text, scope));
    let expression = compiled.unwrap();
    let reads: Vec<(&str, &str, bool)> = expression
        .reads()
        .iter()
        .map(|read| {
            (
                bench.names.text(read.name),
                &text[read.span.clone()],
                read.is_guarded,
            )
        })
        .collect();
    assert_eq!(
        reads,
        [
            ("a", "a", true),
            ("b", "b", false),
            ("c", "c", false),
            ("d", "d", true),
            ("e", "e", true),
            ("id", "id", false)
        ]
    );
}

#[test]
fn expressions_are_equal_but_for_their_spelling() {
    let mut bench = Bench::new(&[]);
    let (compiled, _) = bench.with(|scope| {
        ["/a == 1 && /b", "((/a==1)  &&  (/b))", "/b && /a == 1"]
            .map(|text| Expression::condition(text, scope).unwrap())
    });
    assert_eq!(compiled[0], compiled[1]);
    assert_ne!(compiled[0], compiled[2]);
}
