//! Random conditions: if a message results, the condition holds for it.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::*;
use crate::language::expression::tests::properties::expression;

/// The number of tried conditions, unless `EVERWIRE_LANGUAGE_CASES` is set.
const CASES: u32 = 4_000;

/// Whether a message results for a text, and fulfils it. `None`: the text is not a condition.
fn tried(text: &str, wanted: bool) -> Option<bool> {
    let known = [("id", Value::from(1_u64)), ("x", Value::text("a\r\n"))];
    let mut bench = Bench::new(&["x", "y"]);
    let (compiled, _) = bench.with(|scope| Expression::condition(text, scope));
    let condition = compiled.ok()?;
    let lets = Lets::default();
    let made = bench.see("", &known, |world| {
        let inversion = Inversion::new(world, &bench.pointers, &lets).with_status(200);
        match wanted {
            true => inversion.holds(&condition).message(),
            false => inversion.fails(&condition).message(),
        }
    });
    let Ok(made) = made else {
        return Some(false);
    };
    see(&bench, &made, &known, |world| {
        assert_eq!(condition.holds(world), wanted, "{text} for {made:?}");
    });
    Some(true)
}

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn what_comes_out_is_what_was_wanted(text in expression(), wanted in any::<bool>()) {
        tried(&text, wanted);
    }

    #[test]
    fn so_it_is_for_several_at_once(texts in prop::collection::vec(expression(), 2..4)) {
        let text = texts.iter().map(|text| format!("({text})")).collect::<Vec<_>>();
        tried(&text.join(" && "), true);
        tried(&text.join(" || "), false);
    }
}

/// The properties above check nothing for conditions without a result.
#[test]
fn for_most_random_conditions_that_can_hold_a_message_comes_out() {
    let mut runner = TestRunner::deterministic();
    let (mut conditions, mut made) = (0, 0);
    for _ in 0..2_000 {
        let text = expression().new_tree(&mut runner).unwrap().current();
        if let Some(is_made) = tried(&format!("exists(/op) && ({text})"), true) {
            conditions += 1;
            made += u32::from(is_made);
        }
    }
    assert!(
        conditions > 300 && made * 3 > conditions,
        "{made} of {conditions}"
    );
}
