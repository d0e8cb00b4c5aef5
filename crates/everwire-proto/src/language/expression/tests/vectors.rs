//! Documented messages of real servers, with expressions that must hold or not.

use serde_json::Value as Json;

use super::*;

#[test]
fn each_vector_holds_or_does_not() {
    let mut count = 0;
    for line in include_str!("vectors.jsonl").lines() {
        let vector: Json = serde_json::from_str(line).unwrap();
        let names: Vec<(&str, Value<'static>)> = vector["names"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    Json::Number(number) => Value::from(number.as_u64().unwrap()),
                    value => Value::text(value.as_str().unwrap().to_owned()),
                };
                (name.as_str(), value)
            })
            .collect();
        let mut bench = Bench::new(&["session"]);
        let text = vector["expr"].as_str().unwrap();
        let (compiled, warnings) = bench.with(|scope| Expression::condition(text, scope));
        let expression = compiled.unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        assert_eq!(warnings, Vec::<String>::new(), "{text}");
        let message = vector["message"].as_str().unwrap();
        let holds = bench.see(message, &names, |world| expression.holds(world));
        assert_eq!(holds, vector["holds"].as_bool().unwrap(), "{line}");
        count += 1;
    }
    assert_eq!(count, 43);
}
