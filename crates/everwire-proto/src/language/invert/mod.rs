//! From conditions to a message that meets them: a test peer derived from the configuration under
//! test.
//!
//! The requirements ([`goal`]) are broken down ([`search`], [`ways`]) to values at places of a
//! message ([`target`], [`compare`]), which are combined into a [`draft`]. Each resulting message
//! was checked by the evaluator: it meets its requirements. If no message is found, a reason says
//! why; nothing is guessed.

mod candidate;
mod compare;
mod draft;
mod goal;
mod inverse;
mod inverted;
mod known;
mod reason;
mod relation;
mod search;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod ways;

use self::{goal::Goal, known::Known};
pub use self::{inverted::Inverted, reason::NotInvertible};
use super::{Expression, Lets, MessageTemplate, Value, World, json::PointerSet};

/// Requirements on a message, with the known values.
///
/// ```
/// use std::time::Duration;
///
/// use everwire_proto::language::{
///     BuiltIn, Expression, HashAlgorithm, Inversion, Lets, Moment, Name, Names, NothingOutside, Scope, SignatureAlgorithm, Signer,
///     Value, World,
///     json::{PointerSet, RawJson, Slot},
/// };
///
/// /// Who knows the number of the step, and nothing else.
/// struct Peer;
///
/// impl World for Peer {
///     fn pointer(&self, _: Slot) -> Option<RawJson<'_>> {
///         None
///     }
///
///     fn name(&self, name: Name) -> Value<'_> {
///         match name {
///             Name::BuiltIn(BuiltIn::Id) => 7_u64.into(),
///             _ => Value::absent(),
///         }
///     }
///
///     fn moment(&self) -> Moment<'_> {
///         Moment { wall: Duration::ZERO, random: &|_: &mut [u8]| {} }
///     }
///
///     fn signer(&self) -> &dyn Signer {
///         self
///     }
///
///     fn max_message(&self) -> usize {
///         1 << 20
///     }
/// }
///
/// impl Signer for Peer {
///     fn hash(&self, _: HashAlgorithm, _: &[u8]) -> Vec<u8> {
///         Vec::new()
///     }
///
///     fn hmac(&self, _: HashAlgorithm, _: &[u8], _: &[u8]) -> Vec<u8> {
///         Vec::new()
///     }
///
///     fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
///         None
///     }
/// }
///
/// let (names, mut pointers) = (Names::default(), PointerSet::default());
/// let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
/// let expect = Expression::condition("/id == id && exists(/result)", &mut scope).map_err(|errors| errors[0].clone())?;
/// let fail = Expression::condition("/id == id && exists(/error)", &mut scope).map_err(|errors| errors[0].clone())?;
///
/// let lets = Lets::default();
/// let passes = Inversion::new(&Peer, &pointers, &lets).holds(&expect).fails(&fail).message()?;
/// assert_eq!(passes.text, r#"{"id":7,"result":"x"}"#);
/// let refuses = Inversion::new(&Peer, &pointers, &lets).holds(&fail).fails(&expect).message()?;
/// assert_eq!(refuses.text, r#"{"error":"x","id":7}"#);
/// let both = Inversion::new(&Peer, &pointers, &lets).holds(&fail).fails(&fail).message();
/// assert!(both.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Inversion<'a> {
    known: Known<'a>,
    goals: Vec<Goal<'a>>,
}

impl<'a> Inversion<'a> {
    /// No requirements yet. The world provides names, variables, the time and signatures; its
    /// message is not used. A `let` that the world knows keeps that value, as it was sent; all
    /// others are evaluated. `pointers` are those of all expressions.
    pub fn new(world: &'a dyn World, pointers: &'a PointerSet, lets: &'a Lets) -> Self {
        Self {
            known: Known {
                world,
                pointers,
                lets,
                status: None,
            },
            goals: Vec::new(),
        }
    }

    /// It is an HTTP answer, with this status unless another is required.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.known.status = Some(status);
        self
    }

    /// Requires that this is true.
    #[must_use]
    pub fn holds(mut self, condition: &'a Expression) -> Self {
        self.goals.push(Goal::Holds(condition.node(), true));
        self
    }

    /// Requires that this is not true.
    #[must_use]
    pub fn fails(mut self, condition: &'a Expression) -> Self {
        self.goals.push(Goal::Holds(condition.node(), false));
        self
    }

    /// Requires the first possible one of these values.
    #[must_use]
    pub fn comes_to(mut self, value: &'a Expression, values: &[Value<'a>]) -> Self {
        let values = values.to_vec();
        self.goals.push(Goal::Is(value.node(), values));
        self
    }

    /// Requires that this is present, and not null.
    #[must_use]
    pub fn has(mut self, value: &'a Expression) -> Self {
        self.goals.push(Goal::There(value.node()));
        self
    }

    /// Requires that this template can be rendered: what it reads from the message is present.
    #[must_use]
    pub fn fills(mut self, template: &'a MessageTemplate) -> Self {
        let holes = template.holes().map(Expression::node);
        let holes = holes.filter(|node| goal::reads_message(node));
        self.goals.extend(holes.map(Goal::There));
        self
    }

    /// A message that meets all requirements.
    ///
    /// # Errors
    ///
    /// Why none was found.
    pub fn message(&self) -> Result<Inverted, NotInvertible> {
        search::run(&self.known, &self.goals)
    }
}
