//! A JSON text under construction: the decisions so far; the rest is open.

use std::collections::BTreeMap;

use crate::language::json::{JsonPointer, Number, RawJson, write_quoted};

/// The longest array that is created: beyond it an index is written as the key of an object.
const MAX_ARRAY: usize = 64;

/// The value for a required place without another requirement.
const ANYTHING: &str = "\"x\"";

/// The decision about one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Tree {
    /// None.
    #[default]
    Open,
    /// It is present, and not null.
    Present,
    /// It is absent.
    Absent,
    /// It is this, as compact JSON.
    Value(Box<str>),
    /// It is an array or an object.
    Parent {
        /// Whether it is present even if all of its members are absent.
        present: bool,
        members: BTreeMap<Box<str>, Tree>,
    },
}

/// A decision about one value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision<'d> {
    Present,
    Absent,
    Value(&'d str),
}

impl Tree {
    /// Decides about the value at this pointer; `None` if that contradicts an earlier decision.
    pub fn decide(&mut self, pointer: &JsonPointer, decision: Decision<'_>) -> Option<()> {
        let keys: Vec<&str> = pointer.keys().collect();
        self.decide_below(&keys, decision)
    }

    fn decide_below(&mut self, keys: &[&str], decision: Decision<'_>) -> Option<()> {
        let Some((key, below)) = keys.split_first() else {
            return self.decide_here(decision);
        };
        match self {
            Self::Absent => matches!(decision, Decision::Absent).then_some(()),
            Self::Value(json) => fits(at(json, keys), decision).then_some(()),
            Self::Open | Self::Present => {
                let present = *self == Self::Present;
                let members = BTreeMap::new();
                *self = Self::Parent { present, members };
                self.decide_below(keys, decision)
            }
            Self::Parent { members, .. } => {
                let member = members.entry((*key).into()).or_default();
                member.decide_below(below, decision)
            }
        }
    }

    fn decide_here(&mut self, decision: Decision<'_>) -> Option<()> {
        match (&mut *self, decision) {
            (Self::Open, Decision::Present) => *self = Self::Present,
            (Self::Open, Decision::Absent) => *self = Self::Absent,
            (Self::Open, Decision::Value(json)) => *self = Self::Value(json.into()),
            (Self::Present, Decision::Value(json)) if json != "null" => {
                *self = Self::Value(json.into());
            }
            (Self::Value(known), decision) => {
                return fits(RawJson::parse(known), decision).then_some(());
            }
            (Self::Present, Decision::Present) | (Self::Absent, Decision::Absent) => {}
            (Self::Parent { present, .. }, Decision::Present) => *present = true,
            (Self::Parent { .. }, Decision::Value(json)) => return self.replace(json),
            (parent @ Self::Parent { .. }, Decision::Absent) => {
                return (!parent.is_there()).then_some(());
            }
            (Self::Present | Self::Absent, _) => return None,
        }
        Some(())
    }

    /// Sets a container of which parts were decided: it must match those.
    fn replace(&mut self, json: &str) -> Option<()> {
        let value = RawJson::parse(json)?;
        let mut way = Vec::new();
        if !self.agrees_with(value, &mut way) || (self.is_there() && value.is_null()) {
            return None;
        }
        *self = Self::Value(json.into());
        Some(())
    }

    fn agrees_with<'t>(&'t self, whole: RawJson<'_>, way: &mut Vec<&'t str>) -> bool {
        let found = at(whole.as_str(), way);
        match self {
            Self::Open => true,
            Self::Present => fits(found, Decision::Present),
            Self::Absent => fits(found, Decision::Absent),
            Self::Value(json) => fits(found, Decision::Value(json)),
            Self::Parent { members, .. } => members.iter().all(|(key, member)| {
                way.push(key);
                let agrees = member.agrees_with(whole, way);
                way.pop();
                agrees
            }),
        }
    }

    /// Whether it is present, as far as that is decided.
    pub fn is_there(&self) -> bool {
        match self {
            Self::Open | Self::Absent => false,
            Self::Present | Self::Value(_) => true,
            Self::Parent { present, members } => *present || members.values().any(Self::is_there),
        }
    }

    /// Writes it as JSON; undecided required places get a default. `arrays`: whether keys that can
    /// be indexes form an array.
    pub fn write(&self, arrays: bool, out: &mut String) {
        match self {
            Self::Open | Self::Absent => out.push_str("null"),
            Self::Present => out.push_str(ANYTHING),
            Self::Value(json) => out.push_str(json),
            Self::Parent { members, .. } => {
                let there = members.iter().filter(|(_, member)| member.is_there());
                let there: Vec<(&str, &Self)> =
                    there.map(|(key, member)| (&**key, member)).collect();
                match elements(&there).filter(|_| arrays) {
                    Some(elements) => write_array(&elements, out),
                    None => write_object(&there, arrays, out),
                }
            }
        }
    }
}

/// The elements by their index, if all of these keys can be indexes.
fn elements<'t>(members: &[(&str, &'t Tree)]) -> Option<BTreeMap<usize, &'t Tree>> {
    let element = |(key, member): &(&str, &'t Tree)| {
        let index: usize = key.parse().ok().filter(|index| *index < MAX_ARRAY)?;
        (index.to_string() == *key).then_some((index, *member))
    };
    let elements: Option<BTreeMap<usize, &Tree>> = members.iter().map(element).collect();
    elements.filter(|elements| !elements.is_empty())
}

fn write_array(elements: &BTreeMap<usize, &Tree>, out: &mut String) {
    let length = elements.last_key_value().map_or(0, |(last, _)| last + 1);
    out.push('[');
    for index in 0..length {
        if index > 0 {
            out.push(',');
        }
        match elements.get(&index) {
            Some(element) => element.write(true, out),
            None => out.push_str("null"),
        }
    }
    out.push(']');
}

fn write_object(members: &[(&str, &Tree)], arrays: bool, out: &mut String) {
    out.push('{');
    for (at, (key, member)) in members.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_quoted(key, out);
        out.push(':');
        member.write(arrays, out);
    }
    out.push('}');
}

fn at<'j>(json: &'j str, keys: &[&str]) -> Option<RawJson<'j>> {
    let escaped = |key: &&str| format!("/{}", key.replace('~', "~0").replace('/', "~1"));
    let pointer: String = keys.iter().map(escaped).collect();
    RawJson::parse(json)?.at(&JsonPointer::new(pointer).ok()?)
}

/// Whether the value matches the decision.
fn fits(found: Option<RawJson<'_>>, decision: Decision<'_>) -> bool {
    match (found, decision) {
        (found, Decision::Absent) => found.is_none(),
        (found, Decision::Present) => found.is_some_and(|found| !found.is_null()),
        (Some(found), Decision::Value(json)) => {
            let same_number = || Some(found.as_number()? == Number::parse(json)?);
            found.as_str() == json || same_number() == Some(true)
        }
        (None, Decision::Value(_)) => false,
    }
}
