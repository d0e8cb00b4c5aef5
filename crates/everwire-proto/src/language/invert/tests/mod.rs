use super::*;
use crate::language::{BuiltIn, tests::*};

mod properties;
mod recipes;
mod tables;

/// Names with their values.
type Known<'k> = &'k [(&'k str, Value<'static>)];

/// Inverts conditions that must hold, and others that must not, and evaluates them on the result.
fn inverted(hold: &[&str], fail: &[&str], known: Known<'_>) -> Result<Inverted, NotInvertible> {
    let captures = known.iter().map(|(name, _)| *name);
    let captures: Vec<&str> = captures
        .filter(|name| BuiltIn::named(name).is_none())
        .collect();
    let mut bench = Bench::new(&captures);
    let mut compile = |text: &&str| {
        let (compiled, _) = bench.with(|scope| Expression::condition(text, scope));
        compiled.unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
    };
    let hold: Vec<Expression> = hold.iter().map(&mut compile).collect();
    let fail: Vec<Expression> = fail.iter().map(&mut compile).collect();
    let lets = Lets::default();
    let made = bench.see("", known, |world| {
        let inversion = Inversion::new(world, &bench.pointers, &lets).with_status(200);
        let inversion = hold.iter().fold(inversion, Inversion::holds);
        fail.iter().fold(inversion, Inversion::fails).message()
    })?;
    see(&bench, &made, known, |world| {
        for condition in &hold {
            assert!(
                condition.holds(world),
                "{condition} does not hold for {made:?}"
            );
        }
        for condition in &fail {
            assert!(!condition.holds(world), "{condition} holds for {made:?}");
        }
    });
    Ok(made)
}

/// Evaluates on a generated message.
fn see<T>(
    bench: &Bench,
    made: &Inverted,
    known: Known<'_>,
    look: impl FnOnce(&TestWorld<'_>) -> T,
) -> T {
    let mut known = known.to_vec();
    known.push(("status", Value::from(made.status.unwrap_or(200))));
    let mut spans = crate::language::json::Spans::default();
    let found = bench
        .pointers
        .find(&made.text, &mut spans)
        .unwrap_or_default();
    let mut world = TestWorld::new(made.text.as_bytes(), found, &bench.names);
    for (name, value) in known {
        world = world.set(name, value);
    }
    for (name, value) in &made.headers {
        world
            .headers
            .insert(name.to_ascii_lowercase(), value.to_string());
    }
    look(&world)
}
