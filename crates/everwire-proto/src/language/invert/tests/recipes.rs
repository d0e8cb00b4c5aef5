//! The conditions of real protocols: all of them invert.

use super::*;

const NAMES: [&str; 9] = [
    "id", "on_id", "key", "item", "session", "sub", "token", "status", "beat",
];

#[test]
fn each_condition_of_the_recipes_inverts() {
    let known = [
        ("id", Value::from(7_u64)),
        ("on_id", Value::from(3_u64)),
        ("key", Value::text("user")),
        ("item", Value::text("item")),
        ("session", Value::text("session")),
        ("sub", Value::text("sub")),
    ];
    let mut count = 0;
    for line in include_str!("recipes.tsv").lines() {
        let [recipe, key, text] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let mut bench = Bench::new(&NAMES.map(|name| match BuiltIn::named(name) {
            Some(_) => "unused",
            None => name,
        }));
        let compile = match key {
            "capture" => Expression::value,
            _ => Expression::condition,
        };
        let (compiled, _) = bench.with(|scope| compile(text, scope));
        let condition = compiled.unwrap_or_else(|errors| panic!("{recipe}: {text}: {errors:?}"));
        let lets = Lets::default();
        let made = bench.see("", &known, |world| {
            let inversion = Inversion::new(world, &bench.pointers, &lets).with_status(200);
            inversion.holds(&condition).message()
        });
        let made = made.unwrap_or_else(|reason| panic!("{recipe}: {key} {text}: {reason}"));
        let holds = see(&bench, &made, &known, |world| condition.holds(world));
        assert!(holds, "{recipe}: {key} {text}: {made:?}");
        count += 1;
    }
    assert_eq!(count, COUNT);
}

/// Their number in the sixteen recipes.
const COUNT: usize = 108;
