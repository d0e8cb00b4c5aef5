//! Compiled expressions: everything is resolved, and nothing can fail.

use super::{
    super::{
        HashAlgorithm, Name, Secret, SignatureAlgorithm, TokenAlgorithm,
        functions::{encode::Encoding, time::Unit},
        json::{JsonPointer, Slot},
    },
    ast::{Comparison, Sign},
};

/// A part of a compiled expression. Equal parts have equal values.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Node {
    Null,
    Bool(bool),
    /// As it was written.
    Number(Box<str>),
    Text(Box<str>),
    /// An environment variable, and its value when the configuration was read.
    Variable(Box<str>, Secret),
    Pointer(Slot, JsonPointer),
    Name(Name),
    List(Box<[Node]>),
    Or(Box<[Node]>),
    And(Box<[Node]>),
    Not(Box<Node>),
    Compare(Comparison, Box<[Node; 2]>),
    Join(Box<[Node]>),
    Sum(Box<Node>, Box<[(Sign, Node)]>),
    Call(Box<Call>),
}

/// A call with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Call {
    Now(Unit, Option<Node>),
    Hash(HashAlgorithm, Encoding, Node),
    /// Key and text.
    Hmac(HashAlgorithm, Encoding, [Node; 2]),
    /// Key and text.
    Sign(SignatureAlgorithm, Encoding, [Node; 2]),
    /// Key, header and claims.
    Jwt(TokenAlgorithm, [Node; 3]),
    One(One, Node),
    Two(Two, [Node; 2]),
    Between([Node; 3]),
    Uuid,
    Random(usize, Encoding),
}

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum One {
    Base64,
    Base64Url,
    Unbase64,
    Hex,
    Unhex,
    UrlEncode,
    Json,
    Raw,
    Text,
    Number,
    Exists,
    Header,
    Cookie,
}

/// A function of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Two {
    At,
    After,
    Starts,
    Contains,
    Default,
}

impl Call {
    /// Its arguments.
    pub(in super::super) fn arguments(&self) -> &[Node] {
        match self {
            Self::Now(_, offset) => offset.as_slice(),
            Self::Hash(_, _, node) | Self::One(_, node) => std::slice::from_ref(node),
            Self::Hmac(_, _, nodes) | Self::Sign(_, _, nodes) | Self::Two(_, nodes) => nodes,
            Self::Jwt(_, nodes) | Self::Between(nodes) => nodes,
            Self::Uuid | Self::Random(..) => &[],
        }
    }
}

impl Node {
    /// Whether this is true for it, or for a part of it.
    pub(in super::super) fn any(&self, wanted: &mut dyn FnMut(&Self) -> bool) -> bool {
        if wanted(self) {
            return true;
        }
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Variable(..)
            | Self::Pointer(..)
            | Self::Name(_) => false,
            Self::List(parts) | Self::Or(parts) | Self::And(parts) | Self::Join(parts) => {
                parts.iter().any(|part| part.any(wanted))
            }
            Self::Not(inner) => inner.any(wanted),
            Self::Compare(_, sides) => sides.iter().any(|side| side.any(wanted)),
            Self::Sum(first, others) => {
                first.any(wanted) || others.iter().any(|(_, other)| other.any(wanted))
            }
            Self::Call(call) => call.arguments().iter().any(|argument| argument.any(wanted)),
        }
    }
}
