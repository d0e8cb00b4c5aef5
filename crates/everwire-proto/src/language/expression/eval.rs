//! Evaluates compiled expressions. Nothing here fails: a value that cannot be computed is absent.
//!
//! The recursion is as deep as the expression is nested, which the parser limits; no value is
//! longer than the world allows.

use std::{borrow::Cow, cmp::Ordering};

use super::{
    super::{
        Value, World,
        functions::text,
        json::Number,
        value::{Data, Marks, equal, is_in, join, order},
    },
    apply::{self, bounded},
    ast::{Comparison, Sign},
    node::{Call, Node, One, Two},
};

/// Whether it is true as a condition.
pub(super) fn holds(node: &Node, world: &dyn World) -> bool {
    match node {
        Node::Bool(value) => *value,
        Node::Or(parts) => parts.iter().any(|part| holds(part, world)),
        Node::And(parts) => parts.iter().all(|part| holds(part, world)),
        Node::Not(inner) => !holds(inner, world),
        Node::Compare(comparison, sides) => compare(*comparison, sides, world),
        Node::Call(call) => match &**call {
            Call::One(One::Exists, node) => exists(node, world),
            _ => eval(node, world).is_true(),
        },
        _ => eval(node, world).is_true(),
    }
}

/// The value.
pub(super) fn eval<'e>(node: &'e Node, world: &'e dyn World) -> Value<'e> {
    match node {
        Node::Null => Value::null(),
        Node::Number(number) => Data::Number(Cow::Borrowed(number)).into(),
        Node::Text(text) => Value::text(&**text),
        Node::Variable(_, secret) => Value::text(secret.expose()).secret(),
        Node::Pointer(slot, _) => world
            .pointer(*slot)
            .map_or_else(Value::absent, Value::json)
            .from_peer(),
        Node::Name(name) => world.name(*name),
        Node::List(items) => list(items, world),
        Node::Bool(_) | Node::Or(_) | Node::And(_) | Node::Not(_) | Node::Compare(..) => {
            holds(node, world).into()
        }
        Node::Join(parts) => join(
            parts.iter().map(|part| eval(part, world)),
            world.max_message(),
        ),
        Node::Sum(first, others) => sum(first, others, world),
        Node::Call(call) => self::call(call, world),
    }
}

fn exists(node: &Node, world: &dyn World) -> bool {
    match node {
        // A long text is not read for that.
        Node::Pointer(slot, _) => world.pointer(*slot).is_some_and(|value| !value.is_null()),
        _ => eval(node, world).is_there(),
    }
}

fn compare(comparison: Comparison, [left, right]: &[Node; 2], world: &dyn World) -> bool {
    if let (Node::Pointer(slot, _), Node::Text(text)) = (left, right)
        && matches!(comparison, Comparison::Equal | Comparison::Unequal)
    {
        let wanted = comparison == Comparison::Equal;
        return world
            .pointer(*slot)
            .is_some_and(|value| value.is_text(text) == wanted);
    }
    let left = eval(left, world);
    if let (Comparison::In, Node::List(items)) = (comparison, right) {
        return items.iter().any(|item| equal(&left, &eval(item, world)));
    }
    let right = eval(right, world);
    if left.is_absent() || right.is_absent() {
        return false;
    }
    let ordered = |wanted: fn(Ordering) -> bool| order(&left, &right).is_some_and(wanted);
    match comparison {
        Comparison::Equal => equal(&left, &right),
        Comparison::Unequal => !equal(&left, &right),
        Comparison::Less => ordered(Ordering::is_lt),
        Comparison::LessOrEqual => ordered(Ordering::is_le),
        Comparison::Greater => ordered(Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered(Ordering::is_ge),
        Comparison::In => is_in(&left, &right),
    }
}

fn list<'e>(items: &'e [Node], world: &'e dyn World) -> Value<'e> {
    let items: Vec<Value<'e>> = items.iter().map(|item| eval(item, world)).collect();
    let marks = items
        .iter()
        .fold(Marks::default(), |marks, item| marks.and(item.marks));
    bounded(Value::new(Data::List(items), marks), world)
}

fn sum<'e>(first: &'e Node, others: &'e [(Sign, Node)], world: &'e dyn World) -> Value<'e> {
    let first = eval(first, world);
    let mut marks = first.marks;
    let mut total = whole(&first);
    for (sign, other) in others {
        let other = eval(other, world);
        marks = marks.and(other.marks);
        total = total
            .zip(whole(&other))
            .and_then(|(total, other)| match sign {
                Sign::Plus => total.checked_add(other),
                Sign::Minus => total.checked_sub(other),
            });
    }
    total.map_or_else(Value::absent, Value::from).marked(marks)
}

/// An integer.
fn whole(value: &Value<'_>) -> Option<i128> {
    match &value.data {
        Data::Number(number) => Number::parse(number)?.as_i128(),
        _ => None,
    }
}

fn call<'e>(call: &'e Call, world: &'e dyn World) -> Value<'e> {
    let value = |node: &'e Node| eval(node, world);
    match call {
        Call::Now(unit, offset) => {
            let Some(offset) = offset else {
                return apply::now(*unit, Some(0), world);
            };
            let offset = value(offset);
            apply::now(*unit, whole(&offset), world).marked(offset.marks)
        }
        Call::Hash(algorithm, encoding, data) => {
            apply::hash(*algorithm, *encoding, &value(data), world)
        }
        Call::Hmac(algorithm, encoding, nodes) => {
            apply::hmac(*algorithm, *encoding, &nodes.each_ref().map(value), world)
        }
        Call::Sign(algorithm, encoding, nodes) => {
            apply::sign(*algorithm, *encoding, &nodes.each_ref().map(value), world)
        }
        Call::Jwt(algorithm, nodes) => apply::jwt(*algorithm, &nodes.each_ref().map(value), world),
        Call::One(function, node) => apply::one(*function, value(node), world),
        Call::Two(Two::Default, [x, y]) => match value(x) {
            x if x.is_there() => x,
            _ => value(y),
        },
        Call::Two(function, nodes) => apply::two(*function, nodes.each_ref().map(value)),
        Call::Between(nodes) => {
            let [x, from, to] = nodes.each_ref().map(value);
            text::between(x, &from, &to)
        }
        Call::Uuid => apply::uuid(world),
        Call::Random(count, encoding) => apply::random(*count, *encoding, world),
    }
}
