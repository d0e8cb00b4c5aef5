//! Values at places of a message: what a message must contain for an expression to have a value.

use super::{
    NotInvertible,
    candidate::Candidate,
    compare::is_message,
    draft::{Draft, Named},
    goal::{Goal, Ways, reads_message},
    inverse::{before, name_of},
};
use crate::language::{
    BuiltIn, Name, Value,
    expression::{Call, Node, One, Sign, Two, evaluate},
    json::{JsonPointer, Kind, Number, RawJson},
    value::Data,
};

/// The ways to give a part of an expression one of these values.
pub(super) fn is<'n>(
    node: &'n Node,
    values: Vec<Value<'n>>,
    draft: &Draft,
    world: &Candidate<'_>,
) -> Ways<'n> {
    let mut ways = Vec::new();
    for value in values {
        ways.extend(Target { draft, world }.is(node, value)?);
    }
    Ok(ways)
}

/// The ways to make it present.
pub(super) fn there<'n>(node: &'n Node, draft: &Draft, world: &Candidate<'_>) -> Ways<'n> {
    let target = Target { draft, world };
    if let Some(pointer) = target.pointer(node) {
        return Ok(draft
            .clone()
            .present(&pointer)
            .map(decided)
            .into_iter()
            .collect());
    }
    if let Some((mark, pointer)) = target.pointer_behind(node) {
        let draft = draft.clone().behind(&mark);
        let present = draft.and_then(|draft| draft.present(&pointer));
        return Ok(present.map(decided).into_iter().collect());
    }
    match node {
        Node::Name(Name::BuiltIn(BuiltIn::Message)) => Ok(vec![decided(draft.clone())]),
        Node::Call(call) => match &**call {
            Call::Two(Two::Default, [x, y]) => Ok(vec![
                (draft.clone(), vec![Goal::There(x)]),
                (draft.clone(), vec![Goal::Absent(x), Goal::There(y)]),
            ]),
            Call::One(One::Raw | One::Text | One::Json, x) => {
                Ok(vec![(draft.clone(), vec![Goal::There(x)])])
            }
            _ => target.is_any(node),
        },
        _ => target.is_any(node),
    }
}

/// The ways to make it absent.
pub(super) fn absent<'n>(node: &'n Node, draft: &Draft, world: &Candidate<'_>) -> Ways<'n> {
    let target = Target { draft, world };
    if let Some(pointer) = target.pointer(node) {
        let absent = draft.clone().set(&pointer, &Value::absent());
        return Ok(absent.map(decided).into_iter().collect());
    }
    let each = |nodes: &mut dyn Iterator<Item = &'n Node>| {
        let nodes = nodes.filter(|node| reads_message(node));
        nodes
            .map(|node| (draft.clone(), vec![Goal::Absent(node)]))
            .collect()
    };
    match node {
        Node::Join(parts) => Ok(each(&mut parts.iter())),
        Node::Sum(first, others) => {
            let others = others.iter().map(|(_, other)| other);
            Ok(each(&mut std::iter::once(&**first).chain(others)))
        }
        Node::Call(call) => match &**call {
            Call::Two(Two::Default, [x, y]) => Ok(vec![(
                draft.clone(),
                vec![Goal::Absent(x), Goal::Absent(y)],
            )]),
            Call::One(One::Exists, _) | Call::Two(Two::Starts | Two::Contains, _) => Ok(Vec::new()),
            Call::One(One::Header, name) => target.named(Named::Header, name, &Value::absent()),
            Call::One(One::Cookie, name) => target.named(Named::Cookie, name, &Value::absent()),
            call => Ok(each(&mut call.arguments().iter())),
        },
        // The whole text is always present, and so is a status.
        _ => Ok(Vec::new()),
    }
}

fn decided<'n>(draft: Draft) -> (Draft, Vec<Goal<'n>>) {
    (draft, Vec::new())
}

/// The destination of a value.
struct Target<'t> {
    draft: &'t Draft,
    world: &'t Candidate<'t>,
}

impl Target<'_> {
    fn is<'n>(&self, node: &'n Node, value: Value<'n>) -> Ways<'n> {
        if let Some(pointer) = self.pointer(node) {
            return Ok(self
                .draft
                .clone()
                .set(&pointer, &value)
                .map(decided)
                .into_iter()
                .collect());
        }
        if let Some((mark, pointer)) = self.pointer_behind(node) {
            return self.decide(|draft| draft.behind(&mark)?.set(&pointer, &value));
        }
        match node {
            Node::Name(Name::BuiltIn(BuiltIn::Message)) => {
                self.decide(|draft| draft.set_text(&value))
            }
            Node::Name(Name::BuiltIn(BuiltIn::Status)) => {
                self.decide(|draft| draft.set_status(&value))
            }
            Node::Bool(_) | Node::Or(_) | Node::And(_) | Node::Not(_) | Node::Compare(..) => {
                Ok(self.condition(node, &value))
            }
            Node::List(items) => Ok(self.list(items, &value)),
            Node::Join(parts) => Ok(self.join(parts, &value)),
            Node::Sum(first, others) => Ok(self.sum(first, others, &value)),
            Node::Call(call) => self.call(node, call, value),
            Node::Null
            | Node::Number(_)
            | Node::Text(_)
            | Node::Variable(..)
            | Node::Pointer(..)
            | Node::Name(_) => Err(NotInvertible::Known),
        }
    }

    /// Any value, if there is no better way.
    fn is_any<'n>(&self, node: &'n Node) -> Ways<'n> {
        let samples = [Value::text("x"), Value::from(1_u64), Value::from(true)];
        is(node, samples.to_vec(), self.draft, self.world)
    }

    fn decide<'n>(&self, decide: impl FnOnce(Draft) -> Option<Draft>) -> Ways<'n> {
        Ok(decide(self.draft.clone())
            .map(decided)
            .into_iter()
            .collect())
    }

    fn one<'n>(&self, goals: Vec<Goal<'n>>) -> Vec<(Draft, Vec<Goal<'n>>)> {
        vec![(self.draft.clone(), goals)]
    }

    /// Its place in the message, if it has one.
    fn pointer(&self, node: &Node) -> Option<JsonPointer> {
        match node {
            Node::Pointer(_, pointer) => Some(pointer.clone()),
            Node::Call(call) => match &**call {
                Call::One(One::Raw, x) => self.pointer(x),
                Call::Two(Two::At, [x, below]) if !reads_message(below) => {
                    let above = match x {
                        Node::Name(Name::BuiltIn(BuiltIn::Message)) => JsonPointer::root(),
                        x => self.pointer(x)?,
                    };
                    let below = evaluate(below, self.world);
                    Some(above.join(&JsonPointer::new(below.as_text()?).ok()?))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Its place in the JSON after a mark of the text, if it has one.
    fn pointer_behind(&self, node: &Node) -> Option<(String, JsonPointer)> {
        let Node::Call(call) = node else { return None };
        let Call::Two(Two::At, [Node::Call(text), below]) = &**call else {
            return None;
        };
        let Call::Two(Two::After, [whole, mark]) = &**text else {
            return None;
        };
        if !is_message(whole) || reads_message(mark) || reads_message(below) {
            return None;
        }
        let [mark, below] = [mark, below].map(|node| evaluate(node, self.world));
        let pointer = JsonPointer::new(below.as_text()?).ok()?;
        Some((mark.as_text()?.into_owned(), pointer))
    }

    fn condition<'n>(&self, node: &'n Node, value: &Value<'_>) -> Vec<(Draft, Vec<Goal<'n>>)> {
        match value.data {
            Data::Bool(wanted) => self.one(vec![Goal::Holds(node, wanted)]),
            _ => Vec::new(),
        }
    }

    fn named<'n>(&self, what: Named, name: &Node, value: &Value<'_>) -> Ways<'n> {
        if reads_message(name) {
            return Err(NotInvertible::Function("header"));
        }
        let name = evaluate(name, self.world);
        self.decide(|draft| draft.set_named(what, &name.as_text()?, value))
    }

    fn list<'n>(&self, items: &'n [Node], value: &Value<'n>) -> Vec<(Draft, Vec<Goal<'n>>)> {
        let values: Vec<Value<'n>> = match &value.data {
            Data::List(values) => values.clone(),
            Data::Json(json) => match RawJson::parse(json) {
                Some(array) if array.kind() == Kind::Array => array
                    .items()
                    .map(|item| Value::json(item).into_owned())
                    .collect(),
                _ => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        if values.len() != items.len() {
            return Vec::new();
        }
        let goals = items
            .iter()
            .zip(values)
            .map(|(item, value)| Goal::Is(item, vec![value]));
        self.one(goals.collect())
    }

    /// The first undecided part takes what the known ones around it leave; other undecided parts
    /// are empty.
    fn join<'n>(&self, parts: &'n [Node], value: &Value<'_>) -> Vec<(Draft, Vec<Goal<'n>>)> {
        let Some(first) = parts.iter().position(reads_message) else {
            return Vec::new();
        };
        let known = |parts: &[Node]| {
            let known = parts.iter().filter(|part| !reads_message(part));
            let texts = known.map(|part| Some(evaluate(part, self.world).as_text()?.into_owned()));
            texts.collect::<Option<String>>()
        };
        let (before, behind) = (known(&parts[..first]), known(&parts[first + 1..]));
        let rest = value
            .as_text()
            .zip(before.zip(behind))
            .and_then(|(text, (before, behind))| {
                let rest = text.strip_prefix(&*before)?.strip_suffix(&*behind)?;
                Some(rest.to_owned())
            });
        let Some(rest) = rest else {
            return Vec::new();
        };
        let open = parts[first + 1..].iter().filter(|part| reads_message(part));
        let empty = open.map(|part| Goal::Is(part, vec![Value::text("")]));
        let number = Number::parse(&rest).map(|_| Data::Number(rest.clone().into()).into());
        let values = [Value::text(rest)].into_iter().chain(number).collect();
        self.one(
            std::iter::once(Goal::Is(&parts[first], values))
                .chain(empty)
                .collect(),
        )
    }

    /// The first undecided part takes what the others leave; other undecided parts are zero.
    fn sum<'n>(
        &self,
        first: &'n Node,
        others: &'n [(Sign, Node)],
        value: &Value<'_>,
    ) -> Vec<(Draft, Vec<Goal<'n>>)> {
        let whole = |value: &Value<'_>| match &value.data {
            Data::Number(number) => Number::parse(number)?.as_i128(),
            _ => None,
        };
        let parts = || {
            let others = others.iter().map(|(sign, node)| (*sign, node));
            std::iter::once((Sign::Plus, first)).chain(others)
        };
        let known = parts().filter(|(_, node)| !reads_message(node));
        let rest = known
            .into_iter()
            .try_fold(whole(value), |rest, (sign, node)| {
                let part = whole(&evaluate(node, self.world))?;
                Some(rest.and_then(|rest| match sign {
                    Sign::Plus => rest.checked_sub(part),
                    Sign::Minus => rest.checked_add(part),
                }))
            });
        let Some(rest) = rest.flatten() else {
            return Vec::new();
        };
        let mut open = parts().filter(|(_, node)| reads_message(node));
        let Some((sign, node)) = open.next() else {
            return Vec::new();
        };
        let rest = match sign {
            Sign::Plus => Some(rest),
            Sign::Minus => rest.checked_neg(),
        };
        let Some(rest) = rest else {
            return Vec::new();
        };
        let zeros = open.map(|(_, node)| Goal::Is(node, vec![Value::from(0_u64)]));
        self.one(
            std::iter::once(Goal::Is(node, vec![Value::from(rest)]))
                .chain(zeros)
                .collect(),
        )
    }

    fn call<'n>(&self, node: &'n Node, call: &'n Call, value: Value<'n>) -> Ways<'n> {
        Ok(match call {
            Call::One(One::Header, name) => return self.named(Named::Header, name, &value),
            Call::One(One::Cookie, name) => return self.named(Named::Cookie, name, &value),
            Call::One(One::Exists, _) | Call::Two(Two::Starts | Two::Contains, _) => {
                self.condition(node, &value)
            }
            Call::One(function, x) => match before(*function, &value) {
                Some(values) if values.is_empty() => Vec::new(),
                Some(values) => self.one(vec![Goal::Is(x, values)]),
                None => return Err(NotInvertible::Function(name_of(call))),
            },
            Call::Two(Two::Default, [x, y]) => vec![
                (self.draft.clone(), vec![Goal::Is(x, vec![value.clone()])]),
                (
                    self.draft.clone(),
                    vec![Goal::Is(y, vec![value]), Goal::Absent(x)],
                ),
            ],
            Call::Two(Two::At, [x, pointer]) => self.at(x, pointer, &value),
            Call::Two(Two::After, [x, mark]) => self.around(x, &[mark], &value),
            Call::Between([x, from, to]) => self.around(x, &[from, to], &value),
            Call::Now(..)
            | Call::Hash(..)
            | Call::Hmac(..)
            | Call::Sign(..)
            | Call::Jwt(..)
            | Call::Uuid
            | Call::Random(..) => return Err(NotInvertible::Function(name_of(call))),
        })
    }

    /// A value with this at a pointer: JSON, or a text that contains it.
    fn at<'n>(
        &self,
        x: &'n Node,
        pointer: &Node,
        value: &Value<'_>,
    ) -> Vec<(Draft, Vec<Goal<'n>>)> {
        if reads_message(pointer) {
            return Vec::new();
        }
        let pointer = evaluate(pointer, self.world);
        let pointer = pointer
            .as_text()
            .and_then(|pointer| JsonPointer::new(pointer).ok());
        let made = pointer.and_then(|pointer| Draft::default().set(&pointer, value));
        let Some(made) = made else {
            return Vec::new();
        };
        let json = made.write(true).text;
        let values = vec![Data::Json(json.clone().into()).into(), Value::text(json)];
        self.one(vec![Goal::Is(x, values)])
    }

    /// A text with this after a mark, or between two.
    fn around<'n>(
        &self,
        x: &'n Node,
        marks: &[&Node],
        value: &Value<'_>,
    ) -> Vec<(Draft, Vec<Goal<'n>>)> {
        if marks.iter().any(|mark| reads_message(mark)) {
            return Vec::new();
        }
        let mark = |at: usize| match marks.get(at) {
            Some(mark) => Some(evaluate(mark, self.world).as_text()?.into_owned()),
            None => Some(String::new()),
        };
        match (mark(0), value.as_text(), mark(1)) {
            (Some(from), Some(text), Some(to)) => {
                let made = Value::text(format!("{from}{text}{to}"));
                if !is_message(x) {
                    return self.one(vec![Goal::Is(x, vec![made])]);
                }
                // There may be other requirements on the whole text.
                let draft = self.draft.clone();
                let decided = match marks.len() {
                    1 => draft.ends(&made),
                    _ => draft.contains(&made),
                };
                decided.map(self::decided).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}
