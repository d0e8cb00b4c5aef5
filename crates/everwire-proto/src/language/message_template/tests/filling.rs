//! Holes are filled by their position.

use super::*;
use crate::language::json::RawJson;

fn json(text: &'static str) -> Value<'static> {
    Value::json(RawJson::parse(text).unwrap())
}

#[test]
fn holes_of_json_are_filled_by_their_position() {
    let message = r#"{"n":1.50,"t":"a \"b\"\n","o":{"k": [1]},"z":null,"f":false,"big":12345678901234567890123,"half":"\ud800"}"#;
    for (text, value) in [
        (r#"{"pong":${/n}}"#, r#"{"pong":1.50}"#),
        (r#"{"pong":${/t}}"#, r#"{"pong":"a \"b\"\n"}"#),
        (r#"{"pong":"${/t}"}"#, r#"{"pong":"a \"b\"\n"}"#),
        (r#"{"pong":"${/n}!"}"#, r#"{"pong":"1.50!"}"#),
        (r#"{"pong":"<${/f}>"}"#, r#"{"pong":"<false>"}"#),
        (r#"{"pong":${/f}}"#, r#"{"pong":false}"#),
        (r#"{"pong":${/z}}"#, r#"{"pong":null}"#),
        (r#"{"pong":${/o}}"#, r#"{"pong":{"k":[1]}}"#),
        (r#"{"pong":"${/o}"}"#, r#"{"pong":"{\"k\":[1]}"}"#),
        (r#"{"pong":${/big}}"#, r#"{"pong":12345678901234567890123}"#),
        (r#"{"pong":${/half}}"#, r#"{"pong":"\ud800"}"#),
        (
            r#"{"${/t}":1,"x":[${/n},"${/n}"]}"#,
            r#"{"a \"b\"\n":1,"x":[1.50,"1.50"]}"#,
        ),
        (
            r#"{"a":${now("ms") + 10000},"b":"${hash("sha1", "}")}"}"#,
            r#"{"a":1769904009123,"b":"c2b7df6201fdd3362399091f0a29550df3505b6a"}"#,
        ),
        (r#"{"d":${default(/missing, null)}}"#, r#"{"d":null}"#),
        (r#"{"d":${[/n, "x"]}}"#, r#"{"d":[1.50,"x"]}"#),
        (r#"[2,"${id}","Heartbeat",{}]"#, r#"[2,"7","Heartbeat",{}]"#),
        (
            r#"{"params":${items},"id":${id}}"#,
            r#"{"params":["a","b"],"id":7}"#,
        ),
        // Socket.IO and SignalR.
        ("42[\"x\",${/n}]", "42[\"x\",1.50]"),
        (
            "{\"type\":6,\"x\":${/t}}\u{1e}",
            "{\"type\":6,\"x\":\"a \\\"b\\\"\\n\"}\u{1e}",
        ),
        ("\n {\"x\":${/n}} \n", "\n {\"x\":1.50} \n"),
        // Variables outside of expressions are escaped within quotes, and inserted unchanged
        // outside.
        (
            r#"{"x":${/n},"k":"${QUOTED}","n":${N}}"#,
            r#"{"x":1.50,"k":"a\"b\\c","n":5}"#,
        ),
        (
            r#"{"x":${/n},"k":"${file:t}","s":"${secret:id}"}"#,
            r#"{"x":1.50,"k":"f\"","s":"s\\"}"#,
        ),
        (
            r#"{"x":${/n},"k":${secret:number}}"#,
            r#"{"x":1.50,"k":17}"#,
        ),
        (r#"{"x":${/n},"$${y}":"\\"}"#, r#"{"x":1.50,"${y}":"\\"}"#),
        (
            r#"{"x":"\u00e4${/n}\"","y":1}"#,
            r#"{"x":"\u00e41.50\"","y":1}"#,
        ),
    ] {
        let mut bench = Bench::new(&[]);
        let template = parse(&mut bench, text, TemplateKind::Text);
        assert!(template.is_json(), "{text}");
        let names = [("id", Value::from(7_u64)), ("items", json(r#"["a", "b"]"#))];
        let rendered = bench.see(message, &names, |world| {
            let mut with_variables = TestWorld::new(world.message, world.found, &bench.names);
            with_variables.names = world.names.clone();
            let variables = [("/etc/t", "f\""), ("id", "s\\"), ("number", "17")];
            with_variables.variables = variables
                .map(|(key, value)| (key.into(), value.into()))
                .into();
            template.render(&with_variables).unwrap()
        });
        assert_eq!(rendered.as_text(), Some(value), "{text}");
        assert_eq!(
            rendered.is_secret(),
            text.contains("file:") || text.contains("secret:") || text.contains("QUOTED"),
            "{text}"
        );
    }
}

#[test]
fn all_other_templates_are_verbatim() {
    let message = r#"{"n":1.50,"t":"a \"b\"","o":{"k": [1]},"lines":"a\r\nb"}"#;
    for (text, value) in [
        ("pong ${/n}", "pong 1.50"),
        ("say ${/t}", "say a \"b\""),
        ("${/o}", "{\"k\":[1]}"),
        ("${\"$\"}${/n}", "$1.50"),
        ("$${x}${/n}$", "${x}1.50$"),
        ("SUBSCRIBE\n${/n}\n\n\0", "SUBSCRIBE\n1.50\n\n\0"),
        ("${raw(/lines)}", "a\r\nb"),
        ("${\"a\\n\" ~ /n}", "a\n1.50"),
        ("${\"}\"}${/n}", "}1.50"),
        ("${KEY}${/n}", "k3y1.50"),
        ("x${base64(/lines)}", "xYQ0KYg=="),
        ("{ping}", "{ping}"),
        ("{\"n\":${N}}", "{\"n\":5}"),
        ("a{\"x\":\"${/t}\"}", "a{\"x\":\"a \"b\"\"}"),
        ("", ""),
    ] {
        assert_eq!(filled(text, message, &[]), Ok(value.to_owned()), "{text}");
    }
}

#[test]
fn what_cannot_be_filled_sends_nothing_and_tells_the_hole() {
    let message = r#"{"z":null,"lines":"a\nb","cr":"\r","nul":"\u0000","clean":"x"}"#;
    let bytes = || ("bytes", Value::bytes(vec![0xff_u8]));
    for (text, told) in [
        (r#"{"pong":${/missing}}"#, "`${/missing}` is absent"),
        (r#"{"pong":"${/missing}"}"#, "`${/missing}` is absent"),
        (r#"{"pong":"${/z}"}"#, "`${/z}` is absent"),
        (r#"{"x":${[/missing]}}"#, "`${[/missing]}` is absent"),
        (r#"{"x":${bytes}}"#, "`${bytes}` is not a text"),
        (r#"{"x":"${bytes}"}"#, "`${bytes}` is not a text"),
        ("x ${bytes}", "`${bytes}` is not a text"),
        ("pong ${/z}", "`${/z}` is absent"),
        (
            "pong ${/lines}",
            "`${/lines}` has a control character, which is not allowed there",
        ),
        (
            "pong ${/cr}",
            "`${/cr}` has a control character, which is not allowed there",
        ),
        (
            "pong ${/nul}",
            "`${/nul}` has a control character, which is not allowed there",
        ),
        (
            "pong ${\"x\" ~ /lines}",
            "`${\"x\" ~ /lines}` has a control character, which is not allowed there",
        ),
        (
            "pong ${text(unbase64(base64(/lines)))}",
            "`${text(unbase64(base64(/lines)))}` has a control character, which is not allowed there",
        ),
        (
            "pong ${text(unbase64(base64(\"\\n\" ~ /clean)))}",
            "`${text(unbase64(base64(\"\\n\" ~ /clean)))}` has a control character, which is not allowed there",
        ),
        (
            "pong ${at(message, \"/lines\")}",
            "`${at(message, \"/lines\")}` has a control character, which is not allowed there",
        ),
        (
            "pong ${after(message, \"{\") ~ /lines}",
            "`${after(message, \"{\") ~ /lines}` has a control character, which is not allowed there",
        ),
        (
            "pong ${file:missing}",
            "`${file:missing}` could not be read",
        ),
        (
            "${secret:missing} ${/clean}",
            "`${secret:missing}` could not be read",
        ),
    ] {
        assert_eq!(
            filled(text, message, &[bytes()]),
            Err(told.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn binary_messages_take_bytes() {
    let names = [("bytes", Value::bytes(vec![0xff_u8, 10]))];
    let mut bench = Bench::new(&["bytes"]);
    let template = parse(
        &mut bench,
        "a${bytes}${unhex(\"00\")}${/t}",
        TemplateKind::Bytes,
    );
    let rendered = bench
        .see(r#"{"t":"\n"}"#, &names, |world| template.render(world))
        .unwrap();
    assert_eq!(
        (rendered.as_text(), rendered.as_bytes()),
        (None, &b"a\xff\n\x00\n"[..])
    );
    assert_eq!(
        filled_as(
            r#"{"a":"${/t}"}"#,
            TemplateKind::Bytes,
            r#"{"t":"\n"}"#,
            &[]
        ),
        Ok(r#"{"a":"\n"}"#.into())
    );
}

#[test]
fn headers_and_urls_refuse_control_characters() {
    let message = r#"{"t":"a\tb","d":"\u007f"}"#;
    let own = [("own", Value::text("a\nb"))];
    let refused = |hole: &str| {
        Err(format!(
            "`{hole}` has a control character, which is not allowed there"
        ))
    };
    for (kind, text, value) in [
        (
            TemplateKind::Header,
            "Bearer ${/t}",
            Ok("Bearer a\tb".into()),
        ),
        (TemplateKind::Header, "${/d}", refused("${/d}")),
        // JSON does not escape it.
        (TemplateKind::Header, "{\"a\":\"${/d}\"}", refused("${/d}")),
        (TemplateKind::Url, "{\"a\":${/d}}", refused("${/d}")),
        (TemplateKind::Header, "${raw(own)}", refused("${raw(own)}")),
        (TemplateKind::Header, "${own}", refused("${own}")),
        (TemplateKind::Header, "${PEM}", refused("${PEM}")),
        (
            TemplateKind::Url,
            "wss://x/${urlencode(/t)}",
            Ok("wss://x/a%09b".into()),
        ),
        (TemplateKind::Url, "wss://x/${/t}", refused("${/t}")),
        (TemplateKind::Text, "${own}", Ok("a\nb".into())),
    ] {
        assert_eq!(filled_as(text, kind, message, &own), value, "{text}");
    }
    let told = "invalid template: a control character is not allowed here: leave it out";
    assert_eq!(
        errors("a\nb${id}", TemplateKind::Header),
        [("\n".to_owned(), told.to_owned())]
    );
    assert_eq!(
        errors("a\tb", TemplateKind::Url),
        [("\t".to_owned(), told.to_owned())]
    );
}

#[test]
fn what_is_longer_than_a_message_may_be_is_not_sent() {
    let mut bench = Bench::new(&[]);
    for text in ["${/a}${/a}", r#"["${/a}",${/a}]"#] {
        let template = parse(&mut bench, text, TemplateKind::Text);
        let rendered = bench.see(r#"{"a":"xxxxxxxxxx"}"#, &[], |world| {
            let mut narrow = TestWorld::new(world.message, world.found, &bench.names);
            narrow.max = 19;
            template.render(&narrow)
        });
        assert_eq!(rendered, Err(Unfilled::TooLong { max: 19 }), "{text}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let names = [("token", Value::text("tok").secret())];
    for (text, is_secret) in [
        ("x ${token}", true),
        ("x ${KEY}", true),
        ("x ${id}", false),
        (r#"{"a":"${token}"}"#, true),
    ] {
        let mut bench = Bench::new(&["token"]);
        let template = parse(&mut bench, text, TemplateKind::Text);
        let names = [names[0].clone(), ("id", Value::from(1_u64))];
        let rendered = bench
            .see("", &names, |world| template.render(world))
            .unwrap();
        assert_eq!(rendered.is_secret(), is_secret, "{text}");
        assert_eq!(format!("{rendered:?}") == "***", is_secret, "{text}");
        // It can be shown as written.
        assert_eq!(
            (template.to_string(), template.as_str()),
            (text.to_owned(), text)
        );
    }
    let mut bench = Bench::new(&[]);
    let template = parse(&mut bench, "Bearer ${KEY}-${id}", TemplateKind::Header);
    assert_eq!(template.masked(), "***${KEY}***${id}");
}
