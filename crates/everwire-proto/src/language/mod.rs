//! The language within settings: pointers into JSON, expressions, and templates with variables and
//! expressions.
//!
//! A configuration is compiled once: [`Expression`]s and [`MessageTemplate`]s with a [`Scope`],
//! which collects their pointers in one set. Then each message is read in one pass, if [`Needles`]
//! show that this is needed, and all of them are evaluated in a [`World`]. A [`Step`] adds the
//! `let`s. Nothing that a peer sends makes an evaluation fail.
//!
//! ```
//! use std::time::Duration;
//!
//! use everwire_proto::language::{
//!     BuiltIn, Expression, HashAlgorithm, MessageTemplate, Moment, Name, Names, Needles, NothingOutside, Scope,
//!     SignatureAlgorithm, Signer, TemplateKind, Value, World,
//!     json::{Found, PointerSet, RawJson, Slot, Spans},
//! };
//!
//! /// Who signs nothing.
//! struct Unsigned;
//!
//! impl Signer for Unsigned {
//!     fn hash(&self, _: HashAlgorithm, _: &[u8]) -> Vec<u8> {
//!         Vec::new()
//!     }
//!
//!     fn hmac(&self, _: HashAlgorithm, _: &[u8], _: &[u8]) -> Vec<u8> {
//!         Vec::new()
//!     }
//!
//!     fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
//!         None
//!     }
//! }
//!
//! /// What is known when a message has come.
//! struct Here<'a> {
//!     found: Found<'a, 'a>,
//!     message: &'a str,
//!     id: u64,
//! }
//!
//! impl World for Here<'_> {
//!     fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
//!         self.found.get(slot)
//!     }
//!
//!     fn name(&self, name: Name) -> Value<'_> {
//!         match name {
//!             Name::BuiltIn(BuiltIn::Message) => Value::text(self.message).from_peer(),
//!             Name::BuiltIn(BuiltIn::Id) => self.id.into(),
//!             _ => Value::absent(),
//!         }
//!     }
//!
//!     fn moment(&self) -> Moment<'_> {
//!         Moment { wall: Duration::from_secs(1_700_000_000), random: &|_: &mut [u8]| {} }
//!     }
//!
//!     fn signer(&self) -> &dyn Signer {
//!         &Unsigned
//!     }
//!
//!     fn max_message(&self) -> usize {
//!         1 << 20
//!     }
//! }
//!
//! // When the configuration is read.
//! let (names, mut pointers) = (Names::default(), PointerSet::default());
//! let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
//! let when = Expression::condition("exists(/ping)", &mut scope).map_err(|errors| errors[0].clone())?;
//! let pong = r#"{"id":${id},"pong":${/ping}}"#;
//! let pong = MessageTemplate::parse(pong, TemplateKind::Text, &mut scope).map_err(|errors| errors[0].clone())?;
//! let needles = Needles::new(when.need().clone());
//!
//! // When a message has come.
//! let message = r#"{"ping":1492420473027}"#;
//! let mut spans = Spans::default();
//! let found = match needles.any_in(message.as_bytes()) {
//!     true => pointers.find(message, &mut spans).unwrap_or_default(),
//!     false => Found::default(),
//! };
//! let here = Here { found, message, id: 7 };
//! assert!(when.holds(&here));
//! assert_eq!(pong.render(&here)?.as_text(), Some(r#"{"id":7,"pong":1492420473027}"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod deferred;
mod error;
mod expression;
mod functions;
mod invert;
pub mod json;
mod lets;
mod message_template;
mod moment;
mod names;
mod needles;
mod scope;
mod secret;
mod signer;
mod step;
mod template;
#[cfg(test)]
mod tests;
mod value;
mod world;

pub use self::{
    deferred::{DeferringSigner, Redrawn, SignatureRequest, Signatures},
    error::LanguageError,
    expression::{Expression, MAX_DEPTH, MAX_EXPRESSION, MAX_NODES, Read},
    invert::{Inversion, Inverted, NotInvertible},
    json::{InvalidPointer, JsonPointer, MAX_POINTER, Scalar},
    lets::{LetError, Lets, MAX_LET_DEPTH},
    message_template::{
        JsonTemplate, MAX_TEMPLATE, MessageTemplate, Rendered, TemplateKind, Unfilled,
    },
    moment::{Moment, Random},
    names::{BuiltIn, BuiltIns, InvalidName, Name, Names},
    needles::{Need, Needles},
    scope::{NothingOutside, Outside, Scope},
    secret::Secret,
    signer::{HashAlgorithm, SignatureAlgorithm, Signer, TokenAlgorithm},
    step::{FilledLets, Step},
    template::{Part, SecretMissing, SecretTemplate, Template, Variable},
    value::{Data, Value},
    world::World,
};
