//! The parser accepts and finds the same as `serde_json`.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{
    super::{Kind, PointerSet, RawJson, Slot, Spans},
    texts::{any_json, json, nearly_json, paths},
    tree::{all_paths, pointer, scalar, tree},
};

fn set(paths: &[String]) -> (PointerSet, Vec<Slot>) {
    let mut set = PointerSet::default();
    let slots = paths.iter().map(|path| set.insert(&pointer(path)));
    let slots = slots.collect();
    (set, slots)
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Bool,
        Value::Number(_) => Kind::Number,
        Value::String(_) => Kind::Text,
        Value::Array(_) => Kind::Array,
        Value::Object(_) => Kind::Object,
    }
}

/// Asserts in every way that the found value is this value.
fn is_same(found: RawJson<'_>, value: &Value) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.kind(), kind(value));
    prop_assert_eq!(&tree(found.as_str()), value);
    prop_assert_eq!(found.is_null(), value.is_null());
    prop_assert_eq!(found.as_bool(), value.as_bool());
    let text = found.as_text();
    prop_assert_eq!(text.as_deref(), value.as_str());
    if let Some(text) = value.as_str() {
        prop_assert!(found.is_text(text));
        let longer = format!("{text}x");
        prop_assert!(!found.is_text(&longer) && !found.is_text("nothing of that"));
    }
    let number = found.as_number().map(|number| number.as_str());
    prop_assert_eq!(number, value.is_number().then_some(found.as_str()));
    let mut compact = String::new();
    found.write_compact(&mut compact);
    prop_assert_eq!(&tree(&compact), value);
    let again = RawJson::parse(found.as_str()).map(|again| again.as_str());
    prop_assert_eq!(again, Some(found.as_str()));
    let items: Vec<Value> = found.items().map(|item| tree(item.as_str())).collect();
    prop_assert_eq!(items, value.as_array().cloned().unwrap_or_default());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn each_value_is_found_alone_and_with_all_others(text in any_json(), others in paths()) {
        let value = tree(&text);
        let mut paths = others;
        all_paths(&value, String::new(), &mut paths);
        let (set, slots) = set(&paths);
        let mut spans = Spans::default();
        // The memory was used for another text before.
        set.find("[[0,1,[2]],1]", &mut spans);
        let found = set.find(&text, &mut spans).unwrap();
        let root = RawJson::parse(&text).unwrap();
        for (path, slot) in paths.iter().zip(slots) {
            let (found, expected) = (found.get(slot), value.pointer(path));
            prop_assert_eq!(found.is_some(), expected.is_some(), "{} in {}", path, text);
            if let (Some(found), Some(expected)) = (found, expected) {
                is_same(found, expected)?;
            }
            let pointer = pointer(path);
            let alone = root.at(&pointer);
            prop_assert_eq!(alone.map(|value| value.as_str()), found.map(|value| value.as_str()));
            prop_assert_eq!(pointer.lookup(&text), expected.and_then(scalar), "{} in {}", path, text);
        }
    }

    #[test]
    fn some_at_once_are_found_as_one_at_a_time(text in any_json(), paths in paths()) {
        let (set, slots) = set(&paths);
        let mut spans = Spans::default();
        let found = set.find(&text, &mut spans).unwrap();
        for (path, slot) in paths.iter().zip(slots) {
            let (alone, slot_alone) = self::set(std::slice::from_ref(path));
            let mut spans = Spans::default();
            let alone = alone.find(&text, &mut spans).unwrap().get(slot_alone[0]);
            let found = found.get(slot).map(|value| value.as_str());
            prop_assert_eq!(found, alone.map(|value| value.as_str()), "{} in {}", path, text);
        }
    }

    #[test]
    fn a_text_is_json_where_it_is_for_serde_json(text in nearly_json(), paths in paths()) {
        // A skipped text may have half a surrogate pair.
        let expected = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(RawJson::parse(&text).is_some(), expected, "{}", text);
        let (set, slots) = set(&paths);
        let mut spans = Spans::default();
        let found = set.find(&text, &mut spans);
        prop_assert_eq!(found.is_some(), expected, "{}", text);
        let Ok(value) = serde_json::from_str::<Value>(&text) else {
            return Ok(());
        };
        for (path, slot) in paths.iter().zip(slots) {
            let found = found.and_then(|found| found.get(slot));
            let found = found.map(|value| tree(value.as_str()));
            prop_assert_eq!(found.as_ref(), value.pointer(path), "{} in {}", path, text);
        }
    }

    #[test]
    fn what_is_written_compactly_has_no_space(text in json(" \n")) {
        let mut compact = String::new();
        RawJson::parse(&text).unwrap().write_compact(&mut compact);
        // No string of these texts contains this.
        prop_assert_eq!(&compact, &text.replace(" \n", ""));
    }

    #[test]
    fn no_text_makes_it_panic(text in "([\\[\\]{}:,\"\\\\a0-9.eu+ä-]|null|\"a\":){0,40}", paths in paths()) {
        let (set, slots) = set(&paths);
        let mut spans = Spans::default();
        if let Some(found) = set.find(&text, &mut spans) {
            let values = slots.into_iter().filter_map(|slot| found.get(slot));
            values.for_each(|value| drop((value.as_text(), value.as_number(), value.items().count())));
        }
        let expected = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(RawJson::parse(&text).is_some(), expected, "{}", text);
    }
}
