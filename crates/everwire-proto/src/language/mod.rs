//! What stands inside the values of settings: pointers into JSON, expressions, and templates with variables.

mod error;
mod expression;
mod functions;
pub mod json;
mod moment;
mod names;
mod needles;
mod scope;
mod secret;
mod signer;
mod template;
#[cfg(test)]
mod tests;
mod value;
mod world;

pub use self::{
    error::LanguageError,
    expression::{Expression, MAX_DEPTH, MAX_EXPRESSION, MAX_NODES, Read},
    json::{InvalidPointer, JsonPointer, MAX_POINTER, Scalar},
    moment::{Moment, Random},
    names::{BuiltIn, BuiltIns, InvalidName, Name, Names},
    needles::{Need, Needles},
    scope::{NothingOutside, Outside, Scope},
    secret::Secret,
    signer::{HashAlgorithm, SignatureAlgorithm, Signer, TokenAlgorithm},
    template::{Part, SecretMissing, SecretTemplate, Template, Variable},
    value::{Data, Value},
    world::World,
};
