//! Comparisons with a built-in name, by which a message's key can be looked up without trying each
//! one.

use super::{
    super::{BuiltIn, Name, json::Slot},
    Expression,
    ast::Comparison,
    node::{Call, Node, One},
};

impl Expression {
    /// The pointers that are compared with this name, or with its text, by `==`, anywhere in the
    /// expression.
    ///
    /// ```
    /// use everwire_proto::language::{BuiltIn, Expression, Names, NothingOutside, Scope, json::PointerSet};
    ///
    /// let (names, mut pointers) = (Names::default(), PointerSet::default());
    /// let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
    /// let answer = Expression::condition("(/0 == 3 || /0 == 4) && /1 == text(id)", &mut scope)?;
    /// assert_eq!(answer.compared_with(BuiltIn::Id).len(), 1);
    /// # Ok::<(), Vec<everwire_proto::language::LanguageError>>(())
    /// ```
    pub fn compared_with(&self, name: BuiltIn) -> Vec<Slot> {
        let mut found = Vec::new();
        self.node.any(&mut |node| {
            if let Some(slot) = compared(node, Name::BuiltIn(name))
                && !found.contains(&slot)
            {
                found.push(slot);
            }
            false
        });
        found
    }

    /// The pointer whose value equals this name, or its text, whenever the expression is true;
    /// `None` if there is no such pointer.
    pub fn key_of(&self, name: impl Into<Name>) -> Option<Slot> {
        key(&self.node, name.into())
    }

    /// Whether it is only a comparison of a pointer with this name by `==`.
    pub(crate) fn compares_only(&self, name: BuiltIn) -> bool {
        let Node::Compare(Comparison::Equal, sides) = &self.node else {
            return false;
        };
        let name = Node::Name(Name::BuiltIn(name));
        matches!(&**sides, [Node::Pointer(..), other] | [other, Node::Pointer(..)] if *other == name)
    }
}

fn key(node: &Node, name: Name) -> Option<Slot> {
    match node {
        Node::And(parts) => parts.iter().find_map(|part| key(part, name)),
        Node::Or(parts) => {
            let mut keys = parts.iter().map(|part| key(part, name));
            let first = keys.next()??;
            keys.all(|other| other == Some(first)).then_some(first)
        }
        _ => compared(node, name),
    }
}

/// The pointer, if this compares one with the name.
fn compared(node: &Node, name: Name) -> Option<Slot> {
    let Node::Compare(Comparison::Equal, sides) = node else {
        return None;
    };
    match &**sides {
        [Node::Pointer(slot, _), other] | [other, Node::Pointer(slot, _)] if is(other, name) => {
            Some(*slot)
        }
        _ => None,
    }
}

/// Whether this is the name, or its text.
fn is(node: &Node, name: Name) -> bool {
    match node {
        Node::Name(found) => *found == name,
        Node::Call(call) => match &**call {
            Call::One(One::Text, inner) => is(inner, name),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::{
        Names, NothingOutside, Scope,
        json::{JsonPointer, PointerSet},
    };

    fn keys(text: &str) -> (Option<Slot>, Vec<Slot>, PointerSet) {
        let (names, mut pointers) = (Names::default(), PointerSet::default());
        let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
        let expression = Expression::condition(text, &mut scope).unwrap();
        let (key, all) = (
            expression.key_of(BuiltIn::Id),
            expression.compared_with(BuiltIn::Id),
        );
        (key, all, pointers)
    }

    #[test]
    fn what_must_equal_the_name_is_found_by_shape() {
        for (text, key, all) in [
            ("/id == id", Some("/id"), &["/id"][..]),
            ("id == /id", Some("/id"), &["/id"]),
            (
                "(/0 == 3 || /0 == 4) && /1 == text(id)",
                Some("/1"),
                &["/1"],
            ),
            ("/id == id && /b == id", Some("/id"), &["/id", "/b"]),
            ("/id == id && /a || /id == id && /b", Some("/id"), &["/id"]),
            ("/id == id || /req == id", None, &["/id", "/req"]),
            ("!(/id == id)", None, &["/id"]),
            ("/id != id", None, &[]),
            ("/id == id + 1", None, &[]),
            ("id in [/a, /b]", None, &[]),
            ("number(/id) == id", None, &[]),
            ("/id == on_id", None, &[]),
        ] {
            let (found, every, mut pointers) = keys(text);
            let mut slot = |text: &str| pointers.insert(&JsonPointer::new(text).unwrap());
            assert_eq!(found, key.map(&mut slot), "{text}");
            let all: Vec<Slot> = all.iter().map(|text| slot(text)).collect();
            assert_eq!(every, all, "{text}");
        }
    }
}
