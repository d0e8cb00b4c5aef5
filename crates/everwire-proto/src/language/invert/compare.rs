//! Comparisons: the values of each side that make one true or false.

use super::{
    NotInvertible,
    candidate::Candidate,
    draft::Draft,
    goal::{Goal, Ways, reads_message},
    relation::between,
};
use crate::language::{
    BuiltIn, Name, Value,
    expression::{Comparison, Node, Two, evaluate},
    json::{Kind, Number, RawJson},
    value::Data,
};

/// The ways to make a comparison true or false.
pub(super) fn ways<'n>(
    comparison: Comparison,
    left: &'n Node,
    right: &'n Node,
    wanted: bool,
    draft: &Draft,
    world: &Candidate<'_>,
) -> Ways<'n> {
    let mut ways = Vec::new();
    if !wanted {
        // An absent side makes it false, too.
        let sides = [left, right].into_iter().filter(|side| reads_message(side));
        ways.extend(sides.map(|side| (draft.clone(), vec![Goal::Absent(side)])));
    }
    if let (Comparison::In, true, Node::List(items)) = (comparison, wanted, right) {
        let equals = |item| Goal::Compares(Comparison::Equal, left, item, true);
        ways.extend(items.iter().map(|item| (draft.clone(), vec![equals(item)])));
        return Ok(ways);
    }
    let mut add = |goals| ways.push((draft.clone(), goals));
    match (reads_message(left), reads_message(right)) {
        (true, false) => add(vec![one_side(
            comparison,
            left,
            right,
            wanted,
            Side::Left,
            world,
        )?]),
        (false, true) => add(vec![one_side(
            comparison,
            right,
            left,
            wanted,
            Side::Right,
            world,
        )?]),
        // Keeps the present value of one side, or takes a sample.
        _ => {
            for sample in samples(evaluate(left, world).into_owned()) {
                let others = others(comparison, &sample, wanted, Side::Right);
                if !others.is_empty() {
                    add(vec![Goal::Is(left, vec![sample]), Goal::Is(right, others)]);
                }
            }
        }
    }
    Ok(ways)
}

/// The side of a comparison on which a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// The values of one side if the other is known.
fn one_side<'n>(
    comparison: Comparison,
    open: &'n Node,
    known: &Node,
    wanted: bool,
    side: Side,
    world: &Candidate<'_>,
) -> Result<Goal<'n>, NotInvertible> {
    let known = evaluate(known, world).into_owned();
    let mut values = others(comparison, &known, wanted, side);
    if matches!(open, Node::Name(Name::BuiltIn(BuiltIn::Status))) {
        // For a status, a common one comes first.
        let usual = [200_u16, 400, 500, 204, 302, 100].map(Value::from);
        let fits = |value: &Value<'_>| holds_with(comparison, value, &known, side) == wanted;
        values.splice(0..0, usual.into_iter().filter(fits));
    }
    match values.is_empty() {
        true => Err(NotInvertible::Known),
        false => Ok(Goal::Is(open, values)),
    }
}

fn holds_with(comparison: Comparison, value: &Value<'_>, known: &Value<'_>, side: Side) -> bool {
    match side {
        Side::Left => between(comparison, value, known),
        Side::Right => between(comparison, known, value),
    }
}

/// Values for this side that make the comparison true or false, with a known value on the other
/// side.
fn others(
    comparison: Comparison,
    known: &Value<'static>,
    wanted: bool,
    side: Side,
) -> Vec<Value<'static>> {
    let mut values = near(known);
    if (comparison, side) == (Comparison::In, Side::Left) {
        values.splice(0..0, elements(known));
    }
    if (comparison, side) == (Comparison::In, Side::Right) {
        values.insert(0, Data::List(vec![known.clone()]).into());
        values.push(Data::List(Vec::new()).into());
    }
    values.retain(|value| holds_with(comparison, value, known, side) == wanted);
    values
}

/// Values near this one: itself, slightly larger and smaller ones, and other kinds.
fn near(known: &Value<'static>) -> Vec<Value<'static>> {
    let mut values = vec![known.clone()];
    match &known.data {
        Data::Number(number) => {
            let whole = Number::parse(number).and_then(|number| number.as_i128());
            let beside = whole
                .into_iter()
                .flat_map(|whole| [whole.checked_add(1), whole.checked_sub(1)]);
            values.extend(beside.flatten().map(Value::from));
            let far = ["0", "1", "-1", "1e400", "-1e400"];
            values.extend(far.map(|number| Data::Number(number.into()).into()));
        }
        Data::Text(text) => {
            values.push(Value::text(format!("{text}x")));
            values.push(Value::text(""));
        }
        Data::Bool(value) => values.push((!value).into()),
        Data::Absent | Data::Null | Data::Bytes(_) | Data::Json(_) | Data::List(_) => {}
    }
    let of_each_kind = [
        Value::text("x"),
        Value::from(1_u64),
        Value::from(true),
        Value::null(),
    ];
    values.extend(of_each_kind);
    values.retain(|value| !value.is_absent());
    values
}

/// The elements of a list, or of a JSON array.
fn elements(list: &Value<'static>) -> Vec<Value<'static>> {
    match &list.data {
        Data::List(items) => items.clone(),
        Data::Json(json) => match RawJson::parse(json) {
            Some(array) if array.kind() == Kind::Array => array
                .items()
                .map(|item| Value::json(item).into_owned())
                .collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Values for an undecided part: its present one, or one of each kind.
fn samples(now: Value<'static>) -> Vec<Value<'static>> {
    let of_each_kind = [
        Value::text("x"),
        Value::from(1_u64),
        Value::from(true),
        Value::from(false),
    ];
    let now = Some(now).filter(Value::is_there);
    now.into_iter().chain(of_each_kind).collect()
}

/// Whether it is the whole text.
pub(super) fn is_message(node: &Node) -> bool {
    matches!(node, Node::Name(Name::BuiltIn(BuiltIn::Message)))
}

/// The ways to make `starts` or `contains` true or false.
pub(super) fn texts<'n>(
    function: Two,
    [text, part]: &'n [Node; 2],
    wanted: bool,
    draft: &Draft,
    world: &Candidate<'_>,
) -> Ways<'n> {
    let mut ways = Vec::new();
    let mut add = |goals| ways.push((draft.clone(), goals));
    let now = |node| evaluate(node, world).into_owned();
    match (wanted, reads_message(text), reads_message(part)) {
        (true, true, false) if is_message(text) => {
            let part = now(part);
            let decided = match function {
                Two::Starts => draft.clone().starts(&part),
                _ => draft.clone().contains(&part),
            };
            // Or JSON with the text in a place that nothing reads.
            let aside = match function {
                Two::Starts => None,
                _ => draft.clone().mention(&part),
            };
            let drafts = decided.into_iter().chain(aside);
            ways.extend(drafts.map(|draft| (draft, Vec::new())));
        }
        (true, true, false) => {
            let part = now(part);
            let joined = part.as_text().map(|part| Value::text(format!("{part}x")));
            add(vec![Goal::Is(
                text,
                [part].into_iter().chain(joined).collect(),
            )]);
        }
        (true, false, true) => add(vec![Goal::Is(part, vec![now(text), Value::text("")])]),
        (true, ..) => {
            let sample = match now(part).is_there() {
                true => now(part),
                false => Value::text("x"),
            };
            add(vec![
                Goal::Is(part, vec![sample.clone()]),
                Goal::Is(text, vec![sample]),
            ]);
        }
        (false, reads_text, reads_part) => {
            for (node, _) in [(text, reads_text), (part, reads_part)]
                .into_iter()
                .filter(|(_, reads)| *reads)
            {
                add(vec![Goal::Absent(node)]);
                add(vec![Goal::Is(
                    node,
                    vec![Value::text(""), Value::text("?"), Value::from(1_u64)],
                )]);
            }
        }
    }
    Ok(ways)
}
