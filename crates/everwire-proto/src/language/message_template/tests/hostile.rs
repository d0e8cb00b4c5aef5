//! A peer's value comes back unchanged, whatever it is, and changes nothing else.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

/// The number of tried values, unless `EVERWIRE_LANGUAGE_CASES` is set.
const CASES: u32 = 5_000;

fn hostile() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        ".{0,20}",
        "[\"\\\\{}\\[\\],:\u{0}-\u{1f}\u{7f}-\u{9f}\u{2028}\u{1e}$a]{0,20}",
        Just("\",\"x\":{},\"".to_owned()),
        Just("\\\",\"y\":1".to_owned()),
        Just("1,\"x\":{}".to_owned()),
        Just("${KEY}".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<i32>().prop_map(|number| Json::from(f64::from(number) / 8.0)),
        text.clone().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn hostile_values_come_back_as_they_were(value in hostile(), other in hostile()) {
        let mut bench = Bench::new(&["captured"]);
        let text = r#"{"whole":${/v},"quoted":"<${/v}>","let":[${captured}],"${/o}":"${/v}${/o}","end":1}"#;
        let template = parse(&mut bench, text, TemplateKind::Text);
        let message = json!({ "v": value, "o": other }).to_string();
        // Unchanged, number by number.
        let sent: Json = serde_json::from_str(&message).unwrap();
        let captured = Value::text(message.clone()).from_peer();
        let rendered = bench.see(&message, &[("captured", captured)], |world| template.render(world));
        let [value, other] = ["v", "o"].map(|key| sent[key].clone());
        let rendered = match rendered {
            Ok(rendered) => rendered.into_text(),
            Err(unfilled) => {
                prop_assert!(value.is_null() || other.is_null(), "{unfilled}");
                return Ok(());
            }
        };
        let as_text = |json: &Json| match json {
            Json::String(text) => text.clone(),
            json => json.to_string(),
        };
        let back: Json = serde_json::from_str(&rendered).unwrap();
        let mut members = serde_json::Map::new();
        members.insert("whole".into(), value.clone());
        members.insert("quoted".into(), format!("<{}>", as_text(&value)).into());
        members.insert("let".into(), json!([message]));
        members.insert(as_text(&other), format!("{}{}", as_text(&value), as_text(&other)).into());
        members.insert("end".into(), 1.into());
        prop_assert_eq!(back, Json::Object(members), "{}", rendered);
    }

    #[test]
    fn no_hostile_text_begins_a_line(text in "[a\r\n\u{0}\u{b}\u{c}\u{85}\u{2028}]{0,6}") {
        let mut bench = Bench::new(&[]);
        let template = parse(&mut bench, "SEND\nto:${/t}\n\n", TemplateKind::Text);
        let rendered = bench.see(&json!({ "t": text }).to_string(), &[], |world| template.render(world));
        match rendered {
            Ok(rendered) => prop_assert_eq!(rendered.into_text(), format!("SEND\nto:{text}\n\n")),
            Err(_) => prop_assert!(text.contains(['\r', '\n', '\0'])),
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[\\[{}\\]$,:\"\\\\a-cN0-9/ u\u{1e}(]{0,40}") {
        let mut bench = Bench::new(&["a", "b"]);
        let (parsed, _) = bench.with(|scope| MessageTemplate::parse(&text, TemplateKind::Text, scope));
        match parsed {
            Ok(template) => {
                prop_assert_eq!(template.as_str(), &text);
                let rendered = bench.see("{}", &[("a", Value::from(1_u64)), ("b", Value::text("x"))], |world| template.render(world));
                if let (true, Ok(rendered)) = (template.is_json(), rendered) {
                    let json = rendered.into_text();
                    let json = json.trim_end_matches('\u{1e}').trim_start_matches(|c: char| c.is_ascii_digit());
                    prop_assert!(serde_json::from_str::<Json>(json).is_ok(), "{text}: {json}");
                }
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert!(text.get(error.span.clone()).is_some(), "{text}: {error:?}");
                }
            }
        }
    }
}
