//! A table of each function.

use super::*;

#[test]
fn each_function_comes_to_what_it_says() {
    let message =
        r#"{"n":1.50,"t":"a b","s":"{\"in\":[1,2]}","o":{"k": [true, null]},"z":null,"u":"ä\n"}"#;
    let names = [
        ("raw_bytes", Value::bytes(vec![0xff_u8, 0x00])),
        (
            "list",
            Value::new(Data::Json(r#"["x"]"#.into()), Default::default()),
        ),
    ];
    for (text, value) in [
        (r#"now("s")"#, "1769903999"),
        (r#"now("ms")"#, "1769903999123"),
        (r#"now("us", 1)"#, "1769903999123457"),
        (r#"now("ns", -9)"#, "1769903999123456780"),
        (r#"now("iso")"#, r#""2026-01-31T23:59:59.123Z""#),
        (r#"now("iso", 1)"#, r#""2026-02-01T00:00:00.123Z""#),
        (r#"now("s", /missing)"#, "-"),
        (r#"now("s", /t)"#, "-"),
        (r#"now("s") + 120"#, "1769904119"),
        (
            r#"hash("sha1", "abc")"#,
            r#""a9993e364706816aba3e25717850c26c9cd0d89d""#,
        ),
        (
            r#"hash("sha256", "abc", "base64url")"#,
            r#""ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0""#,
        ),
        (
            r#"hash("sha384", "abc")"#,
            r#""cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7""#,
        ),
        (
            r#"hex(hash("sha512", "abc", "bytes")) == hash("sha512", "abc", "hex")"#,
            "true",
        ),
        (
            r#"hmac("sha256", "key", "The quick brown fox jumps over the lazy dog", "base64")"#,
            r#""97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg=""#,
        ),
        (r#"hmac("sha1", "k", /missing)"#, "-"),
        (r#"hash("sha1", /z)"#, "-"),
        (r#"base64("a b")"#, r#""YSBi""#),
        (r#"base64(raw_bytes)"#, r#""/wA=""#),
        (r#"base64url(raw_bytes)"#, r#""_wA""#),
        (r#"unbase64("_wA") == raw_bytes"#, "true"),
        (r#"unbase64("/wA=") == raw_bytes"#, "true"),
        (r#"text(unbase64("YSBi"))"#, r#""a b""#),
        (r#"unbase64("*")"#, "-"),
        (r#"hex("az")"#, r#""617a""#),
        (r#"text(unhex("617A"))"#, r#""az""#),
        (r#"unhex("xx")"#, "-"),
        (r#"text(raw_bytes)"#, "-"),
        (r#"urlencode("a b&ä/")"#, r#""a%20b%26%C3%A4%2F""#),
        (r#"urlencode(/n)"#, r#""1.50""#),
        (r#"json(/t)"#, r#""\"a b\"""#),
        (r#"json(/o)"#, r#""{\"k\":[true,null]}""#),
        (r#"json(null)"#, r#""null""#),
        (r#"json([1, /t])"#, r#""[1,\"a b\"]""#),
        (r#"json(/missing)"#, "-"),
        (r#"raw(/u)"#, r#""ä\n""#),
        (r#"text(/n)"#, r#""1.50""#),
        (r#"text(true)"#, r#""true""#),
        (r#"text(/z)"#, "-"),
        (r#"text(/o)"#, r#""{\"k\":[true,null]}""#),
        (r#"number("-1.5e3")"#, "-1.5e3"),
        (r#"number(" 1")"#, "-"),
        (r#"number(/t)"#, "-"),
        (r#"number(/n)"#, "1.50"),
        (r#"at(message, "/o/k/0")"#, "true"),
        (r#"at(/s, "/in/1")"#, "2"),
        (r#"at(/o, "/k")"#, "[true,null]"),
        (r#"at(/o, "/" ~ "k")"#, "[true,null]"),
        (r#"at(list, "/0")"#, r#""x""#),
        (r#"at([1, [/t]], "/1/0")"#, r#""a b""#),
        (r#"at(/n, "")"#, "1.50"),
        (r#"at(/n, "/0")"#, "-"),
        (r#"at(/t, "")"#, "-"),
        (r#"at(/o, /t)"#, "-"),
        (r#"after("a=b=c", "=")"#, r#""b=c""#),
        (r#"after("abc", "x")"#, "-"),
        (r#"after("abc", "")"#, r#""abc""#),
        (r#"after(/n, "1")"#, "-"),
        (r#"between("k: v;k: w;", "k: ", ";")"#, r#""v""#),
        (r#"between("k: v", "k: ", ";")"#, "-"),
        (r#"between(message, "\"t\":\"", "\"")"#, r#""a b""#),
        (r#"starts("abc", "ab")"#, "true"),
        (r#"starts("abc", "B")"#, "false"),
        (r#"starts(/missing, "")"#, "false"),
        (r#"contains("abc", "bc")"#, "true"),
        (r#"contains("abc", "BC")"#, "false"),
        (r#"contains(/o, "k")"#, "false"),
        (r#"exists(/z)"#, "false"),
        (r#"exists(/o)"#, "true"),
        (r#"exists(/o/k/2)"#, "false"),
        (r#"exists(1 == 2)"#, "true"),
        (r#"default(/z, 1)"#, "1"),
        (r#"default(/missing, null)"#, "null"),
        (r#"default(/t, 1)"#, r#""a b""#),
        (r#"default(1 == 2, 1)"#, "false"),
        (r#"uuid()"#, r#""00010203-0405-4607-8809-0a0b0c0d0e0f""#),
        (r#"random(3, "hex")"#, r#""000102""#),
        (r#"random(3, "base64")"#, r#""AAEC""#),
        (r#"random(1, "base64url")"#, r#""AA""#),
        (r#"header("Retry-After")"#, "-"),
        (r#"cookie("session")"#, "-"),
    ] {
        assert_eq!(comes_to(text, message, &names), value, "{text}");
    }
}

#[test]
fn a_capture_may_be_called_as_a_function_is() {
    let names = [
        ("hash", Value::from(5_u64)),
        ("in_flight", Value::from(1_u64)),
    ];
    assert_eq!(
        comes_to(r#"hash ~ hash("sha1", "") ~ in_flight"#, "", &names),
        "\"5da39a3ee5e6b4b0d3255bfef95601890afd807091\""
    );
}

#[test]
fn headers_of_an_answer_are_looked_at() {
    let mut bench = Bench::new(&[]);
    let (compiled, _) =
        bench.with(|scope| Expression::value(r#"number(header("Retry-" ~ "After")) + 1"#, scope));
    let expression = compiled.unwrap();
    let value = bench.see("", &[], |world| {
        // Their names have any case.
        assert!(expression.evaluate(world).is_absent());
        let mut json = String::new();
        let mut with_header = TestWorld::new(b"", Default::default(), &bench.names);
        with_header.headers.insert("retry-after".into(), "5".into());
        expression
            .evaluate(&with_header)
            .write_json(&mut json)
            .unwrap();
        json
    });
    assert_eq!(value, "6");
}

#[test]
fn what_is_longer_than_a_message_may_be_is_absent() {
    let message = format!("{{\"a\":\"{}\"}}", "x".repeat(40));
    for (text, max, is_there) in [
        (r#"/a ~ /a"#, 80, true),
        (r#"/a ~ /a"#, 79, false),
        (r#"hex(/a)"#, 80, true),
        (r#"hex(/a)"#, 79, false),
        (r#"base64(/a)"#, 56, true),
        (r#"base64(/a)"#, 55, false),
        (r#"json(/a)"#, 42, true),
        (r#"json(/a)"#, 41, false),
        (r#"[/a, /a]"#, 80, false),
        (r#"random(32, "hex")"#, 63, false),
        (r#"jwt("HS256", "k", "{}", "{}")"#, 48, false),
        (r#"jwt("HS256", "k", "{}", "{}")"#, 51, true),
        (r#"urlencode(/a ~ "   ")"#, 49, true),
        (r#"urlencode(/a ~ "   ")"#, 48, false),
    ] {
        let mut bench = Bench::new(&[]);
        let (compiled, _) = bench.with(|scope| Expression::value(text, scope));
        let expression = compiled.unwrap();
        let there = bench.see(&message, &[], |world| {
            let mut narrow = TestWorld::new(world.message, world.found, &bench.names);
            narrow.max = max;
            !expression.evaluate(&narrow).is_absent()
        });
        assert_eq!(there, is_there, "{text} in {max}");
    }
}
