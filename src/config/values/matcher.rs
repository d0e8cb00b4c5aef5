//! The old tables that matched messages: the error shows the equivalent expression.

use crate::config::read::{Entry, Value};

/// The equivalent expression of such a table, quoted for TOML.
pub(in crate::config) fn expression_of(entries: &[Entry]) -> Option<String> {
    let find = |keys: &[&str]| {
        let found = entries
            .iter()
            .find(|entry| keys.contains(&entry.key.as_str()))?;
        Some(&found.node.value)
    };
    let what = match find(&["json", "pointer", "path"]) {
        Some(Value::String(pointer)) => Some(pointer_of(pointer)),
        Some(_) => return None,
        None => None,
    };
    let subject = what.as_deref().unwrap_or("message");
    let expression = if let Some(value) = find(&["equals", "eq", "is", "text"]) {
        format!("{subject} == {}", literal(value)?)
    } else if let Some(Value::Array(items)) = find(&["in", "one_of", "any_of"]) {
        let items = items.iter().map(|item| literal(&item.value));
        format!(
            "{subject} in [{}]",
            items.collect::<Option<Vec<_>>>()?.join(", ")
        )
    } else if let Some(value) = find(&["contains"]) {
        format!("contains({subject}, {})", literal(value)?)
    } else if let Some(value) = find(&["starts", "starts_with", "prefix"]) {
        format!("starts({subject}, {})", literal(value)?)
    } else {
        format!("exists({})", what?)
    };
    Some(quoted(&expression))
}

/// A pointer in an expression. A bare pointer ends at an operator, so pointers with operators use
/// `at`.
fn pointer_of(pointer: &str) -> String {
    let ends = |c: char| c.is_whitespace() || ",)]}=!<>&|\"'(;+-.~".contains(c);
    match pointer.contains(ends) {
        true => format!("at(message, {})", serde_json::Value::from(pointer)),
        false => pointer.to_owned(),
    }
}

fn literal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(serde_json::Value::from(text.as_str()).to_string()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(value) => Some(value.to_string()),
        Value::Null | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

/// A text as a TOML string, in the form with the fewest escapes.
fn quoted(text: &str) -> String {
    match text.contains('\'') || text.chars().any(char::is_control) {
        true => serde_json::Value::from(text).to_string(),
        false => format!("'{text}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::{Problems, parse};
    use everwire_proto::language::{Expression, Names, NothingOutside, Scope, json::PointerSet};

    #[test]
    fn each_is_answered_with_an_expression_that_compiles() {
        for (table, expression) in [
            (
                "json = '/type', equals = 'auth_ok'",
                Some("/type == \"auth_ok\""),
            ),
            ("equals = 3, json = '/0'", Some("/0 == 3")),
            (
                "json = '/a b', equals = true",
                Some("at(message, \"/a b\") == true"),
            ),
            ("json = '/id'", Some("exists(/id)")),
            ("text = 'pong'", Some("message == \"pong\"")),
            ("contains = 'it is'", Some("contains(message, \"it is\")")),
            ("json = '/code', in = [1, 'a']", Some("/code in [1, \"a\"]")),
            ("starts_with = 'x'", Some("starts(message, \"x\")")),
            ("json = 5", None),
            ("wehn = '/a'", None),
        ] {
            let table = parse(&format!("a = {{ {table} }}"), 0, &mut Problems::default());
            let Value::Table(entries) = &table[0].node.value else {
                unreachable!()
            };
            let expected = expression.map(|expression| format!("'{expression}'"));
            assert_eq!(expression_of(entries), expected);
            if let Some(expression) = expression {
                let (names, mut pointers) = (Names::default(), PointerSet::default());
                let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
                assert!(Expression::condition(expression, &mut scope).is_ok());
            }
        }
    }

    #[test]
    fn a_quote_is_escaped() {
        assert_eq!(quoted("message == \"it's\""), r#""message == \"it's\"""#);
    }
}
